//! Prices for the oracle votes of a node that nobody feeds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use feeder::{Model, Outside, Prices, Scenario};
use host::PriceSource;
use num::Price;
use sha2::{Digest as _, Sha256};
use types::MarketId;

use crate::config::{Oracle, PriceKind};
use crate::devnet::listed;

/// Milliseconds from one price of the model to the next.
const STEP_MILLIS: u64 = 500;

/// Where they come from.
pub(crate) enum Source {
    /// These prices, for ever; none at all if it is empty.
    Fixed(BTreeMap<MarketId, Price>),
    /// A market that does not exist. All nodes of a chain are at the same place of the same path.
    Imagined {
        /// The path.
        model: Box<Mutex<Model>>,
        /// When it began, Unix milliseconds.
        began: i128,
    },
    /// Another process.
    Asked(Outside),
}

impl Source {
    /// What the configuration names, on the chain that begins with `genesis`.
    pub(crate) fn of(oracle: &Oracle, genesis: &solo::Genesis, app: &app::AppState) -> Self {
        match oracle.source {
            PriceKind::Feeder => Self::Asked(Outside::at(oracle.feeder)),
            PriceKind::None => Self::Fixed(BTreeMap::new()),
            PriceKind::Fixed => {
                let priced = app.markets.iter().filter(|market| market.price > 0);
                Self::Fixed(priced.map(|market| (MarketId(market.id), Price::new(market.price))).collect())
            }
            PriceKind::Model => {
                let digest: [u8; 32] = Sha256::digest(genesis.chain_id.as_bytes()).into();
                let seed = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                let model = Model::new(seed, Scenario::Calm, &listed(app), STEP_MILLIS);
                Self::Imagined { model: Box::new(Mutex::new(model)), began: millis(genesis.time) }
            }
        }
    }
}

/// The words of a feeder in those of the chain.
fn told(prices: Prices) -> BTreeMap<MarketId, Price> {
    prices.into_iter().map(|(market, price)| (MarketId(market), Price::new(price))).collect()
}

fn millis(time: tendermint::Time) -> i128 {
    time.unix_timestamp_nanos() / 1_000_000
}

impl PriceSource for Source {
    fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
        match self {
            Self::Fixed(prices) => prices.clone(),
            Self::Imagined { model, began } => {
                let passed = u64::try_from(millis(tendermint::Time::now()) - began).unwrap_or_default();
                told(model.lock().unwrap_or_else(PoisonError::into_inner).at(passed / STEP_MILLIS))
            }
            Self::Asked(outside) => outside.ask().map(told).unwrap_or_else(|error| {
                tracing::debug!(%error, "no prices");
                BTreeMap::new()
            }),
        }
    }
}
