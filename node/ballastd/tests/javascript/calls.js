// One test for each call of a client, and a list of what became of them, which CLIENTS.md has as a table.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
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

/** The guide's program as a test of its own: it runs against this chain, and prints what the guide says. */
export const guide = (language) =>
  test(`the program in ${language} that the guide has`, () => {
    const text = readFileSync(process.env.BALLAST_TEST_GUIDE, "utf8");
    const found = text.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`\\n\\n\`\`\`text\\n(.*?)\\n\`\`\`$`, "ms"));
    assert.ok(found, `the guide has no block ${language} that a block of what it prints follows`);
    let [, program, prints] = found;
    for (const [standing, variable] of [["http://127.0.0.1:26657", "RPC"], ["http://127.0.0.1:1317", "REST"]]) {
      assert.ok(program.includes(standing), `the program does not go to ${standing}`);
      program = program.replaceAll(standing, process.env[`BALLAST_TEST_${variable}`]);
    }
    writeFileSync("guide.mjs", program);
    const printed = execFileSync(process.execPath, ["guide.mjs"], { encoding: "utf8", timeout: 60_000 });
    const escaped = prints.split("...").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    assert.match(printed.trimEnd(), new RegExp(`^${escaped.join(".*")}$`));
  });

after(() => {
  const file = process.env.BALLAST_TEST_CALLS;
  if (file) appendFileSync(file, calls.map((call) => `${call.join("|")}\n`).join(""));
});
