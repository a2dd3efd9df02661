// Where the nodes of a lineage stand: layers from what was there first to what was made of it.

import * as dag from "d3-dag";

/** How the lineage runs: from left to right, or from top to bottom on narrow screens. */
export type Direction = "right" | "down";

export const nodeWidth = 176;
export const nodeHeight = 44;

/** A point of the drawing. */
export type Point = readonly [x: number, y: number];

/** An edge, from what something was made from to what was made. */
export interface Edge {
  source: string;
  target: string;
}

/** A drawing's places. `nodes` holds the middle of each node. */
export interface Layout {
  width: number;
  height: number;
  nodes: Map<string, Point>;
  edges: (Edge & { points: Point[] })[];
}

/** From this many nodes on, the quick way: the better ones take seconds. */
const many = 150;

/**
 * Edges turned round so that no way leads back to where it came from. Records can
 * only name what is there already, but imports from other registries, or a node
 * that lies, could make a ring, and a ring has no layers.
 */
export function withoutRings(nodes: readonly string[], edges: readonly Edge[]): Edge[] {
  const next = new Map<string, Edge[]>();
  for (const edge of edges) {
    const list = next.get(edge.source);
    if (list) list.push(edge);
    else next.set(edge.source, [edge]);
  }
  const state = new Map<string, "open" | "done">();
  const straight: Edge[] = [];
  for (const start of nodes) {
    if (state.has(start)) continue;
    state.set(start, "open");
    const stack = [{ node: start, place: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const edge = next.get(top.node)?.[top.place++];
      if (!edge) {
        state.set(top.node, "done");
        stack.pop();
        continue;
      }
      const seen = state.get(edge.target);
      if (seen === "open") {
        if (edge.source !== edge.target) straight.push({ source: edge.target, target: edge.source });
        continue;
      }
      straight.push(edge);
      if (!seen) {
        state.set(edge.target, "open");
        stack.push({ node: edge.target, place: 0 });
      }
    }
  }
  return straight;
}

/** Lays a lineage out. Edges to nodes that are not there are left out. */
export function layOut(nodes: readonly string[], edges: readonly Edge[], direction: Direction): Layout {
  if (nodes.length === 0) return { width: 0, height: 0, nodes: new Map(), edges: [] };
  const graph = dag.graph<string, undefined>();
  const handles = new Map(nodes.map((id) => [id, graph.node(id)]));
  const known = edges.filter(({ source, target }) => handles.has(source) && handles.has(target));
  for (const { source, target } of withoutRings(nodes, known)) {
    graph.link(handles.get(source)!, handles.get(target)!, undefined);
  }

  const across = direction === "right" ? nodeHeight : nodeWidth;
  const along = direction === "right" ? nodeWidth : nodeHeight;
  const base = dag
    .sugiyama()
    .nodeSize([across, along])
    .gap([direction === "right" ? 14 : 18, direction === "right" ? 64 : 44]);
  const size =
    nodes.length >= many
      ? base
          .layering(dag.layeringLongestPath())
          .decross(dag.decrossTwoLayer().order(dag.twolayerAgg()).passes(2))
          .coord(dag.coordGreedy())(graph)
      : base
          .layering(dag.layeringSimplex())
          .decross(dag.decrossTwoLayer().order(dag.twolayerAgg()))
          .coord(dag.coordSimplex())(graph);

  // The library lays layers out downwards.
  const turn = ([x, y]: Point): Point => (direction === "right" ? [y, x] : [x, y]);
  const places = new Map<string, Point>();
  for (const node of graph.nodes()) places.set(node.data, turn([node.x, node.y]));
  const drawn = [...graph.links()].map((link) => ({
    source: link.source.data,
    target: link.target.data,
    points: link.points.map((point) => turn([point[0], point[1]])),
  }));
  const [width, height] = turn([size.width, size.height]);
  return { width, height, nodes: places, edges: drawn };
}

/** A smooth line through an edge's points, as the `d` of an SVG path, from border to border. */
export function path(points: readonly Point[], direction: Direction): string {
  const right = direction === "right";
  const half = (right ? nodeWidth : nodeHeight) / 2;
  const at = points.map(([x, y]): [number, number] => [Math.round(x), Math.round(y)]);
  const first = at[0];
  const last = at[at.length - 1];
  if (!first || !last || at.length < 2) return "";
  const side = right ? 0 : 1;
  first[side] += half;
  last[side] -= half;
  let d = `M${first[0]},${first[1]}`;
  for (let place = 1; place < at.length; place += 1) {
    const [x0, y0] = at[place - 1]!;
    const [x1, y1] = at[place]!;
    d += right
      ? `C${(x0 + x1) / 2},${y0} ${(x0 + x1) / 2},${y1} ${x1},${y1}`
      : `C${x0},${(y0 + y1) / 2} ${x1},${(y0 + y1) / 2} ${x1},${y1}`;
  }
  return d;
}
