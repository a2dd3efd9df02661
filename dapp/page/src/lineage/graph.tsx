// The drawing of a lineage: a picture that can be scrolled, enlarged, and walked by mouse, finger or keyboard.

import type { GraphNode } from "@assay/client";
import { Component } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { cut } from "../text";
import { type Direction, type Layout, type Point, layOut, nodeHeight, nodeWidth, path } from "./layout";
import { type Lineage, kindName, sources, spoken, subtitle, title } from "./model";
import { isArrow, step } from "./walk";

const origin: Point = [0, 0];
/** Space around the drawing. */
const margin = 16;
/** Below this the letters cannot be read: a large drawing starts at it and is scrolled. */
const least = 0.62;
const scales = [0.1, 0.16, 0.25, 0.4, least, 0.8, 1, 1.25, 1.6];

interface Props {
  lineage: Lineage;
  selected: string;
  select: (key: string) => void;
  /** Nodes that something is wrong with. */
  marked: ReadonlySet<string>;
  /** The picture, for saving it. */
  picture: { current: SVGSVGElement | null };
}

/** Glyphs by kind, in a box of 16. */
const glyphs: Record<GraphNode["node"]["type"], string> = {
  Model: "M8 1.5l5.6 3.2v6.6L8 14.5l-5.6-3.2V4.7zM2.4 4.7L8 8m0 0l5.6-3.3M8 8v6.5",
  Dataset: "M2.5 4c0-3 11-3 11 0s-11 3-11 0v8c0 3 11 3 11 0V4M2.5 8c0 3 11 3 11 0",
  Job: "M8 2a6 6 0 1 0 .01 0M8 4.8V8l2.4 1.8",
  Operator: "M4.5 4.5h7v7h-7zM6 4.5V2M10 4.5V2M6 14v-2.5M10 14v-2.5M4.5 6H2M4.5 10H2M14 6h-2.5M14 10h-2.5",
};

function useDirection(): Direction {
  const [narrow] = useState(() => matchMedia("(max-width: 48rem)"));
  const [direction, set] = useState<Direction>(narrow.matches ? "down" : "right");
  useEffect(() => {
    const change = () => set(narrow.matches ? "down" : "right");
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, [narrow]);
  return direction;
}

export function LineageGraph({ lineage, selected, select, marked, picture }: Props) {
  const direction = useDirection();
  const edges = useMemo(() => lineage.edges.map(({ made, from }) => ({ source: from, target: made })), [lineage]);
  const layout = useMemo(() => layOut([...lineage.nodes.keys()], edges, direction), [lineage, edges, direction]);
  const from = useMemo(() => sources(lineage.edges), [lineage]);
  const frame = useRef<HTMLDivElement>(null);
  const [scale, setScale] = useState(1);
  const width = layout.width + 2 * margin;
  const height = layout.height + 2 * margin;

  const fitting = () => {
    const box = frame.current;
    if (!box) return 1;
    return Math.min(1.3, (box.clientWidth - 2) / width, Math.max(320, innerHeight * 0.7) / height);
  };
  const show = (key: string, at: number, place: "center" | "nearest") => {
    const box = frame.current;
    const node = layout.nodes.get(key);
    if (!box || !node) return;
    const [x, y] = [(node[0] + margin) * at, (node[1] + margin) * at];
    const [halfX, halfY] = [(nodeWidth / 2 + margin) * at, (nodeHeight / 2 + margin) * at];
    if (place === "center") {
      box.scrollLeft = x - box.clientWidth / 2;
      box.scrollTop = y - box.clientHeight / 2;
      return;
    }
    box.scrollLeft = Math.max(Math.min(box.scrollLeft, x - halfX), x + halfX - box.clientWidth);
    box.scrollTop = Math.max(Math.min(box.scrollTop, y - halfY), y + halfY - box.clientHeight);
  };

  // The first sight: all of it if it can be read then, else the root and what is around it.
  useLayoutEffect(() => {
    setScale(Math.max(fitting(), least));
  }, [lineage.root, direction]);
  useLayoutEffect(() => {
    show(selected, scale, "center");
    // Only where the picture itself changed: what is selected is shown where it is selected.
  }, [scale, layout]);

  const zoom = (by: 1 | -1) => {
    const next = by > 0 ? scales.find((one) => one > scale + 0.01) : scales.findLast((one) => one < scale - 0.01);
    if (next) setScale(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    let next: string | undefined;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isArrow(event.key)) next = step(layout, edges, selected, event.key, direction);
    else if (event.key === "Home") next = lineage.root;
    else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1 : -1);
    else return;
    event.preventDefault();
    if (next) pickNow(next);
  };
  const pickNow = (key: string) => {
    select(key);
    show(key, scale, "nearest");
    frame.current?.querySelector<SVGGElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  };

  // The same function throughout, so that nodes which stay as they are need not be drawn again.
  const latest = useRef(pickNow);
  latest.current = pickNow;
  const pick = useCallback((key: string) => latest.current(key), []);

  return (
    <div class="lineage">
      <div class="lineage-frame" ref={frame} onPointerDown={drag}>
        <svg
          ref={picture}
          class="drawing"
          role="group"
          aria-label="Lineage: what this was made from"
          aria-describedby="lineage-help"
          width={width * scale}
          height={height * scale}
          viewBox={`0 0 ${width} ${height}`}
          onKeyDown={onKeyDown}
        >
          <defs>
            <clipPath id="node-text">
              <rect x="30" y="0" width={nodeWidth - 36} height={nodeHeight} />
            </clipPath>
          </defs>
          <g transform={`translate(${margin} ${margin})`}>
            <Edges layout={layout} direction={direction} selected={selected} />
            {[...lineage.nodes.values()].map((node) => (
              <NodeMark
                key={node.key}
                node={node}
                at={layout.nodes.get(node.key) ?? origin}
                label={spoken(node, from.get(node.key), node.key === lineage.root)}
                root={node.key === lineage.root}
                selected={node.key === selected}
                marked={marked.has(node.key)}
                pick={pick}
              />
            ))}
          </g>
        </svg>
      </div>
      <div class="lineage-tools">
        <button type="button" class="button" onClick={() => zoom(-1)} aria-label="Smaller">
          −
        </button>
        <button type="button" class="button" onClick={() => zoom(1)} aria-label="Larger">
          +
        </button>
        <button type="button" class="button" onClick={() => setScale(fitting())}>
          All of it
        </button>
        <p id="lineage-help" class="quiet">
          {direction === "right" ? "From left to right" : "From top to bottom"}: what was there first, and what was made
          of it. Arrow keys walk, + and − change the size.
        </p>
      </div>
    </div>
  );
}

