import type { Contracts } from "./contracts.js";
import { termsHash } from "./hashes.js";
import { MOST_STANDINGS, all, newest } from "./pages.js";
import type { Address, Block, Hash, JobId, Node, Page, PageRequest } from "./types/basic.js";
import type { Job, JobSummary, Operator, Paid, Role, StakedAccount, Verifier } from "./types/market.js";
import type { JobContributions } from "./types/provenance.js";
import type { Dataset, DatasetSummary, Grant, Model, ModelSummary, Statement } from "./types/registry.js";

/** Records of the contracts, each as of one block. */
export class Records {
  constructor(readonly contracts: Contracts) {}

  private get market() {
    return this.contracts.market;
  }

  private get registry() {
    return this.contracts.registry;
  }

  // Lists.

  async models(at: Block, request?: PageRequest): Promise<Page<ModelSummary>> {
    const ids = await newest((offset, limit) => this.registry.ask(at, "models", { offset, limit }), request);
    const records = await Promise.all(ids.items.map((id) => this.registry.ask(at, "model", { id })));
    return { total: ids.total, items: ids.items.map((id, index) => ({ id, record: records[index]! })) };
  }

  async datasets(at: Block, request?: PageRequest): Promise<Page<DatasetSummary>> {
    const ids = await newest((offset, limit) => this.registry.ask(at, "datasets", { offset, limit }), request);
    const records = await Promise.all(ids.items.map((id) => this.registry.ask(at, "dataset", { id })));
    return { total: ids.total, items: ids.items.map((id, index) => ({ id, record: records[index]! })) };
  }

  jobs(at: Block, request?: PageRequest): Promise<Page<JobSummary>> {
    return newest((offset, limit) => this.market.ask(at, "jobs", { offset: BigInt(offset), limit }), request);
  }

  async staked(at: Block, role: Role, request?: PageRequest): Promise<Page<StakedAccount>> {
    const list = role === "Operator" ? "operators" : "verifiers";
    const page = await newest((offset, limit) => this.market.ask(at, list, { offset, limit }), request, MOST_STANDINGS);
    return { total: page.total, items: page.items.map(([account, standing]) => ({ account, standing })) };
  }

  // Records.

  async model(at: Block, id: Hash): Promise<Model | undefined> {
    const node: Node = { type: "Model", value: id };
    const record = await this.registry.ask(at, "model", { id });
    if (!record) return undefined;
    const [owner, madeFrom, into, said, locations, operator] = await Promise.all([
      this.contracts.titles.ownerOf(at, id),
      all((offset, limit) => this.registry.ask(at, "made_from", { node, offset, limit })),
      this.registry.ask(at, "made_into", { node, offset: 0, limit: 1 }),
      this.registry.ask(at, "statements", { node, offset: 0, limit: 1 }),
      this.registry.ask(at, "locations", { node }),
      this.market.ask(at, "standing", { role: "Operator", account: record.operator }),
    ]);
    const places = operator?.endpoint ? [...locations, operator.endpoint] : locations;
    return { id, record, owner, madeFrom, madeInto: into.total, statements: said.total, locations, places };
  }

  async dataset(at: Block, id: Hash): Promise<Dataset | undefined> {
    const node: Node = { type: "Dataset", value: id };
    const record = await this.registry.ask(at, "dataset", { id });
    if (!record) return undefined;
    const [madeFrom, into, grants, said, locations] = await Promise.all([
      all((offset, limit) => this.registry.ask(at, "made_from", { node, offset, limit })),
      this.registry.ask(at, "made_into", { node, offset: 0, limit: 1 }),
      this.registry.ask(at, "grants", { dataset: id, offset: 0, limit: 1 }),
      this.registry.ask(at, "statements", { node, offset: 0, limit: 1 }),
      this.registry.ask(at, "locations", { node }),
    ]);
    const hash = termsHash(this.registry.codec, record.terms);
    return {
      id,
      record,
      termsHash: hash,
      locations,
      madeFrom,
      madeInto: into.total,
      grants: grants.total,
      statements: said.total,
    };
  }

