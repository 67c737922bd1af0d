// How a client verifies what the node says of a store: `@confio/ics23` with the specification of the store's tree, and
// for absences the comparison of hashed keys, which that package does not have.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ics23, tendermintSpec, verifyExistence } from "@confio/ics23";
import { toAscii } from "@cosmjs/encoding";

const { HashOp, LengthOp } = ics23;
const INNER = 16;
const CHILD = 32;
const EMPTY = Buffer.from("SPARSE_MERKLE_PLACEHOLDER_HASH__");

/** What must be known of a store's tree: that of the `jmt` crate. */
export const storeSpec = {
  leafSpec: {
    hash: HashOp.SHA256, prehashKey: HashOp.SHA256, prehashValue: HashOp.SHA256, length: LengthOp.NO_PREFIX,
    prefix: toAscii("JMT::LeafNode"),
  },
  innerSpec: {
    childOrder: [0, 1], childSize: CHILD, minPrefixLength: INNER, maxPrefixLength: INNER, emptyChild: EMPTY,
    hash: HashOp.SHA256,
  },
  maxDepth: 64,
};

const place = (key) => createHash("sha256").update(key).digest();
const wentLeft = ({ prefix, suffix }) => prefix.length === INNER && suffix.length === CHILD;
const wentRight = ({ prefix, suffix }) => prefix.length === INNER + CHILD && suffix.length === 0;
const nothingLeft = (step) => wentLeft(step) || EMPTY.equals(step.prefix.slice(INNER));
const nothingRight = (step) => wentRight(step) || EMPTY.equals(step.suffix);
const equal = (one, other) => Buffer.compare(one, other) === 0;
const same = (one, other) => equal(one.prefix, other.prefix) && equal(one.suffix, other.suffix);

/** Fails unless `proof` shows that the tree with this root has no `key`. */
export function verifyAbsence({ left, right }, root, key) {
  // ICS-23 has no proof about a tree without pairs; its root says it.
  if (!left && !right) return assert.ok(EMPTY.equals(root), "no neighbour at all");
  for (const neighbour of [left, right].filter(Boolean)) {
    verifyExistence(neighbour, storeSpec, root, neighbour.key, neighbour.value);
  }
  assert.ok(!left || Buffer.compare(place(left.key), place(key)) < 0, "the left neighbour is not left of it");
  assert.ok(!right || Buffer.compare(place(key), place(right.key)) < 0, "the right neighbour is not right of it");
  const [leftPath, rightPath] = [[...left?.path ?? []], [...right?.path ?? []]];
  if (left && right) {
    while (leftPath.length && rightPath.length && same(leftPath.at(-1), rightPath.at(-1))) {
      leftPath.pop();
      rightPath.pop();
    }
    assert.ok(wentLeft(leftPath.pop()) && wentRight(rightPath.pop()), "the neighbours do not part");
  }
  assert.ok(leftPath.every(nothingRight), "something is right of the left neighbour");
  assert.ok(rightPath.every(nothingLeft), "something is left of the right neighbour");
}

/** The value of a key, empty when it has none; fails unless the node proves it against the next block's header. */
export async function verified(comet, store, key, height) {
  const answer = await comet.abciQuery({ path: `/store/${store}/key`, data: key, prove: true, height });
  if (answer.code) throw new Error(`Query failed with (${answer.code}): ${answer.log}`);
  assert.deepEqual(answer.proof.ops.map(({ type }) => type), ["ics23:jmt", "ics23:simple"]);
  const [inner, outer] = answer.proof.ops.map(({ data }) => ics23.CommitmentProof.decode(data));
  const { appHash } = (await comet.block(answer.height + 1)).block.header;
  const root = outer.exist.value;
  verifyExistence(outer.exist, tendermintSpec, appHash, toAscii(store), root);
  if (answer.value.length > 0) verifyExistence(inner.exist, storeSpec, root, key, answer.value);
  else verifyAbsence(inner.nonexist, root, key);
  return { value: answer.value, height: answer.height, inner, outer, root, appHash };
}
