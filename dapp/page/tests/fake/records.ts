// Records in memory: a few plain ones, hostile ones, and a lineage of 1,000 nodes.

import type { Address, DatasetSummary, GraphEdge, GraphNode, Hash, ModelSummary, Statement } from "@assay/client";
import { nodeKey } from "@assay/client";

export interface Records {
  datasets: (DatasetSummary & { locations: string[] })[];
  models: (ModelSummary & { locations: string[] })[];
  /** From what was made to what it was made from, by ids. */
  madeFrom: Map<Hash, Hash[]>;
  statements: Omit<Statement, "node">[];
  endpoint: string;
}

export const hash = (kind: string, number: number): Hash =>
  `0x${kind}${number.toString(16).padStart(64 - kind.length, "0")}`;
export const address = (number: number): Address => `0x${number.toString(16).padStart(40, "a")}`;

interface Texts {
  name: string;
  licence: string;
}

function dataset(number: number, { name, licence }: Texts): Records["datasets"][number] {
  return {
    id: hash("d", number),
    locations: ["https://example.org/data"],
    record: {
      owner: address(10),
      name,
      bytes: 264_712n,
      terms: {
        licence,
        licenceText: undefined,
        open: false,
        price: 2n * 10n ** 18n,
        accessSeconds: 86_400n,
        royaltyBp: 500,
      },
      registeredAt: 1_790_000_000n,
      block: 12,
      locations: 1,
      withdrawnAt: undefined,
    },
  };
}

function model(number: number, { name, licence }: Texts): Records["models"][number] {
  return {
    id: hash("e", number),
    locations: ["https://example.org/model.safetensors"],
    record: {
      firstOwner: address(1),
      name,
      licence,
      program: hash("f", 1),
      finalState: hash("f", 2),
      artefact: hash("f", 3),
      market: address(99),
      job: 0n,
      operator: address(2),
      segments: 24,
      segmentsDrawn: 8,
      segmentsChecked: 8,
      royaltyBp: 250,
      registeredAt: 1_790_000_500n,
      block: 345,
      locations: 1,
    },
  };
}

export function plainRecords(): Records {
  const [digits, letters, mixed] = [
    dataset(1, { name: "Handwritten digits", licence: "CC-BY-4.0" }),
    dataset(2, { name: "Letters for research", licence: "CC-BY-NC-4.0" }),
    dataset(3, { name: "Digits and letters", licence: "CC-BY-NC-4.0" }),
  ];
  const [first, second] = [
    model(1, { name: "Digits classifier", licence: "Apache-2.0" }),
    model(2, { name: "Reader of forms", licence: "Apache-2.0" }),
  ];
  return {
    datasets: [digits!, letters!, mixed!],
    models: [first!, second!],
    madeFrom: new Map([
      [mixed!.id, [digits!.id, letters!.id]],
      [first!.id, [digits!.id]],
      [second!.id, [first!.id, mixed!.id]],
    ]),
    statements: [],
    endpoint: "https://operator.example/assay",
  };
}

/** What a stranger might write to get into the page. */
export const hostileTexts = [
  '<img src=x onerror="window.hacked=1">',
  "<script>window.hacked=2</script>",
  "</title></style><svg onload=window.hacked=3>",
  '"><a href="javascript:window.hacked=4">x</a>',
  "{{constructor.constructor('window.hacked=5')()}}",
  "gnp.\u202eexe.txt\u200b\u2066evil",
  "a\u0000b\u001b[31mc\nd",
  "W".repeat(4_000),
  "ﷺ".repeat(200),
  `Z${"\u0300".repeat(400)}algo`,
];

export const hostileUrls = [
  "javascript:window.hacked=6",
  "JaVaScRiPt:window.hacked=7",
  " javascript:window.hacked=8",
  "java\tscript:window.hacked=9",
  "data:text/html,<script>window.hacked=10</script>",
  "vbscript:window.hacked=11",
  "file:///etc/passwd",
  "blob:https://example.org/x",
  "https://user:secret@example.org/",
  "https://example.org/\u202egnp.exe",
  "http://example.org/plain",
  "//example.org/nothing",
];

