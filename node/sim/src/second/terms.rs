//! What is not money: terms of markets, fees, limits. They are read from the chain before each block.

use app::Machine;
use clob::state::Status as PairStatus;
use model::chain::Chain;
use model::falls::Deed;
use model::fee::{Fees, Tier};
use model::funding::Funding;
use model::ledger::Ledger;
use model::liquidate::Rules;
use model::money::{int, Int};
use model::orders::{Bounds, Exchange};
use model::pots::Pots;
use model::terms::{Account, Market, Status};
use num::QuoteQuantums;
use perpetuals::Collateral;
use store::{Read, Scheduled};
use types::MarketId;

use super::Known;

fn whole(amount: QuoteQuantums) -> u64 {
    u64::try_from(amount.raw()).unwrap_or(u64::MAX)
}

fn market(state: &dyn Read, perpetual: &perpetuals::Perpetual, old: Option<&Market>) -> Option<Market> {
    let id = perpetual.market;
    let tier = perpetuals::tier(state, perpetual.tier)?;
    let pair = clob::pair(state, id)?;
    let params = prices::params(state, id)?;
    let price = prices::price(state, id);
    let status = match pair.status {
        PairStatus::Active => Status::Active,
        PairStatus::Paused => Status::Paused,
        PairStatus::CancelOnly => Status::CancelOnly,
        PairStatus::PostOnly => Status::PostOnly,
        PairStatus::Initializing => Status::Initializing,
        PairStatus::FinalSettlement => Status::FinalSettlement,
    };
    Some(Market {
        id: id.0,
        price_exponent: params.exponent,
        atomic_resolution: perpetual.atomic_resolution,
        conversion_exponent: pair.quantum_conversion_exponent,
        step: pair.step.raw(),
        tick: pair.subticks_per_tick.into(),
        min_price_change: params.min_price_change.raw().into(),
        initial_ppm: tier.initial_margin.raw().into(),
        fraction_ppm: tier.maintenance_fraction.raw().into(),
        lower_cap: whole(tier.open_interest_lower_cap),
        upper_cap: whole(tier.open_interest_upper_cap),
        cap: perpetuals::open_interest_cap(state, id).map(whole),
        impact_notional: whole(tier.impact_notional),
        default_funding: perpetual.default_funding.raw().into(),
        isolated: matches!(perpetuals::collateral(state, id), Collateral::Isolated(_)),
        status,
        price: old.map_or(price.map_or(0, |row| row.price.raw()), |old| old.price),
        priced_at: old.map_or(price.map(|row| row.updated_time.seconds()), |old| old.priced_at),
        open: old.map_or(Int::ZERO, |old| old.open.clone()),
        index: old.map_or(Int::ZERO, |old| old.index.clone()),
        samples: old.map_or((Int::ZERO, 0), |old| old.samples.clone()),
    })
}

fn markets(state: &dyn Read, old: &[Market]) -> Vec<Market> {
    let known = |id: MarketId| old.iter().find(|market| market.id == id.0);
    let all = perpetuals::all(state);
    all.iter().filter_map(|perpetual| market(state, perpetual, known(perpetual.market))).collect()
}

fn tiers(state: &dyn Read) -> Vec<Tier> {
    let tier = |tier: fees::FeeTier| Tier {
        volume: whole(tier.volume),
        total_share: tier.total_share.raw().into(),
        maker_share: tier.maker_share.raw().into(),
        maker_ppm: tier.maker.raw().into(),
        taker_ppm: tier.taker.raw().into(),
    };
    fees::tiers(state).into_iter().map(tier).collect()
}

fn bounds(state: &dyn Read) -> Bounds {
    let params = clob::params(state);
    let tiers = |tiers: &[clob::EquityTier]| tiers.iter().map(|t| (whole(t.required), t.limit)).collect();
    Bounds {
        tiers: self::tiers(state),
        max_fills: params.max_fills,
        max_resting: params.max_resting as usize,
        // Only what was accepted is told.
        short_term_per_block: u32::MAX,
        band: params.taker_band.into(),
        equity_tiers: tiers(&params.equity_tiers),
        short_term_tiers: tiers(&params.short_term_equity_tiers),
    }
}

