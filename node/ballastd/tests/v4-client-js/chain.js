// What the tests know of the chain that they are given.

/** Words of the tests' accounts, known to everybody: never anywhere else. */
export const ALICE = "test test test test test test test test test test test junk";
export const BOB = `${"abandon ".repeat(11)}about`;

/** The denominations that both hold. */
export const coins = ["adv4tnt", "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"];

/** What an Indexer would tell of BTC-USD. */
export const BTC = {
  clobPairId: 0, atomicResolution: -10, stepBaseQuantums: 1_000_000, quantumConversionExponent: -9,
  subticksPerTick: 100_000,
};

export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** What `read` answers as soon as `good` accepts it; the last answer after ten seconds. */
export async function eventually(read, good) {
  for (const deadline = Date.now() + 10_000; ; ) {
    const answer = await read();
    if (good(answer) || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
