// One test for each call of a client, and a list of what became of them, which CLIENTS.md has as a table.

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { after, test } from "node:test";

const calls = [];

const listed = (name, state, note, body) =>
  test(`${name}${state === "works" ? "" : `: ${state}`}`, async () => {
    await body();
    calls.push([name, state, note]);
  });

/** A call that answers as it does on the dYdX chain. */
export const works = (name, body) => listed(name, "works", "", body);

/** A call that succeeds, with an answer of which `note` says how it is another one. */
export const differs = (name, note, body) => listed(name, "differs", note, body);

/** A call that is refused, and says so with a text that `expected` matches. */
export const absent = (name, note, expected, body) =>
  listed(name, "not here", note, () => assert.rejects(body, (error) => {
    assert.match(`${error.message} ${error.codespace ?? ""}`, expected);
    return true;
  }));

after(() => {
  const file = process.env.BALLAST_TEST_CALLS;
  if (file) appendFileSync(file, calls.map((call) => `${call.join("|")}\n`).join(""));
});
