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

/**
 * So many nodes, with one more for each layer that an edge leaps over, are laid out the fine way, which
 * takes seconds beyond.
 */
const few = 160;

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

/** Each node's layer: as close as can be to what was made of it, the last layer being 0. */
function layersFromTheEnd(nodes: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const layer = new Map(nodes.map((node) => [node, 0]));
  const open = new Map(nodes.map((node) => [node, 0]));
  const into = new Map<string, string[]>();
  for (const { source, target } of edges) {
    open.set(source, open.get(source)! + 1);
    const list = into.get(target);
    if (list) list.push(source);
    else into.set(target, [source]);
  }
  // Whatever nothing was made of comes first; the edges have no rings.
  const queue = nodes.filter((node) => open.get(node) === 0);
  for (let next = 0; next < queue.length; next += 1) {
    const target = queue[next]!;
    for (const source of into.get(target) ?? []) {
      layer.set(source, Math.max(layer.get(source)!, layer.get(target)! + 1));
      open.set(source, open.get(source)! - 1);
      if (open.get(source) === 0) queue.push(source);
    }
  }
  return layer;
}

/** A node's size and the space to the next, across and along the lineage. */
interface Grid {
  across: number;
  along: number;
  gapAcross: number;
  gapAlong: number;
}

/** Lays out by the library: few crossings, edges led round the nodes. Across is first, along second. */
function fine(nodes: readonly string[], edges: readonly Edge[], grid: Grid): Layout {
  const graph = dag.graph<string, undefined>();
  const handles = new Map(nodes.map((id) => [id, graph.node(id)]));
  for (const { source, target } of edges) graph.link(handles.get(source)!, handles.get(target)!, undefined);
  const size = dag
    .sugiyama()
    .nodeSize([grid.across, grid.along])
    .gap([grid.gapAcross, grid.gapAlong])
    .layering(dag.layeringSimplex())
    .decross(dag.decrossTwoLayer().order(dag.twolayerAgg()))
    .coord(dag.coordSimplex())(graph);
  return {
    ...size,
    nodes: new Map([...graph.nodes()].map((node) => [node.data, [node.x, node.y] as const])),
    edges: [...graph.links()].map((link) => ({
      source: link.source.data,
      target: link.target.data,
      points: link.points.map(([x, y]): Point => [x, y]),
    })),
  };
}

/** How often the order of the layers is improved, forth and back. */
const sweeps = 6;

/**
 * Lays out large lineages in time that grows with their size: each layer is ordered by the mean place
 * of what its nodes are joined to (Sugiyama's barycentres), and edges run straight, below the nodes.
 */
function quick(nodes: readonly string[], edges: readonly Edge[], layer: Map<string, number>, grid: Grid): Layout {
  const last = nodes.reduce((most, node) => Math.max(most, layer.get(node)!), 0);
  const layers: string[][] = Array.from({ length: last + 1 }, () => []);
  for (const node of nodes) layers[last - layer.get(node)!]!.push(node);
  const joined = new Map<string, { before: string[]; after: string[] }>(
    nodes.map((node) => [node, { before: [], after: [] }]),
  );
  for (const { source, target } of edges) {
    joined.get(source)!.after.push(target);
    joined.get(target)!.before.push(source);
  }
  const step = grid.across + grid.gapAcross;
  const place = new Map<string, number>();
  // Layers are centred on the same line.
  const put = (members: string[]) =>
    members.forEach((node, at) => place.set(node, (at - (members.length - 1) / 2) * step));
  layers.forEach(put);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const side = sweep % 2 === 0 ? "before" : "after";
    for (const members of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const mean = new Map(
        members.map((node) => {
          const others = joined.get(node)![side];
          const sum = others.reduce((sum, other) => sum + place.get(other)!, 0);
          return [node, others.length > 0 ? sum / others.length : place.get(node)!];
        }),
      );
      members.sort((one, other) => mean.get(one)! - mean.get(other)!);
      put(members);
    }
  }
  const width = Math.max(...layers.map((members) => members.length)) * step - grid.gapAcross;
  const pitch = grid.along + grid.gapAlong;
  const points = new Map(
    nodes.map((node): [string, Point] => [
      node,
      [place.get(node)! + width / 2, (last - layer.get(node)!) * pitch + grid.along / 2],
    ]),
  );
  return {
    width,
    height: last * pitch + grid.along,
    nodes: points,
    edges: edges.map((edge) => ({ ...edge, points: [points.get(edge.source)!, points.get(edge.target)!] })),
  };
}

/** Lays a lineage out. Edges to nodes that are not there are left out. */
export function layOut(nodes: readonly string[], edges: readonly Edge[], direction: Direction): Layout {
  if (nodes.length === 0) return { width: 0, height: 0, nodes: new Map(), edges: [] };
  const known = new Set(nodes);
  const straight = withoutRings(
    nodes,
    edges.filter(({ source, target }) => known.has(source) && known.has(target)),
  );
  const right = direction === "right";
  const grid: Grid = right
    ? { across: nodeHeight, along: nodeWidth, gapAcross: 14, gapAlong: 64 }
    : { across: nodeWidth, along: nodeHeight, gapAcross: 18, gapAlong: 44 };
  const layer = layersFromTheEnd(nodes, straight);
  const leaps = straight.reduce((sum, { source, target }) => sum + layer.get(source)! - layer.get(target)! - 1, 0);
  const layout = nodes.length + leaps <= few ? fine(nodes, straight, grid) : quick(nodes, straight, layer, grid);
  if (!right) return layout;
  // Both lay layers out downwards.
  const turn = ([x, y]: Point): Point => [y, x];
  return {
    width: layout.height,
    height: layout.width,
    nodes: new Map([...layout.nodes].map(([node, point]) => [node, turn(point)])),
    edges: layout.edges.map((edge) => ({ ...edge, points: edge.points.map(turn) })),
  };
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
