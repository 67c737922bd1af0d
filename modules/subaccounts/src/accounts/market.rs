//! What a block knows of one market: terms, price, open interest, and who holds a position.

use alloc::vec::Vec;

use num::{BaseQuantums, FundingIndex, Ppm};
use perpetuals::{Collateral, Rates, Terms};
use prices::Standing;
use store::Read;
use types::{Address, Block, MarketId};

use crate::state::{dust_of, Side, POOL};

/// Holders of a side for which room is made at least.
const SMALLEST: usize = 8;

/// Terms and price of a market.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) terms: Terms,
    pub(crate) price: Option<prices::OraclePrice>,
    /// Nothing without a price, or when the open interest is worth more than 128 bits hold.
    pub(crate) rates: Option<Rates>,
    /// Open interest that the market's hard cap allows at this price; nothing without a cap.
    pub(crate) most_open: Option<BaseQuantums>,
    pub(crate) collateral: Collateral,
    /// The account of that collateral.
    pub(crate) pool: Address,
}

impl Core {
    fn load(state: &dyn Read, id: MarketId) -> Option<Self> {
        let terms = perpetuals::terms(state, id).ok()?;
        let price = prices::price(state, id);
        let collateral = perpetuals::collateral(state, id);
        let pool = collateral.address(POOL);
        let most_open = terms.most_open(price.map(|price| price.price));
        let mut core = Self { terms, price, rates: None, most_open, collateral, pool };
        core.rate();
        Some(core)
    }

    fn rate(&mut self) {
        let price = self.price.map(|price| price.price).filter(|price| !price.is_zero());
        self.rates = price.and_then(|price| Rates::new(&self.terms, price));
    }
}

/// A market.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) id: MarketId,
    /// Nothing when there is no such perpetual.
    pub(crate) core: Option<Core>,
    /// Whether the row of its open interest is behind.
    pub(super) behind: bool,
    /// Slots of the accounts with a long and with a short position, in no order.
    pub(super) longs: Vec<u32>,
    pub(super) shorts: Vec<u32>,
}

impl Market {
    pub(super) fn load(state: &dyn Read, id: MarketId) -> Self {
        let core = Core::load(state, id);
        Self { id, core, behind: false, longs: Vec::new(), shorts: Vec::new() }
    }

    /// Read terms and price anew; returns the old ones. Open interest is what was counted here.
    pub(super) fn reload(&mut self, state: &dyn Read) -> Option<Core> {
        let mut new = Core::load(state, self.id);
        if let (Some(new), Some(old), true) = (&mut new, &self.core, self.behind) {
            new.terms.open_interest = old.terms.open_interest;
            new.rate();
        }
        core::mem::replace(&mut self.core, new)
    }

    #[inline]
    pub(crate) fn index(&self) -> Option<FundingIndex> {
        self.core.as_ref().map(|core| core.terms.funding_index)
    }

    #[inline]
    pub(crate) fn rates(&self) -> Option<&Rates> {
        self.core.as_ref()?.rates.as_ref()
    }

    /// How much larger the open interest may become; nothing when there is no hard cap.
    #[inline]
    pub(crate) fn room_to_grow(&self) -> Option<BaseQuantums> {
        let core = self.core.as_ref()?;
        core.most_open.map(|most| (most - core.terms.open_interest).max(BaseQuantums::ZERO))
    }

    /// What its price is good for; without one it is stale.
    pub(crate) fn standing(&self, block: &Block, ages: &prices::Params) -> Standing {
        let price = self.core.as_ref().and_then(|core| core.price);
        price.map_or(Standing::Stale, |price| price.standing_at(block.time, ages))
    }

    /// Count with this open interest; initial margin follows it. False when margin can no longer be told.
    pub(super) fn set_open_interest(&mut self, open: BaseQuantums) -> bool {
        self.behind = true;
        let Some(core) = &mut self.core else { return false };
        core.terms.open_interest = open;
        if core.terms.tier.open_interest_upper_cap.is_zero() {
            return core.rates.is_some();
        }
        let price = core.price.map(|price| price.price);
        let share = price.and_then(|price| core.terms.initial_ppm(price).ok());
        match (&mut core.rates, share) {
            (Some(rates), Some(share)) => *rates = rates.with_initial_ppm(share),
            // Without rates there may be some now; without a share there are none any more.
            _ => core.rate(),
        }
        core.rates.is_some()
    }

