import type { JsonRpcProvider } from "polkadot-api";
import { isHash, toAddress, toHash, toNode, unmappedAccount } from "./basic.js";
import { Chain } from "./chain.js";
import { type ArgsOf, type Contract, Contracts } from "./contracts.js";
import { AssayError } from "./errors.js";
import { exported } from "./exports/index.js";
import { Walk, findNode } from "./graph.js";
import type { MarketMessages } from "./generated/market.js";
import { newSecret, termsHash } from "./hashes.js";
import { Past } from "./history.js";
import { Live } from "./live.js";
import { newest } from "./pages.js";
import { jobLike, posting } from "./posting.js";
import { Records } from "./records.js";
import type { Ran } from "./revive.js";
import { search } from "./search.js";
import { developmentSigner } from "./signers.js";
import { Prepared, type Message, mappedAccount, spendableOf } from "./transactions.js";
import type { Address, Block, Deployment, Hash, JobId, Node, PageRequest } from "./types/basic.js";
import type { Account, Client, ContractEvent } from "./types/client.js";
import type { ConnectOptions } from "./types/functions.js";
import type { Role } from "./types/market.js";
import type { Graph, GraphOptions } from "./types/provenance.js";
import type { JobDraft, PostedJob, Secret, Transaction } from "./types/transactions.js";
import { verification } from "./verification.js";

/** Connects, and checks that the chain is the deployment's and the contracts are these. */
export async function connect(
  node: string | string[] | JsonRpcProvider,
  deployment: Deployment,
  options: ConnectOptions = {},
): Promise<Client> {
  const chain = await Chain.connect(node, deployment, options);
  try {
    const contracts = new Contracts(chain);
    await contracts.verify();
    return client(chain, contracts);
  } catch (error) {
    chain.close();
    throw error;
  }
}

