//! What must add up (I1 to I3 and I8 of the README). Each check reads every account.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use num::BaseQuantums;
use perpetuals::Collateral;
use store::Read;
use types::{Denom, MarketId, SubaccountId};

use crate::settle::{settlement_ppm, PPM};
use crate::state::{dust_of, page, Side, Subaccount, POOL};

/// Accounts read at a time.
const PAGE: usize = 1_000;

/// Sums over the accounts of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Which collateral it is.
    pub of: Collateral,
    /// What the pool holds, in quote quantums.
    pub held: u128,
    /// Sum of the accounts' collateral, in quote quantums.
    pub collateral: i128,
    /// Sum of the funding that positions have not settled, in millionths of a quote quantum.
    pub unsettled_ppm: i128,
    /// Funding that rounding left in the pool, in millionths of a quote quantum.
    pub dust_ppm: i128,
}

impl Pool {
    /// What the pool must hold, in millionths of a quote quantum; nothing when a sum does not fit.
    pub fn owed_ppm(&self) -> Option<i128> {
        self.collateral.checked_mul(PPM)?.checked_add(self.unsettled_ppm)?.checked_add(self.dust_ppm)
    }

    /// I1: the pool holds exactly its accounts' collateral, unsettled funding and dust.
    pub fn is_exact(&self) -> bool {
        let held = i128::try_from(self.held).ok().and_then(|held| held.checked_mul(PPM));
        held.is_some() && held == self.owed_ppm() && self.dust_ppm >= 0
    }
}

/// Sums over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Each pool: that of cross markets first, then those of isolated markets in order.
    pub pools: Vec<Pool>,
    /// Accounts.
    pub accounts: u64,
    /// Longs and shorts (as a positive number) of each market.
    pub positions: BTreeMap<MarketId, (BaseQuantums, BaseQuantums)>,
    /// An account with a position in an isolated market beside another one (I8).
    pub mixed: Option<SubaccountId>,
}

impl Audit {
    /// The first pool that is not exact (I1).
    pub fn unsound_pool(&self) -> Option<&Pool> {
        self.pools.iter().find(|pool| !pool.is_exact())
    }

    /// I1: every pool is exact.
    pub fn pool_is_exact(&self) -> bool {
        self.unsound_pool().is_none()
    }

    /// What all pools together must hold, in millionths of a quote quantum; nothing when a sum does not fit.
    pub fn owed_ppm(&self) -> Option<i128> {
        self.pools.iter().try_fold(0_i128, |sum, pool| sum.checked_add(pool.owed_ppm()?))
    }

    /// Funding that rounding left in all pools, in millionths of a quote quantum.
    pub fn dust_ppm(&self) -> i128 {
        self.pools.iter().fold(0, |sum, pool| sum.saturating_add(pool.dust_ppm))
    }

    /// Sum of the funding that positions have not settled, in millionths of a quote quantum.
    pub fn unsettled_ppm(&self) -> i128 {
        self.pools.iter().fold(0, |sum, pool| sum.saturating_add(pool.unsettled_ppm))
    }

    /// What all pools hold together, in quote quantums.
    pub fn held(&self) -> u128 {
        self.pools.iter().fold(0, |sum, pool| sum.saturating_add(pool.held))
    }

    /// Sum of all accounts' collateral, in quote quantums.
    pub fn collateral(&self) -> i128 {
        self.pools.iter().fold(0, |sum, pool| sum.saturating_add(pool.collateral))
    }

    /// I2 and I3: the first market whose longs, shorts and open interest are not one number.
    pub fn unequal_market(&self, state: &dyn Read) -> Option<MarketId> {
        let markets = perpetuals::all(state).into_iter();
        let differs = |(market, open): &(MarketId, BaseQuantums)| {
            let (long, short) = self.positions.get(market).copied().unwrap_or_default();
            long != short || long != *open
        };
        let mut open = markets.map(|perpetual| (perpetual.market, perpetual.open_interest));
        open.find(differs).map(|(market, _)| market)
    }
}

/// Add up all accounts. Nothing when a sum does not fit 128 bits or a position's market is missing.
pub fn audit(state: &dyn Read, collateral: &Denom) -> Option<Audit> {
    let indexes: BTreeMap<MarketId, num::FundingIndex> = perpetuals::all(state)
        .into_iter()
        .map(|perpetual| (perpetual.market, perpetual.funding_index))
        .collect();
    let own = perpetuals::isolated(state).into_iter().map(Collateral::Isolated);
    let pool = |of: Collateral| {
        let held = bank::balance(state, &of.address(POOL), collateral);
        Pool { of, held, dust_ppm: dust_of(state, of), ..Pool::default() }
    };
    let pools = core::iter::once(Collateral::Cross).chain(own).map(pool).collect();
    let mut audit = Audit { pools, ..Audit::default() };
    let mut from: Option<SubaccountId> = None;
    loop {
        let rows = page(state, from.as_ref(), PAGE);
        let done = rows.len() < PAGE;
        // The last row of a full page opens the next one.
        let last = if done { None } else { rows.last().map(|(id, _)| *id) };
        for (id, account) in rows.iter().filter(|(id, _)| Some(*id) != last) {
            add(&mut audit, id, account, &indexes)?;
        }
        match last {
            Some(last) => from = Some(last),
            None => break,
        }
    }
    Some(audit)
}

fn add(
    audit: &mut Audit,
    id: &SubaccountId,
    account: &Subaccount,
    indexes: &BTreeMap<MarketId, num::FundingIndex>,
) -> Option<()> {
    audit.accounts = audit.accounts.checked_add(1)?;
    let first = account.positions.first().map(|(market, _)| Collateral::Isolated(*market));
    let own = first.filter(|of| audit.pools.iter().any(|pool| pool.of == *of)).unwrap_or_default();
    for (market, position) in &account.positions {
        let alone = audit.pools.iter().any(|pool| pool.of == Collateral::Isolated(*market));
        if alone && account.positions.len() > 1 {
            audit.mixed = audit.mixed.or(Some(*id));
        }
        let (long, short) = audit.positions.entry(*market).or_default();
        match Side::of(position.base)? {
            Side::Long => *long = long.checked_add(position.base)?,
            Side::Short => *short = short.checked_sub(position.base)?,
        }
    }
    let pool = audit.pools.iter_mut().find(|pool| pool.of == own)?;
    pool.collateral = pool.collateral.checked_add(account.quote.raw())?;
    for (market, position) in &account.positions {
        let ppm = settlement_ppm(position, *indexes.get(market)?)?;
        pool.unsettled_ppm = pool.unsettled_ppm.checked_add(ppm)?;
    }
    Some(())
}
