//! What the devnet's validators vote: a seeded model's prices, or those of one recorded venue each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feeder::{Listed, Model, Prices, Replay, Span};
use host::PriceSource;
use num::Price;
use types::MarketId;

/// Heights whose spans are kept: a block's prices are voted on at the height before it.
const KEPT: u64 = 4;

/// Prices as a function of the height.
pub(crate) struct Feed {
    source: Mutex<Source>,
}

enum Source {
    Model(Box<Model>),
    Replay(Box<Recorded>),
}

struct Recorded {
    replay: Replay,
    /// Microseconds of recorded time in a block.
    step: i64,
    height: u64,
    spans: BTreeMap<u64, BTreeMap<u32, Span>>,
}

impl Feed {
    /// Votes of one validator, from a model.
    pub(crate) fn model(model: Model) -> Self {
        Self { source: Mutex::new(Source::Model(Box::new(model))) }
    }

    /// Votes of a validator for each venue; `speed` seconds of recorded time in each block.
    pub(crate) fn replay(replay: Replay, speed: u32) -> Self {
        let step = i64::from(speed) * 1_000_000;
        let recorded = Recorded { replay, step, height: 0, spans: BTreeMap::new() };
        Self { source: Mutex::new(Source::Replay(Box::new(recorded))) }
    }

    /// What voter number `voter` says at `height`.
    fn vote(&self, voter: usize, height: u64) -> BTreeMap<MarketId, Price> {
        let prices = match &mut *self.source() {
            Source::Model(model) => model.at(height),
            Source::Replay(recorded) => {
                recorded.advance(height);
                recorded.replay.prices(voter)
            }
        };
        prices.into_iter().map(|(market, price)| (MarketId(market), Price::new(price))).collect()
    }

    /// Between which prices the fresh venues were when the votes of `height` were made; nothing for a model.
    pub(crate) fn spans(&self, height: u64) -> Option<BTreeMap<u32, Span>> {
        match &*self.source() {
            Source::Model(_) => None,
            Source::Replay(recorded) => recorded.spans.get(&height).cloned(),
        }
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    fn advance(&mut self, height: u64) {
        if height <= self.height {
            return;
        }
        self.height = height;
        let passed = i64::try_from(height).unwrap_or(i64::MAX).saturating_mul(self.step);
        if let Err(error) = self.replay.advance(self.replay.begin().saturating_add(passed)) {
            tracing::warn!(%error, "a recording ends early");
        }
        self.spans.insert(height, self.replay.spans());
        self.spans.retain(|kept, _| kept + KEPT > height);
    }
}

/// The markets of a genesis, as a feeder wants them.
pub(crate) fn listed(app: &app::AppState) -> Vec<Listed> {
    let market = |market: &app::genesis::Market| Listed {
        market: market.id,
        ticker: market.ticker.clone(),
        exponent: market.price_exponent,
        price: market.price,
    };
    app.markets.iter().map(market).collect()
}

/// Let the genesis begin with the prices at which the recording begins, where it has any.
pub(crate) fn begin_with(app: &mut app::AppState, replay: &Replay) {
    for market in &mut app.markets {
        let alone = |price: u64| Prices::from([(market.id, price)]);
        let last: Vec<_> = replay.last(market.id).into_iter().flatten().map(alone).collect();
        if let Some(price) = feeder::median(&last, 1).get(&market.id) {
            market.price = *price;
        }
    }
}

/// One validator's prices.
pub(crate) struct Voice {
    pub(crate) feed: Arc<Feed>,
    pub(crate) voter: usize,
}

impl PriceSource for Voice {
    fn prices(&self, height: u64) -> BTreeMap<MarketId, Price> {
        self.feed.vote(self.voter, height)
    }
}