/** The parts put together. */
function client(chain: Chain, contracts: Contracts): Client {
  const { market, registry, titles } = contracts;
  const records = new Records(contracts);
  const past = new Past(contracts);
  const live = new Live(contracts);
  const { token } = chain.network;
  const read = <T>(ask: (at: Block) => Promise<T>) => chain.read(ask);

  const rooted = async (at: Block, root: Hash | Node): Promise<Node> => {
    const node = typeof root === "string" && isHash(root) ? await findNode(contracts, at, toHash(root)) : toNode(root);
    if (node) return node;
    throw new AssayError("NotFound", `nothing with the id ${root} is registered here; check the id and the network`);
  };

  const graph = (root: Hash | Node, direction: "made_from" | "made_into", options: GraphOptions = {}): Promise<Graph> =>
    read(async (at) => new Walk(contracts, at, direction, options).from(await rooted(at, root)));

  const neighbours = (node: Node, list: "made_from" | "made_into", page?: PageRequest) =>
    read((at) => newest((offset, limit) => registry.ask(at, list, { node, offset, limit }), page));

  const prepared = <T>(message: Message<T>): Transaction<T> => new Prepared(contracts, message);

  /** A message to an ink! contract. */
  const ink = <M, L extends string & keyof M, T>(
    contract: Contract<M>,
    what: L,
    args: ArgsOf<M, L>,
    rest: Pick<Message<T>, "description" | "outcome"> & { value?: bigint; output: (answer: unknown) => T },
  ): Transaction<T> => {
    const { description, outcome, value = 0n, output } = rest;
    const data = contract.encode(what, args);
    const answer = (ran: Ran) => output(contract.accepted(what, ran));
    return prepared({ description, what, to: contract.address, data, value, outcome, answer });
  };

  /** One to the market that answers nothing. */
  const order = <L extends string & keyof MarketMessages>(
    what: L,
    args: ArgsOf<MarketMessages, L>,
    description: string,
  ): Transaction<void> => ink(market, what, args, { description, output: () => undefined });

  return {
    network: chain.network,

    get status() {
      return chain.status;
    },
    onStatus: (listener) => chain.onStatus(listener),
    onBlock: (listener) => chain.onBlock(listener),
    onEvent: (listener, onError) => live.add(listener, onError),
    now: () => read((at) => chain.timeOf(at.hash)),
    close: () => chain.close(),

    models: (page) => read((at) => records.models(at, page)),
    datasets: (page) => read((at) => records.datasets(at, page)),
    jobs: (page) => read((at) => records.jobs(at, page)),
    operators: (page) => read((at) => records.staked(at, "Operator", page)),
    verifiers: (page) => read((at) => records.staked(at, "Verifier", page)),

    model: (id) => read((at) => records.model(at, toHash(id))),
    dataset: (id) => read((at) => records.dataset(at, toHash(id))),
    job: (id) => read((at) => records.job(at, id)),
    operator: (account) => read((at) => records.operator(at, toAddress(account))),
    verifier: (account) => read((at) => records.verifier(at, toAddress(account))),
    account: (account) => read((at) => accountOf(records, at, toAddress(account))),
    rules: () => read((at) => market.ask(at, "rules", {})),

    provenance: (root, options) => graph(root, "made_from", options),
    descendants: (root, options) => graph(root, "made_into", { ...options, withoutOperators: true }),
    children: (node, page) => neighbours(node, "made_into", page),
    parents: (node, page) => neighbours(node, "made_from", page),
    export: (form, root, options = {}) =>
      read(async (at) => exported(contracts, at, form, await rooted(at, root), options)),
    owners: (model) => read((at) => past.owners(at, toHash(model))),
    verification: (model) => read((at) => verification(records, at, toHash(model))),
    contributions: (job) => read((at) => records.contributions(at, job)),
    payments: (job, page) => read((at) => records.payments(at, job, page)),
    grants: (dataset, page) => read((at) => records.grants(at, toHash(dataset), page)),
    grant: (dataset, account) => read((at) => records.grant(at, toHash(dataset), toAddress(account))),
    statements: (node, page) => read((at) => records.statements(at, node, page)),
    statementsBy: (author, page) => read((at) => records.statementsBy(at, toAddress(author), page)),
    jobHistory: (job) => read((at) => past.jobHistory(at, job)),
    events: (filter) => read((at) => past.events(at, filter)),
    liveJobs: (account, as) => read((at) => records.liveJobs(at, toAddress(account), as)),
    search: (text) => read((at) => search(records, at, text)),

    transferModel: (id, receiver) =>
      read(async (at) => {
        const [model, to] = [toHash(id), toAddress(receiver)];
        const [record, from] = await Promise.all([registry.ask(at, "model", { id: model }), titles.ownerOf(at, model)]);
        if (!record || !from) {
          throw new AssayError("NotFound", `model ${model} has no title here; check the id and the network`);
        }
        return prepared<void>({
          description: `transfer the model ${record.name} to ${to}`,
          what: "transfer",
          to: titles.address,
          data: titles.transfer(from, to, model),
          value: 0n,
          answer: (ran) => titles.accepted("transfer", ran),
        });
      }),
    buyAccess: (id) =>
      read(async (at) => {
        const dataset = toHash(id);
        const record = await registry.ask(at, "dataset", { id: dataset });
        if (!record)
          throw new AssayError("NotFound", `dataset ${dataset} is not registered here; check the id and the network`);
        const { name, terms } = record;
        if (terms.price === undefined) {
          const why = terms.open ? "is open to all" : "is not for sale; ask its owner";
          throw new AssayError("BadInput", `dataset ${dataset} ${why}`);
        }
        const hash = termsHash(registry.codec, terms);
        const description = `buy access to the dataset ${name} for ${token.format(terms.price)}`;
        return ink(
          registry,
          "buy_access",
          { dataset, terms: hash },
          { description, value: terms.price, output: () => undefined },
        );
      }),
    jobLike: (job) => read((at) => jobLike(contracts, at, job)),
    postJob: (draft: JobDraft, secret: Secret) => {
      const value = draft.payment + draft.fee;
      const what = `post the job for the model ${draft.model.name}, with payment and fee`;
      const output = (job: unknown): PostedJob => ({ job: job as JobId });
      const rest = { description: `${what} (${token.format(value)})`, value, output, outcome: posted };
      return ink(market, "post_job", { job: posting(draft, secret) }, rest);
    },
    newSecret: (by) => newSecret(market.address, toAddress(by)),
    revealSecret: (job, secret) =>
      order("reveal_secret", { job, secret: toHash(secret) }, `reveal the secret of job ${job}`),
    advance: (job) => order("advance", { job }, `move job ${job} on`),
    cancel: (job) => order("cancel", { job }, `take job ${job} back`),
    withdraw: (name) => {
      const description = `send out what the ${name} has credited to this account`;
      const rest = { description, output: (amount: unknown) => amount as bigint };
      return name === "market" ? ink(market, "withdraw", {}, rest) : ink(registry, "withdraw", {}, rest);
    },
    developmentSigner: (suri) => developmentSigner(chain.network, suri),
  };
}

/** The number of the job that was posted. */
function posted(events: ContractEvent[]): PostedJob | undefined {
  for (const event of events) {
    if (event.contract === "market" && event.name === "JobMoved" && event.fields.state === "Open")
      return { job: event.fields.job };
  }
  return undefined;
}

async function accountOf(records: Records, at: Block, address: Address): Promise<Account> {
  const { chain, market, registry } = records.contracts;
  const standing = (role: Role) => market.ask(at, "standing", { role, account: address });
  const [mapped, marketCredit, registryCredit, operator, verifier] = await Promise.all([
    mappedAccount(chain, at, address),
    market.ask(at, "credit", { account: address }),
    registry.ask(at, "credit", { account: address }),
    standing("Operator"),
    standing("Verifier"),
  ]);
  const { token, ss58Prefix } = chain.network;
  const balance =
    (await spendableOf(chain, at, mapped ?? unmappedAccount(address, ss58Prefix))) * token.nativeToContract;
  return { address, ss58: mapped, balance, marketCredit, registryCredit, operator, verifier };
}
