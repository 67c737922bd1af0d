//! What must add up (I1 to I3 of the README). Each check reads every account.

use alloc::collections::BTreeMap;

use num::BaseQuantums;
use store::Read;
use types::{Denom, MarketId, SubaccountId};

use crate::settle::{settlement_ppm, PPM};
use crate::state::{funding_dust, page, pool, Side, Subaccount, MARKET_POSITIONS};

/// Accounts read at a time.
const PAGE: usize = 1_000;

/// Sums over all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What the pool holds, in quote quantums.
    pub pool: u128,
    /// Sum of the accounts' collateral, in quote quantums.
    pub collateral: i128,
    /// Sum of the funding that positions have not settled, in millionths of a quote quantum.
    pub unsettled_ppm: i128,
    /// Funding that rounding left in the pool, in millionths of a quote quantum.
    pub dust_ppm: i128,
    /// Accounts.
    pub accounts: u64,
    /// Longs and shorts (as a positive number) of each market.
    pub positions: BTreeMap<MarketId, (BaseQuantums, BaseQuantums)>,
    /// Positions that the index of holders lacks or has too many.
    pub misfiled: u64,
}

impl Audit {
    /// What the pool must hold, in millionths of a quote quantum; nothing when a sum does not fit.
    pub fn owed_ppm(&self) -> Option<i128> {
        self.collateral.checked_mul(PPM)?.checked_add(self.unsettled_ppm)?.checked_add(self.dust_ppm)
    }

    /// I1: the pool holds exactly the accounts' collateral, unsettled funding and dust.
    pub fn pool_is_exact(&self) -> bool {
        let pool = i128::try_from(self.pool).ok().and_then(|pool| pool.checked_mul(PPM));
        pool.is_some() && pool == self.owed_ppm() && self.dust_ppm >= 0
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
    let mut audit = Audit {
        pool: bank::balance(state, &pool(), collateral),
        dust_ppm: funding_dust(state),
        ..Audit::default()
    };
    let mut filed: u64 = 0;
    let mut from: Option<SubaccountId> = None;
    loop {
        let rows = page(state, from.as_ref(), PAGE);
        let done = rows.len() < PAGE;
        // The last row of a full page opens the next one.
        let last = if done { None } else { rows.last().map(|(id, _)| *id) };
        for (id, account) in rows.iter().filter(|(id, _)| Some(*id) != last) {
            filed = filed.checked_add(add(&mut audit, state, id, account, &indexes)?)?;
        }
        match last {
            Some(last) => from = Some(last),
            None => break,
        }
    }
    let rows = u64::try_from(MARKET_POSITIONS.scan(state, &(), usize::MAX).len()).ok()?;
    audit.misfiled = audit.misfiled.checked_add(rows.abs_diff(filed))?;
    Some(audit)
}

fn add(
    audit: &mut Audit,
    state: &dyn Read,
    id: &SubaccountId,
    account: &Subaccount,
    indexes: &BTreeMap<MarketId, num::FundingIndex>,
) -> Option<u64> {
    audit.accounts = audit.accounts.checked_add(1)?;
    audit.collateral = audit.collateral.checked_add(account.quote.raw())?;
    let mut filed: u64 = 0;
    for (market, position) in &account.positions {
        let ppm = settlement_ppm(position, *indexes.get(market)?)?;
        audit.unsettled_ppm = audit.unsettled_ppm.checked_add(ppm)?;
        let (long, short) = audit.positions.entry(*market).or_default();
        let side = Side::of(position.base)?;
        match side {
            Side::Long => *long = long.checked_add(position.base)?,
            Side::Short => *short = short.checked_sub(position.base)?,
        }
        if MARKET_POSITIONS.has(state, &(*market, side.byte(), *id)) {
            filed = filed.checked_add(1)?;
        } else {
            audit.misfiled = audit.misfiled.checked_add(1)?;
        }
    }
    Some(filed)
}
