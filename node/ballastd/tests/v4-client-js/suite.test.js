// The TypeScript client of the dYdX chain, which nobody here wrote, against a node: every call that needs no Indexer.
// The tests run one after the other on one chain; each stands on what the ones before left.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { before, describe, test } from "node:test";
import { absent, differs, guide, works } from "./calls.js";
import { ALICE, BOB, BTC, coins, eventually, inSeconds } from "./chain.js";
import * as wire from "./wire.js";

// Its ES modules do not load in plain Node.
const require = createRequire(import.meta.url);
const dydx = require("@dydxprotocol/v4-client-js");
const Long = require("long");

const LONG_TERM = dydx.OrderFlags.LONG_TERM;
const CONDITIONAL = dydx.OrderFlags.CONDITIONAL;
const SHORT_TERM = dydx.OrderFlags.SHORT_TERM;
const { BUY, SELL } = dydx.OrderSide;
const { LIMIT, MARKET, STOP_LIMIT, STOP_MARKET, TAKE_PROFIT_LIMIT, TAKE_PROFIT_MARKET } = dydx.OrderType;
const { GTT, IOC, FOK } = dydx.OrderTimeInForce;
const { DEFAULT } = dydx.OrderExecution;
/** Far below any price of the market: these orders rest. */
const LOW = 10_000;
const SIZE = 0.01;
const QUANTUMS = SIZE * 1e10;

let client, get, post, alice, bob, nextId = Math.floor(Date.now() / 1000) % 1_000_000_000;

before(async () => {
  const network = dydx.Network.local();
  network.validatorConfig.restEndpoint = process.env.BALLAST_TEST_RPC;
  client = await dydx.CompositeClient.connect(network);
  ({ get, post } = client.validatorClient);
  const subaccount = async (phrase) =>
    dydx.SubaccountInfo.forLocalWallet(await dydx.LocalWallet.fromMnemonic(phrase, "dydx"), 0);
  [alice, bob] = [await subaccount(ALICE), await subaccount(BOB)];
});

const usdc = () => client.network.validatorConfig.denoms.USDC_DENOM;
const balance = async (who) => BigInt((await get.getAccountBalance(who.address, usdc()))?.amount ?? 0);

async function equity(who, number = 0) {
  const { subaccount } = await get.getSubaccount(who.address, number);
  return subaccount.assetPositions.reduce((sum, position) => sum + wire.serInt(position.quantums), 0n);
}

async function position(who) {
  const { subaccount } = await get.getSubaccount(who.address, 0);
  const held = subaccount.perpetualPositions.find(({ perpetualId }) => perpetualId === BTC.clobPairId);
  return held ? wire.serInt(held.quantums) : 0n;
}

const subticks = (price) => price * 100_000;

/** Quantums that the book has at a price. */
async function inBook(side, price) {
  const types = ["OrderbookRequest", "OrderbookResponse"];
  const book = await wire.ask(get.stargateQueryClient, "/ballast.query.v1.Query/Orderbook", types, { depth: 50 });
  return book[side].find((level) => level.subticks === subticks(price))?.quantums ?? 0;
}

function statefulOrder(who, clientId, orderFlags) {
  const orderId = { subaccountId: { owner: who.address }, clientId, orderFlags };
  const types = ["QueryStatefulOrderRequest", "QueryStatefulOrderResponse"];
  return wire.ask(get.stargateQueryClient, "/dydxprotocol.clob.Query/StatefulOrder", types, { orderId });
}

/** What a commit answers: the transaction in a block, and without an error there. */
function included(tx) {
  assert.ok(tx.height > 0, "the transaction is in no block");
  assert.equal(tx.code, 0, tx.rawLog);
  return tx;
}

/** Waits until the block has what a broadcast was only accepted for. */
async function inBlock(sending) {
  const { code, hash } = await sending;
  assert.equal(code, 0);
  return included(await get.tendermintClient.queryHash(hash));
}

