//! What this module keeps in the store. Module byte `0x14`.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, QuoteQuantums, SignedPpm};
use store::{Collection, Item, Map, Read, State};
use types::{Address, MarketId, Time};

use crate::params::{Discount, Params};
use crate::volumes::{Builder, Total, Volume};

/// Fee tiers, from the one without requirements upwards.
pub(crate) const TIERS: Item<Vec<FeeTier>> = Item::new([0x14, 0x00], "fees/tiers");

/// Parameters.
pub(crate) const PARAMS: Item<Params> = Item::new([0x14, 0x01], "fees/params");

/// Markets whose fees are lowered for a time: `market -> discount`.
pub(crate) const DISCOUNTS: Map<MarketId, Discount> = Map::new([0x14, 0x02], "fees/discounts");

/// Time of the last block: what the window of volumes and discounts ends at.
pub(crate) const NOW: Item<Time> = Item::new([0x14, 0x03], "fees/now");

/// Sum of the hours of a user that are kept: `user -> total`. It may hold hours that the window has left.
pub(crate) const USERS: Map<Address, Total> = Map::new([0x14, 0x04], "fees/users");

/// What a user traded in an hour: `(user, hour) -> volume`.
pub(crate) const HOURS: Map<(Address, u32), Volume> = Map::new([0x14, 0x05], "fees/hours");

/// The same rows by hour, so that those the window has left are found: `(hour, user) -> true`.
pub(crate) const DUE: Map<(u32, Address), bool> = Map::new([0x14, 0x06], "fees/due");

/// What everybody traded in the window, each fill once.
pub(crate) const GLOBAL: Item<QuoteQuantums> = Item::new([0x14, 0x07], "fees/global");

/// What everybody traded in an hour: `hour -> volume`, each fill once.
pub(crate) const GLOBAL_HOURS: Map<u32, QuoteQuantums> = Map::new([0x14, 0x08], "fees/global_hours");

/// What each builder brought and earned since the start.
pub(crate) const BUILDERS: Map<Address, Builder> = Map::new([0x14, 0x09], "fees/builders");

/// Fees that a pool owes and could not pay yet: `(pool, payee) -> amount`; as good as always empty.
pub(crate) const UNPAID: Map<(Address, Address), QuoteQuantums> = Map::new([0x14, 0x0a], "fees/unpaid");

/// What this module keeps.
pub fn layout() -> [Collection; 11] {
    [
        TIERS.collection(),
        PARAMS.collection(),
        DISCOUNTS.collection(),
        NOW.collection(),
        USERS.collection(),
        HOURS.collection(),
        DUE.collection(),
        GLOBAL.collection(),
        GLOBAL_HOURS.collection(),
        BUILDERS.collection(),
        UNPAID.collection(),
    ]
}

/// One row of the table of fees.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeeTier {
    /// Its name.
    pub name: String,
    /// Volume of 30 days that it needs, maker and taker together.
    pub volume: QuoteQuantums,
    /// Share of the chain's volume that it needs.
    pub total_share: Ppm,
    /// Share of the chain's volume, as a maker, that it needs.
    pub maker_share: Ppm,
    /// What a maker pays, in ppm of the fill's quote quantums; negative is a rebate.
    pub maker: SignedPpm,
    /// What a taker pays.
    pub taker: SignedPpm,
}

/// The table of fees.
pub fn tiers(state: &dyn Read) -> Vec<FeeTier> {
    TIERS.get(state).unwrap_or_default()
}

/// Parameters.
pub fn params(state: &dyn Read) -> Params {
    PARAMS.get(state).unwrap_or_default()
}

/// Discounts of all markets that have one, whether it runs now or not.
pub fn discounts(state: &dyn Read) -> Vec<(MarketId, Discount)> {
    DISCOUNTS.scan(state, &(), usize::MAX)
}

/// Time of the last block; the epoch before the first one.
pub fn now(state: &dyn Read) -> Time {
    NOW.get(state).unwrap_or_default()
}

/// Fees that pools owe and could not pay yet, by pool and payee.
pub fn unpaid(state: &dyn Read) -> Vec<((Address, Address), QuoteQuantums)> {
    UNPAID.scan(state, &(), usize::MAX)
}

/// By how much the debts of `pool` grew since the block began; below zero when it paid some.
pub fn unpaid_growth(state: &dyn State, pool: &Address) -> QuoteQuantums {
    let own = UNPAID.changed(state).into_iter().filter(|(debtor, _)| debtor == pool);
    own.fold(QuoteQuantums::ZERO, |sum, key| {
        let is = UNPAID.get(state.as_read(), &key).unwrap_or_default();
        sum + is - UNPAID.before(state, &key).unwrap_or_default()
    })
}
