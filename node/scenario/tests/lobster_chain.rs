//! Five thousand messages of a real exchange day as signed transactions: the chain's book at the end is the
//! book that the exchange showed.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use app::genesis::Market;
use app::{AppState, Genesis};
use clob::Side;
use num::Subticks;
use prost::Name;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use scenario::{any, sign, Envelope, Wallet, World};
use types::MarketId;

#[allow(dead_code, reason = "the tool's replay has more than this test needs")]
#[path = "../../../modules/clob/tests/lobster_replay/mod.rs"]
mod lobster_replay;

use lobster_replay::{row, text, Levels, Message};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/lobster_nasdaq_2012-06-21/");
const FILE: &str = "GOOG_2012-06-21_34200000_57600000";
const MESSAGES: usize = 5_000;
const PER_BLOCK: usize = 250;
/// One share is a million base quantums; one subtick is a ten-thousandth of a dollar per share.
const SHARE: u64 = 1_000_000;

fn document() -> AppState {
    let mut app = Genesis::from_json(include_bytes!("../../../genesis/devnet.json")).unwrap().app;
    app.markets = vec![Market {
        id: 0,
        ticker: "GOOG-USD".into(),
        price_exponent: -4,
        price: 5_800_000,
        min_price_change_ppm: 1_000,
        atomic_resolution: -6,
        default_funding_ppm: 0,
        liquidity_tier: 0,
        step_base_quantums: SHARE,
        subticks_per_tick: 1,
        quantum_conversion_exponent: -4,
        isolated: false,
        open_interest_cap: 0,
    }];
    app.orders.max_resting = 1_000_000;
    // One maker quotes for a whole exchange.
    app.orders.stateful_rates = vec![(1, 1_000_000)];
    app
}

/// An order as the exchange sees it.
#[derive(Clone, Copy)]
struct Resting {
    client_id: u32,
    shares: u64,
}

/// The book that the transactions should make, oldest orders first in each level.
#[derive(Default)]
struct Mirror {
    levels: BTreeMap<(Side, Subticks), VecDeque<Resting>>,
}

struct Feed {
    world: World,
    mirror: Mirror,
    maker: Wallet,
    envelope: Envelope,
    queued: usize,
    sent: usize,
    refused: usize,
    fresh_id: u32,
    names: BTreeMap<u32, u32>,
}

impl Feed {
    fn order_id(&self, number: u32, client_id: u32) -> wire::OrderId {
        let owner = self.maker.address().to_bech32("ballast");
        wire::OrderId {
            subaccount_id: Some(WireId { owner, number }),
            client_id,
            order_flags: 64,
            clob_pair_id: 0,
        }
    }

    fn until(&self) -> u32 {
        u32::try_from(self.world.machine.last_block().1.seconds() + 86_400).unwrap()
    }

    fn send<M: prost::Message + Name>(&mut self, message: &M) {
        let tx = sign(&self.maker, &[any(message)], &self.envelope);
        self.envelope.sequence += 1;
        self.world.submit(tx);
        self.queued += 1;
        self.sent += 1;
        if self.queued == PER_BLOCK {
            self.block();
        }
    }

    fn block(&mut self) {
        self.queued = 0;
        self.refused += self.world.block().iter().filter(|result| result.refusal.is_some()).count();
    }

    fn order(&mut self, number: u32, client_id: u32, (side, price, shares): (Side, Subticks, u64)) {
        let side = if side == Side::Buy { wire::order::Side::Buy } else { wire::order::Side::Sell };
        let order = wire::Order {
            order_id: Some(self.order_id(number, client_id)),
            side: side.into(),
            quantums: shares * SHARE,
            subticks: price.raw(),
            good_til_oneof: Some(wire::order::GoodTilOneof::GoodTilBlockTime(self.until())),
            ..wire::Order::default()
        };
        self.send(&wire::MsgPlaceOrder { order: Some(order) });
    }

    /// A resting order under a client id of its own; `name` is what the exchange calls it.
    fn place(&mut self, name: Option<u32>, side: Side, price: Subticks, shares: u64) {
        self.fresh_id += 1;
        let client_id = self.fresh_id;
        if let Some(name) = name {
            self.names.insert(name, client_id);
        }
        self.order(0, client_id, (side, price, shares));
        self.mirror.levels.entry((side, price)).or_default().push_back(Resting { client_id, shares });
    }

    fn cancel(&mut self, side: Side, price: Subticks, client_id: u32) -> Resting {
        let level = self.mirror.levels.get_mut(&(side, price)).unwrap();
        let position = level.iter().position(|resting| resting.client_id == client_id).unwrap();
        let resting = level.remove(position).unwrap();
        if level.is_empty() {
            self.mirror.levels.remove(&(side, price));
        }
        let good_til = wire::msg_cancel_order::GoodTilOneof::GoodTilBlockTime(self.until());
        let order_id = Some(self.order_id(0, client_id));
        self.send(&wire::MsgCancelOrder { order_id, good_til_oneof: Some(good_til) });
        resting
    }