const place = (who, type, side, price, clientId, more = {}) =>
  client.placeOrder(
    who, "BTC-USD", type, side, price, more.size ?? SIZE, clientId, more.timeInForce, more.seconds ?? 600,
    more.execution, more.postOnly ?? false, more.reduceOnly ?? false, more.triggerPrice, BTC, undefined,
    more.goodTilBlock,
  );

describe("connecting", () => {
  works("ValidatorClient.connect", async () => {
    const alone = await dydx.ValidatorClient.connect(client.network.validatorConfig);
    assert.ok(await alone.get.latestBlockHeight() > 0);
  });

  works("CompositeClient.connect", async () => assert.ok(client.validatorClient));

  works("get.latestBlock", async () => {
    const block = await get.latestBlock();
    assert.equal(block.header.chainId, process.env.BALLAST_TEST_CHAIN_ID);
    assert.match(block.id, /^[0-9A-F]{64}$/);
  });

  works("get.latestBlockHeight", async () => assert.ok(await get.latestBlockHeight() > 0));

  works("populateAccountNumberCache", () => client.populateAccountNumberCache(alice.address));
});

describe("reading", () => {
  works("get.getAccount", async () => {
    const account = await get.getAccount(alice.address);
    assert.equal(account.address, alice.address);
    assert.ok(account.accountNumber >= 0);
  });

  works("get.getAccountBalances", async () => {
    const held = await get.getAccountBalances(alice.address);
    assert.deepEqual(held.map(({ denom }) => denom), coins);
  });

  works("get.getAccountBalance", async () => assert.ok(await balance(alice) > 0n));

  works("get.getAllClobPairs", async () => {
    const { clobPair } = await get.getAllClobPairs();
    assert.equal(clobPair[0].subticksPerTick, BTC.subticksPerTick);
    assert.equal(clobPair[0].quantumConversionExponent, BTC.quantumConversionExponent);
    assert.ok(clobPair.length >= 10);
  });

  works("get.getClobPair", async () => assert.equal((await get.getClobPair(1)).clobPair.id, 1));

  works("get.getAllPerpetuals", async () => {
    const { perpetual } = await get.getAllPerpetuals();
    assert.equal(perpetual[0].params.ticker, "BTC-USD");
    assert.equal(perpetual[0].params.atomicResolution, BTC.atomicResolution);
  });

  works("get.getPerpetual", async () => {
    assert.equal((await get.getPerpetual(1)).perpetual.params.ticker, "ETH-USD");
  });

  works("get.getAllPrices", async () => {
    const { marketPrices } = await get.getAllPrices();
    assert.ok(marketPrices.every(({ price }) => price.greaterThan(0)));
  });

  works("get.getPrice", async () => {
    const { marketPrice } = await get.getPrice(0);
    assert.equal(marketPrice.exponent, -5);
    assert.ok(marketPrice.price.greaterThan(0));
  });

  works("get.getSubaccount", async () => {
    const { subaccount } = await get.getSubaccount(bob.address, 7);
    assert.deepEqual(subaccount.id, { owner: bob.address, number: 7 });
  });

  works("get.getFeeTiers", async () => assert.equal((await get.getFeeTiers()).params.tiers.length, 9));

  works("get.getUserFeeTier", async () => assert.equal((await get.getUserFeeTier(alice.address)).tier.name, "1"));

  works("get.getUserStats", async () => {
    assert.ok((await get.getUserStats(alice.address)).makerNotional.greaterThanOrEqual(0));
  });

  works("get.getEquityTierLimitConfiguration", async () => {
    assert.ok((await get.getEquityTierLimitConfiguration()).equityTierLimitConfig);
  });

  works("get.getPerpetualMarketsLeverage", async () => {
    assert.deepEqual((await get.getPerpetualMarketsLeverage(alice.address, 0)).clobPairLeverage, []);
  });

  works("get.getWithdrawalAndTransferGatingStatus", async () => {
    const { withdrawalsAndTransfersUnblockedAtBlock: at } = await get.getWithdrawalAndTransferGatingStatus(0);
    assert.equal(at, 0);
  });

  works("get.getAllPerpMarketFeeDiscounts", async () => {
    assert.deepEqual((await get.getAllPerpMarketFeeDiscounts()).params, []);
  });

  works("get.getUserStakingTier", async () => {
    assert.equal((await get.getUserStakingTier(alice.address)).discountPpm, 0);
  });

  works("get.getAllStakingTiers", async () => {
    assert.deepEqual((await get.getAllStakingTiers()).stakingTiers, []);
  });
});

