//! What blocks did, in the words of the dYdX chain's full-node streams.
//!
//! Where this chain does what that one cannot say: an order that keeps its place with other terms is removed and
//! placed again, and a debt stands in `SubaccountAssetPosition.debt`. Books are those of committed blocks, so all
//! placements are OPENED, all fills final, and nothing is taken back.

mod wire_forms;

use std::collections::{BTreeMap, BTreeSet};

use clob::{Order, OrderId, Size};
use host::Committed;
use num::Subticks;
use prost::Message;
use proto::ballast::stream::v1 as own;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::clob_match::Match;
use proto::dydxprotocol::clob::stream_update::UpdateMessage;
use proto::dydxprotocol::indexer::off_chain_updates as off_chain;
use proto::dydxprotocol::prices as prices_wire;
use proto::dydxprotocol::subaccounts as accounts_wire;
use tree::View;
use types::{Chain, Event, MarketId, SubaccountId, Time};

use super::blocks::{self, Words};
use super::books::{Books, Held};
use super::filter::About;
use super::read::{account, flag, long, number, order_id, short, word, Role};
use super::sheet::{entry, part_entry, raw_entry, Sheet};
use wire_forms::{asset, place, position, removal_reason, remove, status_number, update, wire_account};

/// Stages of a node that made an update.
const BEGIN_BLOCK: u32 = 100;
const FINALIZE: u32 = 7;
const END_BLOCK: u32 = 101;
const AFTER_COMMIT: u32 = 102;

/// Orders of one part of a snapshot.
const SNAPSHOT_ORDERS: usize = 500;
/// Bytes of one message of a snapshot, about; clients take 4 MiB if they are not told otherwise.
const SNAPSHOT_BYTES: usize = 1 << 20;
/// Number of `StreamOrderbookUpdate.updates`.
const UPDATES: u32 = 2;
/// Bytes of a `StreamOrderbookUpdate` without updates, at most.
const HEAD: usize = 2;
/// Number of `StreamUpdate.orderbook_update`.
const ORDERBOOK_UPDATE: u32 = 3;

/// What everything is told at.
pub(crate) struct Scene<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) view: &'a View,
    pub(crate) time: Time,
}

impl Scene<'_> {
    fn update(&self, exec_mode: u32, message: UpdateMessage) -> wire::StreamUpdate {
        let block_height = u32::try_from(self.view.height()).unwrap_or(u32::MAX);
        wire::StreamUpdate { block_height, exec_mode, update_message: Some(message) }
    }
}

fn book(snapshot: bool, updates: Vec<off_chain::OffChainUpdateV1>) -> UpdateMessage {
    UpdateMessage::OrderbookUpdate(wire::StreamOrderbookUpdate { snapshot, updates })
}

/// The order with the size of its fills and its rest: less than what was signed when a part was cut off.
fn in_full(order: &Order, filled: u64, remaining: u64) -> Order {
    Order { size: Size::new(filled.saturating_add(remaining)), ..*order }
}

/// A whole book as updates: entries of `StreamOrderbookUpdate`, in parts of many orders each.
pub(crate) fn book_parts<'a>(scene: &Scene<'_>, orders: impl Iterator<Item = &'a Held>) -> Vec<Vec<u8>> {
    let mut orders = orders.peekable();
    let mut parts = Vec::new();
    while orders.peek().is_some() {
        let mut part = Vec::new();
        for held in orders.by_ref().take(SNAPSHOT_ORDERS) {
            let order = in_full(&held.order, held.filled, held.remaining);
            for change in [place(&order, scene), update(&order.id, held.filled, scene)] {
                part_entry(UPDATES, &change, &mut part);
            }
        }
        parts.push(part);
    }
    parts
}

/// All books asked for as messages, from the parts of each. The first one replaces all that was known of any
/// book; further ones add to it.
pub(crate) fn books_snapshot<'a>(
    scene: &Scene<'_>,
    parts: impl Iterator<Item = &'a Vec<u8>>,
) -> Vec<Vec<u8>> {
    let (mut messages, mut collected) = (Vec::new(), book_head(true));
    for part in parts {
        if collected.len() > HEAD && collected.len().saturating_add(part.len()) > SNAPSHOT_BYTES {
            messages.push(around(scene, &std::mem::replace(&mut collected, book_head(false))));
        }
        collected.extend_from_slice(part);
    }
    messages.push(around(scene, &collected));
    messages
}