    /// Take shares away from the named order, or from the youngest where the exchange names one from before.
    fn take(&mut self, message: &Message) {
        let mut left = message.size.raw();
        while left > 0 {
            let Some(level) = self.mirror.levels.get(&(message.side, message.price)) else { return };
            let named = self.names.get(&message.id);
            let found = level.iter().find(|resting| Some(&resting.client_id) == named).or(level.back());
            let Some(client_id) = found.map(|resting| resting.client_id) else { return };
            let resting = self.cancel(message.side, message.price, client_id);
            let kept = resting.shares.saturating_sub(left);
            left = left.saturating_sub(resting.shares);
            if kept > 0 {
                self.place(Some(message.id), message.side, message.price, kept);
            }
        }
    }

    fn trade(&mut self, message: &Message) {
        self.fresh_id += 1;
        let shares = message.size.raw();
        self.order(1, self.fresh_id, (message.side.opposite(), message.price, shares));
        let mut left = shares;
        let key = (message.side, message.price);
        while left > 0 {
            let level =
                self.mirror.levels.get_mut(&key).expect("the exchange traded at a level that is there");
            let first = level.front_mut().unwrap();
            let traded = first.shares.min(left);
            first.shares -= traded;
            left -= traded;
            if first.shares == 0 {
                level.pop_front();
            }
            if level.is_empty() {
                self.mirror.levels.remove(&key);
            }
        }
    }

    fn settle(&mut self, side: Side, row: &Levels) {
        let shown = |price: &Subticks| row.iter().any(|(seen, _)| seen == price);
        let gone: Vec<_> = self
            .mirror
            .levels
            .iter()
            .filter(|((own, price), _)| *own == side && !shown(price))
            .flat_map(|((_, price), level)| level.iter().map(|resting| (*price, resting.client_id)))
            .collect();
        for (price, client_id) in gone {
            self.cancel(side, price, client_id);
        }
        if let Some((price, shares)) = row.last() {
            if !self.mirror.levels.contains_key(&(side, *price)) {
                self.place(None, side, *price, u64::try_from(*shares).unwrap());
            }
        }
    }

    fn book(&self, side: Side) -> Levels {
        let levels = clob::query::levels(self.world.machine.state(), MarketId(0), side, 1_000);
        levels.into_iter().map(|(price, level)| (price, level.quantums / u128::from(SHARE))).collect()
    }
}

fn start() -> Feed {
    let mut world = World::with(document(), &["maker"], 1_000_000_000_000_000_000);
    world.block();
    for number in [0, 1] {
        let owner = Wallet::new("maker").address().to_bech32("ballast");
        let deposit = proto::dydxprotocol::sending::MsgDepositToSubaccount {
            sender: owner.clone(),
            recipient: Some(WireId { owner, number }),
            asset_id: 0,
            quantums: 400_000_000_000_000_000,
        };
        assert_eq!(world.run("maker", &[any(&deposit)]).refusal, None);
    }
    let envelope = Envelope { fee: None, ..world.envelope("maker") };
    Feed {
        world,
        mirror: Mirror::default(),
        maker: Wallet::new("maker"),
        envelope,
        queued: 0,
        sent: 0,
        refused: 0,
        fresh_id: 0,
        names: BTreeMap::new(),
    }
}

#[test]
fn five_thousand_messages_as_signed_transactions_leave_the_book_that_the_exchange_showed() {
    let file = |kind: &str| format!("{FOLDER}{FILE}_{kind}_10.csv.zst");
    let (Ok(messages), Ok(rows)) = (text(Path::new(&file("message"))), text(Path::new(&file("orderbook"))))
    else {
        println!("skipped: data absent");
        return;
    };
    let mut feed = start();
    let mut lines = messages.lines().zip(rows.lines()).take(MESSAGES);
    let (asks, bids) = row(lines.next().unwrap().1).unwrap();
    for (side, levels) in [(Side::Sell, &asks), (Side::Buy, &bids)] {
        for (price, shares) in levels {
            feed.place(None, side, *price, u64::try_from(*shares).unwrap());
        }
    }
    let mut shown = (asks, bids);
    for (message, line) in lines {
        let message = Message::parse(message).unwrap();
        match message.kind {
            1 => feed.place(Some(message.id), message.side, message.price, message.size.raw()),
            2 | 3 => feed.take(&message),
            4 => feed.trade(&message),
            _ => {}
        }
        shown = row(line).unwrap();
        feed.settle(Side::Sell, &shown.0);
        feed.settle(Side::Buy, &shown.1);
    }
    feed.block();
    println!("{MESSAGES} messages, {} signed transactions, {} refused", feed.sent, feed.refused);
    assert_eq!(feed.refused, 0);
    assert_eq!(feed.book(Side::Sell), shown.0);
    assert_eq!(feed.book(Side::Buy), shown.1);
    assert!(feed.sent >= MESSAGES);
}
