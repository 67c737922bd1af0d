//! What a client makes of the stream.

use std::collections::{BTreeMap, BTreeSet};

use clob::Side;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::clob_match::Match;
use proto::dydxprotocol::clob::stream_update::UpdateMessage;
use proto::dydxprotocol::indexer::off_chain_updates::off_chain_update_v1::UpdateMessage as Change;
use proto::dydxprotocol::indexer::protocol::v1 as indexer;
use proto::dydxprotocol::subaccounts as accounts_wire;
use scenario::World;
use types::MarketId;

/// Owner, number, flags, client id.
type Name = (String, u32, u32, u32);

/// Buys, price, size, filled.
#[derive(Clone, Debug, PartialEq)]
struct Order {
    buys: bool,
    price: u64,
    size: u64,
    filled: u64,
    reduce_only: bool,
    until: Option<indexer::indexer_order::GoodTilOneof>,
    metadata: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) begun: u64,
    pub(super) snapshots: u64,
    pub(super) placed: u64,
    pub(super) removed: u64,
    pub(super) fills: u64,
    pub(super) takers: u64,
    pub(super) accounts: u64,
    pub(super) prices: u64,
    pub(super) compared: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.snapshots += other.snapshots;
        self.placed += other.placed;
        self.removed += other.removed;
        self.fills += other.fills;
        self.takers += other.takers;
        self.accounts += other.accounts;
        self.prices += other.prices;
        self.compared += other.compared;
    }
}

/// Everything known.
#[derive(Default)]
pub(super) struct Known {
    pub(super) height: u64,
    pub(super) counts: Counts,
    /// Updates about orders of accounts that were not asked for, snapshots aside.
    pub(super) strangers: u64,
    books: BTreeMap<u32, BTreeMap<Name, Order>>,
    accounts: BTreeMap<(String, u32), (i128, BTreeMap<u32, i64>)>,
    prices: BTreeMap<u32, u64>,
}

fn of_indexer(id: &indexer::IndexerOrderId) -> Name {
    let account = id.subaccount_id.as_ref().unwrap();
    (account.owner.clone(), account.number, id.order_flags, id.client_id)
}

fn of_wire(id: &wire::OrderId) -> Name {
    let account = id.subaccount_id.as_ref().unwrap();
    (account.owner.clone(), account.number, id.order_flags, id.client_id)
}

impl Known {
    /// Whether all snapshots came.
    pub(super) fn begun(&self, request: &wire::StreamOrderbookUpdatesRequest) -> bool {
        let name = |id: &accounts_wire::SubaccountId| (id.owner.clone(), id.number);
        request.clob_pair_id.iter().all(|market| self.books.contains_key(market))
            && request.subaccount_ids.iter().all(|id| self.accounts.contains_key(&name(id)))
            && request.market_ids.iter().all(|market| self.prices.contains_key(market))
    }

    pub(super) fn hear(
        &mut self,
        request: &wire::StreamOrderbookUpdatesRequest,
        message: wire::StreamOrderbookUpdatesResponse,
    ) {
        assert!(!message.updates.is_empty(), "a message says something");
        let own: BTreeSet<_> =
            request.subaccount_ids.iter().map(|id| (id.owner.clone(), id.number)).collect();
        let markets = request.clob_pair_id.clone();
        for update in message.updates {
            let height = u64::from(update.block_height);
            assert!(height >= self.height, "heights go up");
            self.height = height;
            let mode = update.exec_mode;
            match update.update_message.unwrap() {
                UpdateMessage::OrderbookUpdate(book) => {
                    assert!(!book.snapshot || mode == 102);
                    if book.snapshot {
                        // Of all that was known, only what comes now is left.
                        self.counts.snapshots += 1;
                        self.books = markets.iter().map(|market| (*market, BTreeMap::new())).collect();
                        // Those follow, maybe in another message.
                        (self.accounts, self.prices) = Default::default();
                    }
                    for change in book.updates {
                        let name = self.change(change.update_message.unwrap());
                        let stranger = mode != 102 && !own.contains(&(name.0, name.1));
                        self.strangers += u64::from(stranger);
                    }
                }
                UpdateMessage::OrderFill(fill) => self.fill(&fill, request.filter_orders_by_subaccount_id),
                UpdateMessage::TakerOrder(taker) => {
                    let status = taker.taker_order_status.unwrap();
                    assert!(status.order_status > 0 && taker.taker_order.is_some());
                    self.counts.takers += 1;
                }
                UpdateMessage::SubaccountUpdate(account) => self.account(account),
                UpdateMessage::PriceUpdate(price) => {
                    assert_eq!(price.snapshot, mode == 102);
                    let told = price.price.unwrap();
                    assert_eq!(told.id, price.market_id);
                    assert!(told.exponent < 0);
                    self.prices.insert(price.market_id, told.price);
                    self.counts.prices += 1;
                }
            }
        }
    }

