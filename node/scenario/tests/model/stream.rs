//! The stream of events is complete: whoever hears it from genesis on, and reads nothing else, knows every book in
//! its order, every account, funding index, open interest, waiting order and fund after every block.

use std::collections::BTreeMap;

use clob::Side;
use num::{BaseQuantums, FundingIndex, QuoteQuantums};
use types::{Event, MarketId, SubaccountId, Value};

use crate::crowd::Crowd;
use crate::engine::{number, Engine};
use crate::setting::Setting;
use crate::terms::Op;

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
    /// What is held by the funds.
    funds: i128,
    /// Orders that wait for a price.
    conditionals: Vec<Name>,
    /// Orders that are placed in slices.
    twaps: Vec<Name>,
}

fn small(event: &Event, name: &str) -> u32 {
    u32::try_from(number(event, name)).unwrap()
}

fn account(event: &Event, owner: &str, of: &str) -> SubaccountId {
    let Some(Value::Address(owner)) = event.get(owner) else { panic!("{event:?} has no {owner}") };
    SubaccountId { owner: *owner, number: small(event, of) }
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

    fn hear(&mut self, event: &Event) -> Result<(), String> {
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
            "order_fill" => self.left(&name(event, "maker_"), size("maker_remaining"))?,
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
            "insurance_payment" | "insurance_dust" => self.funds += number(event, "amount"),
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

    /// Follows from the accounts.
    fn add_up(&mut self) {
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
        known.funds = insurance::balance(state, denom).raw();
        for market in perpetuals::isolated(state) {
            known.funds += insurance::balance_of(state, market, denom).raw();
        }
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
            .or_else(|| of("funds", &self.funds, &state.funds))
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
    let setting = Setting::odd();
    let (mut engine, mut chain) = (Engine::new(&setting), setting.chain());
    let mut crowd = Crowd::new(seed, &setting);
    let mut known = Known::of(&engine);
    let mut told: BTreeMap<&'static str, u64> = BTreeMap::new();
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
        for op in &mut batch {
            if let Op::Place(order) = op {
                *order = engine.hashed(*order);
            }
        }
        engine.block(time, &prices, &batch)?;
        chain.block(time, &prices, &batch);
        for event in std::mem::take(&mut engine.told) {
            *told.entry(event.kind).or_default() += 1;
            if !drop(&event) {
                known.hear(&event).map_err(|reason| format!("block {height}: {reason} in {event:?}"))?;
            }
        }
        known.add_up();
        if let Some(difference) = known.difference(&Known::of(&engine)) {
            return Err(format!("seed {seed}, block {height}: {difference}"));
        }
        (done, height) = (done + count, height + 1);
    }
    Ok(told)
}

/// Kinds without which the state cannot be known, and which a story must have.
const NEEDED: [&str; 13] = [
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
    for kind in &NEEDED[..11] {
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