export function hostileRecords(): Records {
  const datasets = hostileTexts.map((text, place) => {
    const one = dataset(place + 1, { name: text, licence: text });
    return { ...one, locations: hostileUrls };
  });
  const bad = model(1, { name: hostileTexts.slice(0, 7).join(" "), licence: hostileTexts[0]! });
  return {
    datasets,
    models: [{ ...bad, locations: [...hostileUrls, "https://example.org/good", "ipfs://bafybeigood"] }],
    madeFrom: new Map([[bad.id, datasets.map(({ id }) => id)]]),
    statements: hostileTexts.map((text, place) => ({
      author: address(place + 1),
      kind: "Note" as const,
      text,
      evidence: undefined,
      at: 2n ** 64n - 1n,
      block: place,
    })),
    endpoint: "javascript:window.hacked=12",
  };
}

/** A lineage of 1,000 nodes: models made from one to three of the forty records before each, or of data. */
export function largeRecords(size = 1_000): Records {
  // Park and Miller's generator: the same graph each time.
  let state = 1;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const datasets: Records["datasets"] = [];
  const models: Records["models"] = [];
  const madeFrom = new Map<Hash, Hash[]>();
  const ids: Hash[] = [];
  const licences = ["CC-BY-4.0", "CC-BY-SA-4.0", "Apache-2.0", "CC0-1.0", "MIT", "CC-BY-NC-4.0"];
  for (let number = 0; number < size; number += 1) {
    const texts = { name: `Record ${number}`, licence: licences[random(licences.length)]! };
    const last = number === size - 1;
    const isData = !last && (number < 40 || random(3) === 0);
    const one = isData ? dataset(number, texts) : model(number, texts);
    (isData ? datasets : models).push(one as never);
    // Every record is used: by the one at the end, if by no other.
    const sources = new Set<Hash>();
    if (number >= 40) for (let times = 1 + random(3); times > 0; times -= 1) sources.add(ids[number - 1 - random(40)]!);
    if (sources.size > 0) madeFrom.set(one.id, [...sources]);
    ids.push(one.id);
  }
  const used = new Set([...madeFrom.values()].flat());
  const top = ids[ids.length - 1]!;
  madeFrom.set(top, [...new Set([...(madeFrom.get(top) ?? []), ...ids.slice(0, -1).filter((id) => !used.has(id))])]);
  return { datasets, models, madeFrom, statements: [], endpoint: "" };
}

/** A record as a node of a graph. */
export function graphNode(records: Records, id: Hash, depth: number): GraphNode {
  const model = records.models.find((one) => one.id === id);
  const dataset = records.datasets.find((one) => one.id === id);
  const node = model ? ({ type: "Model", value: id } as const) : ({ type: "Dataset", value: id } as const);
  return {
    key: nodeKey(node),
    node,
    name: (model ?? dataset)?.record.name,
    licence: model?.record.licence ?? dataset?.record.terms.licence,
    owner: model?.record.firstOwner ?? dataset?.record.owner,
    model: model?.record,
    dataset: dataset?.record,
    state: undefined,
    depth,
    cut: false,
  };
}

/** Follows `next` from a record, each record once. */
export function follow(records: Records, root: Hash, next: (id: Hash) => Hash[], made: boolean, depth = 32) {
  const nodes = new Map<Hash, GraphNode>([[root, graphNode(records, root, 0)]]);
  const edges: GraphEdge[] = [];
  const queue: Hash[] = [root];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const here = nodes.get(id)!;
    if (here.depth >= depth) continue;
    for (const other of next(id)) {
      if (!nodes.has(other)) {
        nodes.set(other, graphNode(records, other, here.depth + 1));
        queue.push(other);
      }
      const key = nodes.get(other)!.key;
      edges.push(made ? { made: key, from: here.key } : { made: here.key, from: key });
    }
  }
  return { root: nodes.get(root)!.key, nodes: [...nodes.values()], edges, cut: false };
}
