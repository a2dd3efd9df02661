// `scripts/bench reader`: how long an index takes to read a whole chain, and the same pages from it and from the chain.
//
// Prints Markdown. ASSAY_NODE and ASSAY_BIN as in world.ts; ASSAY_FILL names crates/index's example `fill`, RECORDS
// says how many datasets there are.

import { WebSocket } from "ws";
import { type Client, connect, withIndex } from "../src/index.js";
import { World } from "./world.js";

const records = Number(process.env["RECORDS"] ?? 3000);
const times = 5;

const world = await World.start();

/** The median of some runs, in milliseconds. */
async function median(read: (run: number) => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let run = 0; run < times; run++) {
    const begun = performance.now();
    await read(run);
    took.push(performance.now() - begun);
  }
  return took.sort((one, other) => one - other)[Math.floor(times / 2)]!;
}

try {
  const ids = await world.fill(records);
  const deployment = await world.deployment();
  const client = await connect(world.url, deployment, { webSocket: WebSocket, timeout: 60_000 });

  const begun = performance.now();
  await world.assay("index", "rebuild");
  const seconds = (performance.now() - begun) / 1000;
  const { ready } = await world.daemon(
    "index",
    "assay",
    "index",
    "run",
    "--listen",
    "127.0.0.1:0",
    "--burst",
    "100000",
  );
  const url = ready.split(" ")[1]!;
  const status: any = await (await fetch(`${url}/v1/status`)).json();
  const blocks = status.chain.block.number - status.from + 1;
  console.log(
    `A chain of ${blocks} blocks with ${records} records: read anew in ${seconds.toFixed(1)} s ` +
      `(${Math.round(blocks / seconds)} blocks and ${Math.round(records / seconds)} records a second).\n`,
  );

  const over = withIndex(client, url, {
    onStatus: (status) => {
      if (!status.used) throw new Error(`the index is not used: ${status.reason}`);
    },
  });
  const reads: [what: string, read: (from: Client, run: number) => Promise<unknown>][] = [
    ["newest 20 datasets", (from) => from.datasets()],
    [`all ${records} datasets`, (from) => from.datasets({ limit: records })],
    ["search: one name", (from) => from.search(`measured ${records - 1}`)],
    // A client remembers what it was asked.
    ["lineage of one dataset", (from, run) => from.provenance({ type: "Dataset", value: ids[run]! })],
  ];
  console.log("| page | from the index, ms | straight from the chain, ms |\n| --- | ---: | ---: |");
  for (const [what, read] of reads) {
    const [quick, slow] = [await median((run) => read(over, run)), await median((run) => read(client, run))];
    console.log(`| ${what} | ${quick.toFixed(1)} | ${slow.toFixed(1)} |`);
  }
  over.close();
} finally {
  await world.stop();
}
