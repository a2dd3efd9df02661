// Titles of models as an Ethereum client sees them: viem encodes every message
// and decodes every answer, error and event by the committed ABI, and signs as
// a wallet would.
//
//   node titles.mjs URL ABI.json TITLES MODEL
//
// URL is a node's HTTP address, TITLES the contract, MODEL the id of a model that
// the first of the accounts below owns. All three need funds.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  custom,
  decodeFunctionResult,
  defineChain,
  encodeFunctionData,
  getAddress,
  getContract,
  parseEventLogs,
  zeroAddress,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { connect } from "./provider.mjs";

const [url, abiFile, address, model] = process.argv.slice(2);
const abi = JSON.parse(readFileSync(abiFile, "utf8"));
const provider = await connect(url);
const chain = defineChain({
  id: Number(await provider.request({ method: "eth_chainId" })),
  name: "a chain with pallet-revive",
  nativeCurrency: { name: "token", symbol: "UNIT", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const transport = custom(provider, { retryCount: 0 });
const reader = createPublicClient({ chain, transport, cacheTime: 0, pollingInterval: 100 });
const [first, second, third] = [1, 2, 3].map((digit) => {
  const account = privateKeyToAccount(`0x${String(digit).repeat(64)}`);
  return createWalletClient({ account, chain, transport });
});
const titles = getContract({ address, abi, client: reader });
const token = BigInt(model);
const unknown = token ^ 1n;

// Sends a message, and gives the events that it emitted.
async function send(wallet, functionName, args) {
  // Legacy transactions: the chain's fee does not move.
  const hash = await wallet.writeContract({ address, abi, functionName, args, type: "legacy" });
  const receipt = await reader.waitForTransactionReceipt({ hash, checkReplacement: false, timeout: 60_000 });
  assert.equal(receipt.status, "success", `${functionName} in block ${receipt.blockNumber}`);
  const events = parseEventLogs({ abi, logs: receipt.logs });
  assert.equal(events.length, receipt.logs.length, "every event is one of the ABI");
  return events.map(({ eventName, args }) => ({ eventName, ...args }));
}

// The contract's own error by which a message is refused.
async function refused(wallet, functionName, args) {
  try {
    await reader.simulateContract({ account: wallet.account, address, abi, functionName, args });
  } catch (error) {
    const reverted = error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    assert.ok(reverted?.data, `${functionName}: ${error.message}`);
    return { errorName: reverted.data.errorName, args: reverted.data.args ?? [] };
  }
  assert.fail(`${functionName} was not refused`);
}

async function step(name, body) {
  await body();
  console.log(`ok  ${name}`);
}

const [alice, bob, carol] = [first, second, third].map((wallet) => getAddress(wallet.account.address));

await step("the interfaces are those of ERC-165, ERC-721 and its metadata", async () => {
  for (const [id, expected] of [
    ["0x01ffc9a7", true],
    ["0x80ac58cd", true],
    ["0x5b5e139f", true],
    ["0xffffffff", false],
  ]) {
    assert.equal(await titles.read.supportsInterface([id]), expected, id);
  }
  assert.ok((await titles.read.name()).length > 0 && (await titles.read.symbol()).length > 0);
});

await step("owner, balance and number of titles are read", async () => {
  assert.equal(await titles.read.ownerOf([token]), alice);
  assert.equal(await titles.read.balanceOf([alice]), 1n);
  assert.equal(await titles.read.totalSupply(), 1n);
  assert.equal(await titles.read.tokenByIndex([0n]), token);
  assert.equal(await titles.read.getApproved([token]), zeroAddress);
});

await step("the same by the call that other contracts' readers use (ReviveApi.call)", async () => {
  const data = encodeFunctionData({ abi, functionName: "ownerOf", args: [token] });
  const answer = await provider.read(address, data);
  assert.equal(decodeFunctionResult({ abi, functionName: "ownerOf", data: answer }), alice);
});

await step("the token's URI describes the model", async () => {
  const [head, body] = (await titles.read.tokenURI([token])).split(",");
  assert.equal(head, "data:application/json;base64");
  const description = JSON.parse(Buffer.from(body, "base64").toString("utf8"));
  assert.ok(JSON.stringify(description).includes(model), JSON.stringify(description));
  assert.ok(description.name.length > 0);
});

await step("one model is approved and passed on by whom its owner approved", async () => {
  assert.deepEqual(await send(first, "approve", [bob, token]), [
    { eventName: "Approval", owner: alice, approved: bob, tokenId: token },
  ]);
  assert.equal(await titles.read.getApproved([token]), bob);
  assert.deepEqual(await send(second, "transferFrom", [alice, bob, token]), [
    { eventName: "Transfer", from: alice, to: bob, tokenId: token },
  ]);
  assert.equal(await titles.read.ownerOf([token]), bob);
  assert.equal(await titles.read.getApproved([token]), zeroAddress, "an approval ends with the transfer");
});

await step("all models of an owner are approved, and passed on by safeTransferFrom", async () => {
  assert.deepEqual(await send(second, "setApprovalForAll", [carol, true]), [
    { eventName: "ApprovalForAll", owner: bob, operator: carol, approved: true },
  ]);
  assert.equal(await titles.read.isApprovedForAll([bob, carol]), true);
  assert.deepEqual(await send(third, "safeTransferFrom", [bob, carol, token]), [
    { eventName: "Transfer", from: bob, to: carol, tokenId: token },
  ]);
  // The overload with data.
  assert.deepEqual(await send(third, "safeTransferFrom", [carol, alice, token, "0x1234"]), [
    { eventName: "Transfer", from: carol, to: alice, tokenId: token },
  ]);
  await send(second, "setApprovalForAll", [carol, false]);
  assert.equal(await titles.read.isApprovedForAll([bob, carol]), false);
  assert.deepEqual(await Promise.all([alice, bob, carol].map((who) => titles.read.balanceOf([who]))), [1n, 0n, 0n]);
});

await step("refusals are the errors of EIP-6093", async () => {
  for (const [wallet, message, args, errorName, errorArgs] of [
    [second, "transferFrom", [alice, bob, token], "ERC721InsufficientApproval", [bob, token]],
    [second, "approve", [bob, token], "ERC721InvalidApprover", [bob]],
    [first, "transferFrom", [bob, carol, token], "ERC721IncorrectOwner", [bob, token, alice]],
    [first, "transferFrom", [alice, zeroAddress, token], "ERC721InvalidReceiver", [zeroAddress]],
    [first, "safeTransferFrom", [alice, address, token], "ERC721InvalidReceiver", [getAddress(address)]],
    [first, "setApprovalForAll", [zeroAddress, true], "ERC721InvalidOperator", [zeroAddress]],
    [first, "ownerOf", [unknown], "ERC721NonexistentToken", [unknown]],
    [first, "balanceOf", [zeroAddress], "ERC721InvalidOwner", [zeroAddress]],
  ]) {
    assert.deepEqual(await refused(wallet, message, args), { errorName, args: errorArgs }, message);
  }
  assert.equal(await titles.read.ownerOf([token]), alice, "nothing was kept");
});
