// Walking a drawing by the arrow keys.

import type { Direction, Edge, Layout } from "./layout";

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

export function isArrow(key: string): key is Arrow {
  return key === "ArrowLeft" || key === "ArrowRight" || key === "ArrowUp" || key === "ArrowDown";
}

/**
 * The node that an arrow leads to: along the lineage to the nearest of those that it
 * was made from, or that were made from it; across it to the next one in its layer.
 */
export function step(
  layout: Layout,
  edges: readonly Edge[],
  from: string,
  arrow: Arrow,
  direction: Direction,
): string | undefined {
  const here = layout.nodes.get(from);
  if (!here) return undefined;
  const [across, along] = direction === "right" ? ([1, 0] as const) : ([0, 1] as const);
  const forward = direction === "right" ? "ArrowRight" : "ArrowDown";
  const back = direction === "right" ? "ArrowLeft" : "ArrowUp";
  let candidates: string[];
  if (arrow === forward) candidates = edges.filter(({ source }) => source === from).map(({ target }) => target);
  else if (arrow === back) candidates = edges.filter(({ target }) => target === from).map(({ source }) => source);
  else {
    const sign = arrow === "ArrowRight" || arrow === "ArrowDown" ? 1 : -1;
    candidates = [...layout.nodes]
      .filter(
        ([key, at]) =>
          key !== from && Math.abs(at[along]! - here[along]!) < 1 && sign * (at[across]! - here[across]!) > 0,
      )
      .map(([key]) => key);
  }
  // The nearest layer first, and in it the nearest place.
  const distance = (key: string, axis: 0 | 1) => Math.abs((layout.nodes.get(key)?.[axis] ?? Infinity) - here[axis]!);
  return candidates.sort(
    (one, other) => distance(one, along) - distance(other, along) || distance(one, across) - distance(other, across),
  )[0];
}