    fn change(&mut self, change: Change) -> Name {
        match change {
            Change::OrderPlace(place) => {
                assert_eq!(place.placement_status, 2, "of committed blocks");
                let order = place.order.unwrap();
                let id = order.order_id.as_ref().unwrap();
                let name = of_indexer(id);
                let held = Order {
                    buys: order.side == 1,
                    price: order.subticks,
                    size: order.quantums,
                    filled: 0,
                    reduce_only: order.reduce_only,
                    until: order.good_til_oneof,
                    metadata: order.client_metadata,
                };
                let old = self.books.entry(id.clob_pair_id).or_default().insert(name.clone(), held);
                assert_eq!(old, None, "{name:?} was there already");
                self.counts.placed += 1;
                name
            }
            Change::OrderUpdate(update) => {
                let id = update.order_id.unwrap();
                let name = of_indexer(&id);
                let order = self.books.get_mut(&id.clob_pair_id).and_then(|book| book.get_mut(&name));
                let order = order.unwrap_or_else(|| panic!("{name:?} is not known"));
                assert!(
                    update.total_filled_quantums <= order.size,
                    "{name:?} {order:?} {update:?}",
                    update = update.total_filled_quantums
                );
                order.filled = update.total_filled_quantums;
                name
            }
            Change::OrderRemove(remove) => {
                let id = remove.removed_order_id.unwrap();
                let name = of_indexer(&id);
                let order = self.books.get_mut(&id.clob_pair_id).and_then(|book| book.remove(&name));
                let order = order.unwrap_or_else(|| panic!("{name:?} is not known"));
                assert_eq!(remove.removal_status == 3, order.filled == order.size, "{name:?} {order:?}");
                assert!(remove.reason > 0);
                self.counts.removed += 1;
                name
            }
            Change::OrderReplace(_) => panic!("clients do not know this"),
        }
    }

