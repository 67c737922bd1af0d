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
use scenario::compared::{account_of, Beside, Held, Names};
use scenario::World;
use store::Memory;
use types::{Address, Event, MarketId, SubaccountId, Time};

use crate::ledger::Ledger;
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
        self.names().notes(events)
    }

    fn names(&self) -> Names<'_> {
        Names { ids: &self.ids }
    }

    /// Where money and orders differ from the model's.
    pub(crate) fn difference(&mut self, ledger: &Ledger, resting: &[Resting]) -> Option<String> {
        let wallets: Vec<_> = (0..ledger.wallets.len()).map(address).collect();
        self.names().difference(
            &self.machine,
            (ledger, resting),
            &Beside { wallets: &wallets, given: &BTreeMap::new() },
        )
    }

    /// All accounts and all books, without turns.
    pub(crate) fn told(&self) -> (Vec<Held>, Vec<(u64, Id, u64)>) {
        let state = self.machine.state();
        let accounts = self.ids.iter().map(|id| account_of(state, id)).collect();
        let markets: Vec<u32> = self.machine.books().markets().map(|market| market.0).collect();
        let sides = markets.into_iter().flat_map(|market| [(market, Side::Buy), (market, Side::Sell)]);
        (accounts, sides.flat_map(|(market, side)| self.names().book(&self.machine, market, side)).collect())
    }
}
