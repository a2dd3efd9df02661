// An EIP-1193 provider over a node with pallet-revive, without an Ethereum RPC
// server in between: what an Ethereum client asks is answered by the node's
// runtime function ReviveApi and its events, and what a wallet signs is handed
// to the chain as it is (Revive.eth_transact).
//
// Names and shapes come from the chain's metadata.

import { getDynamicBuilder, getLookupFn } from "@polkadot-api/metadata-builders";
import { AccountId, Bytes, Option, compact, decAnyMetadata, u32, unifyMetadata } from "@polkadot-api/substrate-bindings";
import { bytesToHex, hexToBytes, keccak256, numberToHex } from "viem";

// A 256-bit number as the chain has it: four words of 64 bits, lowest first.
const words = (number) => [0n, 64n, 128n, 192n].map((shift) => (BigInt(number) >> shift) & 0xffffffffffffffffn);
const joined = (words) => words.reduceRight((number, word) => (number << 64n) | word, 0n);

// What the metadata calls bytes is hex or an object with asHex, by its length.
const hex = (bytes) =>
  typeof bytes === "string" ? bytes : bytes instanceof Uint8Array ? bytesToHex(bytes) : bytes.asHex();

class RpcError extends Error {
  constructor(message, code = -32000, data = undefined) {
    super(message);
    Object.assign(this, { code, data });
  }
}

// Connects to a node over HTTP.
export async function connect(url) {
  let id = 0;
  const rpc = async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params });
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = await answer.json();
    if (error) throw new RpcError(`${method}: ${error.message} ${error.data ?? ""}`, error.code, error.data);
    return result;
  };
  const metadata = await rpc("state_call", "Metadata_metadata_at_version", bytesToHex(u32.enc(15)));
  const lookup = getLookupFn(unifyMetadata(decAnyMetadata(Option(Bytes()).dec(metadata))));
  const types = getDynamicBuilder(lookup);

  const head = () => rpc("chain_getFinalizedHead");
  const ask = async (method, ...values) => {
    const call = types.buildRuntimeCall("ReviveApi", method);
    return call.value.dec(await rpc("state_call", `ReviveApi_${method}`, bytesToHex(call.args.enc(values)), await head()));
  };

  // A call or transaction as ReviveApi.eth_transact wants it; what is not given is left to the chain.
  const generic = (tx) => {
    const input = tx.data ?? tx.input;
    const number = (value) => (value === undefined ? undefined : words(value));
    return {
      authorization_list: [],
      blob_versioned_hashes: [],
      blobs: [],
      from: tx.from,
      to: tx.to,
      input: { input: input === undefined ? undefined : hexToBytes(input), data: undefined },
      value: number(tx.value),
      gas: number(tx.gas),
    };
  };
  const dryRun = async (tx) => {
    const { success, value } = await ask("eth_transact", generic(tx));
    if (success) return value;
    if (value.type === "Data") throw new RpcError("execution reverted", 3, hex(value.value));
    throw new RpcError(value.value, 3);
  };

  const eventsAt = async (hash) => {
    const events = types.buildStorage("System", "Events");
    return events.value.dec(await rpc("state_getStorage", events.keys.enc(), hash));
  };
  const numberOf = async (hash) => BigInt((await rpc("chain_getHeader", hash)).number);

  // Ethereum transactions that were sent through here: where they are looked for.
  const sent = new Map();

  const send = async (raw) => {
    const call = types.buildCall("Revive", "eth_transact");
    const payload = new Uint8Array([...call.location, ...call.codec.enc({ payload: hexToBytes(raw) })]);
    const bare = new Uint8Array([4, ...payload]);
    const extrinsic = bytesToHex(new Uint8Array([...compact.enc(bare.length), ...bare]));
    const hash = keccak256(raw);
    sent.set(hash, { extrinsic, from: await numberOf(await head()) });
    await rpc("author_submitExtrinsic", extrinsic);
    return hash;
  };

  // The receipt of a transaction in a finalised block, or null.
  const receipt = async (hash) => {
    const transaction = sent.get(hash);
    if (!transaction) return null;
    const last = await numberOf(await head());
    for (let number = transaction.from + 1n; number <= last; number++) {
      const block = await rpc("chain_getBlockHash", Number(number));
      const { extrinsics } = (await rpc("chain_getBlock", block)).block;
      const index = extrinsics.indexOf(transaction.extrinsic);
      if (index < 0) continue;
      const mine = (await eventsAt(block)).filter(({ phase }) => phase.type === "ApplyExtrinsic" && phase.value === index);
      const is = (pallet, name) => ({ event }) => event.type === pallet && event.value.type === name;
      const reverted = mine.some(is("Revive", "EthExtrinsicRevert")) || mine.some(is("System", "ExtrinsicFailed"));
      const logs = mine.filter(is("Revive", "ContractEmitted")).map(({ event }, logIndex) => {
        const { contract, data, topics } = event.value.value;
        return {
          address: hex(contract),
          data: hex(data),
          topics: topics.map(hex),
          blockHash: block,
          blockNumber: numberToHex(number),
          transactionHash: hash,
          transactionIndex: numberToHex(index),
          logIndex: numberToHex(logIndex),
          removed: false,
        };
      });
      return {
        blockHash: block,
        blockNumber: numberToHex(number),
        transactionHash: hash,
        transactionIndex: numberToHex(index),
        status: reverted ? "0x0" : "0x1",
        logs,
        type: "0x0",
        gasUsed: "0x0",
        cumulativeGasUsed: "0x0",
        effectiveGasPrice: "0x0",
        contractAddress: null,
        logsBloom: `0x${"00".repeat(256)}`,
      };
    }
    return null;
  };

  const answers = {
    eth_chainId: async () => numberToHex(types.buildConstant("Revive", "ChainId").dec(constant("Revive", "ChainId"))),
    eth_blockNumber: async () => numberToHex(await numberOf(await head())),
    eth_gasPrice: async () => numberToHex(joined(await ask("gas_price"))),
    eth_getBalance: async (address) => numberToHex(joined(await ask("balance", address))),
    eth_getTransactionCount: async (address) => numberToHex(await ask("nonce", address)),
    eth_getCode: async (address) => hex(await ask("code", address)),
    eth_call: async (tx) => hex((await dryRun(tx)).data),
    eth_estimateGas: async (tx) => numberToHex(joined((await dryRun(tx)).eth_gas)),
    eth_sendRawTransaction: send,
    eth_getTransactionReceipt: receipt,
    // As much of it as wallets look at before they sign.
    eth_getBlockByNumber: async () => ({
      number: numberToHex(await numberOf(await head())),
      hash: await head(),
      baseFeePerGas: await answers.eth_gasPrice(),
      gasLimit: numberToHex(joined(await ask("block_gas_limit"))),
      transactions: [],
    }),
  };
  const constant = (pallet, name) =>
    lookup.metadata.pallets.find((one) => one.name === pallet).constants.find((one) => one.name === name).value;

  return {
    async request({ method, params = [] }) {
      if (!(method in answers)) throw new RpcError(`the node cannot answer ${method}`, -32601);
      return answers[method](...params);
    },

    // What a contract answers to nobody in particular, by ReviveApi.call.
    async read(to, data) {
      const nobody = AccountId().dec(new Uint8Array(32));
      const { result } = await ask("call", nobody, to, 0n, undefined, undefined, hexToBytes(data));
      if (!result.success) throw new RpcError(`the call failed: ${JSON.stringify(result.value)}`, 3);
      const { flags, data: answer } = result.value;
      if (flags & 1) throw new RpcError("execution reverted", 3, hex(answer));
      return hex(answer);
    },
  };
}
