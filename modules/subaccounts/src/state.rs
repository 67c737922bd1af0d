//! What this module keeps in the store. Module byte `0x15`. The collateral itself is a balance of the bank.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::{BaseQuantums, FundingIndex, QuoteQuantums};
use store::{Collection, Item, Map, Read, State};
use types::{Address, MarketId, SubaccountId};

/// Name of the module account that holds the collateral of all cross markets.
pub const POOL: &str = "subaccounts";

/// Margin accounts that hold something: `account -> what it holds`.
pub(crate) const SUBACCOUNTS: Map<SubaccountId, Subaccount> =
    Map::new([0x15, 0x00], "subaccounts/subaccounts");

/// Who has a position: `(market, side, account) -> true`. A value without bytes could not be proven.
pub(crate) const MARKET_POSITIONS: Map<(MarketId, u8, SubaccountId), bool> =
    Map::new([0x15, 0x01], "subaccounts/market_positions");

/// Funding that rounding left in a pool, in millionths of a quote quantum: `pool -> dust`.
pub(crate) const FUNDING_DUST: Map<Address, i128> = Map::new([0x15, 0x02], "subaccounts/funding_dust");

/// Height at which an account below zero was last seen.
pub(crate) const NEGATIVE_SEEN: Item<u64> = Item::new([0x15, 0x03], "subaccounts/negative_seen");

/// Height of the first block after the last outage of the chain.
pub(crate) const OUTAGE_SEEN: Item<u64> = Item::new([0x15, 0x04], "subaccounts/outage_seen");

/// What this module keeps.
pub fn layout() -> [Collection; 5] {
    [
        SUBACCOUNTS.collection(),
        MARKET_POSITIONS.collection(),
        FUNDING_DUST.collection(),
        NEGATIVE_SEEN.collection(),
        OUTAGE_SEEN.collection(),
    ]
}

/// Sign of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Gains when the price rises.
    Long,
    /// Gains when the price falls.
    Short,
}

impl Side {
    /// The side of a position of this size; none when there is no position.
    pub fn of(base: BaseQuantums) -> Option<Self> {
        match base.signum() {
            1 => Some(Self::Long),
            -1 => Some(Self::Short),
            _ => None,
        }
    }

    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }

    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Long => 0,
            Self::Short => 1,
        }
    }
}

/// A position in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// Its size; below zero is short, never zero in state.
    pub base: BaseQuantums,
    /// The market's funding index when the position was last settled.
    pub funding_index: FundingIndex,
}

/// A margin account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Subaccount {
    /// Its collateral; below zero is debt against its positions.
    pub quote: QuoteQuantums,
    /// Its positions, in order of market; none of size zero.
    pub positions: Vec<(MarketId, Position)>,
}

impl Subaccount {
    /// Whether it holds nothing, so that no row is kept.
    pub fn is_empty(&self) -> bool {
        self.quote.is_zero() && self.positions.is_empty()
    }

    /// Its position in `market`, if it has one.
    pub fn position(&self, market: MarketId) -> Option<Position> {
        let at = self.positions.binary_search_by_key(&market, |(market, _)| *market).ok()?;
        self.positions.get(at).map(|(_, position)| *position)
    }

    /// Size of its position in `market`; zero without one.
    pub fn size(&self, market: MarketId) -> BaseQuantums {
        self.position(market).unwrap_or_default().base
    }

    /// Give its position in `market` this size and index; a size of zero removes it.
    pub(crate) fn put(&mut self, market: MarketId, position: Position) {
        let found = self.positions.binary_search_by_key(&market, |(market, _)| *market);
        match found {
            Ok(at) if position.base.is_zero() => {
                self.positions.remove(at);
            }
            Ok(at) => {
                if let Some(row) = self.positions.get_mut(at) {
                    row.1 = position;
                }
            }
            Err(_) if position.base.is_zero() => {}
            Err(at) => self.positions.insert(at, (market, position)),
        }
    }
}

/// Account that holds the collateral.
pub fn pool() -> Address {
    Address::module(POOL)
}

/// Account that holds the collateral of positions in `market`: the one pool, as no market is isolated.
pub fn pool_of(_market: MarketId) -> Address {
    pool()
}

/// The account as it was last written, funding not settled; empty when there is none.
pub fn get(state: &dyn Read, id: &SubaccountId) -> Subaccount {
    SUBACCOUNTS.get(state, id).unwrap_or_default()
}

/// At most `limit` accounts from `from` on, in order of id, funding not settled.
pub fn page(state: &dyn Read, from: Option<&SubaccountId>, limit: usize) -> Vec<(SubaccountId, Subaccount)> {
    SUBACCOUNTS.page(state, from, limit)
}

/// Accounts written since the block began, in order of id.
pub fn changed(state: &dyn State) -> Vec<SubaccountId> {
    SUBACCOUNTS.changed(state)
}

/// The account as it was when the block began; empty when there was none.
pub fn before(state: &dyn State, id: &SubaccountId) -> Subaccount {
    SUBACCOUNTS.before(state, id).unwrap_or_default()
}

/// At most `limit` accounts with a position on this side of `market`, in order of id, after `after`.
pub fn holders(
    state: &dyn Read,
    market: MarketId,
    side: Side,
    after: Option<&SubaccountId>,
    limit: usize,
) -> Vec<SubaccountId> {
    let mut found = Vec::new();
    let mut next = next_holder(state, market, side, after);
    while let Some(id) = next {
        if found.len() >= limit {
            break;
        }
        next = next_holder(state, market, side, Some(&id));
        found.push(id);
    }
    found
}

/// First account after `after` (of all, when `None`) with a position on this side of `market`.
pub fn next_holder(
    state: &dyn Read,
    market: MarketId,
    side: Side,
    after: Option<&SubaccountId>,
) -> Option<SubaccountId> {
    let prefix = (market, side.byte());
    let row = match after {
        None => MARKET_POSITIONS.first(state, &prefix),
        Some(id) => MARKET_POSITIONS.next_after(state, &prefix, &(market, side.byte(), *id)),
    };
    row.map(|((_, _, id), _)| id)
}

/// Funding that rounding left in the pool, in millionths of a quote quantum.
pub fn funding_dust(state: &dyn Read) -> i128 {
    FUNDING_DUST.get(state, &pool()).unwrap_or_default()
}

/// Write `new` in place of `old`; both tables follow.
pub(crate) fn write(state: &mut dyn State, id: &SubaccountId, old: &Subaccount, new: &Subaccount) {
    for (market, position) in &old.positions {
        index(state, *market, id, position.base, new.size(*market));
    }
    for (market, position) in &new.positions {
        if old.position(*market).is_none() {
            index(state, *market, id, BaseQuantums::ZERO, position.base);
        }
    }
    if new.is_empty() {
        SUBACCOUNTS.remove(state, id);
    } else {
        SUBACCOUNTS.set(state, id, new);
    }
}

fn index(state: &mut dyn State, market: MarketId, id: &SubaccountId, old: BaseQuantums, new: BaseQuantums) {
    let (old, new) = (Side::of(old), Side::of(new));
    if old == new {
        return;
    }
    if let Some(side) = old {
        MARKET_POSITIONS.remove(state, &(market, side.byte(), *id));
    }
    if let Some(side) = new {
        MARKET_POSITIONS.set(state, &(market, side.byte(), *id), &true);
    }
}
