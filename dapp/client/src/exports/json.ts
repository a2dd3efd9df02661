// JSON as `serde_json` writes it: fields by name, whole numbers in full.

export type Json = null | boolean | number | bigint | string | Json[] | { [field: string]: Json | undefined };

/** A document: fields in the order of their names, those that are `undefined` left out, indented by two. */
export function document(value: Json): string {
  return `${written(value, "\n")}\n`;
}

function written(value: Json, line: string): string {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${line}  `;
  const [open, parts, close] = Array.isArray(value)
    ? ["[", value.map((item) => written(item, inner)), "]"]
    : ["{", fields(value, inner), "}"];
  return parts.length === 0 ? open + close : open + inner + parts.join(`,${inner}`) + line + close;
}

function fields(value: { [field: string]: Json | undefined }, line: string): string[] {
  return Object.entries(value)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}: ${written(field, line)}`);
}
