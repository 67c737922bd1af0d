//! What happened on a devnet, counted block by block from what the node committed, and the line of JSON that
//! says so at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::Summary;
use host::LastBlock;
use types::{Event, Value};

use crate::devnet::feed::Feed;

/// Sums over all blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// The last block that is counted.
    pub(crate) height: u64,
    /// Its state root.
    pub(crate) app_hash: [u8; 32],
    /// Counts of all blocks.
    pub(crate) summary: Summary,
    /// Transactions in blocks that were refused.
    pub(crate) refused: u64,
    /// What the insurance fund paid, in quote quantums.
    pub(crate) insurance_paid: i128,
    /// What it received.
    pub(crate) insurance_received: i128,
    /// Price of the last trade in each market, in subticks.
    pub(crate) last_trades: BTreeMap<u32, u64>,
    /// How recorded prices fared.
    pub(crate) oracle: OracleChecks,
    /// Refusals by code, for those who look after the traders.
    pub(crate) reasons: BTreeMap<String, u64>,
}

/// How the chain's prices compare with the fresh venues whose votes made them.
#[derive(Clone, Debug, Default)]
pub(crate) struct OracleChecks {
    /// Prices that a block set.
    pub(crate) checked: u64,
    /// Those outside what the fresh venues said.
    pub(crate) outside: u64,
    /// Prices that a block kept, because too few venues spoke, and that trading still relied on.
    pub(crate) kept: u64,
    /// Those outside what the venues that still spoke said.
    pub(crate) kept_outside: u64,
    /// Seconds of chain time in which a market got no price.
    pub(crate) stale_seconds: BTreeMap<u32, u64>,
    /// Latest price of each market, and for how long it has been kept.
    prices: BTreeMap<u32, (u64, Duration)>,
}

/// Counts as blocks come.
pub(crate) struct Tally {
    counts: Mutex<Counts>,
    feed: Arc<Feed>,
    interval: Duration,
    max_age: Duration,
    markets: Vec<u32>,
    tickers: BTreeMap<u32, String>,
    started: Instant,
}

impl Tally {
    /// Nothing yet. `interval` is the chain's time from block to block; `markets` are those that venues price.
    pub(crate) fn new(app: &app::AppState, feed: Arc<Feed>, interval: Duration, markets: &[u32]) -> Self {
        let ticker = |market: &app::genesis::Market| (market.id, market.ticker.clone());
        Self {
            counts: Mutex::default(),
            feed,
            interval,
            max_age: Duration::from_secs(app.price_max_age_seconds.into()),
            markets: markets.to_vec(),
            tickers: app.markets.iter().map(ticker).collect(),
            started: Instant::now(),
        }
    }

    /// The sums so far.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Count a committed block; one that is counted already is left out.
    pub(crate) fn see(&self, block: &LastBlock) {
        let mut counts = self.lock();
        if block.height <= counts.height {
            return;
        }
        counts.height = block.height;
        counts.app_hash = block.app_hash;
        counts.summary.add(&block.outcome.summary);
        for refusal in block.outcome.results.iter().filter_map(|result| result.refusal.as_ref()) {
            counts.refused += 1;
            *counts.reasons.entry(format!("{} {}", refusal.codespace, refusal.code)).or_default() += 1;
        }
        let mut prices = BTreeMap::new();
        for event in
            block.outcome.results.iter().flat_map(|result| &result.events).chain(&block.outcome.events)
        {
            match event.kind {
                "order_fill" => {
                    if let (Some(market), Some(price)) = (number(event, "market"), number(event, "price")) {
                        counts.last_trades.insert(small(market), price);
                    }
                }
                "insurance_payment" => match event.get("amount") {
                    Some(Value::Signed(amount)) if *amount < 0 => counts.insurance_paid -= amount,
                    Some(Value::Signed(amount)) => counts.insurance_received += amount,
                    _ => {}
                },
                "liquidation" | "deleveraging" | "negative_accounts" | "liquidation_failed" => {
                    tracing::debug!(height = block.height, ?event);
                }
                "oracle_price" => {
                    if let (Some(market), Some(price)) = (number(event, "market"), number(event, "price")) {
                        prices.insert(small(market), price);
                    }
                }
                _ => {}
            }
        }
        self.check_prices(&mut counts.oracle, block.height, &prices);
    }

    /// Hold the prices of a block against the venues whose votes, made at the height before, it carries.
    fn check_prices(&self, oracle: &mut OracleChecks, height: u64, set: &BTreeMap<u32, u64>) {
        let Some(spans) = self.feed.spans(height.saturating_sub(1)) else { return };
        for market in &self.markets {
            let span = spans.get(market);
            let outside = |price: u64| span.is_none_or(|span| !(span.low..=span.high).contains(&price));
            if let Some(price) = set.get(market) {
                oracle.checked += 1;
                oracle.outside += u64::from(outside(*price));
                oracle.prices.insert(*market, (*price, Duration::ZERO));
                continue;
            }
            *oracle.stale_seconds.entry(*market).or_default() += self.interval.as_secs();
            let Some((price, age)) = oracle.prices.get_mut(market) else { continue };
            *age += self.interval;
            if *age <= self.max_age && span.is_some() {
                oracle.kept += 1;
                oracle.kept_outside += u64::from(outside(*price));
            }
        }
    }

    /// The line of JSON.
    pub(crate) fn json(&self, insurance_fund: i128, invariants_failed: usize) -> serde_json::Value {
        let counts = self.counts();
        let oracle = &counts.oracle;
        let named = |(market, seconds): (&u32, &u64)| {
            (self.tickers.get(market).cloned().unwrap_or_else(|| market.to_string()), *seconds)
        };
        let stale: BTreeMap<String, u64> = oracle.stale_seconds.iter().map(named).collect();
        let tenths = self.elapsed().as_millis() / 100;
        serde_json::json!({
            "height": counts.height,
            "app_hash": hex::encode_upper(counts.app_hash),
            "transactions": counts.summary.transactions,
            "refused": counts.refused,
            "fills": counts.summary.fills,
            "liquidations": counts.summary.liquidations,
            "deleveragings": counts.summary.deleveragings,
            "funding_payments": counts.summary.funding_payments,
            "insurance_fund": wide(insurance_fund),
            "insurance_paid": wide(counts.insurance_paid),
            "insurance_received": wide(counts.insurance_received),
            "invariants_checked": counts.summary.invariants_checked,
            "invariants_failed": invariants_failed,
            "oracle_checks": oracle.checked,
            "prices_outside_span": oracle.outside,
            "kept_price_checks": oracle.kept,
            "kept_prices_outside_span": oracle.kept_outside,
            "stale_seconds_by_market": stale,
            "seconds": f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0,
        })
    }
}

/// A number as JSON: plain when every reader can hold it, text otherwise.
fn wide(value: i128) -> serde_json::Value {
    i64::try_from(value).map_or_else(|_| value.to_string().into(), Into::into)
}

fn number(event: &Event, name: &str) -> Option<u64> {
    match event.get(name) {
        Some(Value::Unsigned(value)) => u64::try_from(*value).ok(),
        Some(Value::Signed(value)) => u64::try_from(*value).ok(),
        _ => None,
    }
}

fn small(market: u64) -> u32 {
    u32::try_from(market).unwrap_or(u32::MAX)
}
