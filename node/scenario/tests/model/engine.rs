//! The engine as the model sees it: messages on the wire go in, what happened comes out in the model's words.
//! The only place here that knows the engine's types.

use std::collections::BTreeMap;

use app::genesis::{Balance, FeeTier, GenesisCoin, LiquidityTier};
use app::msg::Msg;
use app::{AppState, BlockOutcome, Genesis, GenesisValidator, Machine, TxResult};
use clob::Side;
use ed25519_consensus::SigningKey;
use num::Price;
use prost::Message;
use proto::ballast::clob::v1 as ours;
use proto::dydxprotocol::clob as wire;
use scenario::World;
use store::{Memory, Read};
use types::{Address, Event, MarketId, SubaccountId, Time, Value};

use crate::ledger::Ledger;
use crate::money::{int, Int};
use crate::orders::Resting;
use crate::setting::Setting;
use crate::terms::{Answer, Id, Note, Op};

pub(crate) const PREFIX: &str = "ballast";
/// Number of the person who may change markets.
pub(crate) const AUTHORITY: usize = 200;

pub(crate) struct Engine {
    pub(crate) machine: Machine,
    /// Accounts in the order of the model's list.
    pub(crate) ids: Vec<SubaccountId>,
    /// Events of the last block, as they happened.
    pub(crate) told: Vec<Event>,
    /// The last block.
    pub(crate) outcome: BlockOutcome,
}

pub(crate) struct Done {
    pub(crate) answers: Vec<Answer>,
    pub(crate) expired: Vec<Note>,
    pub(crate) after: Vec<Note>,
}

pub(crate) fn address(owner: usize) -> Address {
    Address::new([u8::try_from(owner + 1).unwrap(); 20])
}

fn document(setting: &Setting) -> AppState {
    let mut app = World::devnet();
    app.liquidity_tiers.clear();
    app.markets.clear();
    for market in &setting.markets {
        app.liquidity_tiers.push(LiquidityTier {
            id: market.id,
            name: format!("tier {}", market.id),
            initial_margin_ppm: u32::try_from(market.initial_ppm).unwrap(),
            maintenance_fraction_ppm: u32::try_from(market.fraction_ppm).unwrap(),
            impact_notional: market.impact_notional,
            open_interest_lower_cap: market.lower_cap,
            open_interest_upper_cap: market.upper_cap,
        });
        app.markets.push(app::genesis::Market {
            id: market.id,
            ticker: format!("M{}-USD", market.id),
            price_exponent: market.price_exponent,
            price: market.price,
            min_price_change_ppm: 1_000,
            atomic_resolution: market.atomic_resolution,
            default_funding_ppm: i32::try_from(market.default_funding).unwrap(),
            liquidity_tier: market.id,
            step_base_quantums: market.step,
            subticks_per_tick: u32::try_from(market.tick).unwrap(),
            quantum_conversion_exponent: market.conversion_exponent,
            isolated: market.isolated,
            open_interest_cap: 0,
        });
    }
    app.fee_tiers.clear();
    for tier in &setting.bounds.tiers {
        app.fee_tiers.push(FeeTier {
            name: format!("{}", app.fee_tiers.len()),
            volume: tier.volume,
            total_share_ppm: u32::try_from(tier.total_share).unwrap(),
            maker_share_ppm: u32::try_from(tier.maker_share).unwrap(),
            maker_ppm: i32::try_from(tier.maker_ppm).unwrap(),
            taker_ppm: i32::try_from(tier.taker_ppm).unwrap(),
        });
    }
    app.fees.insurance_share_ppm = u32::try_from(setting.fee_terms.0).unwrap();
    app.fees.window_seconds = u32::try_from(setting.fee_terms.1).unwrap();
    app.withdrawals.margin_ppm = u32::try_from(setting.exit_ppm).unwrap();
    app.orders.max_fills = setting.bounds.max_fills;
    app.orders.max_resting = u32::try_from(setting.bounds.max_resting).unwrap();
    app.orders.short_term_rates = vec![(1, setting.bounds.short_term_per_block)];
    app.orders.stateful_rates.clear();
    app.orders.leverage_rates.clear();
    app.orders.taker_band_ppm = u32::try_from(setting.bounds.band).unwrap();
    app.governance.authority = Some(address(AUTHORITY).to_bech32(PREFIX));
    app.orders.equity_tiers = setting.bounds.equity_tiers.clone();
    app.orders.short_term_equity_tiers = setting.bounds.short_term_tiers.clone();
    let (tick, sample, offset) = setting.funding;
    app.funding.tick_seconds = u32::try_from(tick).unwrap();
    app.funding.sample_seconds = u32::try_from(sample).unwrap();
    app.funding.sample_offset_seconds = u32::try_from(offset).unwrap();
    let (rules, limits) = (&setting.rules, &mut app.liquidations);
    limits.max_fee_ppm = u32::try_from(rules.max_fee).unwrap();
    limits.min_position_notional = rules.min_notional;
    limits.max_position_portion_ppm = u32::try_from(rules.portion).unwrap();
    limits.max_account_notional = rules.account_notional;
    limits.max_insurance_lost = rules.insurance_lost;
    limits.bankruptcy_adjustment_ppm = u32::try_from(rules.adjustment).unwrap();
    limits.spread_to_maintenance_ppm = u32::try_from(rules.spread).unwrap();
    for owner in 0..setting.owners {
        balance(&mut app, address(owner).to_bech32(PREFIX), setting.wealth);
    }
    if setting.fund > 0 {
        balance(&mut app, "module:insurance_fund".into(), setting.fund);
    }
    app
}