/// The beginning of a `StreamOrderbookUpdate`.
fn book_head(snapshot: bool) -> Vec<u8> {
    wire::StreamOrderbookUpdate { snapshot, updates: Vec::new() }.encode_to_vec()
}

/// An encoded `StreamOrderbookUpdate` as the only entry of a message.
fn around(scene: &Scene<'_>, book: &[u8]) -> Vec<u8> {
    let block_height = u32::try_from(scene.view.height()).unwrap_or(u32::MAX);
    let head = wire::StreamUpdate { block_height, exec_mode: AFTER_COMMIT, update_message: None };
    let mut inner = head.encode_to_vec();
    raw_entry(ORDERBOOK_UPDATE, book, &mut inner);
    let mut message = Vec::new();
    raw_entry(1, &inner, &mut message);
    message
}

/// Accounts and prices as they are, as entries of one message.
pub(crate) fn other_snapshots(
    scene: &Scene<'_>,
    accounts: &BTreeSet<SubaccountId>,
    prices: &BTreeSet<u32>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for id in accounts {
        let held = subaccounts::get(scene.view, id);
        let positions = held.positions.iter();
        let message = accounts_wire::StreamSubaccountUpdate {
            subaccount_id: Some(wire_account(id, scene.chain)),
            updated_perpetual_positions: positions.map(|(market, at)| position(*market, at.base)).collect(),
            updated_asset_positions: vec![asset(held.quote.raw())],
            snapshot: true,
        };
        entry(&scene.update(AFTER_COMMIT, UpdateMessage::SubaccountUpdate(message)), &mut bytes);
    }
    for market in prices {
        let known = prices::price(scene.view, MarketId(*market));
        let raw = known.map_or(0, |price| price.price.raw());
        if let Some(message) = price(scene, *market, raw, true) {
            entry(&scene.update(AFTER_COMMIT, message), &mut bytes);
        }
    }
    bytes
}

fn price(scene: &Scene<'_>, market: u32, price: u64, snapshot: bool) -> Option<UpdateMessage> {
    let exponent = prices::params(scene.view, MarketId(market))?.exponent;
    let price = Some(prices_wire::MarketPrice { id: market, exponent, price });
    Some(UpdateMessage::PriceUpdate(prices_wire::StreamPriceUpdate { market_id: market, price, snapshot }))
}

/// A block in the words of each stream.
#[derive(Debug, Default)]
pub(crate) struct Sheets {
    pub(crate) dydx: Sheet,
    pub(crate) blocks: Sheet,
}

/// All that a block did, in order. `books` go from the state `before` the block to the one after it.
pub(crate) fn tell(scene: &Scene<'_>, before: &View, books: &mut Books, block: &Committed) -> Sheets {
    let outcome = &block.block.outcome;
    let mut teller = Teller {
        scene,
        before,
        books,
        mode: BEGIN_BLOCK,
        transaction: 0,
        terms: BTreeMap::new(),
        filled: BTreeMap::new(),
        positions: BTreeMap::new(),
        sheets: Sheets::default(),
    };
    for what in blocks::votes(block, before) {
        teller.put_own(About::Event(None, [None; 2]), what);
    }
    let (begin, end) = outcome.events.split_at(outcome.begin.min(outcome.events.len()));
    begin.iter().for_each(|event| teller.hear(event));
    teller.mode = FINALIZE;
    for (at, (tx, result)) in block.input.txs.iter().zip(&outcome.results).enumerate() {
        teller.transaction = u32::try_from(at).unwrap_or(u32::MAX);
        if result.refusal.is_none() && result.events.iter().any(about_orders) {
            teller.learn(tx);
        }
        result.events.iter().for_each(|event| teller.hear(event));
    }
    (teller.mode, teller.transaction) = (END_BLOCK, 0);
    end.iter().for_each(|event| teller.hear(event));
    let mut sheets = teller.sheets;
    let last = u32::try_from(sheets.blocks.len()).unwrap_or(u32::MAX);
    sheets.blocks.begin(blocks::head(scene, last));
    sheets
}

fn about_orders(event: &Event) -> bool {
    event.kind.starts_with("order_") || event.kind.starts_with("conditional_") || event.kind == "twap_placed"
}

