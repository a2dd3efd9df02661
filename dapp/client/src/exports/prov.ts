// W3C PROV as PROV-JSON (W3C Member Submission 24 April 2013): `crates/export/src/prov.rs`.

import type { Address, Node, Seconds } from "../types/basic.js";
import { snake } from "../words.js";
import type { Json } from "./json.js";
import { type Entry, type Provenance, compare } from "./provenance.js";
import { timestamp, visible } from "./text.js";

const NAMESPACE = "urn:assay:";

function name(node: Node): string {
  if (node.type === "Job") return `chain:job-${node.value.market}-${node.value.job}`;
  return `chain:${node.type.toLowerCase()}-${node.value}`;
}

const agentName = (account: Address) => `chain:account-${account}`;
const qualified = (term: string): Json => ({ $: `assay:${term}`, type: "prov:QUALIFIED_NAME" });

/** The document: its parts by kind, relations numbered. */
class Document {
  readonly parts: { [kind: string]: { [id: string]: Json } } = {};
  readonly agents = new Set<Address>();
  private relations = 0;

  element(kind: string, id: string, attributes: Json) {
    (this.parts[kind] ??= {})[id] = attributes;
  }

  relation(kind: string, attributes: Json) {
    this.relations += 1;
    this.element(kind, `_:r${this.relations}`, attributes);
  }

  private account(account: Address): string {
    this.agents.add(account);
    return agentName(account);
  }

  private attributed(node: Node, owner: Address) {
    this.relation("wasAttributedTo", { "prov:entity": name(node), "prov:agent": this.account(owner) });
  }

  private associated(job: Node, account: Address, role: string) {
    const agent = this.account(account);
    this.relation("wasAssociatedWith", {
      "prov:activity": name(job),
      "prov:agent": agent,
      "prov:role": qualified(role),
    });
  }

  private entity(node: Node, attributes: { [name: string]: Json | undefined }, registeredAt: Seconds) {
    const time = timestamp(registeredAt);
    const registered = time === undefined ? undefined : { $: time, type: "xsd:dateTime" };
    this.element("entity", name(node), { ...attributes, "assay:registered": registered });
  }

  /** A record with those that had a part in it. */
  record({ node, facts: { dataset, model, owner }, trained }: Entry) {
    if (node.type === "Dataset" && dataset) {
      const attributes = {
        "prov:type": qualified("Dataset"),
        "prov:label": dataset.name === "" ? undefined : visible(dataset.name),
        "assay:id": node.value,
        "assay:licence": visible(dataset.terms.licence),
        "assay:bytes": dataset.bytes,
        "assay:block": dataset.block,
      };
      this.entity(node, attributes, dataset.registeredAt);
      this.attributed(node, dataset.owner);
    } else if (node.type === "Model" && model) {
      const attributes = {
        "prov:type": qualified("Model"),
        "prov:label": visible(model.name),
        "assay:id": node.value,
        "assay:licence": visible(model.licence),
        "assay:artefactSha256": model.artefact,
        "assay:program": model.program,
        "assay:finalState": model.finalState,
        "assay:segments": model.segments,
        "assay:segmentsDrawn": model.segmentsDrawn,
        "assay:segmentsChecked": model.segmentsChecked,
        "assay:block": model.block,
      };
      this.entity(node, attributes, model.registeredAt);
      this.attributed(node, owner ?? model.firstOwner);
      this.associated({ type: "Job", value: { market: model.market, job: model.job } }, model.operator, "operator");
    } else if (node.type === "Job" && trained) {
      const { job, contributions } = trained;
      this.element("activity", name(node), {
        "prov:type": qualified("TrainingJob"),
        "prov:label": `job ${job.id}`,
        "prov:startTime": timestamp(job.job.postedAt),
        "assay:state": snake(job.job.state),
        "assay:specification": job.terms.spec,
        "assay:program": job.terms.program,
        "assay:segments": job.terms.segments,
        "assay:commitment": job.commitment?.root,
      });
      this.associated(node, job.job.client, "client");
      const verifiers = new Set(contributions.verification.map(({ verifier }) => verifier));
      for (const verifier of [...verifiers].sort()) this.associated(node, verifier, "verifier");
    }
  }

  /** A job of a former market, or one beyond a limit, is known by its number alone. */
  unknownJob(node: Node) {
    this.element("activity", name(node), { "prov:type": qualified("TrainingJob") });
  }

  edge(made: Node, from: Node, model: { market: Address; job: bigint } | undefined) {
    if (from.type === "Job") {
      this.relation("wasGeneratedBy", { "prov:entity": name(made), "prov:activity": name(from) });
      return;
    }
    this.relation("wasDerivedFrom", { "prov:generatedEntity": name(made), "prov:usedEntity": name(from) });
    if (model) {
      const job: Node = { type: "Job", value: { market: model.market, job: model.job } };
      this.relation("used", { "prov:activity": name(job), "prov:entity": name(from) });
    }
  }
}

/** A provenance as a PROV-JSON document. */
export function prov(provenance: Provenance): Json {
  const document = new Document();
  const jobs = new Map<string, Node>();
  for (const entry of provenance.entries.values()) {
    document.record(entry);
    const { model } = entry.facts;
    const job: Node | undefined =
      entry.node.type === "Job"
        ? entry.node
        : model && { type: "Job", value: { market: model.market, job: model.job } };
    if (job) jobs.set(name(job), job);
  }
  const described = document.parts["activity"] ?? {};
  const unknown = [...jobs.values()].filter((job) => !(name(job) in described));
  for (const job of unknown.sort(compare)) document.unknownJob(job);
  const models = new Map([...provenance.entries.values()].map(({ node, facts }) => [name(node), facts.model]));
  for (const { made, from } of provenance.edges) document.edge(made, from, models.get(name(made)));
  for (const account of [...document.agents].sort()) {
    document.element("agent", agentName(account), { "prov:type": qualified("Account"), "assay:address": account });
  }
  const prefix = {
    assay: `${NAMESPACE}terms#`,
    chain: `${NAMESPACE}${provenance.network.genesis}#`,
    xsd: "http://www.w3.org/2001/XMLSchema#",
  };
  return { ...document.parts, prefix };
}