fn balance(app: &mut AppState, address: String, amount: u64) {
    let coins = vec![GenesisCoin { denom: app.collateral.clone(), amount: amount.to_string() }];
    app.balances.push(Balance { address, coins });
}

impl Engine {
    pub(crate) fn new(setting: &Setting) -> Self {
        let key = SigningKey::from([7; 32]).verification_key().to_bytes();
        let genesis = Genesis {
            chain_id: "ballast-model-1".into(),
            time: Time::from_unix(setting.start, 0),
            initial_height: 1,
            extensions_from: 1,
            validators: vec![GenesisValidator { public_key: key, power: 10 }],
            app: document(setting),
        };
        let mut machine = Machine::from_genesis(&genesis).unwrap();
        machine.take_changes();
        let ids = setting
            .accounts
            .iter()
            .map(|(owner, number)| SubaccountId { owner: address(*owner), number: *number });
        Self { machine, ids: ids.collect(), told: Vec::new(), outcome: BlockOutcome::default() }
    }

    /// Forget everything that is not state.
    pub(crate) fn restart(&mut self) {
        let memory = Memory::from_pairs(self.machine.memory().iter().map(|(k, v)| (k.clone(), v.clone())));
        let books = self.machine.books().hash();
        self.machine = Machine::from_state(memory).unwrap();
        assert_eq!(self.machine.books().hash(), books, "books rebuilt from rows differ");
    }

    /// Another engine with the same state.
    pub(crate) fn twin(&mut self) -> Self {
        let memory = Memory::from_pairs(self.machine.memory().iter().map(|(k, v)| (k.clone(), v.clone())));
        Self {
            machine: Machine::from_state(memory).unwrap(),
            ids: self.ids.clone(),
            told: Vec::new(),
            outcome: BlockOutcome::default(),
        }
    }

    /// One block. Fails when the engine stops before it commits.
    pub(crate) fn block(&mut self, time: i64, prices: &[(u32, u64)], ops: &[Op]) -> Result<Done, String> {
        let mut answers: Vec<Option<Answer>> = Vec::new();
        let mut messages = Vec::new();
        for op in ops {
            let any = self.encode(op);
            match Msg::decode(&any.type_url, &any.value, self.machine.chain()) {
                Ok(msg) => {
                    messages.push(msg);
                    answers.push(None);
                }
                Err(refusal) => {
                    let refused = Some((refusal.codespace.clone(), refusal.code));
                    answers.push(Some(Answer { refused, notes: Vec::new(), held: Vec::new() }));
                }
            }
        }
        let prices: BTreeMap<_, _> =
            prices.iter().map(|(id, price)| (MarketId(*id), Price::new(*price))).collect();
        let outcome = self.machine.rehearse(Time::from_unix(time, 0), &prices, &messages);
        let outcome = outcome.map_err(|fault| fault.to_string())?;
        self.machine.take_changes();
        let (begin, end) = outcome.events.split_at(outcome.begin);
        let of_messages = outcome.results.iter().flat_map(|result| &result.events);
        self.told = begin.iter().chain(of_messages).chain(end).cloned().collect();
        let mut results = outcome.results.iter();
        let mut told = Vec::new();
        for (op, answer) in ops.iter().zip(answers) {
            told.push(answer.unwrap_or_else(|| self.answer(op, results.next().unwrap())));
        }
        let notes = self.notes(&outcome.events);
        let is_expired = |note: &Note| matches!(note, Note::Removed { reason, .. } if reason == "expired");
        let (mut expired, after): (Vec<_>, Vec<_>) = notes.into_iter().partition(is_expired);
        expired.sort();
        self.outcome = outcome;
        Ok(Done { answers: told, expired, after })
    }

