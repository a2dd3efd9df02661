// What an index says is what the chain says, and an index that says anything else is not asked.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { type Client, type Graph, type IndexStatus, indexUrl, withIndex } from "../src/index.js";
import { client, code, data, derived, models, world } from "./stage.js";

/** Reads that an index takes over. */
const TAKEN = new Set(
  "models datasets jobs operators verifiers provenance descendants owners jobHistory search".split(" "),
);

/** The client, but what an index should give is `instead`, and events are those that are told. */
function spied(instead: (name: string) => unknown, tell: (heard: (event: any) => void) => void = () => undefined) {
  return new Proxy(client, {
    get(target, name) {
      if (TAKEN.has(String(name))) return async () => instead(String(name));
      if (name === "onEvent") return (heard: (event: any) => void) => (tell(heard), () => undefined);
      return Reflect.get(target, name, target);
    },
  });
}

/** Starts an index and waits until it has what is there now. */
async function indexed(): Promise<string> {
  const url = (await world.daemon("index", "assay", "index", "run", "--listen", "127.0.0.1:0")).ready.split(" ")[1]!;
  let wanted: number | undefined;
  await new Promise<void>((resolve, reject) => {
    const stop = client.onBlock(({ number }) => {
      wanted ??= number;
      fetch(`${url}/v1/status`)
        .then((answer) => answer.json())
        .then((status: any) => {
          if ((status.chain?.block.number ?? 0) < wanted!) return;
          stop();
          resolve();
        })
        .catch(reject);
    });
  });
  return url;
}

/** A graph without what depends on the way in which it was walked. */
const shape = ({ nodes, edges, ...rest }: Graph) => ({
  ...rest,
  nodes: new Map(nodes.map((node) => [node.key, node]).sort() as [string, unknown][]),
  edges: edges.map(({ made, from }) => `${made} ${from}`).sort(),
});

/** Without the hashes of blocks, of which an index keeps few. */
const numbered = <T extends { block: { number: number } | undefined }>(list: T[]) =>
  list.map((one) => ({ ...one, block: one.block?.number }));

let url: string;

test("an index gives what the chain gives", async () => {
  url = await indexed();
  const seen: IndexStatus[] = [];
  const unwanted = (name: string) => assert.fail(`${name} was read from the chain`);
  const over: Client = withIndex(spied(unwanted), `${url}/v1/`, { onStatus: (status) => seen.push(status) });
  for (const request of [{}, { limit: 1 }, { offset: 1, limit: 5 }, { offset: 99 }]) {
    assert.deepEqual(await over.models(request), await client.models(request));
    assert.deepEqual(await over.datasets(request), await client.datasets(request));
    assert.deepEqual(await over.jobs(request), await client.jobs(request));
    assert.deepEqual(await over.operators(request), await client.operators(request));
    assert.deepEqual(await over.verifiers(request), await client.verifiers(request));
  }
  const node = { type: "Dataset", value: derived } as const;
  for (const options of [{}, { withoutOperators: true }, { depth: 1 }, { limit: 2 }]) {
    for (const root of [models[1]!, node]) {
      assert.deepEqual(shape(await over.provenance(root, options)), shape(await client.provenance(root, options)));
    }
    assert.deepEqual(shape(await over.descendants(data, options)), shape(await client.descendants(data, options)));
  }
  for (const id of models) {
    const [mine, chains] = [await over.owners(id), await client.owners(id)];
    assert.deepEqual({ ...mine, history: numbered(mine.history) }, { ...chains, history: numbered(chains.history) });
  }
  for (const job of [0n, 1n]) {
    const [mine, chains] = [await over.jobHistory(job), await client.jobHistory(job)];
    assert.deepEqual({ ...mine, items: numbered(mine.items) }, { ...chains, items: numbered(chains.items) });
  }
  const { ss58 } = client.developmentSigner("//Charlie");
  for (const text of ["ONERROR", ` ${models[0]} `, data, "job:1", "1", "job:99", "nothing like it", ss58]) {
    assert.deepEqual(await over.search(text), await client.search(text), text);
  }
  assert.ok(seen.length > 0 && seen.every(({ used }) => used), JSON.stringify(seen));
  // Everything else is the chain's.
  assert.deepEqual(await over.model(models[0]!), await client.model(models[0]!));
  assert.equal(over.status, client.status);
});

test("what the reader has just seen happen is not gone again", async () => {
  let heard: (event: any) => void = () => undefined;
  const over = withIndex(
    spied(
      () => "the chain's",
      (listener) => (heard = listener),
    ),
    url,
  );
  assert.notEqual(await over.models(), "the chain's");
  heard({ block: { number: Number.MAX_SAFE_INTEGER } });
  assert.equal(await over.models(), "the chain's");
});

/** A server that answers as it is told. */
const answers: { status: number; headers: Record<string, string>; body: string } = {
  status: 200,
  headers: {},
  body: "",
};
const stub = createServer((_, response) => response.writeHead(answers.status, answers.headers).end(answers.body));
after(() => stub.close());

test("an index that is of another chain, behind, or none at all is not used, and that is said", async () => {
  await new Promise<void>((ready) => stub.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`;
  const { genesis, registry, market, titles } = client.network.deployment;
  const contracts = { registry: registry.address, market: market.address, titles: titles.address };
  const now = Number(await client.now());
  const status = (chain: object) =>
    JSON.stringify({ from: 0, chain: { genesis, ...contracts, block: { number: 1, time: now }, ...chain } });
  const other = `0x${"12".repeat(32)}`;
  for (const [body, reason, code] of [
    [status({ genesis: other }), /another chain/, 200],
    [status({ market: other.slice(0, 42) }), /other contracts/, 200],
    [status({ block: { number: 1, time: now - 121 } }), / s behind the node/, 200],
    [status({ genesis: 7 }), /genesis is 7/, 200],
    ["<html>", /no index does/, 200],
    ["", /answers 503/, 503],
    ["", /answers 404/, 404],
    // Of this chain and of now, and then not what a list is.
    [status({}), /total is undefined/, 200],
  ] as const) {
    Object.assign(answers, { status: code, body });
    const seen: IndexStatus[] = [];
    const over = withIndex(
      spied(() => "the chain's"),
      url,
      { onStatus: (status) => seen.push(status) },
    );
    assert.equal(await over.models(), "the chain's");
    const last = seen.at(-1)!;
    assert.ok(!last.used && reason.test(last.reason), JSON.stringify([seen, String(reason)]));
  }
  const away = withIndex(
    spied(() => "the chain's"),
    "http://127.0.0.1:9",
    {
      onStatus: (status) => assert.ok(!status.used && /cannot be reached/.test(status.reason)),
    },
  );
  assert.equal(await away.models(), "the chain's");
});

test("only URLs of indexes are taken", () => {
  assert.equal(indexUrl("https://index.example/a/v1/"), "https://index.example/a");
  assert.equal(indexUrl("http://127.0.0.1:8700"), "http://127.0.0.1:8700");
  for (const bad of [
    "",
    "index",
    "http://index.example",
    "javascript:alert(1)",
    "https://me:x@index.example",
    "ws://127.0.0.1",
  ]) {
    assert.throws(() => indexUrl(bad), code("BadInput"), bad);
  }
});
