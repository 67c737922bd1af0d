//! Draws accounts, prices and operations; none of it is timed.

use std::collections::{BTreeMap, VecDeque};

use clob::{Cancel, GoodTil, Kind, Msg, Order, OrderId, Side, Size, TimeInForce};
use num::Subticks;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use types::{MarketId, SubaccountId};

use crate::world::{account, World, ACCOUNTS, LOT, MAKERS, MARKETS, TICK};

const RESTING: usize = 2_000;
/// Blocks that short-term orders live, this one not counted.
const WINDOW: u32 = 40;

/// Zipf with exponent 1.05: weights added up.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: u32) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=count)
                .map(|rank| {
                    sum += f64::from(rank).powf(-1.05);
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> u32 {
        let at = rng.gen_range(0.0..*self.0.last().expect("some"));
        self.0.partition_point(|sum| *sum <= at) as u32
    }
}

struct Book {
    /// In ticks, as a real number.
    middle: f64,
    /// Orders that may rest, those placed first in front.
    alive: VecDeque<Order>,
}

pub(crate) struct Draw {
    pub(crate) rng: ChaCha8Rng,
    /// Who trades in each market: makers in five markets each, everybody else in two.
    makers: Vec<(Vec<u32>, Zipf)>,
    others: Vec<(Vec<u32>, Zipf)>,
    books: BTreeMap<MarketId, Book>,
    next_client: u32,
    height: u32,
    seconds: u32,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let book = |market| (MarketId(market), Book { middle: 10_000.0, alive: VecDeque::new() });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut crowd = |accounts: std::ops::Range<u32>, homes: usize| {
            let mut crowd = vec![Vec::new(); MARKETS as usize];
            for account in accounts {
                for _ in 0..homes {
                    let market: &mut Vec<u32> = &mut crowd[rng.gen_range(0..MARKETS) as usize];
                    if market.last() != Some(&account) {
                        market.push(account);
                    }
                }
            }
            crowd.into_iter().map(|who| (who.clone(), Zipf::new(who.len() as u32))).collect()
        };
        let (makers, others) = (crowd(0..MAKERS, 5), crowd(MAKERS..ACCOUNTS, 2));
        Self {
            rng,
            makers,
            others,
            books: (0..MARKETS).map(book).collect(),
            next_client: 0,
            height: 0,
            seconds: 0,
        }
    }

    /// Half a basis point in each block.
    pub(crate) fn walk(&mut self, height: u64, seconds: i64) -> BTreeMap<MarketId, f64> {
        (self.height, self.seconds) = (height as u32, seconds as u32);
        for book in self.books.values_mut() {
            let steps: f64 = (0..12).map(|_| self.rng.gen_range(-0.5..0.5)).sum();
            book.middle *= 1.0 + steps * 0.000_05;
        }
        self.books.iter().map(|(market, book)| (*market, book.middle)).collect()
    }

    /// Markets in which each account holds positions.
    pub(crate) fn homes(&self) -> impl Iterator<Item = (u32, MarketId)> + '_ {
        let market = |(market, (who, _)): (usize, &(Vec<u32>, Zipf))| {
            who.iter().map(move |account| (*account, MarketId(market as u32))).collect::<Vec<_>>()
        };
        let all = self.makers.iter().enumerate().chain(self.others.iter().enumerate());
        all.flat_map(market)
    }

    fn owner(&mut self, market: MarketId, maker: bool) -> SubaccountId {
        let crowds = if maker { &self.makers } else { &self.others };
        let (who, zipf) = &crowds[market.0 as usize];
        account(who[zipf.draw(&mut self.rng) as usize])
    }

    /// Log-normal with mean 20 and sigma 1.
    fn size(&mut self) -> Size {
        let normal: f64 = (0..12).map(|_| self.rng.gen_range(-0.5..0.5)).sum();
        let lots = (normal + 20.0_f64.ln() - 0.5).exp().round().clamp(1.0, 10_000.0);
        Size::new(lots as u64 * LOT)
    }

    /// Ticks from the touch: 1 and geometric with mean 8; one in twenty far.
    fn distance(&mut self) -> i64 {
        if self.rng.gen_bool(0.05) {
            return self.rng.gen_range(1..400);
        }
        let mut ticks = 1;
        while self.rng.gen_bool(8.0 / 9.0) {
            ticks += 1;
        }
        ticks
    }

    fn order(&mut self, world: &World, market: MarketId, maker: bool) -> Order {
        let side = if self.rng.gen_bool(0.5) { Side::Buy } else { Side::Sell };
        self.next_client += 1;
        let id = OrderId {
            subaccount: self.owner(market, maker),
            market,
            kind: Kind::ShortTerm,
            client_id: self.next_client,
        };
        Order {
            id,
            side,
            price: self.passive(world, market, side),
            size: self.size(),
            good_til: GoodTil::Block(self.height + WINDOW),
            time_in_force: TimeInForce::PostOnly,
            reduce_only: false,
            client_metadata: 0,
            self_trade: clob::SelfTrade::default(),
            condition: None,
            builder: None,
            twap: None,
        }
    }

    /// A price on the own side of the market.
    fn passive(&mut self, world: &World, market: MarketId, side: Side) -> Subticks {
        let middle = self.books[&market].middle as i64;
        let distance = self.distance();
        let wanted = if side == Side::Buy { middle - distance } else { middle + distance };
        let other = world.books.best_price(market, side.opposite()).map(|price| (price.raw() / TICK) as i64);
        let ticks = match (side, other) {
            (_, None) => wanted,
            (Side::Buy, Some(ask)) => wanted.min(ask - 1),
            (Side::Sell, Some(bid)) => wanted.max(bid + 1),
        };
        Subticks::new(ticks as u64 * TICK)
    }

    /// Through one to three levels of the other side.
    fn aggressive(&mut self, world: &World, market: MarketId, side: Side) -> Subticks {
        let levels = self.rng.gen_range(0..3);
        let mut prices = world.books.levels(market, side.opposite());
        prices.nth(levels).map_or(Subticks::new(10_000 * TICK), |level| level.price)
    }

    /// An order that rested when the block began; most often an old one.
    fn pick(&mut self, world: &World, market: MarketId) -> Option<Order> {
        let book = self.books.get_mut(&market)?;
        for _ in 0..50 {
            let most = (book.alive.len() / 4).max(1).min(book.alive.len());
            if most == 0 {
                return None;
            }
            let at = self.rng.gen_range(0..most);
            book.alive.swap(0, at);
            let order = book.alive.pop_front()?;
            if order.good_til == GoodTil::Block(self.height + WINDOW) {
                book.alive.push_back(order);
            } else if world.books.find(&order.id).is_some() {
                return Some(order);
            }
        }
        None
    }

    fn place(&mut self, world: &World, market: MarketId) -> Msg {
        let maker = self.rng.gen_bool(0.9);
        let order = self.order(world, market, maker);
        self.keep(order);
        Msg::Place(order)
    }

    fn keep(&mut self, order: Order) {
        self.books.get_mut(&order.id.market).expect("a market").alive.push_back(order);
    }

    fn cancel(&mut self, world: &World, market: MarketId) -> Msg {
        match self.pick(world, market) {
            Some(order) => Msg::Cancel(Cancel { id: order.id, good_til: order.good_til }),
            None => self.place(world, market),
        }
    }

    fn replace(&mut self, world: &World, market: MarketId) -> Msg {
        let Some(old) = self.pick(world, market) else { return self.place(world, market) };
        if old.id.kind != Kind::ShortTerm {
            return Msg::Cancel(Cancel { id: old.id, good_til: old.good_til });
        }
        let price = self.passive(world, market, old.side);
        let good_til = GoodTil::Block(self.height + WINDOW);
        let new = Order { price, size: self.size(), good_til, ..old };
        self.keep(new);
        Msg::PlaceMore { order: new, replace: true }
    }

    fn take(&mut self, world: &World, market: MarketId, time_in_force: TimeInForce) -> Msg {
        let order = self.order(world, market, false);
        let price = self.aggressive(world, market, order.side);
        let order = Order { price, time_in_force, ..order };
        if time_in_force == TimeInForce::Rest {
            self.keep(order);
        }
        Msg::Place(order)
    }

    fn other(&mut self, world: &World, market: MarketId) -> Msg {
        let order = self.order(world, market, true);
        if self.rng.gen_bool(0.5) {
            let id = OrderId { kind: Kind::LongTerm, ..order.id };
            let good_til = GoodTil::Time(self.seconds + 3_600);
            let order = Order { id, good_til, time_in_force: TimeInForce::Rest, ..order };
            self.keep(order);
            return Msg::Place(order);
        }
        let price = self.aggressive(world, market, order.side);
        let time_in_force = TimeInForce::ImmediateOrCancel;
        Msg::Place(Order { price, time_in_force, reduce_only: true, ..order })
    }

    /// Operations of a block. They are drawn while the books stand as they did when it began.
    pub(crate) fn block(&mut self, world: &World, count: usize, out: &mut Vec<Msg>) {
        for _ in 0..count {
            let market = MarketId(self.rng.gen_range(0..MARKETS));
            let resting = self.books[&market].alive.len();
            let roll = self.rng.gen_range(0..100);
            let operation = match roll {
                0..=49 if resting < RESTING * 9 / 10 => self.place(world, market),
                0..=21 if resting > RESTING * 11 / 10 => self.cancel(world, market),
                22..=49 if resting > RESTING * 11 / 10 => self.cancel(world, market),
                0..=21 => self.cancel(world, market),
                22..=49 => self.place(world, market),
                50..=93 => self.replace(world, market),
                94..=97 => self.take(world, market, TimeInForce::ImmediateOrCancel),
                98 => self.take(world, market, TimeInForce::Rest),
                _ => self.other(world, market),
            };
            out.push(operation);
        }
    }
}
