//! The health of whole accounts, and what closing them costs, against exact fractions.

use liquidations::formulas::{self, Holding, Scale, Slice};
use liquidations::Params;
use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums, Ratio, SignedPpm};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use perpetuals::{MarketType, Perpetual, Tier};
use store::{Ctx, Memory};
use subaccounts::{Accounts, Position, Risk, Subaccount};
use types::{Address, Block, Chain, Denom, Events, MarketId, SubaccountId, Time};

use crate::input::Input;
use crate::money::{big, million, pow10, whole};

/// One market as the input wants it.
struct Market {
    exponent: i32,
    resolution: i32,
    price: u64,
    initial: u32,
    fraction: u32,
    caps: (u64, u64),
    open: i128,
    index: i128,
    /// Initial margin that the account has set for itself.
    own: u32,
    /// Size and index of the account's position.
    position: (i128, i128),
}

impl Market {
    fn read(input: &mut Input<'_>) -> Self {
        let (one, other) = (input.amount(), input.amount());
        let initial = input.u32() % 1_000_000 + 1;
        // Some room between the margins is asked for.
        let fraction = (input.u32() % 1_000_001).min(1_000_000 - 1_000_000_u32.div_ceil(initial));
        Self {
            exponent: input.within(18),
            resolution: input.within(18),
            price: input.amount().max(1),
            initial,
            fraction,
            caps: (one.min(other), one.max(other)),
            open: input.i128().max(0),
            index: input.i128(),
            own: input.u32() % 1_000_001,
            position: (input.i128(), input.i128()),
        }
    }

    fn notional(&self, base: i128) -> BigInt {
        let exact = big(base) * big(self.price) * pow10(self.exponent + self.resolution + 6);
        exact.trunc().to_integer()
    }

    /// The share of notional that is initial margin, before the account's own.
    fn scaled(&self) -> BigInt {
        let (lower, upper) = (BigInt::from(self.caps.0), BigInt::from(self.caps.1));
        let (initial, open) = (BigInt::from(self.initial), self.notional(self.open));
        if upper.is_zero() || open <= lower {
            initial
        } else if open >= upper {
            1_000_000.into()
        } else {
            &initial + (1_000_000 - &initial) * (open - &lower) / (upper - lower)
        }
    }

    fn owed(&self) -> BigInt {
        -(BigInt::from(self.index) - self.position.1) * self.position.0
    }
}

fn share(of: &BigInt, ppm: impl Into<BigInt>) -> BigInt {
    (big(of.abs()) * big(ppm) / million()).ceil().to_integer()
}

/// Net collateral, initial margin, maintenance margin; and whether every number on the way is far from 128 bits.
fn exact(quote: i128, markets: &[Market], own: bool) -> ([BigInt; 3], bool) {
    let mut sums = [BigInt::from(quote), BigInt::zero(), BigInt::zero()];
    let mut sizes = BigInt::from(quote).abs();
    let mut owed = BigInt::zero();
    for market in markets.iter().filter(|market| market.position.0 != 0) {
        let notional = market.notional(market.position.0);
        let mut ppm = market.scaled();
        if own {
            ppm = ppm.max(market.own.into());
        }
        let maintenance = share(&share(&notional, market.initial), market.fraction);
        sizes += notional.abs() + market.notional(market.open) + market.owed().abs();
        sums = [&sums[0] + &notional, &sums[1] + share(&notional, ppm), &sums[2] + maintenance];
        owed += market.owed();
        sizes += BigInt::from(market.index).abs() + BigInt::from(market.position.1).abs();
    }
    sums[0] += (big(owed) / million()).floor().to_integer();
    (sums, sizes.bits() < 125)
}

