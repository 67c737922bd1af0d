//! Funding: section 4 of the reference, on the model's own book.

use num_traits::{Signed, Zero};

use crate::falls::Deed;
use crate::money::{fraction, int, million, power_of_ten, scaled, Fraction, Int};
use crate::orders::Exchange;
use crate::terms::{Market, Status};

#[derive(Clone, Debug)]
pub struct Funding {
    pub tick: i64,
    pub sample: i64,
    pub offset: i64,
    pub next_tick: i64,
    pub next_sample: i64,
    /// Bounds of a premium and of a rate, in ppm of what initial margin is above maintenance margin.
    pub factors: (i64, i64),
}

const PREMIUM_FACTOR: i64 = 60_000_000;
const RATE_FACTOR: i64 = 6_000_000;

impl Funding {
    /// What is due after `now`.
    pub fn new(tick: i64, sample: i64, offset: i64, now: i64) -> Self {
        let next_tick = after(now, tick, 0);
        Self {
            tick,
            sample,
            offset,
            next_tick,
            next_sample: after(now, sample, offset),
            factors: (PREMIUM_FACTOR, RATE_FACTOR),
        }
    }

    /// At most one sample and one tick.
    pub fn begin_block(&mut self, exchange: &mut Exchange) {
        let now = exchange.ledger.now;
        let ids: Vec<u32> = exchange.ledger.markets.iter().map(|market| market.id).collect();
        if now >= self.next_sample {
            for id in &ids {
                let premium = premium(exchange, *id, self.factors.0);
                let premium = if exchange.falls(Deed::Measure) { Int::zero() } else { premium };
                if exchange.falls(Deed::Sample) {
                    continue;
                }
                let samples = &mut exchange.ledger.market_mut(*id).samples;
                samples.0 += premium;
                samples.1 += 1;
            }
            self.next_sample = after(now, self.sample, self.offset);
        }
        if now >= self.next_tick {
            for id in &ids {
                let fresh = exchange.ledger.fresh(*id);
                let over = exchange.ledger.market(*id).status == Status::FinalSettlement;
                let moves = (fresh || over) && !exchange.falls(Deed::Tick);
                let market = exchange.ledger.market_mut(*id);
                let (sum, count) = std::mem::take(&mut market.samples);
                if moves && !over {
                    self.move_index(market, &sum, count);
                }
            }
            self.next_tick = after(now, self.tick, 0);
        }
    }

    fn move_index(&self, market: &mut Market, sum: &Int, count: u64) {
        let expected = u64::try_from(self.tick / self.sample).unwrap();
        let average = sum / int(count.max(expected));
        let bound = bound(market, self.factors.1);
        let rate = (average + market.default_funding).max(-&bound).min(bound);
        let (n, d) = scaled(rate * self.tick * market.price, market.oracle_exponent());
        market.index += (n / d) / 28_800;
    }
}

/// The first moment after `now`.
fn after(now: i64, step: i64, offset: i64) -> i64 {
    let mut moment = now - now % step - step + offset;
    while moment <= now {
        moment += step;
    }
    moment
}

fn bound(market: &Market, factor: i64) -> Int {
    let maintenance = market.initial_ppm * market.fraction_ppm / 1_000_000;
    int(factor) * (market.initial_ppm - maintenance) / million()
}

fn premium(exchange: &Exchange, id: u32, factor: i64) -> Int {
    let ledger = &exchange.ledger;
    let market = ledger.market(id);
    if !ledger.fresh(id) || !market.is_active() {
        return Int::zero();
    }
    let exponent = market.oracle_exponent() - market.conversion_exponent;
    let oracle = power(exponent) * Fraction::from_integer(int(market.price));
    let bid = impact(exchange, market, true).filter(|bid| *bid > oracle);
    let ask = impact(exchange, market, false).filter(|ask| *ask < oracle);
    let Some(impact) = bid.or(ask) else { return Int::zero() };
    let ppm =
        ((impact / oracle - Fraction::from_integer(int(1))) * Fraction::from_integer(million())).trunc();
    let bound = bound(market, factor);
    ppm.to_integer().max(-&bound).min(bound)
}

fn power(exponent: i32) -> Fraction {
    let power = power_of_ten(exponent.unsigned_abs());
    if exponent < 0 {
        fraction(int(1), power)
    } else {
        Fraction::from_integer(power)
    }
}

/// Average price of taking the impact notional out of one side, in subticks.
fn impact(exchange: &Exchange, market: &Market, bids: bool) -> Option<Fraction> {
    let mut side: Vec<_> =
        exchange.resting.iter().filter(|r| r.order.id.market == market.id && r.order.buy == bids).collect();
    side.sort_by_key(|r| if bids { u64::MAX - r.order.price } else { r.order.price });
    // Quote quantums at one subtick per base quantum.
    let notional = Fraction::from_integer(int(market.impact_notional)) / power(market.conversion_exponent);
    let (mut rest, mut base) = (notional.clone(), Int::zero());
    let mut levels: Vec<(u64, Int)> = Vec::new();
    for resting in side {
        match levels.last_mut() {
            Some((price, size)) if *price == resting.order.price => *size += resting.left,
            _ => levels.push((resting.order.price, int(resting.left))),
        }
    }
    for (price, size) in levels {
        let worth = Fraction::from_integer(&size * price);
        if worth < rest {
            rest -= worth;
            base += size;
            continue;
        }
        base += (rest / Fraction::from_integer(int(price))).ceil().to_integer();
        return Some(notional / Fraction::from_integer(base));
    }
    debug_assert!(!rest.is_negative());
    None
}
