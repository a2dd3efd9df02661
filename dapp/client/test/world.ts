// A development chain with contracts, data and daemons, made with the project's own programs: real records to read.
//
// ASSAY_NODE names the chain's program, ASSAY_BIN the folder with the others.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Deployment, parseDeployment } from "../src/index.js";

const environment = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run scripts/test dapp`);
  return value;
};

/** What runs is stopped even if the tests are broken off. */
const children = new Set<ChildProcess>();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** A program that runs until it is stopped, and the line by which it said that it is ready. */
export class Daemon {
  private constructor(
    readonly ready: string,
    private readonly child: ChildProcess,
    private readonly ended: Promise<void>,
  ) {}

  static async start(program: string, args: string[], options: { env: NodeJS.ProcessEnv; log: string }) {
    const log = createWriteStream(options.log, { flags: "a" });
    const child = spawn(program, args, { env: options.env, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        children.delete(child);
        resolve();
      };
      child.once("exit", end);
      child.once("error", end);
    });
    child.stderr.pipe(log);
    const line = await new Promise<string>((resolve, reject) => {
      const lines = createInterface(child.stdout);
      lines.once("line", resolve);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${program} ended with ${code}; its log is ${options.log}`)));
    });
    if (!line.startsWith("ready")) throw new Error(`${program} said: ${line}`);
    // What it says later goes nowhere; unread, it would block.
    child.stdout.resume();
    return new Daemon(line, child, ended);
  }

  /** Stops it and waits until it is gone. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.ended;
  }
}

/** A job that is quick to train, over the 60 samples of `tiny`. */
export const tinyJob = (dataset: string, model: object, more: object = {}) => ({
  model: { licence: "MIT", ...model },
  data: { dataset, prepare: { csv: { file: "data.csv", divisor: 4 } }, held_out: 12 },
  training: {
    model: { mlp: { inputs: 4, hidden: [8], classes: 3, activation: "relu" } },
    optimiser: { sgd: { lr: 0.125, momentum: 0.5, weight_decay: 0 } },
    batch: 4,
  },
  steps: 8,
  segment_steps: 2,
  payment: "10 UNIT",
  fee: "3 UNIT",
  stake: "30 UNIT",
  bond: "5 UNIT",
  samples: 2,
  panel: 2,
  windows: { claim: 300, train: 300, secrets: 300, open: 300, attest: 300, reveal: 300, dispute: 1 },
  ...more,
});

const csv = (shift: number) =>
  Array.from({ length: 60 }, (_, row) => `${[row % 7, row % 5, (row + shift) % 3, row % 2, row % 3].join(",")}\n`).join(
    "",
  );

export class World {
  private daemons: Daemon[] = [];
  private chain: Daemon | undefined;

  private constructor(readonly folder: string) {}

