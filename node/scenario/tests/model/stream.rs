//! The stream of events is complete: whoever hears it from genesis on, and reads nothing else, knows every book in
//! its order, every account, funding index, open interest and waiting order, every insurance fund, all fees and all
//! coins after every block.

use std::collections::BTreeMap;

use clob::Side;
use num::{BaseQuantums, FundingIndex, QuoteQuantums};
use types::{Address, Event, MarketId, SubaccountId, Value};

use crate::crowd::Crowd;
use crate::engine::Engine;
use crate::setting::Setting;
use crate::terms::Op;
use scenario::compared::number;

/// Account, market, flags, client id.
type Name = (SubaccountId, u32, u32, u32);
/// Market, whether it buys, price.
type Place = (u32, bool, u64);
type Positions = BTreeMap<u32, (BaseQuantums, FundingIndex)>;

/// What a listener knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Orders of each level, first in front, with what remains of them.
    queues: BTreeMap<Place, Vec<(Name, u64)>>,
    accounts: BTreeMap<SubaccountId, (QuoteQuantums, Positions)>,
    indices: BTreeMap<u32, i128>,
    /// What each market's trades opened: the sum of long positions.
    open: BTreeMap<u32, BaseQuantums>,
    /// What each insurance fund holds, by what it was told to have got and paid.
    funds: BTreeMap<Address, i128>,
    /// Fees of all time: what the collector has, and what builders got, by what fills told.
    collected: i128,
    built: BTreeMap<Address, i128>,
    /// What everybody holds outside subaccounts, pools and funds too, by coins spent and received.
    coins: BTreeMap<Address, i128>,
    /// Orders that wait for a price.
    conditionals: Vec<Name>,
    /// Orders that are placed in slices.
    twaps: Vec<Name>,
}

/// What a listener knows of fees from genesis, and what waits in the block for its end: fees of a pool.
struct Fees {
    isolated: Vec<u32>,
    insured_ppm: i128,
    waiting: BTreeMap<Option<u32>, i128>,
}

fn small(event: &Event, name: &str) -> u32 {
    u32::try_from(number(event, name)).unwrap()
}

fn address(event: &Event, name: &str) -> Address {
    let Some(Value::Address(address)) = event.get(name) else { panic!("{event:?} has no {name}") };
    *address
}

fn account(event: &Event, owner: &str, of: &str) -> SubaccountId {
    SubaccountId { owner: address(event, owner), number: small(event, of) }
}

