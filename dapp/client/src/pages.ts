import type { Page, PageRequest } from "./types/basic.js";

/** A page as contracts give it, oldest first. */
export interface ChainPage<T> {
  total: number;
  items: T[];
}

type Read<T> = (offset: number, limit: number) => Promise<ChainPage<T>>;

/** Most items that the contracts give at once, and fewer of standings. */
export const MOST = 50;
export const MOST_STANDINGS = 25;
export const DEFAULT_LIMIT = 20;

/** Items from `start` on, in the chain's order, until `end`. */
async function between<T>(read: Read<T>, start: number, end: number, most: number): Promise<T[]> {
  const items: T[] = [];
  while (start + items.length < end) {
    const page = await read(start + items.length, Math.min(most, end - start - items.length));
    if (page.items.length === 0) break;
    items.push(...page.items);
  }
  return items;
}

const whole = (number: number | undefined, otherwise: number): number =>
  number === undefined || !Number.isFinite(number) ? otherwise : Math.max(0, Math.floor(number));

/** The page that was asked for, newest first, of a list that the chain has oldest first. */
export async function newest<T>(read: Read<T>, request: PageRequest = {}, most = MOST): Promise<Page<T>> {
  const { total } = await read(0, 1);
  const end = Math.max(0, total - whole(request.offset, 0));
  const start = Math.max(0, end - whole(request.limit, DEFAULT_LIMIT));
  return { total, items: (await between(read, start, end, most)).reverse() };
}

/** The whole list, in the chain's order. */
export async function all<T>(read: Read<T>, most = MOST): Promise<T[]> {
  const first = await read(0, most);
  if (first.items.length >= first.total) return first.items;
  return [...first.items, ...(await between(read, first.items.length, first.total, most))];
}
