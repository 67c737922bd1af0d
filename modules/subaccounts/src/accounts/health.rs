//! What others ask of an account as it stands: holdings, health, limits.

use alloc::vec::Vec;

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::{Collateral, Margin};
use types::{Address, Block, MarketId, SubaccountId};

use super::{Accounts, Held, Hot, Markets, View};
use crate::margin::Risk;
use crate::settle::{received_ppm, settle, PPM};
use crate::state::Subaccount;
use crate::Error;

/// A position that would take the place of the one there is.
pub(crate) type Instead = (MarketId, BaseQuantums);

impl Accounts {
    #[inline]
    fn look(&self, id: &SubaccountId) -> View<'_> {
        self.view(self.find(id))
    }

    /// The account as it stands, funding not settled; empty when it holds nothing.
    pub fn get(&self, id: &SubaccountId) -> Subaccount {
        let mut account = Subaccount::default();
        if let Some(at) = self.find(id) {
            self.copy(at, &mut account);
        }
        account
    }

    /// Size of its position in `market`; zero without one.
    #[inline]
    pub fn size(&self, id: &SubaccountId, market: MarketId) -> BaseQuantums {
        self.look(id).held.size(market)
    }

    /// Initial margin shares that the account has set for itself, in order of market.
    pub fn leverage(&self, id: &SubaccountId) -> &[(MarketId, Ppm)] {
        self.look(id).leverage
    }

    /// Which collateral the account's is part of.
    pub fn collateral(&self, id: &SubaccountId) -> Collateral {
        self.markets.pool_of(self.look(id).held)
    }

    /// Account that holds the collateral of positions in `market`.
    pub fn pool_of(&self, market: MarketId) -> Address {
        let core = self.markets.get(market).and_then(|market| market.core.as_ref());
        core.map_or_else(crate::state::pool, |core| core.pool)
    }

    /// Latest oracle price of `market`, whatever its age; nothing before the first one.
    pub fn oracle(&self, market: MarketId) -> Option<prices::OraclePrice> {
        self.markets.get(market)?.core.as_ref()?.price
    }

    /// Whether the price of `market` may be relied on in `block`.
    pub fn is_fresh(&self, block: &Block, market: MarketId) -> bool {
        self.standing(block, market) == prices::Standing::Live
    }

    /// What the price of `market` is good for in `block`.
    pub fn standing(&self, block: &Block, market: MarketId) -> prices::Standing {
        let row = self.markets.get(market);
        row.map_or(prices::Standing::Stale, |row| row.standing(block, &self.markets.ages))
    }

    /// How much larger the open interest of `market` may become, never negative; nothing when it has no hard cap.
    #[inline]
    pub fn room_to_grow(&self, market: MarketId) -> Option<BaseQuantums> {
        self.markets.get(market)?.room_to_grow()
    }

    /// The account with all funding settled at the present indexes. Nothing changes.
    pub fn settled(&self, id: &SubaccountId) -> Result<Subaccount, Error> {
        let index = |market| self.markets.get(market)?.index();
        let settlement = settle(&self.get(id), index).ok_or(Error::OutOfRange)?;
        Ok(settlement.account)
    }

    /// Health of the account with all funding settled first, at the initial margin it has set for itself.
    pub fn risk(&self, id: &SubaccountId) -> Result<Risk, Error> {
        let view = self.look(id);
        let (settled, _) = self.markets.settled_quote(&view)?;
        self.markets.risk(&view, settled, None)
    }

    /// The part that each position has in [`risk`](Self::risk), in order of market, with the funding that it has
    /// yet to receive (F1, rounded down; below zero it owes).
    pub fn margins(&self, id: &SubaccountId) -> Result<Vec<(MarketId, Margin, QuoteQuantums)>, Error> {
        let view = self.look(id);
        let part = |hot: &Hot| {
            let margin = self.markets.margin(&view, (hot.market, view.held.size_of(hot).0))?;
            let owed = self.markets.owed(view.held, hot)?.div_euclid(PPM);
            Ok((hot.market, margin, QuoteQuantums::new(owed)))
        };
        view.held.hot().iter().map(part).collect()
    }

    /// Sum of all long positions in `market`; nothing without such a market.
    pub fn open_interest(&self, market: MarketId) -> Option<BaseQuantums> {
        self.markets.get(market)?.core.as_ref().map(|core| core.terms.open_interest)
    }
}

