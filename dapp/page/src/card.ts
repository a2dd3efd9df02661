// The model card: what a reader should know of a model, in Markdown, from the chain's records.

import type { Client, Model } from "@assay/client";
import { duties } from "./licences";
import { lineage, kindName, title } from "./lineage/model";
import { obligations } from "./lineage/part";
import { bytes, date, followable, odds, percent, plain } from "./text";

/** A stranger's text that Markdown takes as a text. */
export function escaped(text: string): string {
  return plain(text).replace(/[\\`*_{}[\]()<>#+\-.!|~&:@]/g, (character) => `\\${character}`);
}

/** A YAML string. */
function quoted(text: string): string {
  return JSON.stringify(plain(text));
}

/** Writes the card of a model; reads what it needs. */
export async function modelCard(client: Client, model: Model): Promise<string> {
  const { id, record } = model;
  const { network } = client;
  const [graph, verification, contributions] = await Promise.all([
    client.provenance({ type: "Model", value: id }),
    client.verification(id),
    record.market === network.deployment.market.address ? client.contributions(record.job) : undefined,
  ]);
  const whole = lineage(graph);
  const { duties: asked, conflicts } = obligations(whole);
  const name = (key: string) => {
    const node = whole.nodes.get(key);
    return node ? escaped(title(node)) : key;
  };
  const format = (amount: bigint) => network.token.format(amount);
  const lines: string[] = [
    "---",
    `license: ${quoted(record.licence)}`,
    `model_name: ${quoted(record.name)}`,
    `library_name: "safetensors"`,
    "---",
    "",
    `# ${escaped(record.name)}`,
    "",
    `Registered on ${escaped(network.name)} (genesis \`${network.genesis}\`) in block ${record.block}, ${date(record.registeredAt)}.`,
    "",
    `* Id: \`${id}\``,
    `* Licence: ${escaped(record.licence)}`,
    `* Owner: ${model.owner ? `\`${model.owner}\`` : "with a predecessor of the registry"}`,
    `* Trained by: \`${record.operator}\`, for \`${record.firstOwner}\``,
    `* File: SHA-256 \`${record.artefact}\``,
    ...model.places.map((place) => {
      const safe = followable(place);
      return safe ? `  * <${safe}>` : `  * ${escaped(place)}`;
    }),
    "",
    "## What it is made of",
    "",
    ...[...whole.nodes.values()]
      .filter(({ key, node }) => key !== whole.root && node.type !== "Operator")
      .map((node) => {
        const hash = node.node.type === "Job" ? "" : ` \`${node.node.value}\``;
        const size = node.dataset ? `, ${bytes(node.dataset.bytes)}` : "";
        const licence = node.licence ? `, ${escaped(node.licence)}` : "";
        return `* ${kindName[node.node.type]} ${escaped(title(node))}${hash}${licence}${size}`;
      }),
    ...(graph.cut ? ["* … and more: the lineage goes on beyond what was read"] : []),
    "",
    "## What its licences ask",
    "",
    "Read from the names of the licences, not from their texts; no legal advice.",
    "",
    ...asked.map(({ duty, from }) => `* ${duties[duty]}: ${from.slice(0, 20).map(name).join(", ")}`),
    ...conflicts
      .slice(0, 50)
      .map(
        ({ source, made, reason }) =>
          `* **Conflict:** ${name(made)} is made from ${name(source)}, but ${escaped(reason)}`,
      ),
    ...(conflicts.length === 0 ? ["* No conflict found"] : []),
    "",
    "## How it was checked",
    "",
    `Of ${record.segments} segments of its training ${record.segmentsDrawn} were drawn by lot, and ${record.segmentsChecked} of these replayed and confirmed, bit for bit.`,
    "",
  ];
  if (verification && verification.odds.length > 0) {
    lines.push(
      `| false segments | unseen by the draw | ${percent(verification.bribedBp)} bribed | all it can do |`,
      "| --- | --- | --- | --- |",
      ...verification.odds.map(
        (one) =>
          `| ${one.falseSegments} of ${verification.segments} | ${odds(one.unseen)} | ${odds(one.unseenBribed)} | ${odds(one.escapes)} |`,
      ),
      "",
    );
  }
  lines.push("Check it again:", "", `    assay-verifier audit ${id}`, "");
  if (contributions) {
    lines.push("## Who contributed, and what each was paid", "");
    for (const { node, owner, paid } of contributions.data) {
      lines.push(`* ${node.type === "Model" ? "parent model" : "data"}: \`${owner}\`, ${format(paid)}`);
    }
    if (contributions.compute) {
      lines.push(`* training: \`${contributions.compute.operator}\`, ${format(contributions.compute.paid)}`);
    }
    for (const { verifier, segments, paid } of contributions.verification) {
      lines.push(`* checking ${segments} segments: \`${verifier}\`, ${format(paid)}`);
    }
    lines.push("");
  }
  return lines.join("\n");
}