/// What is known while a block is told.
struct Teller<'a> {
    scene: &'a Scene<'a>,
    before: &'a View,
    books: &'a mut Books,
    mode: u32,
    transaction: u32,
    /// Terms of orders that this block brought.
    terms: BTreeMap<OrderId, Order>,
    /// What has traded under ids of takers of this block.
    filled: BTreeMap<OrderId, u64>,
    /// Markets of accounts that this block touched.
    positions: BTreeMap<SubaccountId, BTreeSet<u32>>,
    sheets: Sheets,
}

impl Teller<'_> {
    fn put(&mut self, about: About, message: UpdateMessage) {
        let update = self.scene.update(self.mode, message);
        self.sheets.dydx.put(1, about, &update);
    }

    fn put_own(&mut self, about: About, what: own::event::What) {
        let stage = match self.mode {
            BEGIN_BLOCK => own::Stage::Begin,
            FINALIZE => own::Stage::Transaction,
            _ => own::Stage::End,
        };
        let sequence = u32::try_from(self.sheets.blocks.len().saturating_add(1)).unwrap_or(u32::MAX);
        let (stage, transaction) = (stage.into(), self.transaction);
        let event = own::Event { sequence, stage, transaction, what: Some(what) };
        self.sheets.blocks.put(blocks::EVENTS, about, &event);
    }

    /// Remember the orders of a transaction.
    fn learn(&mut self, tx: &[u8]) {
        let limits = accounts::Limits::default();
        let Ok(tx) = app::msg::Transaction::decode(tx, &limits, self.scene.chain) else { return };
        for message in &tx.messages {
            match message {
                app::msg::Msg::Clob(clob::Msg::Place(order) | clob::Msg::PlaceMore { order, .. }) => {
                    self.terms.insert(order.id, *order);
                }
                app::msg::Msg::Clob(clob::Msg::Batch(batch)) => self.learn_batch(batch),
                _ => {}
            }
        }
    }

    fn learn_batch(&mut self, batch: &clob::Batch) {
        for operation in &batch.operations {
            let (clob::Operation::Place(placing) | clob::Operation::Replace(placing)) = operation else {
                continue;
            };
            let pair = clob::pair(self.scene.view, placing.market);
            let order = pair.and_then(|pair| placing.order(batch.subaccount, &pair).ok());
            self.terms.extend(order.map(|order| (order.id, order)));
        }
    }

    /// Terms of an order that traded or came to rest; `event` has what is known at least.
    fn terms(&self, id: &OrderId, event: &Event) -> Order {
        let known = self.terms.get(id).copied().or_else(|| clob::query::terms(self.before, id));
        known.unwrap_or(Order {
            id: *id,
            side: side(event),
            price: Subticks::new(long(event, "price")),
            size: Size::new(long(event, "size")),
            good_til: clob::GoodTil::Block(short(event, "good_til_block")),
            time_in_force: clob::TimeInForce::Rest,
            reduce_only: false,
            self_trade: clob::SelfTrade::CancelMaker,
            client_metadata: short(event, "client_metadata"),
            condition: None,
            builder: None,
            twap: None,
        })
    }

    fn filled(&self, id: &OrderId) -> u64 {
        let held = || self.books.get(id).map(|held| held.filled);
        let stored = || clob::state::filled(self.before, id).raw();
        self.filled.get(id).copied().or_else(held).unwrap_or_else(stored)
    }

    /// Tell an event in both ways.
    fn hear(&mut self, event: &Event) {
        self.in_its_words(event);
        let words = Words { chain: self.scene.chain, view: self.scene.view };
        let find = |id: &OrderId| {
            let held = self.books.get(id).map(|held| held.order);
            held.unwrap_or_else(|| self.terms(id, event))
        };
        let (about, what) = words.tell(event, &find);
        self.put_own(about, what);
    }

    fn in_its_words(&mut self, event: &Event) {
        match event.kind {
            "order_placed" => self.placed(event),
            "order_resized" => self.resized(event),
            "order_fill" => self.fill(event),
            "order_removed" if flag(event, "rested") => self.removed(event),
            "order_removed" => self.never_rested(event),
            "twap_slice" => self.slice(event),
            "subaccount_update" => self.account(event),
            "oracle_price" => {
                let market = short(event, "market");
                if let Some(message) = price(self.scene, market, long(event, "price"), false) {
                    self.put(About::Price(market), message);
                }
            }
            "deleveraging" | "final_settlement" => self.deleveraging(event),
            _ => {}
        }
    }

    fn placed(&mut self, event: &Event) {
        let Some(id) = order_id(event, Role::Only) else { return };
        let (filled, remaining) = (self.filled(&id), long(event, "remaining"));
        let terms = self.terms(&id, event);
        let size = Size::new(long(event, "size"));
        let order = Order { price: Subticks::new(long(event, "price")), size, side: side(event), ..terms };
        self.books.put(Held { order, filled, remaining, sequence: long(event, "sequence") });
        self.filled.remove(&id);
        let order = in_full(&order, filled, remaining);
        let updates = vec![place(&order, self.scene), update(&id, filled, self.scene)];
        self.put(of_one(&id), book(false, updates));
    }

    fn resized(&mut self, event: &Event) {
        let Some(id) = order_id(event, Role::Only) else { return };
        let Some(held) = self.books.get(&id).copied() else { return };
        let good_til = match (event.get("good_til_block"), event.get("good_til_block_time")) {
            (Some(_), _) => clob::GoodTil::Block(short(event, "good_til_block")),
            (_, Some(_)) => clob::GoodTil::Time(short(event, "good_til_block_time")),
            (None, None) => held.order.good_til,
        };
        let (remaining, size) = (long(event, "remaining"), Size::new(long(event, "size")));
        let client_metadata = short(event, "client_metadata");
        let order = Order { size, good_til, client_metadata, ..held.order };
        let held = Held { order, remaining, ..held };
        self.books.put(held);
        let order = in_full(&order, held.filled, remaining);
        let reason = removal_reason("replaced");
        let gone =
            remove(&id, (reason, off_chain::order_remove_v1::OrderRemovalStatus::Canceled), self.scene);
        let updates = vec![gone, place(&order, self.scene), update(&id, held.filled, self.scene)];
        self.put(of_one(&id), book(false, updates));
    }

    fn removed(&mut self, event: &Event) {
        let Some(id) = order_id(event, Role::Only) else { return };
        self.books.remove(&id);
        let reason = removal_reason(word(event, "reason"));
        let gone =
            remove(&id, (reason, off_chain::order_remove_v1::OrderRemovalStatus::Canceled), self.scene);
        self.put(of_one(&id), book(false, vec![gone]));
    }

    /// What was left of an order that came to trade, and went without resting.
    fn never_rested(&mut self, event: &Event) {
        let Some(id) = order_id(event, Role::Only) else { return };
        let order = self.terms(&id, event);
        let filled = self.filled.get(&id).copied().unwrap_or_default();
        let status = wire::StreamTakerOrderStatus {
            order_status: status_number(word(event, "reason")),
            remaining_quantums: long(event, "remaining"),
            optimistically_filled_quantums: filled,
        };
        let order = clob::query::wire_of(&order, self.scene.chain);
        let message = wire::StreamTakerOrder {
            taker_order: Some(wire::stream_taker_order::TakerOrder::Order(order)),
            taker_order_status: Some(status),
        };
        self.put(of_one(&id), UpdateMessage::TakerOrder(message));
    }

    fn fill(&mut self, event: &Event) {
        let Some(maker) = order_id(event, Role::Maker) else { return };
        let (size, remaining) = (long(event, "size"), long(event, "maker_remaining"));
        let resting = self.books.get(&maker).copied();
        let order = resting.map_or_else(|| self.terms(&maker, event), |held| held.order);
        let filled = resting.map_or(0, |held| held.filled).saturating_add(size);
        match resting {
            Some(held) if remaining > 0 => self.books.put(Held { filled, remaining, ..held }),
            _ => {
                self.books.remove(&maker);
                self.filled.insert(maker, filled);
            }
        }
        let chain = self.scene.chain;
        let full = in_full(&order, filled, remaining);
        let mut orders = vec![clob::query::wire_of(&full, chain)];
        let mut fill_amounts = vec![filled];
        let maker_order_id = Some(clob::query::wire_order_id(&maker, chain));
        let fills = vec![wire::MakerFill { fill_amount: size, maker_order_id }];
        let taken_by = account(event, "taker_owner", "taker_number");
        let matched = if let Some(taker) = order_id(event, Role::Taker) {
            let filled = self.filled(&taker).saturating_add(size);
            self.filled.insert(taker, filled);
            orders.push(clob::query::wire_of(&self.terms(&taker, event), chain));
            fill_amounts.push(filled);
            let taker_order_id = Some(clob::query::wire_order_id(&taker, chain));
            Match::MatchOrders(wire::MatchOrders { taker_order_id, fills })
        } else {
            Match::MatchPerpetualLiquidation(wire::MatchPerpetualLiquidation {
                liquidated: taken_by.map(|id| wire_account(&id, chain)),
                clob_pair_id: maker.market.0,
                perpetual_id: maker.market.0,
                total_size: size,
                is_buy: word(event, "side") == "buy",
                fills,
            })
        };
        let clob_match = Some(wire::ClobMatch { r#match: Some(matched) });
        let about = About::Book(maker.market.0, [Some(maker.subaccount), taken_by]);
        let message = wire::StreamOrderbookFill { clob_match, orders, fill_amounts };
        self.put(about, UpdateMessage::OrderFill(message));
        let mut updates = vec![update(&maker, filled, self.scene)];
        if remaining == 0 {
            let filled = off_chain::order_remove_v1::OrderRemovalStatus::Filled;
            updates.push(remove(&maker, (removal_reason("filled"), filled), self.scene));
        }
        self.put(of_one(&maker), book(false, updates));
    }

    /// A slice of a TWAP order has the terms of the whole but for its size and price.
    fn slice(&mut self, event: &Event) {
        let Some(id) = order_id(event, Role::Only) else { return };
        let parent = self.terms(&OrderId { kind: clob::Kind::Twap, ..id }, event);
        let id = OrderId { kind: clob::Kind::TwapSlice, ..id };
        let (size, price) = (Size::new(long(event, "size")), Subticks::new(long(event, "price")));
        self.terms.insert(id, Order { id, size, price, twap: None, ..parent });
        self.filled.insert(id, 0);
    }

    fn account(&mut self, event: &Event) {
        let Some(id) = account(event, "owner", "number") else { return };
        let mut held = BTreeMap::new();
        let mut market = 0;
        for (name, value) in &event.attributes {
            match (*name, value) {
                ("market", types::Value::Unsigned(id)) => market = u32::try_from(*id).unwrap_or_default(),
                ("quantums", types::Value::Signed(size)) => {
                    held.insert(market, num::BaseQuantums::new(*size));
                }
                _ => {}
            }
        }
        let had = self.positions.insert(id, held.keys().copied().collect());
        let had = had.unwrap_or_else(|| {
            let before = subaccounts::get(self.before, &id);
            before.positions.iter().map(|(market, _)| market.0).collect()
        });
        for gone in had {
            held.entry(gone).or_insert(num::BaseQuantums::ZERO);
        }
        let positions = held.into_iter().map(|(market, base)| position(MarketId(market), base));
        let message = accounts_wire::StreamSubaccountUpdate {
            subaccount_id: Some(wire_account(&id, self.scene.chain)),
            updated_perpetual_positions: positions.collect(),
            updated_asset_positions: vec![asset(number(event, "quote_quantums"))],
            snapshot: false,
        };
        self.put(About::Account(id), UpdateMessage::SubaccountUpdate(message));
    }

    fn deleveraging(&mut self, event: &Event) {
        let Some(id) = account(event, "owner", "number") else { return };
        let Some(other) = account(event, "counterparty", "counterparty_number") else { return };
        let market = short(event, "market");
        let fill = wire::match_perpetual_deleveraging::Fill {
            offsetting_subaccount_id: Some(wire_account(&other, self.scene.chain)),
            fill_amount: long(event, "size"),
        };
        let matched = Match::MatchPerpetualDeleveraging(wire::MatchPerpetualDeleveraging {
            liquidated: Some(wire_account(&id, self.scene.chain)),
            perpetual_id: market,
            fills: vec![fill],
            is_final_settlement: event.kind == "final_settlement",
        });
        let clob_match = Some(wire::ClobMatch { r#match: Some(matched) });
        let message = wire::StreamOrderbookFill { clob_match, ..wire::StreamOrderbookFill::default() };
        self.put(About::Book(market, [Some(id), Some(other)]), UpdateMessage::OrderFill(message));
    }
}

fn of_one(id: &OrderId) -> About {
    About::Book(id.market.0, [Some(id.subaccount), None])
}

fn side(event: &Event) -> clob::Side {
    if word(event, "side") == "sell" {
        clob::Side::Sell
    } else {
        clob::Side::Buy
    }
}
