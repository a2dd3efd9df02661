// The lineage as a drawing of its own: no script, no link, nothing fetched; light and dark by the viewer's choice:
// `crates/export/src/svg.rs`.

import { nodeKey } from "../basic.js";
import { snake } from "../words.js";
import { layers } from "./layout.js";
import type { Entry, Provenance } from "./provenance.js";
import { shortened, visible, xml } from "./text.js";

/** A node's box, the space between boxes, and that around the drawing, in pixels. */
const BOX = [220, 54] as const;
const GAP = [24, 56] as const;
const MARGIN = 20;
/** Characters that fit into a box. */
const FITS = 30;

const STYLE =
  "text{font:13px system-ui,sans-serif;fill:#1b1b1f}.small{font-size:11px;fill:#555560}" +
  "rect{stroke:#555560;fill:#fff}.dataset rect{fill:#e3f1fb}.model rect{fill:#e9f6e6}.job rect{fill:#f6eede}" +
  ".root rect{stroke-width:3}.cut rect{stroke-dasharray:5 3}path{fill:none;stroke:#888893}.bg{fill:#fff;stroke:none}" +
  "@media(prefers-color-scheme:dark){text{fill:#ececf1}.small{fill:#b0b0bb}rect{stroke:#a0a0ab}" +
  ".dataset rect{fill:#173447}.model rect{fill:#1e3a1a}.job rect{fill:#3e3119}path{stroke:#787883}.bg{fill:#17171b}}";

/** Draws a lineage. */
export function svg(provenance: Provenance): string {
  const rows = layers(provenance);
  const widest = Math.max(0, ...rows.map((layer) => layer.length));
  const inner = Math.max(0, widest * (BOX[0] + GAP[0]) - GAP[0]);
  const width = inner + 2 * MARGIN;
  const height = Math.max(0, rows.length * (BOX[1] + GAP[1]) - GAP[1]) + 2 * MARGIN;
  const places = new Map<string, readonly [x: number, y: number]>();
  rows.forEach((layer, row) => {
    const left = MARGIN + (inner - (layer.length * (BOX[0] + GAP[0]) - GAP[0])) / 2;
    layer.forEach((key, column) =>
      places.set(key, [left + column * (BOX[0] + GAP[0]), MARGIN + row * (BOX[1] + GAP[1])]),
    );
  });
  const title = `Lineage of ${provenance.root.key}`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="bg" width="${width}" height="${height}"/>`,
  ];
  for (const edge of provenance.edges) {
    const [from, to] = [places.get(nodeKey(edge.made)), places.get(nodeKey(edge.from))];
    if (!from || !to) continue;
    const [x1, y1, x2, y2] = [from[0] + BOX[0] / 2, from[1] + BOX[1], to[0] + BOX[0] / 2, to[1]];
    const middle = (y1 + y2) / 2;
    lines.push(`<path d="M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}"/>`);
  }
  for (const entry of provenance.entries.values()) {
    const place = places.get(entry.key);
    if (place) lines.push(box(provenance, entry, place));
  }
  return `${lines.join("\n")}\n</svg>\n`;
}

/** What a box says of a record: its heading, and what comes after its id. */
function words({ facts, trained }: Entry): [heading: string, below: string] {
  const { dataset, model } = facts;
  if (dataset) return [dataset.name || "withdrawn", dataset.terms.licence];
  if (model) return [model.name, model.licence];
  return trained ? [`job ${trained.job.id}`, snake(trained.job.job.state)] : ["no record here", ""];
}

function box(provenance: Provenance, entry: Entry, [x, y]: readonly [number, number]): string {
  const { node, key, facts } = entry;
  const [heading, rest] = words(entry);
  const kind = node.type.toLowerCase();
  const id = node.type === "Job" ? `market ${node.value.market.slice(0, 10)}…` : `${kind} ${node.value.slice(0, 10)}…`;
  const below = rest === "" ? id : `${id} · ${rest}`;
  const marks = [kind, key === provenance.root.key ? "root" : "", facts.cut ? "cut" : ""];
  const fit = (text: string, most: number) => xml(shortened(visible(text), most));
  return (
    `<g class="${marks.filter(Boolean).join(" ")}" transform="translate(${x} ${y})">` +
    `<title>${key} ${xml(heading)}</title><rect width="${BOX[0]}" height="${BOX[1]}" rx="7"/>` +
    `<text x="10" y="22">${fit(heading, FITS)}</text>` +
    `<text class="small" x="10" y="41">${fit(below, FITS + 6)}</text></g>`
  );
}