    fn answer(&self, op: &Op, result: &TxResult) -> Answer {
        let refused = result.refusal.as_ref().map(|refusal| (refusal.codespace.to_string(), refusal.code));
        let mut held = Vec::new();
        if let (Op::Batch { .. }, None) = (op, &refused) {
            let response = wire::MsgBatchCancelResponse::decode(result.data.as_slice()).unwrap();
            for batch in response.short_term_succeeded {
                held.extend(batch.client_ids.into_iter().map(|client| (batch.clob_pair_id, client)));
            }
        }
        if let (Op::Many { .. }, None) = (op, &refused) {
            let response = ours::MsgBatchResponse::decode(result.data.as_slice()).unwrap();
            let codes = response.results.iter().map(|result| result.code);
            held.extend((0..).zip(codes));
        }
        Answer { refused, notes: self.notes(&result.events), held }
    }

    fn notes(&self, events: &[Event]) -> Vec<Note> {
        events.iter().filter_map(|event| self.note(event)).collect()
    }

    fn note(&self, event: &Event) -> Option<Note> {
        let u64_of = |name| u64::try_from(number(event, name)).unwrap();
        let market = || u32::try_from(number(event, "market")).unwrap();
        Some(match event.kind {
            "order_fill" => Note::Fill {
                market: market(),
                price: u64_of("price"),
                size: u64_of("size"),
                quote: int(number(event, "quote")),
                maker: self.id(event, "maker_"),
                maker_left: u64_of("maker_remaining"),
                maker_fee: int(number(event, "maker_fee")),
                taker: self.account(event, "taker_owner", "taker_number"),
                taker_fee: int(number(event, "taker_fee")),
                insurance: event.get("insurance").map(|_| int(number(event, "insurance"))),
            },
            "conditional_placed" | "twap_placed" | "twap_slice" => self.later(event, u64_of("size")),
            "conditional_triggered" => self.later(event, u64_of("price")),
            "twap_completed" | "twap_failed" => self.later(event, u64_of("remaining")),
            "order_placed" => Note::Placed(self.id(event, ""), u64_of("remaining")),
            "order_resized" => Note::Resized(self.id(event, ""), u64_of("remaining")),
            "order_removed" => Note::Removed {
                id: self.id(event, ""),
                reason: text(event, "reason"),
                left: u64_of("remaining"),
                rested: event.get("rested") == Some(&Value::Bool(true)),
            },
            "liquidation" => Note::Liquidated {
                account: self.account(event, "owner", "number"),
                market: market(),
                size: int(number(event, "size")),
                filled: int(number(event, "filled")),
                limit: u64_of("limit"),
                quote: int(number(event, "quote")),
                insurance: int(number(event, "insurance")),
            },
            "deleveraging" => Note::Deleveraged {
                account: self.account(event, "owner", "number"),
                other: self.account(event, "counterparty", "counterparty_number"),
                market: market(),
                size: int(number(event, "size")),
                quote: int(number(event, "quote")),
            },
            "final_settlement" => Note::Settled {
                account: self.account(event, "owner", "number"),
                other: self.account(event, "counterparty", "counterparty_number"),
                market: market(),
                size: int(number(event, "size")),
                quote: int(number(event, "quote")),
            },
            _ => return None,
        })
    }

    fn later(&self, event: &Event, amount: u64) -> Note {
        Note::Later { kind: event.kind.into(), id: self.id(event, ""), amount }
    }

    fn account(&self, event: &Event, owner: &str, account: &str) -> usize {
        let Some(Value::Address(owner)) = event.get(owner) else { panic!("{event:?} has no {owner}") };
        let id = SubaccountId { owner: *owner, number: u32::try_from(number(event, account)).unwrap() };
        self.ids.iter().position(|known| *known == id).unwrap()
    }

    fn id(&self, event: &Event, before: &str) -> Id {
        let name = |rest: &str| format!("{before}{rest}");
        let small = |rest: &str| u32::try_from(number(event, &name(rest))).unwrap();
        Id {
            account: self.account(event, &name("owner"), &name("number")),
            market: u32::try_from(number(event, "market")).unwrap(),
            flags: small("order_flags"),
            client: small("client_id"),
        }
    }