describe("parts that this chain has less of", () => {
  works("get.getAllValidators", async () => {
    const { validators } = await get.getAllValidators();
    assert.equal(validators.length, 1);
  });

  const empty = (name, note, ask, field) => differs(name, note, async () => {
    const answer = await ask();
    assert.deepEqual(answer[field], []);
  });
  const nobodyDelegates = "always empty: nobody delegates";
  empty("get.getDelegatorDelegations", nobodyDelegates,
    () => get.getDelegatorDelegations(alice.address), "delegationResponses");
  empty("get.getDelegatorUnbondingDelegations", nobodyDelegates,
    () => get.getDelegatorUnbondingDelegations(alice.address), "unbondingResponses");
  empty("get.getDelegationTotalRewards", nobodyDelegates, () => get.getDelegationTotalRewards(alice.address), "total");
  empty("get.getAllGovProposals", "always empty: an authority changes parameters, nobody votes",
    () => get.getAllGovProposals(), "proposals");
  empty("get.getDelayedCompleteBridgeMessages", "always empty: there is no bridge",
    () => get.getDelayedCompleteBridgeMessages(), "messages");
  empty("get.getWithdrawalCapacityByDenom", "always empty: no coin has such a limit",
    () => get.getWithdrawalCapacityByDenom(usdc()), "limiterCapacityList");
  empty("get.getAuthenticators", "always empty: only keys sign",
    () => get.getAuthenticators(alice.address), "accountAuthenticators");

  differs("get.getRewardsParams", "always zero: trading is not rewarded", async () => {
    assert.equal((await get.getRewardsParams()).params.feeMultiplierPpm, 0);
  });

  const noAffiliates = "always empty: nobody is paid for bringing traders";
  differs("get.getAffiliateInfo", noAffiliates, async () => {
    assert.equal((await get.getAffiliateInfo(alice.address)).isWhitelisted, false);
  });
  differs("get.getReferredBy", noAffiliates, async () => {
    assert.equal((await get.getReferredBy(alice.address)).affiliateAddress, "");
  });
  differs("get.getAllAffiliateTiers", noAffiliates, async () => {
    assert.deepEqual((await get.getAllAffiliateTiers()).tiers.tiers, []);
  });
  differs("get.getAffiliateWhitelist", noAffiliates, async () => {
    assert.deepEqual((await get.getAffiliateWhitelist()).whitelist.tiers, []);
  });

  absent("get.getMegavaultOwnerShares", "there are no vaults", /NotFound/,
    () => get.getMegavaultOwnerShares(alice.address));
  absent("get.getMegavaultWithdrawalInfo", "there are no vaults", /NotFound/,
    () => get.getMegavaultWithdrawalInfo(1n));
});

