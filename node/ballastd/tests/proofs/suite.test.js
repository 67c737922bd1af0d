// What a client can know of the chain's state without trusting the node that it asks: values and absences, proven
// by ICS-23 against the app hash in the next header.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, describe, test } from "node:test";
import { tendermintSpec, verifyExistence } from "@confio/ics23";
import { fromBech32, toAscii } from "@cosmjs/encoding";
import { DirectSecp256k1HdWallet, Registry } from "@cosmjs/proto-signing";
import { defaultRegistryTypes, QueryClient, SigningStargateClient } from "@cosmjs/stargate";
import { Tendermint37Client } from "@cosmjs/tendermint-rpc";
import { absent, works } from "./calls.js";
import { storeSpec, verified, verifyAbsence } from "./store.js";
import * as wire from "./wire.js";

const USDC = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5";
const FEE = { amount: [{ denom: USDC, amount: "50000" }], gas: "1000000" };
const STRANGER = "dydx1avgyh77ycn997ja45q5q8ss8y9mr424jfrvh4k";

let comet, client, alice, deposited;

before(async () => {
  const url = process.env.BALLAST_TEST_RPC;
  comet = await Tendermint37Client.connect(url);
  const phrase = `${"test ".repeat(11)}junk`;
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(phrase, { prefix: "dydx" });
  [{ address: alice }] = await wallet.getAccounts();
  const registry = new Registry([...defaultRegistryTypes, ...wire.registeredTypes]);
  const patience = { broadcastPollIntervalMs: 200 };
  client = await SigningStargateClient.connectWithSigner(url, wallet, { registry, ...patience });
  const value = { sender: alice, recipient: { owner: alice, number: 9 }, quantums: 5_000_000 };
  deposited = await client.signAndBroadcast(alice, [{ typeUrl: wire.DEPOSIT, value }], FEE);
  assert.equal(deposited.code, 0, deposited.rawLog);
  // A proof without a height answers one block back.
  while (await client.getHeight() < deposited.height + 2) await new Promise((resolve) => setTimeout(resolve, 100));
});

const raw = (address) => fromBech32(address).data;
const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const number = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

// The tables, first byte of the key, as node/app/LAYOUT.txt has them.
const accountKey = (address) => bytes([0], raw(address));
const balanceKey = (address, denom) => bytes([0], raw(address), toAscii(denom));
const subaccountKey = (address, at) => bytes([0], raw(address), number(at));

/** An unsigned integer as borsh writes it, the smallest byte first. */
const integer = (value) => [...value].reverse().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

describe("what is there", () => {
  works("abciQuery with a proof, an account", async () => {
    const { value } = await verified(comet, "accounts", accountKey(alice));
    assert.ok(value.length > 0);
  });

  works("abciQuery with a proof, a balance", async () => {
    const { value, height } = await verified(comet, "bank", balanceKey(alice, USDC));
    assert.ok(height >= deposited.height);
    assert.equal(integer(value), BigInt((await client.getBalance(alice, USDC)).amount));
  });

  works("abciQuery with a proof, a subaccount", async () => {
    const at = (height) => verified(comet, "subaccounts", subaccountKey(alice, 9), height);
    assert.equal((await at(deposited.height - 1)).value.length, 0);
    assert.ok((await at(deposited.height)).value.length > 0);
  });

  works("abciQuery with a proof, at a height", async () => {
    const at = (height) => verified(comet, "bank", balanceKey(alice, USDC), height);
    const [then, now] = [await at(deposited.height - 1), await at(deposited.height)];
    assert.deepEqual([then.height, now.height], [deposited.height - 1, deposited.height]);
    assert.equal(integer(then.value) - integer(now.value), 5_000_000n + 50_000n);
  });
});

describe("what is not there", () => {
  works("abciQuery with a proof, an account that never was", async () => {
    const { value } = await verified(comet, "accounts", accountKey(STRANGER));
    assert.equal(value.length, 0);
  });

  works("abciQuery with a proof, a subaccount that holds nothing", async () => {
    const { value } = await verified(comet, "subaccounts", subaccountKey(alice, 8));
    assert.equal(value.length, 0);
  });

  works("abciQuery with a proof, 100 keys that are not there", async () => {
    // The tree is in the order of hashes: of so many, some are before and some after all others.
    for (let at = 0; at < 100; at += 1) {
      const { value } = await verified(comet, "accounts", Uint8Array.of(255, ...number(at)));
      assert.equal(value.length, 0);
    }
  });
});

describe("lies do not verify", () => {
  test("another value, another key, another block's hash", async () => {
    const key = balanceKey(alice, USDC);
    const { value, inner: { exist }, outer, root, appHash } = await verified(comet, "bank", key);
    const more = Uint8Array.from(value, (byte, at) => (at === 0 ? byte ^ 1 : byte));
    assert.throws(() => verifyExistence(exist, storeSpec, root, key, more));
    assert.throws(() => verifyExistence(exist, storeSpec, root, balanceKey(STRANGER, USDC), value));
    assert.throws(() => verifyExistence({ ...exist, value: more }, storeSpec, root, key, more));
    const first = (await comet.block(1)).block.header.appHash;
    assert.throws(() => verifyExistence(outer.exist, tendermintSpec, first, toAscii("bank"), root));
    assert.throws(() => verifyExistence(outer.exist, tendermintSpec, appHash, toAscii("clob"), root));
  });

  test("nobody can deny what is there with the proof of another absence", async () => {
    const { inner: { nonexist }, root } = await verified(comet, "subaccounts", subaccountKey(alice, 8));
    assert.throws(() => verifyAbsence(nonexist, root, subaccountKey(alice, 9)));
    assert.throws(() => verifyAbsence({}, root, subaccountKey(alice, 8)));
  });

  test("a store that is not there is refused", async () => {
    await assert.rejects(verified(comet, "nothing", Uint8Array.of(0)), /Query failed/);
  });
});

describe("what this chain's tree is not", () => {
  absent("queryStoreVerified", "it takes proofs of IAVL trees only; the types here are ics23:jmt and ics23:simple",
    /ics23:jmt/, () => new QueryClient(comet).queryStoreVerified("bank", balanceKey(alice, USDC)));
});

describe("transactions", () => {
  const sha = (...parts) => createHash("sha256").update(bytes(...parts)).digest();

  works("tx with its proof, against the data hash of its block", async () => {
    const hash = Buffer.from(deposited.transactionHash, "hex");
    const { tx, height, proof } = await comet.tx({ hash, prove: true });
    assert.deepEqual(sha(tx), hash);
    const { index, total, leafHash, aunts } = proof.proof;
    assert.deepEqual(Buffer.from(leafHash), sha([0], sha(tx)));
    const root = climb(leafHash, index, total, [...aunts]);
    assert.deepEqual(root, Buffer.from((await comet.block(height)).block.header.dataHash));
  });

  /** The root of a tree of `total` leaves over the one at `index`: the left side is the greatest power of two. */
  function climb(leaf, index, total, aunts) {
    if (total === 1) {
      assert.equal(aunts.length, 0);
      return Buffer.from(leaf);
    }
    const aunt = aunts.pop();
    const left = 2 ** Math.ceil(Math.log2(total) - 1);
    return index < left
      ? sha([1], climb(leaf, index, left, aunts), aunt)
      : sha([1], aunt, climb(leaf, index - left, total - left, aunts));
  }
});