function Edges({ layout, direction, selected }: { layout: Layout; direction: Direction; selected: string }) {
  return (
    <>
      {layout.edges.map(({ source, target, points }) => (
        <path
          key={`${source} ${target}`}
          class={source === selected || target === selected ? "edge near" : "edge"}
          d={path(points, direction)}
        />
      ))}
    </>
  );
}

interface MarkProps {
  node: GraphNode;
  at: Point;
  label: string;
  root: boolean;
  selected: boolean;
  marked: boolean;
  pick: (key: string) => void;
}

/** Drawn again only when it looks different: a walk through a large lineage touches two nodes at a step. */
class NodeMark extends Component<MarkProps> {
  override shouldComponentUpdate(next: MarkProps): boolean {
    const now = this.props;
    return (Object.keys(next) as (keyof MarkProps)[]).some((name) => next[name] !== now[name]);
  }

  override render({ node, at, label, root, selected, marked, pick }: MarkProps) {
    const kind = node.node.type;
    const classes = ["node", kindName[kind], root && "root", selected && "selected", marked && "marked"];
    const choose = () => pick(node.key);
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    };
    return (
      <g
        class={classes.filter(Boolean).join(" ")}
        transform={`translate(${at[0] - nodeWidth / 2} ${at[1] - nodeHeight / 2})`}
        role="button"
        tabindex={selected ? 0 : -1}
        aria-pressed={selected}
        data-key={node.key}
        onClick={choose}
        onKeyDown={onKeyDown}
      >
        <title>{marked ? `${label}, with a licence conflict` : label}</title>
        <rect width={nodeWidth} height={nodeHeight} rx="4" />
        <path class="glyph" transform="translate(8 14)" d={glyphs[kind]} />
        <g clip-path="url(#node-text)">
          <text class="node-title" x="32" y="19">
            {cut(title(node), 22)}
          </text>
          <text class="node-subtitle" x="32" y="35">
            {subtitle(node)}
          </text>
        </g>
        {marked ? (
          <text class="node-alert" x={nodeWidth - 8} y="18" aria-hidden="true">
            !
          </text>
        ) : null}
        {node.cut ? (
          <text class="node-more" x={nodeWidth - 8} y="35" aria-hidden="true">
            …
          </text>
        ) : null}
      </g>
    );
  }
}

/** Drags the picture with the mouse; fingers scroll by themselves. */
function drag(event: PointerEvent & { currentTarget: HTMLDivElement }) {
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  const box = event.currentTarget;
  const start = { x: event.clientX + box.scrollLeft, y: event.clientY + box.scrollTop };
  const move = (to: PointerEvent) => {
    box.scrollLeft = start.x - to.clientX;
    box.scrollTop = start.y - to.clientY;
    box.classList.add("dragged");
  };
  const end = () => {
    box.classList.remove("dragged");
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}