    pub(super) fn holders(&self, side: Side) -> &[u32] {
        match side {
            Side::Long => &self.longs,
            Side::Short => &self.shorts,
        }
    }

    /// Put a holder on the list; returns where it stands there.
    pub(super) fn enlist(&mut self, side: Side, at: u32) -> u32 {
        let holders = self.holders_mut(side);
        let standing = u32::try_from(holders.len()).unwrap_or(u32::MAX);
        if holders.len() == holders.capacity() {
            // An eighth more, so that no more than that stands empty.
            holders.reserve_exact((holders.len() >> 3).max(SMALLEST));
        }
        holders.push(at);
        standing
    }

    pub(super) fn holders_mut(&mut self, side: Side) -> &mut Vec<u32> {
        match side {
            Side::Long => &mut self.longs,
            Side::Short => &mut self.shorts,
        }
    }
}

/// Markets in order of number.
#[derive(Debug, Default)]
pub(crate) struct Markets {
    rows: Vec<Market>,
    /// Ages up to which prices are good for something.
    pub(crate) ages: prices::Params,
    /// Funding that rounding left in each pool, in millionths of a quote quantum; in order of pool.
    pub(super) dust: Vec<(Collateral, i128)>,
}

impl Markets {
    pub(super) fn load(state: &dyn Read) -> Self {
        let mut markets = Self { ages: prices::module_params(state), ..Self::default() };
        markets.rows = perpetuals::all(state).iter().map(|row| Market::load(state, row.market)).collect();
        let own = perpetuals::isolated(state).into_iter().map(Collateral::Isolated);
        let pools = core::iter::once(Collateral::Cross).chain(own);
        markets.dust = pools.map(|of| (of, dust_of(state, of))).collect();
        markets
    }

    #[inline]
    fn place(&self, id: MarketId) -> Option<usize> {
        let guess = usize::try_from(id.0).unwrap_or(usize::MAX);
        if self.rows.get(guess).is_some_and(|row| row.id == id) {
            return Some(guess);
        }
        self.rows.binary_search_by_key(&id, |row| row.id).ok()
    }

    #[inline]
    pub(crate) fn get(&self, id: MarketId) -> Option<&Market> {
        self.rows.get(self.place(id)?)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: MarketId) -> Option<&mut Market> {
        let place = self.place(id)?;
        self.rows.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Market> {
        self.rows.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Market> {
        self.rows.iter_mut()
    }

    /// Open slots for markets that are new.
    pub(super) fn add_new(&mut self, state: &dyn Read) {
        for row in perpetuals::all(state) {
            if let Err(place) = self.rows.binary_search_by_key(&row.market, |old| old.id) {
                self.rows.insert(place, Market { core: None, ..Market::load(state, row.market) });
            }
            let of = perpetuals::collateral(state, row.market);
            if let Err(place) = self.dust.binary_search_by_key(&of, |(pool, _)| *pool) {
                self.dust.insert(place, (of, dust_of(state, of)));
            }
        }
    }

    /// Which collateral the positions of a market stand on.
    #[inline]
    pub(crate) fn collateral(&self, id: MarketId) -> Collateral {
        self.get(id).and_then(|market| market.core.as_ref()).map(|core| core.collateral).unwrap_or_default()
    }

    pub(super) fn dust(&self, of: Collateral) -> i128 {
        let place = self.dust.binary_search_by_key(&of, |(pool, _)| *pool);
        place.ok().and_then(|place| self.dust.get(place)).map(|(_, dust)| *dust).unwrap_or_default()
    }

    pub(super) fn set_dust(&mut self, of: Collateral, dust: i128) {
        match self.dust.binary_search_by_key(&of, |(pool, _)| *pool) {
            Ok(place) => {
                if let Some(row) = self.dust.get_mut(place) {
                    row.1 = dust;
                }
            }
            Err(place) => self.dust.insert(place, (of, dust)),
        }
    }

    /// The user's own share of this market, zero without one.
    pub(crate) fn custom(leverage: &[(MarketId, Ppm)], id: MarketId) -> Ppm {
        leverage.iter().find(|(market, _)| *market == id).map(|(_, share)| *share).unwrap_or_default()
    }
}
