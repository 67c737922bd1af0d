//! The fees of the block that runs, in memory: who pays which rate, what was traded, what is to be paid.
//!
//! Rates stand still within a block: volumes of a block count from the next one on, and so do changes of the
//! table. So a rate is found once for each user and block, and a user's volume is read again only when a bucket
//! may have left it. Fees wait in the collateral pools
//! until the block ends, and are then paid in one sum for each pool and payee.

mod journal;
mod users;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use num::{Ppm, QuoteQuantums};
use store::{Ctx, Journal, Read};
use types::{Address, MarketId};

use crate::error::Error;
use crate::rates::{tier_index, Rates};
use crate::state::{discounts, now, params, tiers, FeeTier, BUILDERS, NOW, USERS};
use crate::volumes::{
    add, add_global, builder, counted, first, global, hour_of, look_ahead, sweep, Builder, Total, Volume,
};
use journal::{Built, Undo};
use users::{User, Users};

/// A fill, as fees see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Where.
    pub market: MarketId,
    /// The collateral pool that both sides' fees were booked off.
    pub pool: Address,
    /// Owner of the maker's account.
    pub maker: Address,
    /// Owner of the taker's account.
    pub taker: Address,
    /// What it was worth; not negative.
    pub quote: QuoteQuantums,
    /// Fees of both sides together by F2; not negative.
    pub fees: QuoteQuantums,
}

/// What the rows say for the whole block.
#[derive(Debug, Default)]
struct Terms {
    tiers: Vec<FeeTier>,
    /// Charges of the discounts that run, by market.
    discounts: Vec<(MarketId, Ppm)>,
    global: QuoteQuantums,
    first: u32,
    hour: u32,
    insurance_share: Ppm,
}

impl Terms {
    fn of(state: &dyn Read) -> Self {
        let now = now(state);
        let runs = discounts(state).into_iter().filter(|(_, discount)| discount.runs(now));
        Self {
            tiers: tiers(state),
            discounts: runs.map(|(market, discount)| (market, discount.charge)).collect(),
            global: global(state),
            first: first(state),
            hour: hour_of(now),
            insurance_share: params(state).insurance_share,
        }
    }
}

/// Users whose volumes are looked at together.
const TOGETHER: usize = 32;

/// Of a user who has not traded: nothing, which no window leaves.
const NO_ROW: Total = Total { volume: Volume::NONE, oldest: u32::MAX };

/// What a pool holds for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// One of the pool's markets.
    pub(crate) market: MarketId,
    pub(crate) amount: QuoteQuantums,
}

/// Rates, volumes and fees of the running block. A cache and a till over the rows: between blocks it holds
/// nothing that the rows do not say.
#[derive(Debug, Default)]
pub struct Desk {
    terms: Option<Terms>,
    /// Counts blocks, so that rates of an earlier one are not taken for today's.
    stamp: u64,
    /// The latest bucket that a window of any block so far began with: what began before it may be gone.
    latest_first: u32,
    /// Counts undone blocks: rows that were read in one may say something else now.
    era: u64,
    users: Users,
    /// Users who traded in this block; some twice.
    traded: Vec<usize>,
    /// Fees by pool.
    pub(crate) till: BTreeMap<Address, Held>,
    /// Builder fees by pool and builder.
    pub(crate) built: BTreeMap<(Address, Address), QuoteQuantums>,
    /// What builders brought in this block.
    builders: BTreeMap<Address, Builder>,
    journal: Journal<Undo>,
}

impl Desk {
    /// Begin a block: its time is the present, what the window has left goes, rates are looked up anew.
    pub fn begin_block(&mut self, ctx: &mut Ctx<'_>) {
        NOW.set(ctx.state, &ctx.block.time);
        let oldest = first(ctx.state.as_read());
        sweep(ctx.state, oldest);
        let terms = Terms::of(ctx.state.as_read());
        self.latest_first = self.latest_first.max(terms.first);
        self.terms = Some(terms);
        self.journal.note(|| Undo::Began);
        self.stamp = self.stamp.saturating_add(1);
        if !self.journal.is_open() {
            self.users.shrink();
            self.traded.clear();
        }
    }

    /// Read what a fill of these users will need, all of them together: so one wait for memory serves all. Nothing
    /// depends on what was read.
    #[inline]
    pub fn warm<const N: usize>(&self, users: [&Address; N]) {
        let slots = users.map(|user| self.users.guess(user));
        for slot in slots {
            let User { stamp, total, traded, .. } = self.users.get(slot);
            core::hint::black_box((stamp.is_some(), total.is_some(), traded.is_zero()));
        }
    }

    /// What `user` pays in `market`; as [`rates`](crate::rates()). Allocates nothing for a user who is known.
    pub fn rates(&mut self, state: &dyn Read, user: &Address, market: MarketId) -> Rates {
        let slot = self.users.slot(user);
        let rates = match self.users.get(slot) {
            known if known.stamp == Some(self.stamp) => known.rates,
            _ => self.look_up(state, user, slot),
        };
        let discounts = self.terms.as_ref().map_or(&[][..], |terms| &terms.discounts);
        if discounts.is_empty() {
            return rates;
        }
        match discounts.binary_search_by_key(&market, |(market, _)| *market) {
            Ok(at) => discounts.get(at).map_or(rates, |(_, charge)| rates.discounted(*charge)),
            Err(_) => rates,
        }
    }