  /** A chain, with contracts on it unless told otherwise. `kept` chains can be restarted. */
  static async start(options: { kept?: boolean; bare?: boolean } = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), "assay-dapp.")));
    await mkdir(world.path("logs"));
    await world.startChain(
      options.kept ? ["--base-path", world.path("chain"), "--rpc-port", "0"] : ["--tmp", "--rpc-port", "0"],
    );
    if (!options.bare) {
      await world.assay("deploy", "--url", world.url, "--longest-window", "600", "--suri", "//Alice", "-x", "-y");
    }
    return world;
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Where the chain's node listens. */
  get url(): string {
    const url = this.chain?.ready.split(" ")[1];
    if (!url) throw new Error("the chain is not running");
    return url;
  }

  private get env(): NodeJS.ProcessEnv {
    return {
      HOME: this.folder,
      ASSAY_DEPLOYMENT: this.path("deployment.json"),
      ASSAY_DATA: this.path("data"),
      ...(this.chain && { ASSAY_URL: this.url }),
    };
  }

  private async startChain(args: string[]) {
    const log = this.path("logs", "node.log");
    this.chain = await Daemon.start(environment("ASSAY_NODE"), ["--block-time-ms", "200", ...args], {
      env: this.env,
      log,
    });
  }

  async stopChain() {
    await this.chain?.stop();
  }

  /** Starts a kept chain again at the port that it had; with `fresh` a new chain there. */
  async restartChain(port: number, fresh = false) {
    await this.startChain(["--rpc-port", String(port), ...(fresh ? ["--tmp"] : ["--base-path", this.path("chain")])]);
  }

  async deployment(): Promise<Deployment> {
    return parseDeployment(await readFile(this.path("deployment.json"), "utf8"));
  }

  /** Runs a program to its end, however that is; what it printed. */
  private run(program: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const options = { env: this.env, maxBuffer: 1 << 26 };
      execFile(program, args, options, (_, stdout, stderr) => resolve({ stdout, stderr }));
    });
  }

  /** Registers that many datasets, for measurements; their ids. */
  async fill(datasets: number): Promise<`0x${string}`[]> {
    const { stdout, stderr } = await this.run(environment("ASSAY_FILL"), [String(datasets)]);
    const ids = stdout.split("\n").filter(Boolean) as `0x${string}`[];
    if (ids.length !== datasets) throw new Error(`only ${ids.length} of ${datasets} datasets: ${stderr}`);
    return ids;
  }

  /** What `assay` answers with `--json`. */
  async assay(...args: string[]): Promise<any> {
    const { stdout, stderr } = await this.run(join(environment("ASSAY_BIN"), "assay"), [...args, "--json"]);
    const envelope = stdout && JSON.parse(stdout);
    if (!envelope?.ok) throw new Error(`assay ${args.join(" ")}: ${stdout}${stderr}`);
    return envelope.data;
  }

  /** Starts one of the programs and keeps it until the end. */
  async daemon(name: string, program: string, ...args: string[]): Promise<Daemon> {
    const log = this.path("logs", `${name}.log`);
    const daemon = await Daemon.start(join(environment("ASSAY_BIN"), program), args, { env: this.env, log });
    this.daemons.push(daemon);
    return daemon;
  }

  /** Registers a small dataset that is served; its id. Different `shift`s give different data. */
  async dataset(name: string, shift: number, suri: string, ...terms: string[]): Promise<`0x${string}`> {
    const folder = this.path(`data-${shift}`);
    await mkdir(folder);
    await writeFile(join(folder, "data.csv"), csv(shift));
    const server = await this.daemon(`data-${shift}`, "assay", "dataset", "serve", folder, "--listen", "127.0.0.1:0");
    const location = server.ready.split(" ")[1]!;
    const args = ["dataset", "register", folder, "--name", name, "--location", location, "--suri", suri, "-x", "-y"];
    return (await this.assay(...args, ...terms)).id;
  }

  /** An operator and three verifiers, who take any job. */
  async workers(): Promise<void> {
    for (const [index, suri] of ["//Eve", "//Ferdie", "//Assay1"].entries()) {
      const name = `verifier-${index}`;
      await this.daemon(
        name,
        "assay-verifier",
        "run",
        "--suri",
        suri,
        "--data",
        this.path(name),
        "--stake",
        "200 UNIT",
      );
    }
    const args = ["--data", this.path("oracle"), "--listen", "127.0.0.1:0", "--stake", "200 UNIT"];
    await this.daemon("oracle", "assay-oracle", "run", "--suri", "//Charlie", ...args);
  }

  /** Posts a job; its number. */
  async post(job: object, suri = "//Bob"): Promise<number> {
    const file = this.path(`job-${Math.random().toString(36).slice(2)}.json`);
    await writeFile(file, JSON.stringify(job));
    return (await this.assay("job", "post", file, "--suri", suri, "-x", "-y")).job;
  }

  /** Posts a job and sees it through; its number and its model's id. */
  async done(job: object, suri = "//Bob"): Promise<{ job: number; model: `0x${string}` }> {
    const number = await this.post(job, suri);
    await this.assay("job", "watch", String(number), "--reveal", "--suri", suri, "-x", "-y");
    return { job: number, model: (await this.assay("job", "show", String(number))).model_id };
  }

  async stop(): Promise<void> {
    for (const daemon of this.daemons.reverse()) await daemon.stop();
    await this.stopChain();
    await rm(this.folder, { recursive: true, force: true });
  }
}