    fn fill(&mut self, fill: &wire::StreamOrderbookFill, own: bool) {
        self.counts.fills += 1;
        assert_eq!(fill.orders.len(), fill.fill_amounts.len());
        let (taker, makers) = match fill.clob_match.as_ref().unwrap().r#match.as_ref().unwrap() {
            Match::MatchOrders(matched) => (matched.taker_order_id.as_ref(), &matched.fills),
            Match::MatchPerpetualLiquidation(matched) => (None, &matched.fills),
            Match::MatchPerpetualDeleveraging(_) => return,
        };
        for maker in makers {
            let id = maker.maker_order_id.as_ref().unwrap();
            let at = fill.orders.iter().position(|order| order.order_id.as_ref() == Some(id)).unwrap();
            let (order, filled) = (&fill.orders[at], fill.fill_amounts[at]);
            match self.books.get(&id.clob_pair_id).and_then(|book| book.get(&of_wire(id))) {
                Some(held) if !own || held.filled + maker.fill_amount == filled => {
                    assert_eq!(held.filled + maker.fill_amount, filled, "{id:?}");
                    assert_eq!((held.size, held.price), (order.quantums, order.subticks), "{id:?}");
                    assert_eq!((held.reduce_only, held.metadata), (order.reduce_only, order.client_metadata));
                }
                // Orders of others are told only as far as they met one's own.
                _ => assert!(own, "{id:?} is not known"),
            }
            let Some(taker) = taker else { continue };
            let at = fill.orders.iter().position(|order| order.order_id.as_ref() == Some(taker)).unwrap();
            let (took, total) = (&fill.orders[at], fill.fill_amounts[at]);
            assert!(total >= maker.fill_amount && total <= took.quantums, "{took:?} {total}");
            assert_ne!(took.side, order.side, "{took:?} {order:?}");
            let crosses = if took.side == 1 {
                took.subticks >= order.subticks
            } else {
                took.subticks <= order.subticks
            };
            assert!(crosses, "{took:?} {order:?}");
        }
    }

    fn account(&mut self, account: accounts_wire::StreamSubaccountUpdate) {
        self.counts.accounts += 1;
        let id = account.subaccount_id.unwrap();
        let name = (id.owner, id.number);
        if account.snapshot {
            self.accounts.insert(name.clone(), (0, BTreeMap::new()));
        }
        let held = self.accounts.get_mut(&name).expect("a snapshot comes first");
        for asset in account.updated_asset_positions {
            assert!(asset.quantums == 0 || asset.debt == 0);
            held.0 = i128::from(asset.quantums) - i128::from(asset.debt);
        }
        for position in account.updated_perpetual_positions {
            held.1.insert(position.perpetual_id, position.quantums);
        }
        held.1.retain(|_, size| *size != 0);
    }

    /// What is known is what the machine has.
    pub(super) fn equals(&mut self, world: &World, request: &wire::StreamOrderbookUpdatesRequest) {
        let state = world.machine.state();
        assert_eq!(self.height, world.height());
        for market in &request.clob_pair_id {
            assert_eq!(self.books[market], book(world, *market), "book {market} at {}", self.height);
        }
        for id in &request.subaccount_ids {
            let known = subaccounts::msg::subaccount("id", Some(id.clone()), world.machine.chain()).unwrap();
            let account = subaccounts::get(state, &known);
            let positions = account.positions.iter();
            let positions = positions.map(|(market, at)| (market.0, i64::try_from(at.base.raw()).unwrap()));
            let held = (account.quote.raw(), positions.collect());
            assert_eq!(self.accounts[&(id.owner.clone(), id.number)], held, "{id:?} at {}", self.height);
        }
        for market in &request.market_ids {
            let price = prices::price(state, MarketId(*market)).unwrap().price.raw();
            assert_eq!(self.prices[market], price, "price {market} at {}", self.height);
        }
        self.counts.compared += 1;
    }

    /// Orders of these people are known as the machine has them; what others did was not told.
    pub(super) fn holds_orders_of(&self, world: &World, people: &[&str]) {
        let own: BTreeSet<_> = people.iter().map(|person| (world.address(person), 0)).collect();
        for (market, told) in &self.books {
            let of = |name: &Name| own.contains(&(name.0.clone(), name.1));
            let told: BTreeMap<_, _> = told.iter().filter(|(name, _)| of(name)).collect();
            let is = book(world, *market);
            let is: BTreeMap<_, _> = is.iter().filter(|(name, _)| of(name)).collect();
            assert_eq!(told, is);
        }
    }
}

/// A book of the machine.
fn book(world: &World, market: u32) -> BTreeMap<Name, Order> {
    let (books, state) = (world.machine.books(), world.machine.state());
    let prefix = &world.machine.chain().prefix;
    let mut orders = BTreeMap::new();
    for side in [Side::Buy, Side::Sell] {
        for level in books.levels(MarketId(market), side) {
            for resting in books.queue(MarketId(market), side, level.price) {
                let (id, filled) = (resting.order.id, clob::state::filled(state, &resting.order.id).raw());
                let owner = id.subaccount.owner.to_bech32(prefix);
                let name = (owner, id.subaccount.number, id.kind.flags(), id.client_id);
                use indexer::indexer_order::GoodTilOneof as Until;
                let order = Order {
                    buys: side == Side::Buy,
                    price: level.price.raw(),
                    size: filled + resting.remaining.raw(),
                    filled,
                    reduce_only: resting.order.reduce_only,
                    until: Some(match resting.order.good_til {
                        clob::GoodTil::Block(height) => Until::GoodTilBlock(height),
                        clob::GoodTil::Time(seconds) => Until::GoodTilBlockTime(seconds),
                    }),
                    metadata: resting.order.client_metadata,
                };
                orders.insert(name, order);
            }
        }
    }
    orders
}
