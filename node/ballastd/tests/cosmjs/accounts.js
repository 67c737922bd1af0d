// Prints the accounts that a chain's genesis must hold for these tests, one ADDRESS=COINS a line.

import { genesisAccounts } from "./chain.js";

console.log((await genesisAccounts()).join("\n"));