    /// Where money and orders differ from the model's.
    pub(crate) fn difference(&mut self, ledger: &Ledger, resting: &[Resting]) -> Option<String> {
        let denom = self.machine.chain().collateral.clone();
        let state = self.machine.state();
        for (account, id) in ledger.accounts.iter().zip(&self.ids) {
            let (held, ours) = (account_of(state, id), said(account));
            if held != ours {
                return Some(format!("account {id} holds {held:?}, the model says {ours:?}"));
            }
        }
        for (owner, wallet) in ledger.wallets.iter().enumerate() {
            let held = int(bank::balance(state, &address(owner), &denom));
            if held != *wallet {
                return Some(format!("owner {owner} has {held} outside, the model says {wallet}"));
            }
        }
        let mut funds = vec![("fees", fees::collector(), &ledger.collected)];
        for pot in &ledger.pots.0 {
            let market = MarketId(pot.owner.unwrap_or(ledger.markets[0].id));
            funds.push(("pool", pool(state, market), &pot.pool));
            funds.push(("fund", fund(state, market), &pot.fund));
        }
        for (name, address, ours) in funds {
            let held = int(bank::balance(state, &address, &denom));
            if held != *ours {
                return Some(format!("{name} is {held}, the model says {ours}"));
            }
        }
        for market in &ledger.markets {
            let perpetual = perpetuals::perpetual(state, MarketId(market.id)).unwrap();
            let (open, index) = (int(perpetual.open_interest.raw()), int(perpetual.funding_index.raw()));
            if open != market.open || index != market.index {
                return Some(format!(
                    "market {}: open interest {open} and index {index}, the model says {} and {}",
                    market.id, market.open, market.index
                ));
            }
        }
        self.book_difference(ledger, resting)
    }

    /// All accounts and all books, without turns.
    pub(crate) fn told(&self) -> (Vec<Held>, Vec<(u64, Id, u64)>) {
        let state = self.machine.state();
        let accounts = self.ids.iter().map(|id| account_of(state, id)).collect();
        let markets: Vec<u32> = self.machine.books().markets().map(|market| market.0).collect();
        let sides = markets.into_iter().flat_map(|market| [(market, Side::Buy), (market, Side::Sell)]);
        (accounts, sides.flat_map(|(market, side)| self.book(market, side)).collect())
    }

    /// Price, name and rest of each order of one side, in the order in which they trade.
    fn book(&self, market: u32, side: Side) -> Vec<(u64, Id, u64)> {
        let (books, id) = (self.machine.books(), MarketId(market));
        let mut orders = Vec::new();
        for level in books.levels(id, side) {
            for resting in books.queue(id, side, level.price) {
                let order = resting.order.id;
                let account = self.ids.iter().position(|id| *id == order.subaccount).unwrap();
                let id = Id { account, market, flags: order.kind.flags(), client: order.client_id };
                orders.push((level.price.raw(), id, resting.remaining.raw()));
            }
        }
        orders
    }

    fn book_difference(&self, ledger: &Ledger, resting: &[Resting]) -> Option<String> {
        for (market, side) in ledger.markets.iter().flat_map(|m| [(m.id, Side::Buy), (m.id, Side::Sell)]) {
            let theirs = self.book(market, side);
            let buy = side == Side::Buy;
            let mut ours: Vec<_> =
                resting.iter().filter(|r| r.order.id.market == market && r.order.buy == buy).collect();
            ours.sort_by_key(|r| (if buy { u64::MAX - r.order.price } else { r.order.price }, r.turn));
            let ours: Vec<_> = ours.iter().map(|r| (r.order.price, r.order.id, r.left)).collect();
            if theirs != ours {
                return Some(format!("book {market} {side:?} is {theirs:?}, the model says {ours:?}"));
            }
        }
        None
    }
}

/// Collateral, and market, size and index of each position.
pub(crate) type Held = (Int, Vec<(u32, Int, Int)>);

fn account_of(state: &dyn Read, id: &SubaccountId) -> Held {
    let account = subaccounts::get(state, id);
    let positions = account
        .positions
        .iter()
        .map(|(market, position)| (market.0, int(position.base.raw()), int(position.funding_index.raw())));
    (int(account.quote.raw()), positions.collect())
}

fn said(account: &crate::terms::Account) -> Held {
    let positions = account.positions.iter().map(|p| (p.market, p.size.clone(), p.index.clone()));
    (account.quote.clone(), positions.collect())
}

pub(crate) fn number(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(value)) => i128::try_from(*value).unwrap(),
        Some(Value::Signed(value)) => *value,
        other => panic!("{event:?} has {other:?} for {name}"),
    }
}

fn text(event: &Event, name: &str) -> String {
    match event.get(name) {
        Some(Value::Text(text)) => text.to_string(),
        other => panic!("{event:?} has {other:?} for {name}"),
    }
}

/// The pool that holds the collateral of positions in `market`.
fn pool(state: &dyn store::Read, market: MarketId) -> Address {
    subaccounts::pool_of(state, market)
}

/// The insurance fund that stands behind `market`.
fn fund(state: &dyn store::Read, market: MarketId) -> Address {
    perpetuals::collateral(state, market).address(insurance::FUND)
}
