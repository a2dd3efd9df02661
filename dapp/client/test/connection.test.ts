// What happens when the node is not there, is another one, goes away or comes back.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { AssayError, type Client, type Deployment, type Status, connect } from "../src/index.js";
import { World } from "./world.js";

const options = { webSocket: WebSocket, timeout: 60_000 };
const code = (expected: string) => (error: unknown) => error instanceof AssayError && error.code === expected;

let world: World;
let deployment: Deployment;
let data: `0x${string}`;

before(async () => {
  world = await World.start({ kept: true });
  deployment = await world.deployment();
  data = await world.dataset("kept", 0, "//Alice", "--licence", "CC0-1.0");
});

after(() => world?.stop());

/** Waits for a status. */
const until = (client: Client, state: Status["state"]): Promise<Status> =>
  new Promise((resolve) => {
    if (client.status.state === state) return resolve(client.status);
    const stop = client.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve(status);
    });
  });

test("a node that is not there is unreachable", async () => {
  const connecting = connect("ws://127.0.0.1:9", deployment, { ...options, timeout: 500 });
  await assert.rejects(
    connecting,
    (error: AssayError) => error.code === "Unreachable" && error.message.includes("ws://127.0.0.1:9"),
  );
});

test("a node that ends its following again and again as it begins is connected to anew", async (t) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  let connections = 0;
  server.on("connection", (reader) => {
    // Of the first connection, so many.
    let stops = connections++ === 0 ? 3 : 0;
    const node = new WebSocket(world.url);
    const opened = once(node, "open");
    node.on("message", (data) => reader.send(data.toString()));
    node.on("close", () => reader.close());
    reader.on("close", () => node.close());
    reader.on("message", async (data) => {
      const { id, method } = JSON.parse(data.toString());
      if (method === "chainHead_v1_follow" && stops > 0) {
        const subscription = `stopped ${stops--}`;
        const params = { subscription, result: { event: "stop" } };
        reader.send(JSON.stringify({ jsonrpc: "2.0", id, result: subscription }));
        reader.send(JSON.stringify({ jsonrpc: "2.0", method: "chainHead_v1_followEvent", params }));
        return;
      }
      await opened;
      node.send(data.toString());
    });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = await connect(`ws://127.0.0.1:${port}`, deployment, { ...options, timeout: 20_000 });
  assert.equal(client.status.state, "connected");
  client.close();
  assert.ok(connections > 1, "the stops were not seen");
});

test("another chain, a missing contract and another contract are told apart", async () => {
  const genesis = `0x${"12".repeat(32)}` as const;
  await assert.rejects(connect(world.url, { ...deployment, genesis }, options), code("WrongNetwork"));
  const nowhere = { ...deployment.market, address: `0x${"34".repeat(20)}` as const };
  await assert.rejects(connect(world.url, { ...deployment, market: nowhere }, options), code("NoContract"));
  const changed = { ...deployment.market, codeHash: genesis };
  await assert.rejects(connect(world.url, { ...deployment, market: changed }, options), code("OtherContract"));
  await assert.rejects(
    connect(world.url, { ...deployment, market: deployment.registry }, options),
    code("OtherContract"),
  );
});

test("a closed client says so", async () => {
  const client = await connect(world.url, deployment, options);
  client.close();
  assert.equal(client.status.state, "closed");
  await assert.rejects(client.models(), code("Closed"));
});

test("it survives the node going away, and notices a chain that begins anew", async () => {
  const client = await connect(world.url, deployment, options);
  const port = Number(new URL(world.url).port);
  const states: string[] = [];
  client.onStatus(({ state }) => states.push(state));
  const blocks: number[] = [];
  client.onBlock(({ number }) => blocks.push(number));
  assert.equal((await client.dataset(data))!.record.name, "kept");

  const lost = until(client, "lost");
  await world.stopChain();
  await lost;
  // A read that begins now is answered when the node is back.
  const read = client.dataset(data);
  const back = until(client, "connected");
  await world.restartChain(port);
  await back;
  assert.equal((await read)!.record.name, "kept");

  // What happens after the break is told.
  const event = new Promise<any>((resolve, reject) => client.onEvent(resolve, reject));
  await world.assay("statement", "add", data, "--kind", "note", "--text", "still here", "--suri", "//Bob", "-x", "-y");
  assert.equal((await event).name, "Stated");
  assert.equal((await client.dataset(data))!.statements, 1);
  assert.ok(
    blocks.every((number, index) => index === 0 || number > blocks[index - 1]!),
    "blocks come in order, once",
  );

  const gone = until(client, "lost");
  await world.stopChain();
  await gone;
  const reset = until(client, "reset");
  await world.restartChain(port, true);
  await reset;
  await assert.rejects(client.models(), code("WrongNetwork"));
  await assert.rejects(client.dataset(data), code("WrongNetwork"));
  assert.deepEqual(
    states.filter((state, index) => state !== states[index - 1]),
    ["lost", "connected", "lost", "reset"],
  );
  client.close();
});