describe("moving collateral", () => {
  works("depositToSubaccount", async () => {
    const had = [await balance(alice), await equity(alice)];
    const tx = await inBlock(client.depositToSubaccount(alice, "50000"));
    assert.equal(await equity(alice) - had[1], 50_000_000_000n);
    const fee = had[0] - await balance(alice) - 50_000_000_000n;
    assert.ok(fee > 0n && fee < 100_000n, `fee ${fee}, gas ${tx.gasUsed}`);
  });

  works("post.deposit", async () => {
    const had = await equity(bob);
    await inBlock(post.deposit(bob, 0, Long.fromNumber(50_000_000_000)));
    assert.equal(await equity(bob) - had, 50_000_000_000n);
  });

  works("withdrawFromSubaccount", async () => {
    const had = [await balance(bob), await equity(alice)];
    await inBlock(client.withdrawFromSubaccount(alice, "7", bob.address));
    assert.equal(had[1] - await equity(alice), 7_000_000n);
    assert.equal(await balance(bob) - had[0], 7_000_000n);
  });

  works("post.withdraw", async () => {
    const had = await equity(alice);
    await inBlock(post.withdraw(alice, 0, Long.fromNumber(3_000_000)));
    assert.equal(had - await equity(alice), 3_000_000n);
  });

  works("transferToSubaccount", async () => {
    const had = [await equity(alice), await equity(bob, 3)];
    included(await client.transferToSubaccount(alice, bob.address, 3, "12.5"));
    assert.equal(had[0] - await equity(alice), 12_500_000n);
    assert.equal(await equity(bob, 3) - had[1], 12_500_000n);
  });

  works("post.transfer", async () => {
    const had = await equity(alice, 1);
    await inBlock(post.transfer(alice, alice.address, 1, 0, Long.fromNumber(1_000_000_000)));
    assert.equal(await equity(alice, 1) - had, 1_000_000_000n);
  });

  works("post.sendToken of USDC", async () => {
    const had = await balance(bob);
    await inBlock(post.sendToken(alice, bob.address, usdc(), "1000", false));
    assert.equal(await balance(bob) - had, 1_000n);
  });

  works("post.sendToken of the native coin, fee in it", async () => {
    const native = async () => BigInt((await get.getAccountBalance(bob.address, "adv4tnt")).amount);
    const had = await native();
    await inBlock(post.sendToken(alice, bob.address, "adv4tnt", "1000000000000000000", false));
    assert.equal(await native() - had, 1_000_000_000_000_000_000n);
  });

  works("setSelectedGasDenom", async () => {
    client.setSelectedGasDenom("NATIVE");
    const had = await balance(alice);
    await inBlock(client.depositToSubaccount(alice, "1"));
    client.setSelectedGasDenom("USDC");
    assert.equal(had - await balance(alice), 1_000_000n);
  });

  works("simulate", async () => {
    const message = client.depositToSubaccountMessage(alice, "1");
    const fee = await client.simulate(alice, async () => [message]);
    assert.equal(fee.amount[0].denom, usdc());
    assert.ok(Number(fee.gas) > 0);
  });

  works("sign, sendSignedTransaction", async () => {
    const message = client.withdrawFromSubaccountMessage(alice, "1");
    const had = await equity(alice);
    const signed = await client.sign(alice, async () => [message], false);
    await inBlock(client.sendSignedTransaction(signed));
    assert.equal(had - await equity(alice), 1_000_000n);
  });

  works("get.getSubaccounts", async () => {
    const { subaccount } = await get.getSubaccounts();
    assert.ok(subaccount.some(({ id }) => id.owner === alice.address && id.number === 1));
  });
});

