//! Votes into prices: the stake-weighted lower median (F1) under a strict quorum (F2).
//!
//! **Invariant:** when less than a third of all power is faulty and more than two thirds report, the faulty are
//! less than half of what reports, so the answer lies between the lowest and the highest honest vote.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use num::Price;
use types::MarketId;

/// What one validator says, checked by the caller: the power is that of the validator in our own stored set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Consensus address of the validator.
    pub validator: [u8; 20],
    /// Its voting power.
    pub power: u64,
    /// Prices it votes for. A market's first price counts; a price of 0 is no vote.
    pub prices: Vec<(MarketId, Price)>,
}

/// One vote for one market; their order is price first, then validator, so that the result depends on
/// nothing else.
type Ballot = (Price, [u8; 20], u64);

/// The price of every market for which strictly more than two thirds of `total_power` voted. Each validator
/// counts once: of several votes of one validator only the first.
pub fn aggregate(votes: &[Vote], total_power: u64) -> BTreeMap<MarketId, Price> {
    let mut seen = BTreeSet::new();
    let mut ballots: BTreeMap<MarketId, Vec<Ballot>> = BTreeMap::new();
    for vote in votes {
        if !seen.insert(vote.validator) {
            continue;
        }
        let mut named = BTreeSet::new();
        for (market, price) in &vote.prices {
            if named.insert(*market) && price.raw() > 0 {
                ballots.entry(*market).or_default().push((*price, vote.validator, vote.power));
            }
        }
    }
    let decided = |(market, ballots)| median(ballots, total_power).map(|price| (market, price));
    ballots.into_iter().filter_map(decided).collect()
}

/// F1 and F2 for one market. Sums of u64 powers fit u128 for any number of votes that fits memory.
fn median(mut ballots: Vec<Ballot>, total_power: u64) -> Option<Price> {
    let power = ballots.iter().fold(0u128, |sum, (_, _, power)| sum.saturating_add(u128::from(*power)));
    if power.saturating_mul(3) <= u128::from(total_power).saturating_mul(2) {
        return None;
    }
    ballots.sort_unstable();
    let mut cumulative = 0u128;
    ballots.into_iter().find_map(|(price, _, weight)| {
        cumulative = cumulative.saturating_add(u128::from(weight));
        (cumulative.saturating_mul(2) >= power).then_some(price)
    })
}
