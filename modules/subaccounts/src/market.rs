//! The markets that one change touches, loaded once.

use alloc::collections::BTreeMap;

use num::Price;
use perpetuals::Terms;
use store::Read;
use types::MarketId;

use crate::margin::Risk;
use crate::settle::{settle, Settlement};
use crate::state::Subaccount;
use crate::Error;

/// One market: its terms and its oracle price.
struct Market {
    terms: Terms,
    price: Option<prices::OraclePrice>,
}

/// Terms and prices of some markets.
pub(crate) struct Markets(BTreeMap<MarketId, Market>);

impl Markets {
    /// Load these markets; each once.
    pub(crate) fn of(state: &dyn Read, ids: impl Iterator<Item = MarketId>) -> Result<Self, Error> {
        let mut markets = BTreeMap::new();
        for id in ids {
            if let alloc::collections::btree_map::Entry::Vacant(slot) = markets.entry(id) {
                let terms = perpetuals::terms(state, id)?;
                slot.insert(Market { terms, price: prices::price(state, id) });
            }
        }
        Ok(Self(markets))
    }

    /// Terms of a loaded market.
    pub(crate) fn terms(&self, market: MarketId) -> Option<&Terms> {
        self.0.get(&market).map(|market| &market.terms)
    }

    /// Its oracle price, whatever its age; none when there is none or it is zero.
    pub(crate) fn price(&self, market: MarketId) -> Option<Price> {
        let price = self.0.get(&market)?.price?.price;
        (!price.is_zero()).then_some(price)
    }

    /// F2 at the present indexes.
    pub(crate) fn settle(&self, account: &Subaccount) -> Result<Settlement, Error> {
        settle(account, |market| self.terms(market).map(|terms| terms.funding_index)).ok_or(Error::OutOfRange)
    }

    /// F3 at the present prices.
    pub(crate) fn risk(&self, settled: &Subaccount) -> Result<Risk, Error> {
        let mut risk = Risk { net_collateral: settled.quote, ..Risk::default() };
        for (market, position) in &settled.positions {
            let terms = self.terms(*market).ok_or(Error::NoPrice(*market))?;
            let price = self.price(*market).ok_or(Error::NoPrice(*market))?;
            let margin = terms.margin(position.base, price, None)?;
            let add = |sum: num::QuoteQuantums, more| sum.checked_add(more).ok_or(Error::OutOfRange);
            risk.net_collateral = add(risk.net_collateral, margin.notional)?;
            risk.initial = add(risk.initial, margin.initial)?;
            risk.maintenance = add(risk.maintenance, margin.maintenance)?;
        }
        Ok(risk)
    }
}