  async job(at: Block, job: JobId): Promise<Job | undefined> {
    const [view, slots, seats, demands] = await Promise.all([
      this.market.ask(at, "job", { job }),
      this.market.ask(at, "slots", { job }),
      this.market.ask(at, "seats", { job }),
      this.market.ask(at, "demands", { job }),
    ]);
    return view && { ...view, slots, seats, demands };
  }

  async operator(at: Block, account: Address): Promise<Operator | undefined> {
    const [standing, offer] = await Promise.all([
      this.market.ask(at, "standing", { role: "Operator", account }),
      this.market.ask(at, "offer", { operator: account }),
    ]);
    return standing && { account, standing, offer };
  }

  async verifier(at: Block, account: Address): Promise<Verifier | undefined> {
    const standing = await this.market.ask(at, "standing", { role: "Verifier", account });
    return standing && { account, standing };
  }

  // What belongs to them.

  async contributions(at: Block, job: JobId): Promise<JobContributions | undefined> {
    const [parts, view] = await Promise.all([
      this.market.ask(at, "contributions", { job }),
      this.market.ask(at, "job", { job }),
    ]);
    if (!parts || !view) return undefined;
    const paid = [...parts.data, ...(parts.compute ? [parts.compute] : []), ...parts.verification].map(
      (part) => part.paid,
    );
    const more = [parts.verificationMore, parts.challengers, parts.bonds, parts.refund, parts.burned];
    const total = [...paid, ...more].reduce((sum, part) => sum + part, 0n);
    return { ...parts, total, job, state: view.job.state, segments: view.terms.segments, held: view.job.held };
  }

  payments(at: Block, job: JobId, request?: PageRequest): Promise<Page<Paid>> {
    return newest((offset, limit) => this.market.ask(at, "payments", { job, offset, limit }), request);
  }

  async grants(at: Block, dataset: Hash, request?: PageRequest): Promise<Page<Grant>> {
    const page = await newest((offset, limit) => this.registry.ask(at, "grants", { dataset, offset, limit }), request);
    return { total: page.total, items: page.items.map(([account, grant]) => ({ account, ...grant })) };
  }

  async grant(at: Block, dataset: Hash, account: Address): Promise<Grant | undefined> {
    const grant = await this.registry.ask(at, "grant", { dataset, account });
    return grant && { account, ...grant };
  }

  async statements(at: Block, node: Node, request?: PageRequest): Promise<Page<Statement>> {
    const page = await newest((offset, limit) => this.registry.ask(at, "statements", { node, offset, limit }), request);
    return { total: page.total, items: page.items.map((statement) => ({ node, ...statement })) };
  }

  async statementsBy(at: Block, author: Address, request?: PageRequest): Promise<Page<Statement>> {
    const page = await newest(
      (offset, limit) => this.registry.ask(at, "statements_by", { author, offset, limit }),
      request,
    );
    const items = page.items.map(async ([node, number]) => {
      const one = await this.registry.ask(at, "statements", { node, offset: number, limit: 1 });
      return { node, ...one.items[0]! };
    });
    return { total: page.total, items: await Promise.all(items) };
  }

  /** Jobs that have not ended in which an account takes part, newest first. */
  async liveJobs(at: Block, account: Address, as: Role | "Client"): Promise<JobSummary[]> {
    const jobs = await all((offset, limit) => this.market.ask(at, "jobs", { offset: BigInt(offset), limit }));
    // The chain gives 0 for the deadline of a job that has ended.
    const live = jobs.filter(({ deadline }) => deadline > 0n).reverse();
    if (as === "Client") return live.filter(({ client }) => client === account);
    if (as === "Operator") return live.filter(({ operator }) => operator === account);
    const enlisted = await Promise.all(
      live.map(({ id }) => this.market.ask(at, "enlistment", { job: id, verifier: account })),
    );
    return live.filter((_, index) => enlisted[index] !== undefined);
  }
}
