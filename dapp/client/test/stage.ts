// What the tests of a real chain share: a chain with records on it, and a client.

import { after, before } from "node:test";
import { WebSocket } from "ws";
import { AssayError, type Client, type Hash, connect } from "../src/index.js";
import { asCli } from "./cli.js";
import { World, tinyJob } from "./world.js";

/** All that the registry takes of markup; control and direction characters it refuses. */
export const HOSTILE = `"><img src=x onerror=alert(1)>{{7*7}} __proto__ ﷽`;

export let world: World;
export let client: Client;
/** A dataset that costs something, and one that was derived from it. */
export let data: Hash;
export let derived: Hash;
/** A model of the one, and one of the other that started from it. */
export const models: Hash[] = [];

export const code = (expected: string) => (error: unknown) => error instanceof AssayError && error.code === expected;
/** As the command line writes it. */
export const cli = (value: unknown) => asCli(value, client.network.token);

before(async () => {
  world = await World.start();
  const terms = ["--licence", "CC-BY-4.0", "--price", "2 UNIT", "--access-seconds", "86400", "--royalty-bp", "500"];
  data = await world.dataset(HOSTILE, 0, "//Alice", ...terms);
  derived = await world.dataset("derived", 1, "//Alice", "--licence", "CC0-1.0", "--parent", data);
  await world.assay("dataset", "buy", data, "--suri", "//Bob", "-x", "-y");
  await world.workers();
  const first = await world.done(tinyJob(data, { name: HOSTILE, royalty_bp: 250 }));
  models.push(first.model);
  const second = await world.done(tinyJob(derived, { name: "second", parent: first.model }));
  models.push(second.model);
  const statement = ["statement", "add", first.model, "--kind", "evaluation", "--suri", "//Dave", "-x", "-y"];
  for (const text of ["good", HOSTILE]) await world.assay(...statement, "--text", text);
  client = await connect(world.url, await world.deployment(), {
    webSocket: WebSocket,
    timeout: 60_000,
  });
});

after(async () => {
  client?.close();
  await world?.stop();
});
