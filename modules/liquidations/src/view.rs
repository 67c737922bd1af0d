//! One account and one position as they stand now, funding settled, at the latest oracle prices.

use alloc::string::ToString;

use num::{BaseQuantums, Price};
use perpetuals::Terms;
use store::Read;
use subaccounts::{Accounts, Risk, Subaccount};
use types::{MarketId, SubaccountId};

use crate::formulas::{Holding, Slice};
use crate::Error;

/// An account with its funding settled, and its health.
pub(crate) fn account(accounts: &Accounts, id: &SubaccountId) -> Result<(Subaccount, Risk), Error> {
    let wrong = |error: subaccounts::Error| Error::Account { id: *id, reason: error.to_string() };
    let settled = accounts.settled(id).map_err(wrong)?;
    let risk = accounts.risk(id).map_err(wrong)?;
    Ok((settled, risk))
}

/// A market as liquidation sees it.
pub(crate) struct Market {
    pub(crate) id: MarketId,
    pub(crate) terms: Terms,
    pub(crate) price: Price,
}

impl Market {
    /// Terms and oracle price of `id`.
    pub(crate) fn load(state: &dyn Read, id: MarketId) -> Result<Self, Error> {
        let terms = perpetuals::terms(state, id).map_err(|_| Error::NoTerms(id))?;
        let price = prices::price(state, id).ok_or(Error::NoTerms(id))?.price;
        Ok(Self { id, terms, price })
    }

    /// A position of this size.
    pub(crate) fn holding(&self, base: BaseQuantums) -> Result<Holding, Error> {
        let margin = self.terms.margin(base, self.price, None).map_err(|_| Error::Overflow(self.id))?;
        Ok(Holding { base, notional: margin.notional, maintenance: margin.maintenance })
    }

    /// What closing `size` (above zero, at most all) of a position changes.
    pub(crate) fn slice(&self, before: &Holding, size: BaseQuantums) -> Result<Slice, Error> {
        let base = if before.base.is_negative() { size } else { -size };
        let after = self.holding(before.base + base)?;
        Ok(Slice {
            base,
            notional: after.notional - before.notional,
            maintenance: before.maintenance - after.maintenance,
        })
    }
}
