// The client library's interface over records in memory. Only for tests of the page.

import type { Client, Deployment, Hash, Job, Node, Page, PageRequest, Standing } from "@assay/client";
import { written } from "../../../client/src/exports";
import type { Provenance } from "../../../client/src/exports/provenance";
import { token } from "../../../client/src/token";
import { type Records, address, follow, hash } from "./records";

const contract = (number: number) => ({ address: address(number), codeHash: hash("c", number) });

export const deployment: Deployment = {
  network: "A chain in memory",
  url: "ws://127.0.0.1:1",
  genesis: hash("a", 1),
  titles: contract(97),
  registry: contract(98),
  market: contract(99),
  block: 1,
  deployedAt: 1_790_000_000,
};

function page<T>(items: T[], { offset = 0, limit = 20 }: PageRequest = {}): Page<T> {
  return { total: items.length, items: items.toReversed().slice(offset, offset + limit) };
}

const now = () => BigInt(Math.floor(Date.now() / 1000));

function job(records: Records): Job {
  const unit = 10n ** 18n;
  const model = records.models[0]!;
  return {
    id: 0n,
    terms: {
      spec: hash("b", 1),
      program: model.record.program,
      segments: 24,
      payment: 10n * unit,
      fee: 3n * unit,
      stake: 30n * unit,
      handBack: unit,
      bond: 5n * unit,
      samples: 8,
      panel: 2,
      sealedSecret: hash("b", 2),
      policy: { gain: unit, falseSegments: 1, bribedBp: 1_000 },
      windows: { claim: 600, train: 600, secrets: 60, open: 60, attest: 120, reveal: 60, dispute: 5 },
    },
    model: { name: model.record.name, licence: model.record.licence, parent: undefined, royaltyBp: 0 },
    datasets: records.datasets.slice(0, 1).map(({ id }) => id),
    job: {
      client: address(1),
      state: "Claimed",
      deadline: now() + 3_700n,
      postedAt: now() - 60n,
      operator: address(2),
      attempts: 1,
      rounds: 0,
      enlisted: 3,
      revealed: 0,
      revealedStake: 0n,
      secrets: hash("0", 0),
      clientSecret: undefined,
      drawBlock: undefined,
      seed: hash("0", 0),
      opened: 0,
      disputed: undefined,
      challenges: 0,
      demands: 0,
      payments: 0,
      held: 13n * unit,
    },
    royalties: [],
    commitment: undefined,
    ends: undefined,
    dispute: undefined,
    modelId: undefined,
    slots: [],
    seats: [],
    demands: [],
  };
}

/** A client over `records`. What no test asks for is not there, and says so. */
export function fakeClient(records: Records): Client {
  const into = new Map<Hash, Hash[]>();
  for (const [made, sources] of records.madeFrom) {
    for (const source of sources) into.set(source, [...(into.get(source) ?? []), made]);
  }
  const toId = (root: Hash | Node): Hash => {
    if (typeof root === "string") return root;
    if (root.type === "Job") throw new Error("the fake has no graph of jobs");
    return root.value;
  };
  const nodeOf = (id: Hash): Node => ({
    type: records.models.some((one) => one.id === id) ? "Model" : "Dataset",
    value: id,
  });
  const standing: Standing = {
    stake: 200n * 10n ** 18n,
    locked: 0n,
    unbonding: 0n,
    unbondsAt: 0n,
    done: 3,
    lost: 0,
    missed: 1,
    endpoint: records.endpoint,
  };
  const given: Partial<Client> = {
    network: {
      name: deployment.network,
      genesis: deployment.genesis,
      token: token("UNIT", 12, 1_000_000n),
      ss58Prefix: 42,
      development: false,
      deployment,
    },
    status: { state: "connected", url: deployment.url },
    onStatus: () => () => undefined,
    onBlock: (listener) => {
      queueMicrotask(() => listener({ number: 400, hash: hash("a", 400) }));
      return () => undefined;
    },
    onEvent: () => () => undefined,
    now: async () => now(),
    close: () => undefined,
    models: async (request) => page(records.models, request),
    datasets: async (request) => page(records.datasets, request),
    jobs: async (request) => {
      const { state, deadline, client, operator } = job(records).job;
      return page([{ id: 0n, client, state, deadline, operator }], request);
    },
    operators: async (request) => page([{ account: address(2), standing }], request),
    verifiers: async (request) => page([], request),
    model: async (id) => {
      const found = records.models.find((one) => one.id === id);
      return (
        found && {
          ...found,
          owner: found.record.firstOwner,
          madeFrom: (records.madeFrom.get(id) ?? []).map(nodeOf),
          madeInto: into.get(id)?.length ?? 0,
          statements: records.statements.length,
          places: found.locations,
        }
      );
    },
    dataset: async (id) => {
      const found = records.datasets.find((one) => one.id === id);
      return (
        found && {
          ...found,
          termsHash: hash("b", 9),
          madeFrom: (records.madeFrom.get(id) ?? []).map(nodeOf),
          madeInto: into.get(id)?.length ?? 0,
          grants: 0,
          statements: records.statements.length,
        }
      );
    },
    job: async (id) => (id === 0n ? job(records) : undefined),
    jobHistory: async () => ({ items: [], complete: true }),
    account: async (account) => ({
      address: account,
      ss58: undefined,
      balance: 5n * 10n ** 18n,
      marketCredit: 0n,
      registryCredit: 0n,
      operator: standing,
      verifier: undefined,
    }),
    operator: async (account) => ({ account, standing, offer: undefined }),
    liveJobs: async () => [],
    provenance: async (root, options) =>
      follow(records, toId(root), (id) => records.madeFrom.get(id) ?? [], false, options?.depth),
    descendants: async (root, options) => follow(records, toId(root), (id) => into.get(id) ?? [], true, options?.depth),
    export: async (form, root) => {
      const id = toId(root);
      const graph = follow(records, id, (id) => records.madeFrom.get(id) ?? [], false);
      const entries: Provenance["entries"] = new Map();
      for (const facts of graph.nodes) {
        const { key, node } = facts;
        if (node.type !== "Operator") entries.set(key, { key, node, facts, trained: undefined });
      }
      const edges = graph.edges.flatMap(({ made, from }) => {
        const ends = [entries.get(made), entries.get(from)];
        return ends[0] && ends[1] ? [{ made: ends[0].node, from: ends[1].node }] : [];
      });
      const { locations = [] } = [...records.models, ...records.datasets].find((one) => one.id === id) ?? {};
      const block = { number: 400, hash: hash("a", 400) };
      const network = given.network!;
      return written(form, { network, block, root: entries.get(graph.root)!, locations, entries, edges });
    },
    owners: async (model) => ({
      model,
      owner: address(1),
      history: [{ owner: address(1), from: undefined, block: undefined, at: undefined }],
      complete: false,
    }),
    verification: async () => undefined,
    contributions: async () => undefined,
    grants: async (_, request) => page([], request),
    grant: async () => undefined,
    statements: async (about, request) =>
      page(
        records.statements.map((one) => ({ ...one, node: about })),
        request,
      ),
    search: async (text) => ({
      items: records.models
        .filter(({ record }) => record.name.toLowerCase().includes(text.toLowerCase()))
        .map(({ id, record }) => ({ type: "model" as const, id, name: record.name })),
      complete: true,
    }),
  };
  return new Proxy(given as Client, {
    get(target, name) {
      if (name in target) return target[name as keyof Client];
      // Promises ask every object whether it is one.
      if (name === "then" || typeof name === "symbol") return undefined;
      throw new Error(`the fake has no ${String(name)}`);
    },
  });
}
