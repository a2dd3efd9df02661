// A model card in Markdown, with the front matter that model hubs read: `crates/export/src/card.rs`.

import type { Amount, Hash, Node, Seconds } from "../types/basic.js";
import type { ModelRecord } from "../types/registry.js";
import { snake } from "../words.js";
import { nodeKey } from "../basic.js";
import { type Provenance, type Trained, jobOf, sourcesOf } from "./provenance.js";
import { isWebUrl, markdown, timestamp, visible } from "./text.js";

const ESCAPES: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "[": "\\u005b" };

/** A text as YAML: a double-quoted scalar, whose escapes are JSON's; without markup. */
const yaml = (text: string) => JSON.stringify(visible(text)).replace(/[<>&[]/g, (character) => ESCAPES[character]!);
const code = (value: string) => `\`${value}\``;
const date = (seconds: Seconds) => timestamp(seconds) ?? `${seconds} s after 1970`;
const location = (text: string) => (isWebUrl(text) ? `<${text}>` : markdown(text));

/** Rows of cells, which are Markdown already, under headings. */
function table(headings: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |\n`;
  return [headings, headings.map(() => "---"), ...rows].map(line).join("");
}

/** The card of the model at the root. */
export function card(provenance: Provenance): string | undefined {
  const { network, root, locations, block } = provenance;
  const { model, owner } = root.facts;
  if (root.node.type !== "Model" || !model) return undefined;
  const id = root.node.value;
  const trained = jobOf(provenance, model);
  const name = model.name === "" ? "A model without a name" : markdown(model.name);
  const record = [
    ["model", code(id)],
    ["SHA-256 of the file", code(model.artefact)],
    ["owner", owner ? code(owner) : "held by a former registry's titles"],
    ["first owner", code(model.firstOwner)],
    ["operator", code(model.operator)],
    ["registered", `${date(model.registeredAt)}, block ${model.block}`],
    ["registry", code(network.deployment.registry.address)],
    ["chain", `${markdown(network.name)}, genesis ${code(network.genesis)}`],
  ];
  const places =
    locations.length === 0
      ? "No location is on record: ask its owner or its operator.\n"
      : locations.map((one) => `* ${location(one)}\n`).join("");
  return [
    frontMatter(provenance, id, model),
    `\n# ${name}\n\nLicence: ${markdown(model.licence)}. Trained by a job that anybody can check again.\n`,
    "\n## The record\n\n",
    `| | |\n| --- | --- |\n${record.map(([label, value]) => `| ${label} | ${value} |\n`).join("")}`,
    "\n## Where it is\n\n",
    places,
    "\n## What it was made from\n\n",
    sources(provenance, root.node),
    "\n## How it was checked\n\n",
    `${model.segmentsDrawn} of ${model.segments} segments were drawn by a seed that nobody could know; ` +
      `${model.segmentsChecked} of them were replayed by verifiers, who got the same bits.\n`,
    trained ? checks(trained) : "",
    `\nTo check it yourself:\n\n    assay-verifier audit ${id}\n`,
    trained ? `\n## Who contributed\n\n${contributions(trained, provenance)}` : "",
    `\nWritten from the records as of block ${block.number} (${code(block.hash)}).\n`,
  ].join("");
}

function frontMatter(provenance: Provenance, id: Hash, model: ModelRecord): string {
  const { network, root } = provenance;
  const datasets = sourcesOf(provenance, root.node).flatMap((source) =>
    source.type === "Dataset" ? [`  - ${yaml(source.value)}\n`] : [],
  );
  return [
    // Hubs have their own list of licences; the expression is in `license_name`.
    `---\nlicense: other\nlicense_name: ${yaml(model.licence)}\nlibrary_name: safetensors\n`,
    datasets.length > 0 ? `datasets:\n${datasets.join("")}` : "",
    `assay:\n  name: ${yaml(model.name)}\n  model: ${yaml(id)}\n  artefact_sha256: ${yaml(model.artefact)}\n`,
    `  genesis: ${yaml(network.genesis)}\n  registry: ${yaml(network.deployment.registry.address)}\n`,
    `  job: ${model.job}\n---\n`,
  ].join("");
}

function sources(provenance: Provenance, node: Node): string {
  const rows = sourcesOf(provenance, node).map((source) => {
    const { dataset, model } = provenance.entries.get(nodeKey(source))?.facts ?? {};
    const kind = source.type.toLowerCase();
    if (source.type === "Job") {
      return [kind, `${source.value.job} of market ${code(source.value.market)}`, "", ""];
    }
    const [name, licence] = [dataset?.name ?? model?.name, dataset?.terms.licence ?? model?.licence];
    return [kind, code(source.value), markdown(name ?? ""), markdown(licence ?? "")];
  });
  return table(["kind", "id", "name", "licence"], rows);
}

function checks({ job }: Trained): string {
  if (job.slots.length === 0) return "";
  const rows = job.slots.map(({ segment, verifier, check }) => [String(segment), code(verifier), snake(check)]);
  return `\n${table(["segment", "verifier", "result"], rows)}`;
}

/** In tokens, in full precision. */
function inTokens(amount: Amount): string {
  const token = 10n ** 18n;
  const fraction = String(amount % token).padStart(18, "0");
  return `${amount / token}.${fraction.replace(/0+$/, "")}`.replace(/\.$/, "");
}

function contributions({ job, contributions: parts }: Trained, { network }: Provenance): string {
  const paid = (amount: Amount) => `${inTokens(amount)} ${markdown(network.token.symbol)}`;
  const rows = parts.data.map((part) => [
    part.node.type.toLowerCase(),
    code(part.owner),
    `${part.shareBp / 100} % of the payment`,
    paid(part.paid),
  ]);
  if (parts.compute) {
    const { operator, paid: sum } = parts.compute;
    rows.push(["compute", code(operator), `${job.terms.segments} segments of training`, paid(sum)]);
  }
  for (const { verifier, segments, seats, paid: sum } of parts.verification) {
    rows.push(["verification", code(verifier), `${segments} segments checked, ${seats} seats on panels`, paid(sum)]);
  }
  return table(["part", "account", "what", "paid"], rows);
}