describe("orders", () => {
  works("placeOrder, long-term", async () => {
    included(await place(alice, LIMIT, BUY, LOW, ++nextId, { timeInForce: GTT }));
    const { orderPlacement, fillAmount } = await statefulOrder(alice, nextId, LONG_TERM);
    assert.equal(orderPlacement.order.subticks, subticks(LOW));
    assert.equal(orderPlacement.order.quantums, QUANTUMS);
    assert.equal(fillAmount, 0);
    assert.equal(await inBook("bids", LOW), QUANTUMS);
  });

  works("cancelRawOrder, long-term", async () => {
    included(await client.cancelRawOrder(alice, nextId, LONG_TERM, 0, undefined, inSeconds(700)));
    await assert.rejects(statefulOrder(alice, nextId, LONG_TERM), /NotFound/i);
    assert.equal(await inBook("bids", LOW), 0);
  });

  works("placeOrder, post-only", async () => {
    included(await place(alice, LIMIT, SELL, 90_000, ++nextId, { timeInForce: GTT, postOnly: true }));
    assert.equal(await inBook("asks", 90_000), QUANTUMS);
    included(await client.cancelRawOrder(alice, nextId, LONG_TERM, 0, undefined, inSeconds(700)));
  });

  works("post.placeOrder, short-term", async () => {
    const [height, { sequence }] = [await get.latestBlockHeight(), await get.getAccount(alice.address)];
    const [quantums, price] = [Long.fromNumber(QUANTUMS), Long.fromNumber(subticks(LOW + 1))];
    await inBlock(post.placeOrder(alice, ++nextId, 0, 1, quantums, price, 0, SHORT_TERM, false, height + 10));
    assert.equal(await inBook("bids", LOW + 1), QUANTUMS);
    assert.equal((await get.getAccount(alice.address)).sequence, sequence);
  });

  works("cancelRawOrder, short-term", async () => {
    const until = await get.latestBlockHeight() + 12;
    await inBlock(client.cancelRawOrder(alice, nextId, SHORT_TERM, 0, until));
    assert.equal(await inBook("bids", LOW + 1), 0);
  });

  works("batchCancelShortTermOrdersWithClobPairId", async () => {
    const ids = [++nextId, ++nextId];
    const until = await get.latestBlockHeight() + 15;
    for (const id of ids) {
      const [quantums, price] = [Long.fromNumber(QUANTUMS), Long.fromNumber(subticks(LOW + 2))];
      await inBlock(post.placeOrder(alice, id, 0, 1, quantums, price, 0, SHORT_TERM, false, until));
    }
    assert.equal(await inBook("bids", LOW + 2), 2 * QUANTUMS);
    const batch = [{ clobPairId: 0, clientIds: ids }];
    await inBlock(client.batchCancelShortTermOrdersWithClobPairId(alice, batch, until));
    assert.equal(await inBook("bids", LOW + 2), 0);
  });

  for (const [name, type, side, price, triggerPrice, more] of [
    ["stop limit", STOP_LIMIT, SELL, 9_000, 9_500, { execution: DEFAULT }],
    ["take profit limit", TAKE_PROFIT_LIMIT, SELL, 90_000, 95_000, { execution: DEFAULT }],
    ["stop market", STOP_MARKET, SELL, 9_000, 9_500, { execution: dydx.OrderExecution.IOC, reduceOnly: true }],
    ["take profit market", TAKE_PROFIT_MARKET, SELL, 90_000, 95_000,
      { execution: dydx.OrderExecution.IOC, reduceOnly: true }],
  ]) {
    works(`placeOrder and cancelRawOrder, ${name}`, async () => {
      included(await place(alice, type, side, price, ++nextId, { triggerPrice, ...more }));
      const { orderPlacement } = await statefulOrder(alice, nextId, CONDITIONAL);
      assert.equal(orderPlacement.order.subticks, subticks(price));
      included(await client.cancelRawOrder(alice, nextId, CONDITIONAL, 0, undefined, inSeconds(700)));
      await assert.rejects(statefulOrder(alice, nextId, CONDITIONAL), /NotFound/i);
    });
  }

  works("placeOrder, market", async () => {
    const oracle = Number((await get.getPrice(0)).marketPrice.price) / 1e5;
    const price = Math.round(oracle);
    const before = [await position(alice), await position(bob)];
    included(await place(bob, LIMIT, SELL, price, ++nextId, { timeInForce: GTT }));
    await inBlock(place(alice, MARKET, BUY, Math.round(price * 1.05), ++nextId, { timeInForce: IOC }));
    const now = [await position(alice), await position(bob)];
    assert.deepEqual([now[0] - before[0], now[1] - before[1]], [BigInt(QUANTUMS), BigInt(-QUANTUMS)]);
    const stats = await eventually(() => get.getUserStats(alice.address), (it) => it.takerNotional.greaterThan(0));
    assert.ok(stats.takerNotional.greaterThan(0), "the statistics do not count the fill");
  });

  works("bulkCancelAndTransferAndPlaceStatefulOrders", async () => {
    included(await place(alice, LIMIT, BUY, LOW, ++nextId, { timeInForce: GTT }));
    const goodTilBlockTime = inSeconds(700);
    const cancel = { subaccountNumber: 0, clientId: nextId, orderFlags: LONG_TERM, clobPairId: 0, goodTilBlockTime };
    const move = { sourceSubaccountNumber: 0, recipientSubaccountNumber: 2, transferAmount: "100" };
    const order = {
      subaccountNumber: 0, marketId: "BTC-USD", type: LIMIT, side: BUY, price: LOW + 3, size: SIZE,
      clientId: ++nextId, timeInForce: GTT, goodTilTimeInSeconds: 600, postOnly: false, marketInfo: BTC,
    };
    const had = await equity(alice, 2);
    included(await client.bulkCancelAndTransferAndPlaceStatefulOrders(alice, [cancel], move, [order]));
    assert.equal(await inBook("bids", LOW), 0);
    assert.equal(await inBook("bids", LOW + 3), QUANTUMS);
    assert.equal(await equity(alice, 2) - had, 100_000_000n);
  });

  works("signPlaceOrder, signCancelOrder", async () => {
    const until = await get.latestBlockHeight() + 10;
    const text = await client.signCancelOrder(alice, nextId, SHORT_TERM, 0, until, 0);
    assert.ok(Buffer.from(text, "base64").length > 100);
  });

  works("post.updatePerpetualMarketsLeverage", async () => {
    const chosen = [{ clobPairId: 1, customImfPpm: 200_000 }];
    await inBlock(post.updatePerpetualMarketsLeverage(alice, alice.address, chosen));
    const { clobPairLeverage } = await get.getPerpetualMarketsLeverage(alice.address, 0);
    assert.deepEqual(clobPairLeverage, chosen);
  });
});

