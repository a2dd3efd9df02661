// Making strangers' texts harmless, as `crates/export/src/text.rs` does.

import type { Seconds } from "../types/basic.js";

// Control characters, line separators, marks of direction and joining, tags, wide blanks.
const INVISIBLE = new RegExp(
  "[" +
    [
      String.raw`\p{Cc}\u{ad}\u{34f}\u{600}-\u{605}\u{61c}\u{6dd}\u{70f}\u{890}-\u{891}\u{8e2}\u{115f}-\u{1160}`,
      String.raw`\u{17b4}-\u{17b5}\u{180b}-\u{180f}\u{2000}-\u{200f}\u{2028}-\u{202f}\u{205f}-\u{206f}\u{2800}`,
      String.raw`\u{3000}\u{3164}\u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}\u{110bd}\u{110cd}`,
      String.raw`\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}`,
    ].join("") +
    "]",
  "gu",
);

/** A text with everything that is not seen, or that changes how its neighbours are seen, written as `\u{…}`. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

/** The first `most` characters, with `…` if there were more. */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : text;
}

/** A text in Markdown that stands for itself, in one line. */
export const markdown = (text: string): string => visible(text).replace(/[!-/:-@[-`{-~]/g, "\\$&");

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\u{fffe}": "\u{fffd}",
  "\u{ffff}": "\u{fffd}",
};

/** A text as XML's character data or the value of an attribute. */
export const xml = (text: string): string =>
  visible(text).replace(/[&<>"'\u{fffe}\u{ffff}]/gu, (character) => ENTITIES[character]!);

/** Whether a location is a plain `http://` or `https://` URL that may be linked to. */
export const isWebUrl = (location: string): boolean =>
  /^https?:\/\/(?!\/)[A-Za-z0-9\-._~:/?#[\]@!$&*+,;=%]+$/.test(location);

/** Seconds since 1970 by RFC 3339, in UTC; nothing beyond the year 9999. */
export function timestamp(seconds: Seconds): string | undefined {
  if (seconds > 253_402_300_799n) return undefined;
  return new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
}