    #[cold]
    fn look_up(&mut self, state: &dyn Read, user: &Address, slot: usize) -> Rates {
        let terms = self.terms.get_or_insert_with(|| Terms::of(state));
        let latest = self.latest_first.max(terms.first);
        let known = self.users.get(slot).total.filter(|(era, _)| *era == self.era).map(|(_, total)| total);
        let known = known.filter(|total| total.oldest >= latest);
        let total = known.unwrap_or_else(|| USERS.get(state, user).unwrap_or(NO_ROW));
        let volume = counted(state, user, &total, terms.first);
        let tier = terms.tiers.get(tier_index(&terms.tiers, &volume, terms.global));
        let rates = tier.map(Rates::of).unwrap_or_default();
        let known = self.users.get_mut(slot);
        (known.rates, known.stamp, known.total) = (rates, Some(self.stamp), Some((self.era, total)));
        rates
    }

    /// Count a fill that was paid: volumes of both sides, and fees that wait in the pool.
    pub fn record(&mut self, fill: &Fill) {
        self.count(&fill.maker, Volume { maker: fill.quote, ..Volume::default() });
        self.count(&fill.taker, Volume { taker: fill.quote, ..Volume::default() });
        if !fill.fees.is_zero() {
            let old = self.till.get(&fill.pool).copied();
            self.journal.note(|| Undo::Till(fill.pool, old));
            let held = self.till.entry(fill.pool).or_default();
            (held.market, held.amount) = (fill.market, held.amount + fill.fees);
        }
    }

    /// Count a builder fee by F7 that was booked off an account of `pool`, on a fill of `quote`.
    pub fn record_builder(
        &mut self,
        pool: Address,
        builder: Address,
        quote: QuoteQuantums,
        fee: QuoteQuantums,
    ) {
        let fees = self.built.get(&(pool, builder)).copied();
        let brought = self.builders.get(&builder).copied();
        self.journal.note(|| Undo::Built(Box::new(Built { pool, builder, fees, brought })));
        let held = self.built.entry((pool, builder)).or_default();
        *held += fee;
        let brought = self.builders.entry(builder).or_default();
        brought.fills = brought.fills.saturating_add(1);
        brought.quote += quote;
        brought.fees += fee;
    }

    /// What `pool` holds that is not of its accounts: fees of this block, which are paid when it ends.
    pub fn held(&self, pool: &Address) -> QuoteQuantums {
        let fees = self.till.get(pool).map_or(QuoteQuantums::ZERO, |held| held.amount);
        let built = self.built.iter().filter(|((of, _), _)| of == pool).map(|(_, fees)| *fees);
        built.fold(fees, |sum, fees| sum + fees)
    }

    /// Refused (1013) while fees of this block wait in `pool`, from which they are paid when it ends.
    pub fn require_paid(&self, pool: &Address) -> Result<(), Error> {
        match self.held(pool) {
            QuoteQuantums::ZERO => Ok(()),
            waiting => Err(Error::Waiting(waiting)),
        }
    }

    fn count(&mut self, user: &Address, more: Volume) {
        let slot = self.users.slot(user);
        let old = self.users.get(slot).traded;
        self.journal.note(|| Undo::Traded(slot, old));
        self.users.get_mut(slot).traded = old.plus(more);
        if old.is_zero() {
            self.traded.push(slot);
        }
    }

    /// End a block: volumes become rows, and everything that waits in the pools is paid.
    pub fn end_block(&mut self, ctx: &mut Ctx<'_>) {
        let share = match &self.terms {
            Some(terms) => terms.insurance_share,
            None => params(ctx.state.as_read()).insurance_share,
        };
        self.write_volumes(ctx);
        self.write_builders(ctx);
        crate::pay::all(ctx, self, share);
    }

    fn write_volumes(&mut self, ctx: &mut Ctx<'_>) {
        let terms = match &self.terms {
            Some(terms) => (terms.first, terms.hour),
            None => (first(ctx.state.as_read()), hour_of(now(ctx.state.as_read()))),
        };
        let mut everybody = QuoteQuantums::ZERO;
        let traded = core::mem::take(&mut self.traded);
        for some in traded.chunks(TOGETHER) {
            let users: Vec<_> = some.iter().map(|slot| self.users.get(*slot).address).collect();
            look_ahead(ctx.state.as_read(), &users, terms.1);
            for slot in some {
                let user = *self.users.get(*slot);
                if !user.traded.is_zero() {
                    self.journal.note(|| Undo::Traded(*slot, user.traded));
                    self.users.get_mut(*slot).traded = Volume::default();
                    let total = add(ctx.state, &user.address, user.traded, terms);
                    self.users.get_mut(*slot).total = Some((self.era, total));
                    everybody += user.traded.maker;
                }
            }
        }
        self.traded = traded;
        self.traded.clear();
        if !everybody.is_zero() {
            add_global(ctx.state, everybody, terms.1);
        }
    }

    fn write_builders(&mut self, ctx: &mut Ctx<'_>) {
        for (address, brought) in core::mem::take(&mut self.builders) {
            let old = builder(ctx.state.as_read(), &address);
            let new = Builder {
                fills: old.fills.saturating_add(brought.fills),
                quote: old.quote + brought.quote,
                fees: old.fees + brought.fees,
            };
            if new != old {
                BUILDERS.set(ctx.state, &address, &new);
            }
            self.journal.note(|| Undo::Brought(address, brought));
        }
    }
}
