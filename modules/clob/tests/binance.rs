//! Recorded hours of real markets, quoted and traded on the engine: a maker keeps every level of the recorded
//! book, recorded trades come as takers, and after every recorded change the best bid and ask are the recorded
//! ones. Runs when the recordings are there.

#[expect(dead_code, reason = "the stories use more of it")]
#[path = "stories/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use clob::{GoodTil, Kind, OrderId, Params, Side};
use num::Subticks;
use serde_json::Value as Json;
use world::{account, ioc, order, post_only, Start, World, BTC};

const MAKER: u8 = 1;
const TAKER: u8 = 2;
/// Orders live until this block; the whole recording fits into fewer.
const LAST_BLOCK: u32 = 40;
/// Recorded changes in one block.
const PER_BLOCK: usize = 5_000;
/// Base quantums of the smallest size that the recordings count, a hundred-millionth: the step of the market.
const UNIT: u64 = 5;

/// Price and size of a level.
type Quote = (u64, u64);

/// One recording.
struct Recording {
    files: &'static [&'static str],
    /// Diffs applied, diffs after which best bid and ask are the recorded ones, trades.
    expected: (usize, usize, usize),
}

/// What a replay saw.
#[derive(Debug, Default)]
struct Report {
    diffs: usize,
    equal: usize,
    trades: usize,
    quotes: usize,
    filled_trades: usize,
    filled: u64,
}

/// A decimal number in units of ten to the minus `digits`.
fn scaled(text: &str, digits: usize) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let (kept, dropped) = part.split_at(part.len().min(digits));
    assert!(dropped.bytes().all(|digit| digit == b'0'), "{text} has more than {digits} digits");
    format!("{whole}{kept:0<digits$}").parse().unwrap()
}

fn price(text: &Json) -> u64 {
    // One dollar is a million subticks.
    scaled(text.as_str().unwrap(), 6)
}

fn size(text: &Json) -> u64 {
    scaled(text.as_str().unwrap(), 8) * UNIT
}

/// Pairs of price and size.
fn quotes(json: &Json) -> Vec<Quote> {
    json.as_array().unwrap().iter().map(|pair| (price(&pair[0]), size(&pair[1]))).collect()
}

/// The maker's wish and what it has sent for it.
struct Market {
    world: World,
    /// What should rest at each price.
    wanted: BTreeMap<(Side, u64), u64>,
    /// The order that rests there.
    sent: BTreeMap<(Side, u64), u32>,
    /// Levels that trades may have changed since they were last looked at.
    touched: BTreeSet<(Side, u64)>,
    next_id: u32,
    report: Report,
}

impl Market {
    fn new() -> Self {
        let params = Params { max_resting: 1_000_000, max_fills: 100_000, ..budgets() };
        let mut world =
            World::with(Start { dollars: vec![1_000_000_000_000; 2], params, ..Start::default() });
        world.oracle(61_700);
        Self {
            world,
            wanted: BTreeMap::new(),
            sent: BTreeMap::new(),
            touched: BTreeSet::new(),
            next_id: 0,
            report: Report::default(),
        }
    }

    fn wish(&mut self, side: Side, quotes: Vec<Quote>) {
        for (price, size) in quotes {
            self.wanted.insert((side, price), size);
            self.touched.insert((side, price));
        }
    }

    fn resting(&self, (side, price): (Side, u64)) -> u64 {
        let level = self.world.books.level(BTC, side, Subticks::new(price));
        level.map_or(0, |level| u64::try_from(level.quantums).unwrap())
    }

    /// Bring every touched level to what is wanted: everything that goes, goes before anything comes.
    fn quote(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        let wrong = |key: &(Side, u64)| self.resting(*key) != self.wanted.get(key).copied().unwrap_or(0);
        let wrong: Vec<_> = touched.into_iter().filter(wrong).collect();
        for key in &wrong {
            if let Some(client_id) = self.sent.remove(key) {
                let id =
                    OrderId { subaccount: account(MAKER), market: BTC, kind: Kind::ShortTerm, client_id };
                self.world.cancel(id, GoodTil::Block(LAST_BLOCK)).unwrap();
            }
        }
        for (side, price) in wrong {
            let size = self.wanted.get(&(side, price)).copied().unwrap_or(0);
            if size == 0 {
                self.wanted.remove(&(side, price));
                continue;
            }
            self.next_id += 1;
            let mut quote = post_only(order(account(MAKER), self.next_id, side, size, price));
            quote.good_til = GoodTil::Block(LAST_BLOCK);
            self.world.place(quote).unwrap();
            self.sent.insert((side, price), self.next_id);
            self.report.quotes += 1;
        }
    }

