//! All laws by their numbers: the formula, and who checks it.

/// Who checks a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// [`super::Laws`], after every block, under names that begin with the number.
    Laws,
    /// The engine, which counts it with [`super::Laws::note`].
    Engine,
    /// A test or another part, named.
    Test(&'static str),
    /// Nobody yet, because what it speaks of does not exist.
    Nothing(&'static str),
}

/// A law: its number, its formula, who checks it.
pub type Row = (u32, &'static str, By);

/// Every law.
pub const TABLE: [Row; 35] = [
    (1, "per pool: sum of quote + unsettled funding + dust + unpaid fees == balance of the pool", By::Laws),
    (2, "per denomination: sum of balances == supply", By::Laws),
    (3, "per market: sum of sizes == 0", By::Laws),
    (4, "per market: longs == shorts == open interest; it grows only up to its cap", By::Laws),
    (
        5,
        "sum of (owed mod 10^6) over settlements == growth of dust + absorbed, < settlements x 10^6",
        By::Laws,
    ),
    (
        6,
        "taker + maker fee >= 0, each within all tiers' rates; fees == collector + share + builders + debts",
        By::Laws,
    ),
    (
        7,
        "quote == floor(size x price x 10^e); accounts after == accounts before + events, to the unit",
        By::Laws,
    ),
    (8, "packets and vouchers", By::Nothing("there are no channels to other chains")),
    (9, "per fund: balance == start + paid in - paid out >= 0, and moves by its events only", By::Laws),
    (10, "no positions: quote >= 0; worth < 0: the gate of the pool closed in this block", By::Laws),
    (11, "sum of max(-worth, 0) == told deficit; no money leaves while the gate is closed", By::Laws),
    (12, "closings: opposite sides, at most both sizes; who is not named is unchanged", By::Laws),
    (
        13,
        "own change: worth >= maintenance, or margin falls and worth' x margin >= worth x margin'",
        By::Laws,
    ),
    (14, "reduce-only: remaining <= opposed position", By::Laws),
    (15, "best bid < best ask; level == sum of its orders; turns increase; ticks and steps", By::Laws),
    (16, "size == remaining + filled (+ cut off); filled grows by fills", By::Laws),
    (17, "indexes by id, account, kind == queues; isolated positions alone", By::Laws),
    (18, "hash of rebuilt books and accounts == hash of the live ones", By::Laws),
    (19, "sequences + 1 per accepted transaction; nothing runs twice", By::Laws),
    (20, "root of all changes == root of all rows", By::Engine),
    (21, "0 < price, not from the future, at most a step from the last", By::Laws),
    (22, "price == weighted lower median of > 2/3 of power, recomputed", By::Laws),
    (23, "height + 1, time not backwards; ticks on their grid, indexes move when due", By::Laws),
    (24, "each validator once, 0 < power, sum <= 2^60 - 1; pools and shares wait for staking", By::Laws),
    (25, "no order rests past its end; changes that wait <= 100", By::Laws),
    (
        26,
        "results == transactions; gas used <= wanted; fills, deleveragings, settlements <= budgets",
        By::Laws,
    ),
    (27, "parameters pass their own check; a market has perpetual, oracle and tier", By::Laws),
    (28, "twins answer and write the same", By::Engine),
    (29, "nothing but a committed block changes the state", By::Engine),
    (30, "own proposals and votes are accepted by every twin", By::Engine),
    (31, "export, import: the same rows, books, validators", By::Test("node/sim/tests/genesis.rs")),
    (
        32,
        "no group that trades with itself in a frozen market without fees gains",
        By::Test("node/sim/tests/agents.rs"),
    ),
    (
        33,
        "metamorphic: orders permuted, fills split, accounts renamed, prices scaled",
        By::Test("node/scenario/tests/model/metamorphic.rs"),
    ),
    (
        34,
        "an engine written from the documents agrees on every answer",
        By::Test("node/scenario/tests/model/differential.rs"),
    ),
    (35, "a row for each order, level, account and hour; spent ids only while they can come again", By::Laws),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::unchecked;

    #[test]
    fn every_law_has_its_row_and_every_own_row_its_check() {
        assert!(TABLE.iter().zip(1..).all(|(row, number)| row.0 == number));
        // Without any count, all own laws are unchecked, so these are their names.
        let names = unchecked(&std::collections::BTreeMap::new()).join(", ");
        for (number, formula, by) in TABLE {
            let own = names.split(", ").any(|name| {
                name.split(' ').next().and_then(|name| name.strip_prefix("I-")) == Some(&number.to_string())
            });
            assert_eq!(own, by == By::Laws, "I-{number}: {formula}");
        }
    }
}