fn rules(state: &dyn Read) -> Rules {
    let params = liquidations::params(state);
    Rules {
        max_fee: params.max_fee.raw().into(),
        min_notional: whole(params.min_position_notional),
        portion: params.max_position_portion.raw().into(),
        account_notional: whole(params.max_account_notional),
        insurance_lost: whole(params.max_insurance_lost),
        adjustment: params.bankruptcy_adjustment.raw().into(),
        spread: params.spread_to_maintenance.raw().into(),
        turns: params.max_accounts as usize,
        covers: params.max_deleveragings,
    }
}

/// The model's side of a chain on which nothing has happened yet.
pub(super) fn chain(machine: &Machine, known: &Known) -> Chain {
    let state = machine.state();
    let denom = &machine.chain().collateral;
    let balance = |address| int(bank::balance(state, &address, denom));
    let now = machine.last_block().1.seconds();
    let markets = markets(state, &[]);
    let mut pots = Pots::new(&markets, 0);
    for pot in &mut pots.0 {
        let of = pot.owner.map_or(Collateral::Cross, |market| Collateral::Isolated(MarketId(market)));
        pot.fund = balance(of.address(insurance::FUND));
    }
    let mut accounts = Vec::new();
    for id in &known.ids {
        let owner = known.owner(&id.owner).unwrap_or_default();
        accounts.push(Account { owner, number: id.number, ..Account::default() });
    }
    let fees = fees::params(state);
    let ledger = Ledger {
        markets,
        accounts,
        wallets: known.wallets.iter().map(|owner| balance(*owner)).collect(),
        pots,
        collected: balance(fees::collector()),
        max_age: prices::module_params(state).max_age_seconds.into(),
        exit_ppm: perpetuals::module_params(state).withdrawal_margin.raw().into(),
        now,
        height: 0,
        gate_opens: 0,
    };
    let terms = (fees.insurance_share.raw().into(), fees.window_seconds.into());
    let fees = Fees::new(tiers(state), known.wallets.len(), terms);
    let exchange = Exchange::new(ledger, bounds(state), rules(state), fees);
    let funding = funding::state::params(state);
    let (tick, sample) = (funding.tick_seconds.into(), funding.sample_seconds.into());
    let funding = Funding::new(tick, sample, funding.sample_offset_seconds.into(), now);
    let mut chain = Chain::new(exchange, funding);
    chain.accepted = true;
    chain
}

/// What failed on purpose in the block that `machine` has executed, but for orders that stay.
pub(super) fn falls(machine: &Machine) -> Vec<(Deed, bool)> {
    let deed = |what| {
        Some(match what {
            Scheduled::Trigger => Deed::Trigger,
            Scheduled::Slice => Deed::Slice,
            Scheduled::Parked => Deed::Continue,
            Scheduled::Measure => Deed::Measure,
            Scheduled::Sample => Deed::Sample,
            Scheduled::Tick => Deed::Tick,
            Scheduled::Liquidation => Deed::Liquidate,
            Scheduled::Deleveraging => Deed::Deleverage,
            Scheduled::Settlement => Deed::Settle,
            // Changes are read when they hold, and orders that stay are named by events.
            Scheduled::Change | Scheduled::Expiry | Scheduled::WaitingExpiry | Scheduled::WindUp => {
                return None
            }
        })
    };
    machine.falls().iter().filter_map(|(what, fell)| Some((deed(*what)?, *fell))).collect()
}

/// The terms that hold in the block that `machine` has executed: they change before anything else of it. Takers pay
/// `dearer` ppm more.
pub(super) fn refresh(chain: &mut Chain, machine: &Machine, dearer: i64) {
    let state = machine.state();
    let exchange = &mut chain.exchange;
    let ledger = &mut exchange.ledger;
    ledger.markets = markets(state, &ledger.markets);
    ledger.pots.merge(&ledger.markets);
    ledger.exit_ppm = perpetuals::module_params(state).withdrawal_margin.raw().into();
    exchange.bounds = bounds(state);
    exchange.rules = rules(state);
    let params = perpetuals::module_params(state);
    chain.funding.factors =
        (params.premium_vote_clamp_factor.raw().into(), params.funding_rate_clamp_factor.raw().into());
    let mut tiers = tiers(state);
    tiers.iter_mut().for_each(|tier| tier.taker_ppm += dearer);
    exchange.fees.set_tiers(tiers);
}