    fn trade(&mut self, data: &Json) {
        self.report.trades += 1;
        if self.wanted.is_empty() {
            return;
        }
        // `m`: the buyer was the maker.
        let side = if data["m"].as_bool().unwrap() { Side::Sell } else { Side::Buy };
        self.next_id += 1;
        let (limit, size) = (price(&data["p"]), size(&data["q"]));
        let mut taker = ioc(order(account(TAKER), self.next_id, side, size, limit));
        taker.good_til = GoodTil::Block(LAST_BLOCK);
        let placed = self.world.place(taker).unwrap();
        self.report.filled += placed.filled.raw();
        self.report.filled_trades += usize::from(!placed.filled.is_zero());
        let book = side.opposite();
        let (low, high) = if side == Side::Buy { (0, limit) } else { (limit, u64::MAX) };
        let reached = self.wanted.range((book, low)..=(book, high)).map(|(key, _)| *key);
        self.touched.extend(reached);
    }

    fn best(&self, side: Side) -> Option<Quote> {
        let level = self.world.books.levels(BTC, side).next()?;
        Some((level.price.raw(), u64::try_from(level.quantums).unwrap()))
    }

    fn diff(&mut self, data: &Json, tickers: &BTreeMap<u64, (Quote, Quote)>) {
        self.wish(Side::Buy, quotes(&data["b"]));
        self.wish(Side::Sell, quotes(&data["a"]));
        self.quote();
        self.report.diffs += 1;
        if self.report.diffs.is_multiple_of(PER_BLOCK) {
            self.world.next_block();
        }
        let (_, (bid, ask)) = tickers.range(..=data["u"].as_u64().unwrap()).next_back().unwrap();
        let equal = self.best(Side::Buy) == Some(*bid) && self.best(Side::Sell) == Some(*ask);
        self.report.equal += usize::from(equal);
    }
}

fn budgets() -> Params {
    Params { rate_limits: clob::RateLimits::NONE, ..Params::default() }
}

fn lines(files: &[&str]) -> Option<Vec<Json>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut lines = Vec::new();
    for file in files {
        let path = root.join("../../../shared/data/binance_l2_2024-08-08").join(file);
        let packed = std::fs::read(path).ok()?;
        let mut text = String::new();
        ruzstd::decoding::StreamingDecoder::new(packed.as_slice())
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        for line in text.lines() {
            let (_, json) = line.split_once(' ').unwrap();
            lines.push(serde_json::from_str(json).unwrap());
        }
    }
    Some(lines)
}

fn replay(recording: &Recording) {
    if cfg!(debug_assertions) {
        println!("skipped: takes minutes unless it is a release build");
        return;
    }
    let Some(lines) = lines(recording.files) else {
        println!("skipped: data absent");
        return;
    };
    let kind = |json: &Json| json["data"]["e"].as_str().map(str::to_owned);
    // The spot feed names tickers by their stream only.
    let is_ticker = |json: &Json| json["stream"].as_str().is_some_and(|name| name.ends_with("@bookTicker"));
    let ticker = |data: &Json| {
        let quotes = ((price(&data["b"]), size(&data["B"])), (price(&data["a"]), size(&data["A"])));
        (data["u"].as_u64().unwrap(), quotes)
    };
    let tickers = lines.iter().filter(|json| is_ticker(json)).map(|json| ticker(&json["data"])).collect();
    let start = lines.iter().position(|json| json["lastUpdateId"].is_u64()).unwrap();
    let snapshot = &lines[start];
    let from = snapshot["lastUpdateId"].as_u64().unwrap();
    let mut market = Market::new();
    market.wish(Side::Buy, quotes(&snapshot["bids"]));
    market.wish(Side::Sell, quotes(&snapshot["asks"]));
    market.quote();
    for (at, json) in lines.iter().enumerate() {
        let data = &json["data"];
        match kind(json).as_deref() {
            Some("depthUpdate") if data["u"].as_u64().unwrap() >= from => market.diff(data, &tickers),
            Some("trade") if at > start => market.trade(data),
            Some("trade") => market.report.trades += 1,
            _ => {}
        }
    }
    market.world.next_block();
    assert!(market.world.money_adds_up());
    let report = &market.report;
    println!("{}: {report:?}", recording.files[0]);
    assert_eq!((report.diffs, report.equal, report.trades), recording.expected);
    assert!(
        report.filled_trades * 2 > report.trades,
        "takers find the quotes that the recording traded with"
    );
}

#[test]
fn a_perpetuals_recorded_book_has_the_recorded_best_prices_after_every_change() {
    let files = &["usdm_btcusdt_20240808.jsonl.zst"];
    replay(&Recording { files, expected: (6_547, 6_547, 21_313) });
}

#[test]
fn a_coin_margined_perpetuals_recorded_book_has_the_recorded_best_prices_after_every_change() {
    let files = &["cm_btcusd_perp_20240808.jsonl.zst", "cm_btcusd_perp_20240809.jsonl.zst"];
    replay(&Recording { files, expected: (44_772, 44_772, 5_235) });
}

#[test]
fn a_spot_markets_recorded_book_has_the_recorded_best_prices_but_where_the_recording_itself_differs() {
    let files = &["spot_btcusdt_20240808.jsonl.zst", "spot_btcusdt_20240809.jsonl.zst"];
    replay(&Recording { files, expected: (6_493, 6_491, 19_904) });
}