/// Coins of an event of the bank; there is one kind here.
fn coins(event: &Event) -> i128 {
    let Some(Value::Owned(text)) = event.get("amount") else { panic!("{event:?} has no amount") };
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn name(event: &Event, before: &str) -> Name {
    let of = |rest: &str| format!("{before}{rest}");
    let id = account(event, &of("owner"), &of("number"));
    (id, small(event, "market"), small(event, &of("order_flags")), small(event, &of("client_id")))
}

impl Known {
    fn find(&mut self, order: &Name) -> Option<(Place, usize)> {
        self.queues.iter().find_map(|(place, queue)| {
            queue.iter().position(|(other, _)| other == order).map(|at| (*place, at))
        })
    }

    /// An order has this much left; nothing: it is gone.
    fn left(&mut self, order: &Name, left: u64) -> Result<(), String> {
        let (place, at) = self.find(order).ok_or(format!("{order:?} is not known to rest"))?;
        let queue = self.queues.get_mut(&place).unwrap();
        queue[at].1 = left;
        if left == 0 {
            queue.remove(at);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        Ok(())
    }

    fn hear(&mut self, event: &Event, fees: &mut Fees) -> Result<(), String> {
        let size = |of: &str| u64::try_from(number(event, of)).unwrap();
        match event.kind {
            "order_placed" => {
                let buys = event.get("side") == Some(&Value::Text("buy"));
                let order = name(event, "");
                self.queues
                    .entry((order.1, buys, size("price")))
                    .or_default()
                    .push((order, size("remaining")));
            }
            "order_resized" => self.left(&name(event, ""), size("remaining"))?,
            "order_fill" => {
                self.left(&name(event, "maker_"), size("maker_remaining"))?;
                self.fees(event, fees);
            }
            "order_removed" if event.get("rested") == Some(&Value::Bool(true)) => {
                self.left(&name(event, ""), 0)?;
            }
            "order_removed" => {
                let order = name(event, "");
                self.conditionals.retain(|other| *other != order);
                self.twaps.retain(|other| *other != order);
            }
            "subaccount_update" => self.account(event),
            "funding_rate" => {
                self.indices.insert(small(event, "market"), number(event, "index"));
            }
            "insurance_payment" | "insurance_dust" => {
                let fund = self.funds.entry(address(event, "fund")).or_default();
                *fund += number(event, "amount");
                if *fund != number(event, "balance") {
                    return Err(format!("the fund should hold {fund}"));
                }
            }
            "coin_spent" => *self.coins.entry(address(event, "spender")).or_default() -= coins(event),
            "coin_received" => *self.coins.entry(address(event, "receiver")).or_default() += coins(event),
            "conditional_placed" => self.conditionals.push(name(event, "")),
            "conditional_triggered" => {
                let order = name(event, "");
                self.conditionals.retain(|other| *other != order);
            }
            "twap_placed" => self.twaps.push(name(event, "")),
            "twap_completed" | "twap_failed" => {
                let order = name(event, "");
                self.twaps.retain(|other| *other != order);
            }
            _ => {}
        }
        Ok(())
    }

    /// Fees go in the block to the fund, the collector and the builders; of how many, the genesis tells.
    fn fees(&mut self, event: &Event, fees: &mut Fees) {
        let market = Some(small(event, "market")).filter(|market| fees.isolated.contains(market));
        let paid = number(event, "maker_fee") + number(event, "taker_fee");
        *fees.waiting.entry(market).or_default() += paid;
        for (builder, fee) in [("maker_builder", "maker_builder_fee"), ("taker_builder", "taker_builder_fee")]
        {
            if event.get(builder).is_some() {
                *self.built.entry(address(event, builder)).or_default() += number(event, fee);
            }
        }
    }

    fn account(&mut self, event: &Event) {
        let id = account(event, "owner", "number");
        let mut positions = Positions::new();
        let mut market = 0;
        let mut base = BaseQuantums::ZERO;
        for (key, value) in &event.attributes {
            match (*key, value) {
                ("market", Value::Unsigned(id)) => market = u32::try_from(*id).unwrap(),
                ("quantums", Value::Signed(size)) => base = BaseQuantums::new(*size),
                ("funding_index", Value::Signed(index)) => {
                    positions.insert(market, (base, FundingIndex::new(*index)));
                }
                _ => {}
            }
        }
        let quote = QuoteQuantums::new(number(event, "quote_quantums"));
        self.accounts.remove(&id);
        if !quote.is_zero() || !positions.is_empty() {
            self.accounts.insert(id, (quote, positions));
        }
    }

    /// Follows from the accounts, and from the fees of the block.
    fn add_up(&mut self, fees: &mut Fees) {
        for paid in std::mem::take(&mut fees.waiting).into_values() {
            self.collected += paid - paid * fees.insured_ppm / 1_000_000;
        }
        self.coins.retain(|_, amount| *amount != 0);
        self.funds.retain(|_, amount| *amount != 0);
        self.built.retain(|_, amount| *amount != 0);
        self.open.clear();
        for (_, positions) in self.accounts.values() {
            for (market, (base, _)) in positions {
                let sum = self.open.entry(*market).or_insert(BaseQuantums::ZERO);
                *sum += (*base).max(BaseQuantums::ZERO);
            }
        }
        self.open.retain(|_, sum| !sum.is_zero());
        self.conditionals.sort_unstable();
        self.twaps.sort_unstable();
    }

    /// What the state says.
    fn of(engine: &Engine) -> Self {
        let (state, books) = (engine.machine.state(), engine.machine.books());
        let mut known = Self::default();
        for perpetual in perpetuals::all(state) {
            let market = perpetual.market;
            known.indices.insert(market.0, perpetual.funding_index.raw());
            if !perpetual.open_interest.is_zero() {
                known.open.insert(market.0, perpetual.open_interest);
            }
            for (side, buys) in [(Side::Buy, true), (Side::Sell, false)] {
                for level in books.levels(market, side) {
                    let orders = books.queue(market, side, level.price);
                    let orders = orders.map(|resting| (of_id(&resting.order.id), resting.remaining.raw()));
                    known.queues.insert((market.0, buys, level.price.raw()), orders.collect());
                }
            }
        }
        for (id, account) in subaccounts::page(state, None, usize::MAX) {
            let positions = account.positions.iter();
            let positions = positions.map(|(market, held)| (market.0, (held.base, held.funding_index)));
            known.accounts.insert(id, (account.quote, positions.collect()));
        }
        let denom = &engine.machine.chain().collateral;
        for market in perpetuals::all(state) {
            let fund = perpetuals::collateral(state, market.market).address(insurance::FUND);
            let amount = bank::balance(state, &fund, denom);
            known.funds.insert(fund, i128::try_from(amount).unwrap());
        }
        known.collected = i128::try_from(bank::balance(state, &fees::collector(), denom)).unwrap();
        for (address, builder) in fees::genesis::export(state).builders {
            known.built.insert(address, builder.fees.raw());
        }
        for balance in bank::genesis::export(state).balances {
            for coin in balance.coins.iter().filter(|coin| coin.denom == *denom) {
                known.coins.insert(balance.address, i128::try_from(coin.amount).unwrap());
            }
        }
        known.funds.retain(|_, amount| *amount != 0);
        let rows = clob::genesis::export(state);
        known.conditionals = rows.conditionals.iter().map(|(id, _)| of_id(id)).collect();
        known.twaps = rows.twaps.iter().map(|(id, _)| of_id(id)).collect();
        known.conditionals.sort_unstable();
        known.twaps.sort_unstable();
        known
    }

    /// The first thing that differs from the state.
    fn difference(&self, state: &Self) -> Option<String> {
        fn of<T: PartialEq + std::fmt::Debug>(what: &str, told: &T, state: &T) -> Option<String> {
            (told != state).then(|| format!("{what}\ntold  {told:?}\nstate {state:?}"))
        }
        of("orders", &self.queues, &state.queues)
            .or_else(|| of("accounts", &self.accounts, &state.accounts))
            .or_else(|| of("funding", &self.indices, &state.indices))
            .or_else(|| of("open interest", &self.open, &state.open))
            .or_else(|| of("insurance funds", &self.funds, &state.funds))
            .or_else(|| of("fees collected", &self.collected, &state.collected))
            .or_else(|| of("fees of builders", &self.built, &state.built))
            .or_else(|| of("coins", &self.coins, &state.coins))
            .or_else(|| of("conditional orders", &self.conditionals, &state.conditionals))
            .or_else(|| of("TWAP orders", &self.twaps, &state.twaps))
    }
}

fn of_id(id: &clob::OrderId) -> Name {
    let MarketId(market) = id.market;
    (id.subaccount, market, id.kind.flags(), id.client_id)
}

/// A story of `ops` operations; `drop` says which events do not reach the listener. Answers how often each kind
/// was told, or where the listener and the state differ.
fn run(seed: u64, ops: u64, drop: impl Fn(&Event) -> bool) -> Result<BTreeMap<&'static str, u64>, String> {
    // Poor accounts are what deleveraging needs: money may leave down to initial margin.
    let setting = Setting { exit_ppm: 0, ..Setting::odd() };
    let (mut engine, mut chain) = (Engine::new(&setting), setting.chain());
    let mut crowd = Crowd::new(seed, &setting);
    let mut known = Known::of(&engine);
    let mut told: BTreeMap<&'static str, u64> = BTreeMap::new();
    let isolated = setting.markets.iter().filter(|market| market.isolated).map(|market| market.id);
    let mut fees = Fees {
        isolated: isolated.collect(),
        insured_ppm: setting.fee_terms.0.into(),
        waiting: BTreeMap::new(),
    };
    let (mut done, mut height) = (0, 0);
    while done < ops {
        // Now and then a while without blocks, so that funding is paid.
        crowd.time += if height % 60 == 59 { 1_200 } else { 0 };
        let (time, prices) = crowd.moment(&chain);
        let count = crowd.dice.within(0, 60);
        let mut batch: Vec<Op> = (0..count).map(|_| crowd.op(&chain)).collect();
        if height == 0 {
            let deposit = |account| Op::Deposit { account, amount: 20_000_000 << (account / 2) };
            batch = (0..setting.accounts.len()).map(deposit).collect();
        }
        batch.iter_mut().for_each(|op| engine.hash(op));
        engine.block(time, &prices, &batch)?;
        chain.block(time, &prices, &batch);
        for event in std::mem::take(&mut engine.told) {
            *told.entry(event.kind).or_default() += 1;
            if !drop(&event) {
                known
                    .hear(&event, &mut fees)
                    .map_err(|reason| format!("block {height}: {reason} in {event:?}"))?;
            }
        }
        known.add_up(&mut fees);
        if let Some(difference) = known.difference(&Known::of(&engine)) {
            return Err(format!("seed {seed}, block {height}: {difference}"));
        }
        (done, height) = (done + count, height + 1);
    }
    Ok(told)
}

/// Kinds without which the state cannot be known, and which a story must have.
const NEEDED: [&str; 15] = [
    "coin_spent",
    "coin_received",
    "order_placed",
    "order_resized",
    "order_fill",
    "order_removed",
    "subaccount_update",
    "funding_rate",
    "insurance_payment",
    "conditional_placed",
    "conditional_triggered",
    "twap_placed",
    "twap_completed",
    "deleveraging",
    "liquidation",
];

#[test]
fn the_state_follows_from_the_events_alone_after_every_block() {
    let mut told: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 11..13 {
        let run = run(seed, 12_000, |_| false).unwrap_or_else(|difference| panic!("{difference}"));
        run.into_iter().for_each(|(kind, count)| *told.entry(kind).or_default() += count);
    }
    println!("{told:?}");
    for kind in NEEDED {
        assert!(told.contains_key(kind), "no {kind} was told");
    }
}

#[test]
fn a_listener_that_misses_an_event_is_found_out() {
    // Liquidation and deleveraging only say why accounts change.
    for kind in &NEEDED[..13] {
        let seen = std::cell::Cell::new(0);
        // Rather not the first one: a listener may well get along without what soon is told again.
        let found = [(11, 2), (12, 2), (11, 1), (12, 1)].into_iter().any(|(seed, turn)| {
            seen.set(0);
            let missed = |event: &Event| {
                seen.set(seen.get() + u32::from(event.kind == *kind));
                event.kind == *kind && seen.get() % 3 == turn
            };
            run(seed, 12_000, missed).is_err()
        });
        assert!(found, "{kind}");
    }
}
