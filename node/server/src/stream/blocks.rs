//! What blocks did, in this chain's own words: `ballast.stream.v1`.

use std::collections::BTreeMap;

use app::oracle;
use clob::{Order, OrderId};
use host::Committed;
use prost::Message;
use proto::ballast::stream::v1 as wire;
use proto::ballast::stream::v1::event::What;
use tree::View;
use types::{Address, Chain, Event, MarketId, SubaccountId};

use super::books::Held;
use super::dydx::Scene;
use super::filter::About;
use super::read::{account, address, flag, long, number, order_id, short, word, Role};
use super::sheet::part_entry;

/// Number of `BlocksResponse.events`.
pub(crate) const EVENTS: u32 = 6;
/// Bytes of the events of one message of a snapshot, about.
const SNAPSHOT_BYTES: usize = 1 << 20;

/// What is about nothing in particular.
const GENERAL: About = About::Event(None, [None; 2]);

fn signed(event: &Event, name: &str) -> i64 {
    clamped(number(event, name))
}

fn clamped(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// How an event is told.
pub(crate) struct Words<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) view: &'a View,
}

impl Words<'_> {
    fn id(&self, id: &SubaccountId) -> proto::dydxprotocol::subaccounts::SubaccountId {
        let owner = id.owner.to_bech32(&self.chain.prefix);
        proto::dydxprotocol::subaccounts::SubaccountId { owner, number: id.number }
    }

    fn order_id(&self, id: &OrderId) -> Option<proto::dydxprotocol::clob::OrderId> {
        Some(clob::query::wire_order_id(id, self.chain))
    }

    fn order(&self, order: &Order) -> Option<proto::dydxprotocol::clob::Order> {
        Some(clob::query::wire_of(order, self.chain))
    }

    fn address(&self, address: Option<Address>) -> String {
        address.map(|address| address.to_bech32(&self.chain.prefix)).unwrap_or_default()
    }

    /// An event of a block, and what it is about; `find` knows the terms of orders.
    pub(crate) fn tell(&self, event: &Event, find: &dyn Fn(&OrderId) -> Order) -> (About, What) {
        self.of_orders(event, find)
            .or_else(|| self.of_accounts(event))
            .or_else(|| self.of_markets(event))
            .unwrap_or_else(|| (GENERAL, self.other(event)))
    }

    fn of_orders(&self, event: &Event, find: &dyn Fn(&OrderId) -> Order) -> Option<(About, What)> {
        if event.kind == "order_fill" {
            return self.fill(event);
        }
        let id = order_id(event, Role::Only)?;
        let about = About::Event(Some(id.market.0), [Some(id.subaccount), None]);
        let order = || self.order(&find(&id));
        let (order_id, remaining) = (self.order_id(&id), long(event, "remaining"));
        let what = match event.kind {
            "order_placed" => {
                let turn = long(event, "sequence");
                What::OrderPlaced(wire::OrderPlaced { order: order(), remaining, turn })
            }
            "order_resized" => What::OrderResized(wire::OrderResized { order: order(), remaining }),
            "order_removed" => What::OrderRemoved(wire::OrderRemoved {
                order_id,
                reason: word(event, "reason").into(),
                remaining,
                rested: flag(event, "rested"),
            }),
            "conditional_placed" | "twap_placed" => What::OrderWaits(wire::OrderWaits { order: order() }),
            "conditional_triggered" => {
                What::OrderTriggered(wire::OrderTriggered { order_id, price: long(event, "price") })
            }
            "twap_completed" | "twap_failed" => What::OrderDone(wire::OrderDone {
                order_id,
                remaining,
                codespace: word(event, "codespace").into(),
                code: short(event, "code"),
            }),
            _ => self.other(event),
        };
        Some((about, what))
    }

    fn fill(&self, event: &Event) -> Option<(About, What)> {
        let maker = order_id(event, Role::Maker)?;
        let taker = account(event, "taker_owner", "taker_number")?;
        let fill = wire::Fill {
            market_id: maker.market.0,
            taker_buys: word(event, "side") == "buy",
            price: long(event, "price"),
            size: long(event, "size"),
            quote: signed(event, "quote"),
            maker: self.order_id(&maker),
            maker_remaining: long(event, "maker_remaining"),
            maker_fee: signed(event, "maker_fee"),
            taker: Some(self.id(&taker)),
            taker_order: order_id(event, Role::Taker).and_then(|id| self.order_id(&id)),
            taker_fee: signed(event, "taker_fee"),
            insurance: signed(event, "insurance"),
        };
        Some((About::Event(Some(maker.market.0), [Some(maker.subaccount), Some(taker)]), What::Fill(fill)))
    }

    fn of_accounts(&self, event: &Event) -> Option<(About, What)> {
        if matches!(event.kind, "coin_spent" | "coin_received") {
            let spent = event.kind == "coin_spent";
            let who = address(event, if spent { "spender" } else { "receiver" });
            let amount = word(event, "amount").into();
            return Some((GENERAL, What::Coins(wire::Coins { address: self.address(who), amount, spent })));
        }
        let id = account(event, "owner", "number")?;
        let (of, market_id) = (Some(self.id(&id)), short(event, "market"));
        let about = About::Event(Some(market_id), [Some(id), None]);
        Some(match event.kind {
            "subaccount_update" => {
                (About::Event(None, [Some(id), None]), What::Account(self.account(event, &id)))
            }
            "funding_paid" => {
                let amount = signed(event, "amount");
                (about, What::FundingPaid(wire::FundingPaid { id: of, market_id, amount }))
            }
            "liquidation" => (
                about,
                What::Liquidation(wire::Liquidation {
                    id: of,
                    market_id,
                    buys: flag(event, "buy"),
                    size: long(event, "size"),
                    filled: long(event, "filled"),
                    limit: long(event, "limit"),
                    quote: signed(event, "quote"),
                    insurance: signed(event, "insurance"),
                }),
            ),
            "liquidation_failed" => {
                let reason = word(event, "reason").into();
                (about, What::LiquidationFailed(wire::LiquidationFailed { id: of, market_id, reason }))
            }
            "deleveraging" | "final_settlement" => {
                let other = account(event, "counterparty", "counterparty_number")?;
                let what = wire::Deleveraging {
                    id: of,
                    counterparty: Some(self.id(&other)),
                    market_id,
                    size: long(event, "size"),
                    quote: signed(event, "quote"),
                    final_settlement: event.kind == "final_settlement",
                };
                (About::Event(Some(market_id), [Some(id), Some(other)]), What::Deleveraging(what))
            }
            _ => (About::Event(None, [Some(id), None]), self.other(event)),
        })
    }

    fn account(&self, event: &Event, id: &SubaccountId) -> wire::Account {
        let mut positions: Vec<wire::Position> = Vec::new();
        for (name, value) in &event.attributes {
            let number = match value {
                types::Value::Unsigned(number) => i128::try_from(*number).unwrap_or(i128::MAX),
                types::Value::Signed(number) => *number,
                _ => continue,
            };
            match (*name, positions.last_mut()) {
                ("market", _) => positions.push(wire::Position {
                    market_id: u32::try_from(number).unwrap_or_default(),
                    ..wire::Position::default()
                }),
                ("quantums", Some(position)) => position.base = clamped(number),
                ("funding_index", Some(position)) => position.funding_index = clamped(number),
                _ => {}
            }
        }
        wire::Account { id: Some(self.id(id)), quote: signed(event, "quote_quantums"), positions }
    }

    fn of_markets(&self, event: &Event) -> Option<(About, What)> {
        let market_id = short(event, "market");
        let about = About::Event(event.get("market").map(|_| market_id), [None; 2]);
        let what = match event.kind {
            "funding_rate" => What::FundingRate(wire::FundingRate {
                market_id,
                rate_ppm: signed(event, "rate_ppm"),
                index_delta: signed(event, "index_delta"),
                index: signed(event, "index"),
                premium_ppm: signed(event, "premium_ppm"),
            }),
            "funding_premium" => {
                let premium_ppm = signed(event, "premium_ppm");
                What::FundingPremium(wire::FundingPremium { market_id, premium_ppm })
            }
            "insurance_payment" | "insurance_dust" => What::InsurancePayment(wire::InsurancePayment {
                fund: self.address(address(event, "fund")),
                amount: signed(event, "amount"),
                balance: signed(event, "balance"),
                dust: event.kind == "insurance_dust",
                market_id,
            }),
            "oracle_price" => self.price(market_id, long(event, "price"))?,
            "market_status" => {
                What::MarketStatus(wire::MarketStatus { market_id, status: word(event, "status").into() })
            }
            _ => self.other(event),
        };
        Some((about, what))
    }

    fn price(&self, market_id: u32, price: u64) -> Option<What> {
        let exponent = prices::params(self.view, MarketId(market_id))?.exponent;
        Some(What::OraclePrice(wire::OraclePrice { market_id, price, exponent }))
    }

    fn other(&self, event: &Event) -> What {
        let rendered = host::render(event, &self.chain.prefix);
        let attribute = |one: tendermint_proto::v0_38::abci::EventAttribute| wire::Attribute {
            key: one.key,
            value: one.value,
        };
        let attributes = rendered.attributes.into_iter().map(attribute).collect();
        What::Other(wire::Other { kind: rendered.r#type, attributes })
    }
}

/// What validators said of prices, of which `block` made its own; `before` is the state that it began with.
pub(crate) fn votes(block: &Committed, before: &View) -> Vec<What> {
    let set = block.input.txs.first().filter(|_| block.input.votes);
    let Some(Ok(set)) = set.map(|tx| oracle::decode_vote_set(tx)) else { return Vec::new() };
    let height = block.input.height.saturating_sub(1);
    let mut bases = BTreeMap::new();
    let mut price = |(market, difference): (MarketId, i128)| {
        let base = *bases.entry(market).or_insert_with(|| prices::base(before, market, height));
        let price = oracle::price(base, difference)?.raw();
        Some(wire::VotedPrice { market_id: market.0, price })
    };
    let mut vote = |signed: proto::ballast::oracle::v1::SignedVote| {
        let moves = oracle::decode(&signed.vote_extension).unwrap_or_default();
        What::OracleVote(wire::OracleVote {
            validator: signed.validator_address,
            power: signed.power,
            prices: moves.into_iter().filter_map(&mut price).collect(),
        })
    };
    set.votes.into_iter().map(&mut vote).collect()
}

/// The message of a block without its events.
pub(crate) fn head(scene: &Scene<'_>, last_sequence: u32) -> Vec<u8> {
    response(scene, last_sequence, None, false)
}

fn response(scene: &Scene<'_>, last_sequence: u32, snapshot: Option<&str>, more: bool) -> Vec<u8> {
    let time = prost_types::Timestamp {
        seconds: scene.time.seconds(),
        nanos: i32::try_from(scene.time.subsec_nanos()).unwrap_or_default(),
    };
    let response = wire::BlocksResponse {
        height: scene.view.height(),
        time: Some(time),
        last_sequence,
        snapshot: snapshot.map(Into::into),
        more,
        events: Vec::new(),
        risks: Vec::new(),
    };
    response.encode_to_vec()
}

/// How things are, as events, and what each is about.
pub(crate) fn facts<'a>(scene: &Scene<'_>, orders: impl Iterator<Item = &'a Held>) -> Vec<(About, What)> {
    let words = Words { chain: scene.chain, view: scene.view };
    let state = scene.view;
    let mut facts = Vec::new();
    for held in orders {
        let id = held.order.id;
        let (order, remaining, turn) = (words.order(&held.order), held.remaining, held.sequence);
        let what = What::OrderPlaced(wire::OrderPlaced { order, remaining, turn });
        facts.push((About::Event(Some(id.market.0), [Some(id.subaccount), None]), what));
    }
    for order in clob::query::all_waiting(state) {
        let about = About::Event(Some(order.id.market.0), [Some(order.id.subaccount), None]);
        facts.push((about, What::OrderWaits(wire::OrderWaits { order: words.order(&order) })));
    }
    for (id, account) in subaccounts::page(state, None, usize::MAX) {
        let position = |(market, at): &(MarketId, subaccounts::Position)| wire::Position {
            market_id: market.0,
            base: clamped(at.base.raw()),
            funding_index: clamped(at.funding_index.raw()),
        };
        let (quote, positions) = (clamped(account.quote.raw()), account.positions.iter().map(position));
        let what = wire::Account { id: Some(words.id(&id)), quote, positions: positions.collect() };
        facts.push((About::Event(None, [Some(id), None]), What::Account(what)));
    }
    let mut funds = BTreeMap::new();
    for perpetual in perpetuals::all(state) {
        let market_id = perpetual.market.0;
        let about = About::Event(Some(market_id), [None; 2]);
        let index = clamped(perpetual.funding_index.raw());
        let what = wire::FundingRate { market_id, index, ..wire::FundingRate::default() };
        facts.push((about, What::FundingRate(what)));
        let price = prices::price(state, perpetual.market).map_or(0, |price| price.price.raw());
        facts.extend(words.price(market_id, price).map(|what| (about, what)));
        let status = clob::pair(state, perpetual.market).map(|pair| pair.status.name().into());
        let status = wire::MarketStatus { market_id, status: status.unwrap_or_default() };
        facts.push((about, What::MarketStatus(status)));
        let fund = perpetuals::collateral(state, perpetual.market).address(insurance::FUND);
        funds.insert(fund, bank::balance(state, &fund, &scene.chain.collateral));
    }
    for (fund, balance) in funds {
        let balance = i64::try_from(balance).unwrap_or(i64::MAX);
        let fund = words.address(Some(fund));
        let what = wire::InsurancePayment { fund, balance, ..wire::InsurancePayment::default() };
        facts.push((GENERAL, What::InsurancePayment(what)));
    }
    facts
}

/// Facts as the messages of a snapshot, which is given for `reason`. Each is the message of
/// [`BlocksResponse`](wire::BlocksResponse).
pub(crate) fn snapshot<'a>(
    scene: &Scene<'_>,
    (reason, last_sequence): (&str, u32),
    facts: impl Iterator<Item = &'a What>,
) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    for what in facts {
        let event = wire::Event { what: Some(what.clone()), ..wire::Event::default() };
        if parts.last().is_some_and(|part: &Vec<u8>| part.len() > SNAPSHOT_BYTES) {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part_entry(EVENTS, &event, part);
        }
    }
    let last = parts.len().saturating_sub(1);
    let message = |(at, part): (usize, Vec<u8>)| {
        let mut message = response(scene, last_sequence, (at == 0).then_some(reason), at < last);
        message.extend_from_slice(&part);
        message
    };
    parts.into_iter().enumerate().map(message).collect()
}
