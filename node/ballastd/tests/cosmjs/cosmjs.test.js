// CosmJS, a client that nobody here wrote, against a node: accounts, coins, transactions, orders, refusals.
// The tests run one after the other on one chain; each stands on what the ones before left.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { decodeTxRaw, DirectSecp256k1HdWallet, Registry } from "@cosmjs/proto-signing";
import {
  BroadcastTxError, defaultRegistryTypes, GasPrice, QueryClient, SigningStargateClient, StargateClient,
} from "@cosmjs/stargate";
import { connectComet } from "@cosmjs/tendermint-rpc";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx";
import { aminoWallet, directWallet, PREFIX, startChain } from "./chain.js";
import * as wire from "./wire.js";

const BITCOIN = 0;
/** Far below any price that the tests' chain has: these orders rest. */
const LOW = 1_000_000_000;
const SIZE = 100_000_000;
/** Orders pay for themselves when they trade. */
const ORDER_FEE = { amount: [], gas: "1000000" };
const FEE = { amount: [{ denom: "uusdc", amount: "5000" }], gas: "200000" };

const PATIENCE = { broadcastTimeoutMs: 15_000, broadcastPollIntervalMs: 200 };
const registry = new Registry([...defaultRegistryTypes, ...wire.registeredTypes]);
const options = { registry, gasPrice: GasPrice.fromString("0.025uusdc"), ...PATIENCE };
/** Another number in each run, so that a chain which runs already knows none of our orders. */
const firstId = Math.floor(Date.now() / 1000) % 1_000_000_000;

let chain, client, queries, alice, bob, sent;

before(async () => {
  chain = await startChain();
  const wallet = await directWallet();
  [{ address: alice }, { address: bob }] = await wallet.getAccounts();
  client = await SigningStargateClient.connectWithSigner(chain.rpc, wallet, options);
  queries = QueryClient.withExtensions(await connectComet(chain.rpc));
});

after(async () => {
  client?.disconnect();
  await chain?.stop();
});

const amount = async (who, denom = "uusdc") => BigInt((await client.getBalance(who, denom)).amount);
const subaccount = () => ({ owner: alice });
const ownOrder = (clientId, orderFlags) => ({ subaccountId: subaccount(), clientId, orderFlags, clobPairId: BITCOIN });
const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

const oneCoin = (amount = "1") => ({
  typeUrl: "/cosmos.bank.v1beta1.MsgSend",
  value: { fromAddress: alice, toAddress: bob, amount: [{ denom: "uusdc", amount }] },
});

/** Signs, sends and waits for the block; fails when the chain refuses it there. */
async function run(typeUrl, value, fee) {
  const result = await client.signAndBroadcast(alice, [{ typeUrl, value }], fee);
  assert.equal(result.code, 0, result.rawLog);
  return result;
}

/** The codespace and code with which the node refuses to take a transaction, or the code it has in its block. */
async function refusal(sending) {
  try {
    return ["in a block", (await sending).code];
  } catch (error) {
    if (error instanceof BroadcastTxError) return [error.codespace, error.code];
    throw error;
  }
}

async function equity() {
  const path = "/dydxprotocol.subaccounts.Query/Subaccount";
  const types = ["QuerySubaccountRequest", "QuerySubaccountResponse"];
  const { subaccount } = await wire.ask(queries, path, types, { owner: alice });
  return subaccount.assetPositions.reduce((sum, asset) => sum + wire.serInt(asset.quantums), 0n);
}

async function bids() {
  const types = ["OrderbookRequest", "OrderbookResponse"];
  const book = await wire.ask(queries, "/ballast.query.v1.Query/Orderbook", types, { depth: 20 });
  return book.bids;
}

function statefulOrder(orderId) {
  const path = "/dydxprotocol.clob.Query/StatefulOrder";
  return wire.ask(queries, path, ["QueryStatefulOrderRequest", "QueryStatefulOrderResponse"], { orderId });
}

