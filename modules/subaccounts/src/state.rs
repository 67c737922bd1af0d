//! What this module keeps in the store. Module byte `0x15`. The collateral itself is a balance of the bank.

use alloc::vec::Vec;

use num::{BaseQuantums, FundingIndex, Ppm, QuoteQuantums};
use perpetuals::Collateral;
use store::{Batch, Collection, Item, Map, Read, State};
use types::{Address, MarketId, SubaccountId};

use crate::ledger::Ledger;

/// Name of the module account that holds the collateral of all cross markets.
pub const POOL: &str = "subaccounts";

/// Margin accounts that hold something: `account -> what it holds`.
pub(crate) const SUBACCOUNTS: Map<SubaccountId, Subaccount> =
    Map::new([0x15, 0x00], "subaccounts/subaccounts");

/// Initial margin shares that accounts have set for themselves: `account -> (market, share)`, in order of market.
pub(crate) const LEVERAGE: Map<SubaccountId, Vec<(MarketId, Ppm)>> =
    Map::new([0x15, 0x01], "subaccounts/leverage");

/// Funding that rounding left in a pool, in millionths of a quote quantum: `pool -> dust`.
pub(crate) const FUNDING_DUST: Map<Address, i128> = Map::new([0x15, 0x02], "subaccounts/funding_dust");

/// Height at which an account below zero was last seen in a pool: `pool -> height`.
pub(crate) const NEGATIVE_SEEN: Map<Address, u64> = Map::new([0x15, 0x03], "subaccounts/negative_seen");

/// Height of the first block after the last outage of the chain.
pub(crate) const OUTAGE_SEEN: Item<u64> = Item::new([0x15, 0x04], "subaccounts/outage_seen");

/// What this module keeps.
pub fn layout() -> [Collection; 5] {
    [
        SUBACCOUNTS.collection(),
        LEVERAGE.collection(),
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
}

/// A position in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Its size; below zero is short, never zero in state.
    pub base: BaseQuantums,
    /// The market's funding index when the position was last settled.
    pub funding_index: FundingIndex,
    /// What was paid for what is open now, fees aside; below zero was received.
    pub cost: QuoteQuantums,
    /// What it has brought in since it was opened.
    pub ledger: Ledger,
}

/// A margin account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subaccount {
    /// Its collateral; below zero is debt against its positions.
    pub quote: QuoteQuantums,
    /// Its positions, in order of market; none of size zero.
    pub positions: Vec<(MarketId, Position)>,
    /// What positions that it no longer has have brought in.
    pub closed: Ledger,
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
}

/// Account that holds the collateral of cross markets.
pub fn pool() -> Address {
    Address::module(POOL)
}

/// Account that holds the collateral of positions in `market`.
pub fn pool_of(state: &dyn Read, market: MarketId) -> Address {
    perpetuals::collateral(state, market).address(POOL)
}

/// Which collateral this account's is part of: that of the market of its first position, else that of cross
/// markets.
pub fn collateral(state: &dyn Read, account: &Subaccount) -> Collateral {
    account.positions.first().map_or(Collateral::Cross, |(market, _)| perpetuals::collateral(state, *market))
}

/// The account as it was last written, funding not settled; empty when there is none.
pub fn get(state: &dyn Read, id: &SubaccountId) -> Subaccount {
    SUBACCOUNTS.get(state, id).unwrap_or_default()
}

/// At most `limit` accounts from `from` on, in order of id, funding not settled.
pub fn page(state: &dyn Read, from: Option<&SubaccountId>, limit: usize) -> Vec<(SubaccountId, Subaccount)> {
    SUBACCOUNTS.page(state, from, limit)
}

/// The same downwards, from `from` or the last one on.
pub fn page_back(
    state: &dyn Read,
    from: Option<&SubaccountId>,
    limit: usize,
) -> Vec<(SubaccountId, Subaccount)> {
    SUBACCOUNTS.page_back(state, from, limit)
}

/// Accounts written since the block began, in order of id.
pub fn changed(state: &dyn State) -> Vec<SubaccountId> {
    SUBACCOUNTS.changed(state)
}

/// The account as it was when the block began; empty when there was none.
pub fn before(state: &dyn State, id: &SubaccountId) -> Subaccount {
    SUBACCOUNTS.before(state, id).unwrap_or_default()
}

/// Funding that rounding left in the pool of cross markets, in millionths of a quote quantum.
pub fn funding_dust(state: &dyn Read) -> i128 {
    dust_of(state, Collateral::Cross)
}

/// Funding that rounding left in this pool, in millionths of a quote quantum.
pub fn dust_of(state: &dyn Read, of: Collateral) -> i128 {
    FUNDING_DUST.get(state, &of.address(POOL)).unwrap_or_default()
}

/// Initial margin shares that the account has set for itself, in order of market.
pub fn leverage(state: &dyn Read, id: &SubaccountId) -> Vec<(MarketId, Ppm)> {
    LEVERAGE.get(state, id).unwrap_or_default()
}

/// Write the account; one that holds nothing has no row.
pub(crate) fn write(batch: &mut Batch<'_>, id: &SubaccountId, account: &Subaccount) {
    if account.is_empty() {
        batch.remove(&SUBACCOUNTS, id);
    } else {
        batch.set(&SUBACCOUNTS, id, account);
    }
}
