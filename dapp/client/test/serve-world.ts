// Makes a world with records to look at and keeps it until Ctrl-C: node build/test/serve-world.js
import { World, tinyJob } from "./world.js";

const world = await World.start();
const dataset = await world.dataset(
  "tiny",
  0,
  "//Alice",
  "--licence",
  "CC-BY-4.0",
  "--price",
  "2 UNIT",
  "--access-seconds",
  "86400",
  "--royalty-bp",
  "500",
);
await world.assay("dataset", "buy", dataset, "--suri", "//Bob", "-x", "-y");
await world.workers();
const first = await world.done(tinyJob(dataset, { name: "first model" }));
console.log(JSON.stringify({ url: world.url, folder: world.folder, dataset, ...first }));
process.on("SIGINT", () => void world.stop().then(() => process.exit(0)));