/// A chain of these markets in which one account holds these positions.
fn state(quote: i128, markets: &[Market], id: SubaccountId) -> Memory {
    let (mut state, mut events) = (Memory::default(), Events::default());
    let time = Time::from_unix(1_000_000, 0);
    let block = Block { height: 100, time, previous_time: time };
    let collateral = Denom::new("uusdc").expect("a denomination");
    let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
    let ctx = &mut Ctx { state: &mut state, events: &mut events, block: &block, chain: &chain };
    let market = |at: usize| MarketId(u32::try_from(at).unwrap_or_default());
    let (mut feeds, mut rows, mut terms, mut tiers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut account = Subaccount { quote: QuoteQuantums::new(quote), ..Subaccount::default() };
    let mut own = Vec::new();
    for (at, row) in markets.iter().enumerate() {
        feeds.push(prices::MarketParams {
            market: market(at),
            pair: format!("M{at}-USD"),
            exponent: row.exponent,
            min_price_change: Ppm::new(1_000),
        });
        rows.push((market(at), prices::OraclePrice::new(Price::new(row.price), 1, time)));
        tiers.push(Tier {
            id: market(at).0,
            name: "tier".into(),
            initial_margin: Ppm::new(row.initial),
            maintenance_fraction: Ppm::new(row.fraction),
            impact_notional: QuoteQuantums::new(1),
            open_interest_lower_cap: QuoteQuantums::new(row.caps.0.into()),
            open_interest_upper_cap: QuoteQuantums::new(row.caps.1.into()),
        });
        let perpetual = Perpetual {
            market: market(at),
            ticker: format!("M{at}-USD"),
            atomic_resolution: row.resolution,
            default_funding: SignedPpm::ZERO,
            tier: market(at).0,
            funding_index: FundingIndex::new(row.index),
            open_interest: BaseQuantums::new(row.open),
        };
        terms.push((perpetual, MarketType::Cross));
        own.push((market(at), Ppm::new(row.own)));
        let (base, index) = row.position;
        if base != 0 {
            let (base, funding_index) = (BaseQuantums::new(base), FundingIndex::new(index));
            account.positions.push((market(at), Position { base, funding_index, ..Position::default() }));
        }
    }
    let genesis = prices::Genesis { markets: feeds, prices: rows, ..prices::Genesis::default() };
    prices::genesis::init(ctx, &genesis).expect("prices that may be");
    let genesis = perpetuals::Genesis { tiers, perpetuals: terms, ..perpetuals::Genesis::default() };
    perpetuals::genesis::init(ctx, &genesis).expect("terms that may be");
    let accounts = Vec::from_iter((!account.is_empty()).then_some((id, account)));
    let genesis =
        subaccounts::Genesis { accounts, leverage: vec![(id, own)], ..subaccounts::Genesis::default() };
    // An account alone has no other side, which is refused, but only after it was written.
    let _ = subaccounts::genesis::init(ctx, &genesis);
    state
}

fn compare(what: &str, ours: Option<Risk>, (sums, small): ([BigInt; 3], bool)) {
    match ours {
        Some(risk) => {
            let risk = [risk.net_collateral, risk.initial, risk.maintenance];
            assert_eq!(risk.map(|sum| BigInt::from(sum.raw())), sums, "{what}");
        }
        None => assert!(!small, "{what}: a number is said not to fit: {sums:?}"),
    }
}

/// Health of an account with positions in up to four markets, funding unsettled, both ways of counting it.
pub(crate) fn account_vs_rational(data: &[u8]) {
    let mut input = Input(data);
    let (count, quote) = (input.u8() % 4 + 1, input.i128());
    let markets: Vec<Market> = (0..count).map(|_| Market::read(&mut input)).collect();
    let id = SubaccountId { owner: Address::new([1; 20]), number: 0 };
    let state = state(quote, &markets, id);
    let account = subaccounts::get(&state, &id);
    assert_eq!(account.quote.raw(), quote, "the account was not written");
    let slow = subaccounts::risk(&state, &account).ok();
    compare("health from rows", slow, exact(quote, &markets, false));
    let fast = Accounts::rebuild(&state).risk(&id).ok();
    compare("health from memory", fast, exact(quote, &markets, true));
}

/// What fits, as a fraction.
fn fits(value: Option<QuoteQuantums>, exact: &BigRational, what: &str) {
    assert_eq!(value.map(|value| value.raw()), whole(exact), "{what}");
}

/// Limits, bankruptcy prices, payments of the fund and sizes of liquidations.
pub(crate) fn liquidation_vs_rational(data: &[u8]) {
    let mut input = Input(data);
    let part = |input: &mut Input<'_>| input.i128() >> 24;
    let quote = QuoteQuantums::new;
    let risk = Risk {
        net_collateral: quote(part(&mut input)),
        maintenance: quote(part(&mut input).abs()),
        ..Risk::default()
    };
    let params = Params {
        max_fee: Ppm::new(input.u32() % 1_000_000 + 1),
        min_position_notional: quote(part(&mut input).abs()),
        max_position_portion: Ppm::new(input.u32() % 1_000_000 + 1),
        bankruptcy_adjustment: Ppm::new(1_000_000 + input.u32() % 10_000_000),
        spread_to_maintenance: Ppm::new(input.u32() % 10_000_000 + 1),
        ..Params::default()
    };
    let base = match part(&mut input) {
        0 => 1,
        base => base,
    };
    let notional = part(&mut input).abs() * base.signum();
    let holding = Holding {
        base: BaseQuantums::new(base),
        notional: quote(notional),
        maintenance: quote(part(&mut input).abs()),
    };
    limits(&risk, &holding, &params, &mut input);
    bankruptcy(&risk, &holding, &params, &mut input);
    sizes(&holding, &params, &mut input);
}

fn limits(risk: &Risk, holding: &Holding, params: &Params, input: &mut Input<'_>) {
    let (tick, exponent) = (input.u32() % 1_000_000 + 1, input.within(20));
    let price = formulas::fillable_price(risk, holding, params);
    assert_eq!(price.is_some(), risk.maintenance.is_positive(), "a price needs a margin");
    let Some(price) = price else { return };
    let (worth, needed) = (big(risk.net_collateral.raw()), big(risk.maintenance.raw()));
    let rating = big(params.bankruptcy_adjustment.raw()) / million() * (BigRational::one() - worth / needed);
    let rating = rating.clamp(BigRational::zero(), BigRational::one());
    let spread = big(params.spread_to_maintenance.raw()) / million() * big(holding.maintenance.raw());
    let exact = (big(holding.notional.raw()) - rating * spread) / big(holding.base.raw());
    compare_limit(price, &exact, (!holding.base.is_negative(), tick, exponent));
}

fn compare_limit(price: Ratio, exact: &BigRational, (long, tick, exponent): (bool, u32, i32)) {
    let ours = formulas::limit(price, long, tick, exponent);
    let ticks = exact * pow10(-exponent) / big(tick);
    let ticks = if long { ticks.ceil() } else { ticks.floor() };
    let highest = BigInt::from(u64::MAX / u64::from(tick));
    let ticks = ticks.to_integer().clamp(BigInt::one(), highest);
    let expected = (ticks * tick).to_u64();
    assert_eq!(ours.map(|limit| limit.raw()), expected, "the limit for {exact}, long {long}, tick {tick}");
}

fn bankruptcy(risk: &Risk, holding: &Holding, params: &Params, input: &mut Input<'_>) {
    let (size, needed) = (holding.base.raw().abs(), holding.maintenance.raw());
    let closed = input.i128().rem_euclid(size) + 1;
    let slice = Slice {
        base: BaseQuantums::new(-closed * holding.base.raw().signum()),
        notional: QuoteQuantums::new(input.i128() >> 24),
        maintenance: QuoteQuantums::new(input.i128().checked_rem_euclid(needed).unwrap_or_default()),
    };
    let part = if risk.maintenance.is_positive() {
        big(slice.maintenance.raw()) / big(risk.maintenance.raw())
    } else {
        big(closed) / big(size)
    };
    let share = (big(risk.net_collateral.raw()) * part).floor();
    let exact = -big(slice.notional.raw()) - &share;
    let ours = formulas::bankruptcy_quote(risk, &slice, holding.base);
    // The share must fit by itself.
    if whole(&share).is_some() {
        fits(ours, &exact, "bankruptcy quote");
    }
    let Some(ours) = ours else { return };
    let quote = input.i128() >> 24;
    let surplus = big(quote) - big(ours.raw());
    let delta = if quote == 0 {
        BigRational::zero()
    } else if surplus.is_positive() {
        (big(quote).abs() * big(params.max_fee.raw()) / million()).floor().min(surplus)
    } else {
        surplus
    };
    let paid = formulas::insurance_delta(QuoteQuantums::new(quote), ours, params.max_fee);
    if paid.is_some() {
        fits(paid, &delta, "what the fund gets");
    } else {
        assert!((big(quote) - big(ours.raw())).abs() > big(i128::MAX / 2), "the fund's share fits");
    }
}

fn sizes(holding: &Holding, params: &Params, input: &mut Input<'_>) {
    let (size, notional) = (holding.base.raw().abs(), big(holding.notional.raw()).abs());
    let portion = (&notional * big(params.max_position_portion.raw()) / million()).floor();
    let allowed = big(params.min_position_notional.raw()).min(notional.clone()).max(portion);
    let ours = formulas::liquidatable_notional(holding.notional, params);
    fits(ours, &allowed, "notional that may be liquidated");
    let (price, exponent) = (input.amount().max(1), input.within(20));
    let step = (input.amount() >> 8).max(1);
    let left = input.i128() >> 24;
    let scale = Scale { price: Price::new(price), exponent, step: BaseQuantums::new(step.into()) };
    let ours = formulas::liquidatable_size(holding, &scale, QuoteQuantums::new(left), params);
    let allowed = allowed.min(big(left));
    if notional <= allowed || size <= i128::from(step) {
        assert_eq!(ours.map(|size| size.raw()), Some(size), "all of it");
        return;
    }
    let base = (&allowed * pow10(-exponent) / big(price)).trunc();
    let steps = (base / big(step)).floor() * big(step);
    let closed = steps.max(big(step)).min(big(size));
    let rest = ((big(size) - &closed) * big(price) * pow10(exponent)).trunc();
    let dust = rest < big(params.min_position_notional.raw()) && notional <= big(left);
    let expected = if dust { big(size) } else { closed };
    match ours {
        Some(ours) => assert_eq!(Some(ours.raw()), whole(&expected), "size that may be liquidated"),
        None => {
            let huge = allowed.abs() * pow10(exponent.abs()) * big(price) + rest;
            assert!(huge > big(i128::MAX >> 3), "a size is said not to fit");
        }
    }
}
