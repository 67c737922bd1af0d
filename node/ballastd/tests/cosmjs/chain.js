// The chain that the tests talk to: a node of their own with the embedded engine, or one that runs already.
//
//   BALLAST_BIN       folder of the `ballastd` to start
//   BALLAST_TEST_RPC  JSON-RPC of a running chain instead; its genesis must hold the accounts of `genesisAccounts`

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { makeCosmoshubPath, Secp256k1HdWallet } from "@cosmjs/amino";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";

export const PREFIX = "ballast";

/** Words of the tests' accounts, known to everybody: never anywhere else. */
const PHRASE = "test test test test test test test test test test test junk";

const options = { prefix: PREFIX, hdPaths: [makeCosmoshubPath(0), makeCosmoshubPath(1)] };

/** Two accounts that sign protobuf bytes; the first one is rich. */
export const directWallet = () => DirectSecp256k1HdWallet.fromMnemonic(PHRASE, options);

/** The same accounts, signing amino JSON as hardware wallets do. */
export const aminoWallet = () => Secp256k1HdWallet.fromMnemonic(PHRASE, options);

/** ADDRESS=COINS of each account that the genesis must hold. */
export async function genesisAccounts() {
  const [rich] = await (await directWallet()).getAccounts();
  return [`${rich.address}=1000000000000uballast,1000000000000uusdc`];
}

/** A running chain: where its JSON-RPC is, and how it ends. */
export async function startChain() {
  const running = process.env.BALLAST_TEST_RPC;
  if (running) return { rpc: running, stop: async () => {} };
  if (!process.env.BALLAST_BIN) throw new Error("set BALLAST_BIN to the folder of ballastd, or BALLAST_TEST_RPC");
  const ballastd = join(process.env.BALLAST_BIN, "ballastd");
  const home = mkdtempSync(join(tmpdir(), "ballast-cosmjs-"));
  try {
    init(ballastd, home, await genesisAccounts());
    return await start(ballastd, home);
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

function init(ballastd, home, accounts) {
  const granted = accounts.flatMap((account) => ["--account", account]);
  const made = spawnSync(ballastd, ["init", "--home", home, "--chain-id", "ballast-cosmjs-1", ...granted]);
  if (made.error) throw made.error;
  if (made.status !== 0) throw new Error(`ballastd init: ${made.stderr}`);
}

async function start(ballastd, home) {
  const free = ["--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
  const engine = ["--engine", "solo", "--block-interval", "200", "--full-checks", "--log-level", "warn"];
  const child = spawn(ballastd, ["start", "--home", home, ...engine, ...free], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (text) => (complaints = (complaints + text).slice(-4000)));
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const code = await ended;
    clearTimeout(patience);
    rmSync(home, { recursive: true, force: true });
    if (code !== 0) throw new Error(`ballastd ended with ${code}: ${complaints}`);
  };
  // Whatever becomes of the tests, no node is left behind.
  process.once("exit", () => child.kill("SIGKILL"));
  const address = await Promise.race([listening(child), ended.then(() => null)]);
  if (!address) {
    child.kill("SIGKILL");
    throw new Error(`ballastd did not start: ${complaints}`);
  }
  const rpc = `http://${address}`;
  await firstBlock(rpc);
  return { rpc, stop };
}

/** Before the first block a chain has no hashes, which CosmJS, with any node, does not accept. */
async function firstBlock(rpc) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { result } = await (await fetch(`${rpc}/status`)).json();
    if (Number(result.sync_info.latest_block_height) > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no first block in 30 seconds");
}

/** The address of JSON-RPC that the node prints when it is ready. */
function listening(child) {
  return new Promise((resolve) => {
    const patience = setTimeout(() => resolve(null), 60_000);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, address] = line.match(/JSON-RPC ([0-9.]+:[0-9]+)/) ?? [];
      if (!address) return;
      clearTimeout(patience);
      resolve(address);
    });
  });
}
