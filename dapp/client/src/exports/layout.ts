// Where the nodes of a lineage are drawn: in layers, so that what was made is above what it was made from, with few
// crossings: `crates/export/src/layout.rs`.

import { nodeKey } from "../basic.js";
import type { Provenance } from "./provenance.js";

/** Sweeps over the layers that put each node near its neighbours. */
const SWEEPS = 8;

/** The layers, from the top, each from left to right, by key. */
export function layers(provenance: Provenance): string[][] {
  const keys = [...provenance.entries.keys()];
  const places = new Map(keys.map((key, place) => [key, place]));
  const sources: number[][] = keys.map(() => []);
  const made: number[][] = keys.map(() => []);
  for (const edge of provenance.edges) {
    const [from, to] = [places.get(nodeKey(edge.made)), places.get(nodeKey(edge.from))];
    if (from === undefined || to === undefined) continue;
    sources[from]!.push(to);
    made[to]!.push(from);
  }
  const depth = depths(sources, made);
  const layers: number[][] = [];
  depth.forEach((layer, node) => {
    while (layers.length <= layer) layers.push([]);
    layers[layer]!.push(node);
  });
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const neighbours = sweep % 2 === 0 ? made : sources;
    const order = sweep % 2 === 0 ? layers.keys() : [...layers.keys()].reverse();
    for (const layer of order) {
      const position = positions(layers);
      const centre = (node: number) => {
        const near = neighbours[node]!;
        if (near.length === 0) return position[node]!;
        return near.reduce((sum, other) => sum + position[other]!, 0) / near.length;
      };
      layers[layer]!.sort((one, other) => centre(one) - centre(other));
    }
  }
  return layers.map((layer) => layer.map((node) => keys[node]!));
}

/** Where in its layer each node is, from 0 to 1. */
function positions(layers: number[][]): number[] {
  const position: number[] = [];
  for (const layer of layers) {
    layer.forEach((node, place) => (position[node] = (place + 0.5) / layer.length));
  }
  return position;
}

/** The longest way from a node that nothing was made from. Nodes of a ring come after all others. */
function depths(sources: number[][], made: number[][]): number[] {
  const depth = sources.map(() => 0);
  const waiting = made.map((list) => list.length);
  const ready = [...waiting.keys()].filter((node) => waiting[node] === 0);
  const done = new Set<number>();
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    done.add(node);
    for (const source of sources[node]!) {
      depth[source] = Math.max(depth[source]!, depth[node]! + 1);
      waiting[source]! -= 1;
      if (waiting[source] === 0) ready.push(source);
    }
  }
  const last = [...done].reduce((deepest, node) => Math.max(deepest, depth[node]! + 1), 0);
  return depth.map((layer, node) => (done.has(node) ? layer : last));
}
