// Texts for people. Everything that comes from the chain was written by strangers.

/** Characters that turn the direction of writing or cannot be seen: a name with them could pass for another. */
const misleading =
  /[\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff]|[\u{e0000}-\u{e0fff}]/gu;

/** A text with everything made visible that could hide or turn what stands beside it. */
export function plain(text: string): string {
  return text.replace(misleading, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** What an error says, as a sentence. */
export function sentence(text: string): string {
  const shown = plain(text);
  return /^[a-z]+[ ,:]/.test(shown) ? `${shown[0]!.toUpperCase()}${shown.slice(1)}` : shown;
}

/** `text` cut to about `length` characters, for graphs and headings. */
export function cut(text: string, length: number): string {
  const characters = [...plain(text)];
  return characters.length <= length ? characters.join("") : `${characters.slice(0, length - 1).join("")}…`;
}

/** A hash or an address, shortened: `0x1234…cdef`. */
export function short(hex: string): string {
  return hex.length <= 13 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

/** `2 days 1 h`, `3 min 4 s`, `5 s`: the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "day"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = Math.max(
    0,
    parts.findIndex(([count]) => count > 0),
  );
  if (whole === 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([number, unit]) => (unit === "day" ? count(number, unit) : `${number} ${unit}`)).join(" ");
}

/** `264.7 kB`. */
export function bytes(count: number | bigint): string {
  let size = Number(count);
  let unit = 0;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${units[unit]}`;
}

/** `1 segment`, `2 segments`. */
export function count(number: number | bigint, thing: string, things = `${thing}s`): string {
  return `${number.toLocaleString("en-GB")} ${Number(number) === 1 ? thing : things}`;
}

/** Basis points as a percentage: `2.5 %`. */
export function percent(basisPoints: number): string {
  return `${basisPoints / 100} %`;
}

/** Odds of 0 to 1 as a percentage that does not round to a certainty that it is not. */
export function odds(probability: number): string {
  if (probability <= 0) return "0 %";
  if (probability >= 1) return "100 %";
  const hundredths = probability * 100;
  if (hundredths < 0.0001) return "under 0.0001 %";
  if (hundredths > 99.99) return "over 99.99 %";
  return `${Number(hundredths.toPrecision(3))} %`;
}

const dateFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** Chain time in seconds as a date in the reader's own time zone. */
export function date(seconds: number | bigint): string {
  const time = Number(seconds) * 1000;
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? dateFormat.format(time) : "never";
}

/**
 * A location that a reader may follow: https, or IPFS through its own scheme.
 * Everything else (`javascript:`, `data:`, `file:` and the like) stays text.
 */
export function followable(location: string): string | undefined {
  if (plain(location) !== location) return undefined;
  let url: URL;
  try {
    url = new URL(location);
  } catch {
    return undefined;
  }
  if (url.username || url.password) return undefined;
  return url.protocol === "https:" || url.protocol === "ipfs:" ? url.href : undefined;
}