describe("reading", () => {
  test("the client connects and reads chain id and height", async () => {
    assert.match(await client.getChainId(), /^ballast-/);
    const height = await client.getHeight();
    assert.ok(height > 0, `height ${height}`);
  });

  test("an account of the genesis is there with its number and sequence", async () => {
    const account = await client.getAccount(alice);
    assert.equal(account.address, alice);
    assert.equal(typeof account.accountNumber, "bigint");
    assert.ok(account.sequence >= 0);
  });

  test("balances are read one by one and all at once", async () => {
    assert.ok(await amount(alice) > 0n);
    const all = await client.getAllBalances(alice);
    assert.deepEqual(all.map((coin) => coin.denom), ["uballast", "uusdc"]);
  });

  test("an address that never was on the chain has no account and no coins", async () => {
    const stranger = await DirectSecp256k1HdWallet.generate(12, { prefix: PREFIX });
    const [{ address }] = await stranger.getAccounts();
    assert.equal(await client.getAccount(address), null);
    assert.equal(await amount(address), 0n);
  });

  test("blocks come one after the other", async () => {
    const from = await client.getHeight();
    const deadline = Date.now() + 30_000;
    while (await client.getHeight() <= from) {
      assert.ok(Date.now() < deadline, "no new block in 30 seconds");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const block = await client.getBlock(from);
    assert.equal(block.header.height, from);
    assert.equal(block.header.chainId, await client.getChainId());
  });
});

describe("sending coins", () => {
  test("a transfer with simulated gas is included and moves amount and fee to the unit", async () => {
    const [had, others] = [await amount(alice), await amount(bob)];
    sent = await client.sendTokens(alice, bob, [{ denom: "uusdc", amount: "1234567" }], "auto", "from CosmJS");
    assert.equal(sent.code, 0, sent.rawLog);
    assert.ok(sent.height > 0 && sent.gasUsed > 0n && sent.gasUsed <= sent.gasWanted);
    const { authInfo } = decodeTxRaw((await client.getTx(sent.transactionHash)).tx);
    const [fee] = authInfo.fee.amount;
    assert.equal(await amount(bob) - others, 1_234_567n);
    assert.equal(had - await amount(alice), 1_234_567n + BigInt(fee.amount));
  });

  test("the transaction is found by its hash", async () => {
    const found = await client.getTx(sent.transactionHash);
    assert.equal(found.hash, sent.transactionHash);
    assert.equal(found.height, sent.height);
    assert.equal(createHash("sha256").update(found.tx).digest("hex").toUpperCase(), sent.transactionHash);
    assert.equal(decodeTxRaw(found.tx).body.memo, "from CosmJS");
    assert.equal(await client.getTx("AB".repeat(32)), null);
  });

  test("the transaction is found by height, by sender and by recipient", async () => {
    // In a block of its own stand the votes, too.
    const inBlock = await client.searchTx(`tx.height=${sent.height}`);
    assert.ok(inBlock.some((tx) => tx.hash === sent.transactionHash));
    for (const query of [
      [{ key: "message.sender", value: alice }, { key: "tx.height", value: sent.height }],
      [{ key: "transfer.recipient", value: bob }, { key: "tx.height", value: sent.height }],
    ]) {
      const found = await client.searchTx(query);
      assert.deepEqual(found.map((tx) => tx.hash), [sent.transactionHash], JSON.stringify(query));
    }
    assert.deepEqual(await client.searchTx([{ key: "transfer.recipient", value: "nobody" }]), []);
  });

  test("the transaction stands in its block", async () => {
    const block = await client.getBlock(sent.height);
    const hashes = block.txs.map((tx) => createHash("sha256").update(tx).digest("hex").toUpperCase());
    assert.ok(hashes.includes(sent.transactionHash));
  });

  test("an event names what was moved", async () => {
    const transfers = sent.events.filter((event) => event.type === "transfer");
    const texts = transfers.map((event) => Object.fromEntries(event.attributes.map((one) => [one.key, one.value])));
    const ours = texts.find((transfer) => transfer.recipient === bob);
    assert.deepEqual([ours?.sender, ours?.amount], [alice, "1234567uusdc"]);
  });

  test("a transfer signed as amino JSON is included", async () => {
    const signer = await SigningStargateClient.connectWithSigner(chain.rpc, await aminoWallet(), options);
    const others = await amount(bob, "uballast");
    const result = await signer.sendTokens(alice, bob, [{ denom: "uballast", amount: "77" }], FEE, "<&> amino");
    assert.equal(result.code, 0, result.rawLog);
    assert.equal(await amount(bob, "uballast") - others, 77n);
    signer.disconnect();
  });

  test("two transfers that are sent before a block are both included", async () => {
    const { accountNumber, sequence } = await client.getSequence(alice);
    const chainId = await client.getChainId();
    const signed = async (amount, offset) => {
      const signer = { accountNumber, sequence: sequence + offset, chainId };
      return TxRaw.encode(await client.sign(alice, [oneCoin(amount)], FEE, "", signer)).finish();
    };
    const others = await amount(bob);
    const [first, second] = [await signed("1", 0), await signed("2", 1)];
    await client.broadcastTxSync(first);
    const last = await client.broadcastTx(second, ...Object.values(PATIENCE));
    assert.equal(last.code, 0, last.rawLog);
    assert.equal(await amount(bob) - others, 3n);
  });
});

describe("trading with registered dYdX messages", () => {
  const longTerm = firstId + 1;
  let until;

  test("the registered types encode the published example of an order", () => {
    const orderId = { subaccountId: { owner: "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4" } };
    const order = { orderId, side: wire.BUY, quantums: 5, subticks: 10, goodTilBlock: 15 };
    assert.equal(wire.hash("Order", order), "a7ff5678fc54ff3b9f4a71a2c4149718ac4bf653679fffb8e0f847af36db355d");
    assert.equal(wire.hash("OrderId", orderId), "5c2ec7cbfcf263f6cb37441260cc8b71dd28b7fc8f00ff00c1391645ce532195");
  });

  test("a deposit moves coins into a subaccount", async () => {
    const [had, before] = [await amount(alice), await equity()];
    await run(wire.DEPOSIT, { sender: alice, recipient: subaccount(), quantums: 1_000_000_000 }, FEE);
    assert.equal(await equity() - before, 1_000_000_000n);
    assert.equal(had - await amount(alice), 1_000_005_000n);
  });

  test("a long-term order is placed without a fee and rests", async () => {
    until = inSeconds(600);
    const orderId = ownOrder(longTerm, wire.LONG_TERM);
    const order = { orderId, side: wire.BUY, quantums: SIZE, subticks: LOW, goodTilBlockTime: until };
    const had = await amount(alice);
    const placed = await run(wire.PLACE_ORDER, { order }, ORDER_FEE);
    assert.equal(await amount(alice), had);
    const [message] = decodeTxRaw((await client.getTx(placed.transactionHash)).tx).body.messages;
    assert.equal(message.typeUrl, wire.PLACE_ORDER);
    const { orderPlacement } = await statefulOrder(orderId);
    assert.equal(orderPlacement.order.subticks, LOW);
    assert.equal(orderPlacement.order.goodTilBlockTime, until);
    const level = (await bids()).find(({ subticks }) => subticks === LOW);
    assert.ok(level?.quantums >= SIZE, "the order is not in the book");
  });

  test("the order is cancelled and gone", async () => {
    const orderId = ownOrder(longTerm, wire.LONG_TERM);
    await run(wire.CANCEL_ORDER, { orderId, goodTilBlockTime: until + 60 }, ORDER_FEE);
    await assert.rejects(statefulOrder(orderId), /NotFound/);
    assert.equal((await bids()).find(({ subticks }) => subticks === LOW), undefined);
  });

  test("a short-term order is placed and cancelled without a fee or a sequence", async () => {
    const { sequence } = await client.getSequence(alice);
    const orderId = ownOrder(firstId + 2, wire.SHORT_TERM);
    const goodTilBlock = await client.getHeight() + 15;
    const price = LOW + 100_000;
    const order = { orderId, side: wire.BUY, quantums: SIZE, subticks: price, goodTilBlock };
    await run(wire.PLACE_ORDER, { order }, ORDER_FEE);
    assert.equal((await bids()).find(({ subticks }) => subticks === price)?.quantums, SIZE);
    await run(wire.CANCEL_ORDER, { orderId, goodTilBlock }, ORDER_FEE);
    assert.equal((await bids()).find(({ subticks }) => subticks === price), undefined);
    assert.equal((await client.getSequence(alice)).sequence, sequence);
  });

  test("a withdrawal brings the coins back", async () => {
    const [had, before] = [await amount(alice), await equity()];
    const value = { sender: subaccount(), recipient: alice, quantums: 400_000_000 };
    await run(wire.WITHDRAW, value, FEE);
    assert.equal(before - await equity(), 400_000_000n);
    assert.equal(await amount(alice) - had, 399_995_000n);
  });
});

describe("refusals", () => {
  const send = (coins, fee = FEE) => client.sendTokens(alice, bob, coins, fee);
  const place = (order) => client.signAndBroadcast(alice, [{ typeUrl: wire.PLACE_ORDER, value: { order } }], ORDER_FEE);
  const order = (clientId, changes) => ({
    orderId: ownOrder(clientId, wire.LONG_TERM), side: wire.BUY, quantums: SIZE, subticks: LOW,
    goodTilBlockTime: inSeconds(600), ...changes,
  });

  test("more coins than there are is code 5 in a block, and only the fee is paid", async () => {
    const had = await amount(alice);
    const result = await refusal(send([{ denom: "uusdc", amount: "999999999999999" }]));
    assert.deepEqual(result, ["in a block", 5]);
    assert.equal(had - await amount(alice), 5_000n);
  });

  test("a fee below the lowest price is sdk 13", async () => {
    const fee = { amount: [{ denom: "uusdc", amount: "1" }], gas: "200000" };
    assert.deepEqual(await refusal(send([{ denom: "uusdc", amount: "1" }], fee)), ["sdk", 13]);
  });

  test("a sequence that is not the next one is sdk 32", async () => {
    const { accountNumber, sequence } = await client.getSequence(alice);
    const signer = { accountNumber, sequence: sequence + 7, chainId: await client.getChainId() };
    assert.deepEqual(await refusal(broadcast(oneCoin(), FEE, signer)), ["sdk", 32]);
  });

  test("a signature for another chain is sdk 4", async () => {
    const signer = { ...(await client.getSequence(alice)), chainId: "ballast-other-1" };
    assert.deepEqual(await refusal(broadcast(oneCoin(), FEE, signer)), ["sdk", 4]);
  });

  test("an order off the tick is clob 12", async () => {
    assert.deepEqual(await refusal(place(order(firstId + 3, { subticks: LOW + 1 }))), ["clob", 12]);
  });

  test("an order in a market that is not there is clob 8", async () => {
    const orderId = { ...ownOrder(firstId + 4, wire.LONG_TERM), clobPairId: 4_000 };
    assert.deepEqual(await refusal(place(order(0, { orderId }))), ["clob", 8]);
  });

  test("an order beyond the collateral is code 3007 in a block", async () => {
    const huge = order(firstId + 5, { quantums: SIZE * 100_000, subticks: 2_868_800_000 });
    assert.deepEqual(await refusal(place(huge)), ["in a block", 3007]);
  });

  test("an order of somebody else's subaccount is sdk 8", async () => {
    const orderId = { ...ownOrder(firstId + 6, wire.LONG_TERM), subaccountId: { owner: bob } };
    const signer = { ...(await client.getSequence(bob)), chainId: await client.getChainId() };
    const message = { typeUrl: wire.PLACE_ORDER, value: { order: order(0, { orderId }) } };
    assert.deepEqual(await refusal(broadcast(message, ORDER_FEE, signer)), ["sdk", 8]);
  });

  test("nothing that was refused has moved a coin of the other account", async () => {
    const reader = await StargateClient.connect(chain.rpc);
    const now = await reader.getBalance(bob, "uusdc");
    await client.sendTokens(alice, bob, [{ denom: "uusdc", amount: "1" }], FEE);
    assert.equal(BigInt((await reader.getBalance(bob, "uusdc")).amount) - BigInt(now.amount), 1n);
    reader.disconnect();
  });

  /** Signs with Alice's key what `signer` claims. */
  async function broadcast(message, fee, signer) {
    const raw = await client.sign(alice, [message], fee, "", signer);
    return client.broadcastTx(TxRaw.encode(raw).finish(), ...Object.values(PATIENCE));
  }
});