describe("refusals", () => {
  /** Codespace and code, as the client hands them on. */
  const refusal = async (sending) => {
    try {
      return ["in a block", (await sending).code];
    } catch (error) {
      return [error.codespace, error.code];
    }
  };
  const shortTerm = (more = {}) => {
    const { market = 0, price = subticks(LOW), until = 10, size = QUANTUMS } = more;
    return get.latestBlockHeight().then((height) => post.placeOrder(
      alice, ++nextId, market, 1, Long.fromNumber(size), Long.fromNumber(price), 0, SHORT_TERM, false, height + until,
    ));
  };

  test("an order off the tick is clob 12", async () => {
    assert.deepEqual(await refusal(shortTerm({ price: subticks(LOW) + 1 })), ["clob", 12]);
  });

  test("an order in a market that is not there is clob 8", async () => {
    assert.deepEqual(await refusal(shortTerm({ market: 4_000 })), ["clob", 8]);
  });

  test("a short-term order too far ahead is refused as the client expects", async () => {
    assert.deepEqual(await refusal(shortTerm({ until: 60 })), ["clob", 11]);
  });

  test("a replaced long-term order that is a duplicate is refused", async () => {
    const order = () => place(alice, LIMIT, BUY, LOW, nextId, { timeInForce: GTT, seconds: 100 });
    included(await order());
    const [space, code] = await refusal(order());
    assert.notEqual(code, 0, space);
  });

  test("more coins than there are are sdk 5 already in the simulation", async () => {
    await assert.rejects(client.depositToSubaccount(alice, "999999999"), /sdk 5: .* insufficient funds/);
  });

  test("an account that never was has no number", async () => {
    const wallet = await dydx.LocalWallet.fromMnemonic(`${"zoo ".repeat(11)}wrong`, "dydx");
    await assert.rejects(get.getAccount(wallet.address), /NotFound/i);
  });
});

describe("the guide", () => guide("ts"));