impl Markets {
    pub(crate) fn pool_of(&self, held: Held<'_>) -> Collateral {
        held.markets().next().map_or(Collateral::Cross, |market| self.collateral(market))
    }

    /// F2: collateral after funding is settled, and the dust that this leaves. Exactly what [`settle`] answers.
    #[inline]
    pub(crate) fn settled_quote(&self, view: &View<'_>) -> Result<(QuoteQuantums, i128), Error> {
        let mut sum: i128 = 0;
        for hot in view.held.hot() {
            sum = sum.checked_add(self.owed(view.held, hot)?).ok_or(Error::OutOfRange)?;
        }
        if sum == 0 {
            return Ok((view.quote, 0));
        }
        let (whole, dust) = (sum.div_euclid(PPM), sum.rem_euclid(PPM));
        let quote = view.quote.checked_add(QuoteQuantums::new(whole)).ok_or(Error::OutOfRange)?;
        Ok((quote, dust))
    }

    /// F1 at the present index.
    #[inline]
    pub(crate) fn owed(&self, held: Held<'_>, hot: &Hot) -> Result<i128, Error> {
        let index = self.get(hot.market).and_then(super::market::Market::index);
        let index = index.ok_or(Error::NoPrice(hot.market))?;
        let (base, settled) = held.size_of(hot);
        if index == settled {
            return Ok(0);
        }
        received_ppm(base, settled, index).ok_or(Error::OutOfRange)
    }

    /// F3 of an account with this collateral and, in one market, `instead` of its position.
    #[inline]
    pub(crate) fn risk(
        &self,
        view: &View<'_>,
        quote: QuoteQuantums,
        instead: Option<Instead>,
    ) -> Result<Risk, Error> {
        let mut risk = Risk { net_collateral: quote, ..Risk::default() };
        let mut open = instead;
        for hot in view.held.hot() {
            let base = match open {
                Some((changed, base)) if changed == hot.market => {
                    open = None;
                    base
                }
                _ => view.held.size_of(hot).0,
            };
            self.add(&mut risk, view, (hot.market, base))?;
        }
        if let Some(new) = open {
            self.add(&mut risk, view, new)?;
        }
        Ok(risk)
    }

    /// Notional of all positions, longs and shorts alike; nothing when it does not fit or a price is missing.
    pub(crate) fn gross(&self, held: Held<'_>) -> Option<QuoteQuantums> {
        held.hot().iter().try_fold(QuoteQuantums::ZERO, |sum, hot| {
            let notional = self.get(hot.market)?.rates()?.notional(held.size_of(hot).0)?;
            sum.checked_add(notional.abs())
        })
    }

    #[inline]
    fn add(&self, risk: &mut Risk, view: &View<'_>, position: Instead) -> Result<(), Error> {
        if position.1.is_zero() {
            return Ok(());
        }
        let margin = self.margin(view, position)?;
        let sum = |one: QuoteQuantums, more| one.checked_add(more).ok_or(Error::OutOfRange);
        risk.net_collateral = sum(risk.net_collateral, margin.notional)?;
        risk.initial = sum(risk.initial, margin.initial)?;
        risk.maintenance = sum(risk.maintenance, margin.maintenance)?;
        Ok(())
    }

    /// F3 of one position, at the initial margin share that the account has set.
    #[inline]
    fn margin(&self, view: &View<'_>, (market, base): Instead) -> Result<Margin, Error> {
        let row = self.get(market).ok_or(Error::NoPrice(market))?;
        let Some(rates) = row.rates() else {
            let priced = row.core.as_ref().and_then(|core| core.price).is_some_and(|at| !at.price.is_zero());
            return Err(if priced { Error::OutOfRange } else { Error::NoPrice(market) });
        };
        let custom =
            if view.leverage.is_empty() { Ppm::default() } else { Self::custom(view.leverage, market) };
        rates.margin(base, custom).ok_or(Error::OutOfRange)
    }
}
