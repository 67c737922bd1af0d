//! `config/ballastd.toml`: every key with its meaning, its bounds, and a check that names what is wrong.

mod stream;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::failure::Failure;
use stream::Stream;

/// What `init` writes: all keys with their defaults, and comments that are the documentation.
pub(crate) const TEMPLATE: &str = include_str!("ballastd.toml");

/// Which engine orders transactions.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EngineKind {
    /// The embedded engine: one validator in this process
    Solo,
    /// CometBFT, in a process of its own
    Cometbft,
}

/// Where the prices of this node's oracle votes come from.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PriceKind {
    /// The prices of the genesis, for ever
    Fixed,
    /// A market that does not exist, the same one for all nodes of the chain
    Model,
    /// A process that is asked over TCP
    Feeder,
    /// Nowhere: the votes are empty
    None,
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) engine: EngineKind,
    pub(crate) moniker: String,
    pub(crate) log_level: String,
    pub(crate) rpc: Rpc,
    pub(crate) grpc: Grpc,
    pub(crate) rest: Rest,
    pub(crate) stream: Stream,
    pub(crate) abci: Abci,
    pub(crate) blocks: Blocks,
    pub(crate) state: State,
    pub(crate) mempool: Mempool,
    pub(crate) oracle: Oracle,
}

/// JSON-RPC.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rpc {
    pub(crate) listen: SocketAddr,
    pub(crate) cometbft: String,
    pub(crate) max_connections: usize,
    pub(crate) max_requests: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_batch: usize,
    pub(crate) cors_origins: Vec<String>,
}

/// gRPC.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Grpc {
    pub(crate) listen: SocketAddr,
    pub(crate) max_connections: usize,
    pub(crate) max_queries: usize,
    pub(crate) max_broadcasts: usize,
    pub(crate) max_streams: u32,
    pub(crate) max_request_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_buffered_bytes: u32,
    pub(crate) timeout_ms: u64,
    pub(crate) cors_origins: Vec<String>,
}

/// REST.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rest {
    pub(crate) enable: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) max_connections: usize,
    pub(crate) max_requests: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) cors_origins: Vec<String>,
}

/// The socket for CometBFT.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Abci {
    pub(crate) listen: String,
}

/// Blocks of the embedded engine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Blocks {
    pub(crate) interval_ms: u64,
    pub(crate) keep: u64,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct State {
    pub(crate) keep_heights: usize,
    pub(crate) snapshot_interval: u64,
    pub(crate) keep_snapshots: usize,
    pub(crate) max_restore_bytes: u64,
    pub(crate) halt_height: u64,
    pub(crate) full_checks: bool,
}

/// Transactions that wait.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mempool {
    pub(crate) max_txs: usize,
    pub(crate) max_bytes: usize,
    pub(crate) max_tx_bytes: usize,
    pub(crate) max_pending_keys: usize,
    pub(crate) min_gas_prices: String,
}

/// Our price votes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Oracle {
    pub(crate) source: PriceKind,
    pub(crate) feeder: SocketAddr,
    pub(crate) vote_budget_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: EngineKind::Solo,
            moniker: "ballast".into(),
            log_level: "info".into(),
            rpc: Rpc::default(),
            grpc: Grpc::default(),
            rest: Rest::default(),
            stream: Stream::default(),
            abci: Abci::default(),
            blocks: Blocks::default(),
            state: State::default(),
            mempool: Mempool::default(),
            oracle: Oracle::default(),
        }
    }
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 26657)),
            cometbft: "http://127.0.0.1:26657".into(),
            max_connections: 900,
            max_requests: 64,
            max_body_bytes: 1_000_000,
            max_batch: 100,
            cors_origins: Vec::new(),
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            max_connections: 256,
            max_queries: 64,
            max_broadcasts: 128,
            max_streams: 100,
            max_request_bytes: 4 << 20,
            max_response_bytes: 16 << 20,
            max_buffered_bytes: 128 << 20,
            timeout_ms: 10_000,
            cors_origins: Vec::new(),
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            enable: true,
            listen: SocketAddr::from(([127, 0, 0, 1], 1317)),
            max_connections: 256,
            max_requests: 64,
            max_body_bytes: 2 << 20,
            max_response_bytes: 16 << 20,
            cors_origins: Vec::new(),
        }
    }
}

impl Default for Abci {
    fn default() -> Self {
        Self { listen: "tcp://127.0.0.1:26658".into() }
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self { interval_ms: 500, keep: 100_000 }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            keep_heights: 100,
            snapshot_interval: 0,
            keep_snapshots: 2,
            max_restore_bytes: 4 << 30,
            halt_height: 0,
            full_checks: false,
        }
    }
}

impl Default for Mempool {
    fn default() -> Self {
        Self {
            max_txs: 5_000,
            max_bytes: 67_108_864,
            max_tx_bytes: 1_048_576,
            max_pending_keys: 200_000,
            min_gas_prices: String::new(),
        }
    }
}

impl Default for Oracle {
    fn default() -> Self {
        let feeder = SocketAddr::from(([127, 0, 0, 1], 26670));
        Self { source: PriceKind::Fixed, feeder, vote_budget_ms: 250 }
    }
}

impl Config {
    /// Read and check the file at `path`.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::refused(format!(
                "{} does not exist; make a node with `ballastd init`, or name its folder with --home",
                path.display()
            )),
            _ => Failure::file(path, error),
        })?;
        Self::parse(&text).map_err(|reason| Failure::file(path, reason))
    }

    /// Read and check a configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        config.check()?;
        Ok(config)
    }

    /// What is out of bounds, by key.
    pub(crate) fn check(&self) -> Result<(), String> {
        let within = |key: &str, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(format!("{key} = {value} is out of bounds: {low} to {high} are allowed"))
        };
        let size = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        if self.moniker.is_empty() || self.moniker.len() > 70 {
            return Err("moniker must have 1 to 70 bytes".into());
        }
        if tracing_subscriber::EnvFilter::try_new(&self.log_level).is_err() {
            return Err(format!("log_level = {:?} is no level; write info, debug or warn", self.log_level));
        }
        within("rpc.max_connections", size(self.rpc.max_connections), 1, 100_000)?;
        within("rpc.max_requests", size(self.rpc.max_requests), 1, 10_000)?;
        within("rpc.max_body_bytes", size(self.rpc.max_body_bytes), 1_000, 100_000_000)?;
        within("grpc.max_connections", size(self.grpc.max_connections), 1, 100_000)?;
        within("grpc.max_queries", size(self.grpc.max_queries), 1, 10_000)?;
        within("rpc.max_batch", size(self.rpc.max_batch), 1, 1_000)?;
        within("grpc.max_broadcasts", size(self.grpc.max_broadcasts), 1, 10_000)?;
        within("grpc.max_streams", self.grpc.max_streams.into(), 1, 10_000)?;
        within("grpc.max_request_bytes", size(self.grpc.max_request_bytes), 1_000, 67_108_864)?;
        within("grpc.max_response_bytes", size(self.grpc.max_response_bytes), 1_000, 268_435_456)?;
        within("grpc.max_buffered_bytes", self.grpc.max_buffered_bytes.into(), 1_000_000, u32::MAX.into())?;
        within("grpc.timeout_ms", self.grpc.timeout_ms, 100, 600_000)?;
        within("rest.max_connections", size(self.rest.max_connections), 1, 100_000)?;
        within("rest.max_requests", size(self.rest.max_requests), 1, 10_000)?;
        within("rest.max_body_bytes", size(self.rest.max_body_bytes), 1_000, 67_108_864)?;
        within("rest.max_response_bytes", size(self.rest.max_response_bytes), 1_000, 268_435_456)?;
        self.stream.check(&within)?;
        within("blocks.interval_ms", self.blocks.interval_ms, 0, 60_000)?;
        within("blocks.keep", self.blocks.keep, 0, u64::MAX)?;
        within("state.keep_heights", size(self.state.keep_heights), 2, 100_000)?;
        within("state.keep_snapshots", size(self.state.keep_snapshots), 1, 1_000)?;
        within("state.max_restore_bytes", self.state.max_restore_bytes, 1 << 20, 1 << 40)?;
        within("mempool.max_txs", size(self.mempool.max_txs), 1, 1_000_000)?;
        within("mempool.max_bytes", size(self.mempool.max_bytes), 1_000, 1 << 33)?;
        within("mempool.max_tx_bytes", size(self.mempool.max_tx_bytes), 1_000, 4_194_304)?;
        within("mempool.max_pending_keys", size(self.mempool.max_pending_keys), 1_000, 100_000_000)?;
        within("oracle.vote_budget_ms", self.oracle.vote_budget_ms, 1, 10_000)?;
        self.abci.listen.parse::<abci::Address>().map_err(|error| format!("abci.listen: {error}"))?;
        self.gas_prices().map_err(|error| format!("mempool.min_gas_prices: {error}"))?;
        Ok(())
    }

    /// The lowest gas prices in millionths, by denomination.
    pub(crate) fn gas_prices(&self) -> Result<Vec<(String, u64)>, String> {
        millionths(&self.mempool.min_gas_prices)
    }

    /// The part of it that the application needs; `chain_prices` hold where the file names no gas prices.
    pub(crate) fn host(&self, chain_prices: &[String]) -> Result<host::Config, Failure> {
        let own = self.gas_prices().map_err(Failure::refused)?;
        let min_gas_prices =
            if own.is_empty() { millionths(&chain_prices.join(",")).map_err(Failure::refused)? } else { own };
        Ok(host::Config {
            min_gas_prices,
            keep_heights: self.state.keep_heights,
            snapshot_interval: self.state.snapshot_interval,
            keep_snapshots: self.state.keep_snapshots,
            max_restore_bytes: self.state.max_restore_bytes,
            max_pending_keys: self.mempool.max_pending_keys,
            full_checks: self.state.full_checks,
            halt_height: self.state.halt_height,
            release: crate::crash::release(),
            vote_budget_ms: self.oracle.vote_budget_ms,
            ..host::Config::default()
        })
    }

    /// The part of it that the embedded engine needs.
    pub(crate) fn solo(&self, data: std::path::PathBuf, node_id: String) -> solo::Config {
        let mut config = solo::Config::new(data);
        config.production = solo::Production::Every(Duration::from_millis(self.blocks.interval_ms));
        config.retain = self.blocks.keep;
        config.mempool.max_txs = self.mempool.max_txs;
        config.mempool.max_bytes = self.mempool.max_bytes;
        config.mempool.max_tx_bytes = self.mempool.max_tx_bytes;
        config.moniker = self.moniker.clone();
        config.node_id = node_id;
        config.rpc = Some(solo::RpcConfig {
            listen: self.rpc.listen,
            max_connections: self.rpc.max_connections,
            max_requests: self.rpc.max_requests,
            max_body_bytes: self.rpc.max_body_bytes,
            max_batch: self.rpc.max_batch,
            cors_origins: self.rpc.cors_origins.clone(),
            ..solo::RpcConfig::default()
        });
        config
    }

    /// The part of it that the gRPC server needs.
    pub(crate) fn grpc_limits(&self) -> server::Limits {
        server::Limits {
            max_connections: self.grpc.max_connections,
            max_queries: self.grpc.max_queries,
            max_broadcasts: self.grpc.max_broadcasts,
            max_streams: self.grpc.max_streams,
            max_request_bytes: self.grpc.max_request_bytes,
            max_response_bytes: self.grpc.max_response_bytes,
            max_buffered_bytes: self.grpc.max_buffered_bytes,
            call_timeout: Duration::from_millis(self.grpc.timeout_ms),
            streams: self.stream.limits(),
            origins: self.grpc.cors_origins.clone(),
            ..server::Limits::default()
        }
    }

    /// The part of it that REST needs.
    pub(crate) fn rest(&self) -> crate::rest::Rest {
        let config = self.rest.enable.then(|| server::RestConfig {
            listen: self.rest.listen,
            max_connections: self.rest.max_connections,
            max_requests: self.rest.max_requests,
            max_body_bytes: self.rest.max_body_bytes,
            max_response_bytes: self.rest.max_response_bytes,
            cors_origins: self.rest.cors_origins.clone(),
        });
        crate::rest::Rest { config, required: false }
    }
}

fn millionths(text: &str) -> Result<Vec<(String, u64)>, String> {
    let prices = client::parse_gas_prices(text).map_err(|error| error.to_string())?;
    let one = |(price, denom): (client::Decimal, types::Denom)| {
        let exact =
            price.whole(6).filter(|(_, exact)| *exact).and_then(|(whole, _)| u64::try_from(whole).ok());
        let exact = exact.ok_or_else(|| format!("{price}{denom} has more than six decimal places"))?;
        Ok((denom.to_string(), exact))
    };
    prices.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_init_writes_holds_the_defaults() {
        assert_eq!(Config::parse(TEMPLATE).unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_key_of_the_file_stands_under_a_comment() {
        let lines: Vec<_> = TEMPLATE.lines().collect();
        let keys =
            lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'));
        let mut count = 0;
        for (at, line) in keys {
            assert!(lines[at - 1].starts_with('#'), "{line} has no comment");
            count += 1;
        }
        assert_eq!(count, 52);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        for (text, named) in [
            ("engin = \"solo\"", "engin"),
            ("engine = \"other\"", "engine"),
            ("moniker = \"\"", "moniker"),
            ("log_level = \"a=b=c\"", "log_level"),
            ("[rpc]\nlisten = \"localhost\"", "listen"),
            ("[rpc]\nport = 5", "port"),
            ("[rpc]\nmax_requests = 0", "rpc.max_requests"),
            ("[grpc]\nmax_connections = -1", "max_connections"),
            ("[grpc]\nmax_buffered_bytes = 5", "grpc.max_buffered_bytes"),
            ("[grpc]\ntimeout_ms = 0", "grpc.timeout_ms"),
            ("[rpc]\nmax_batch = 1001", "rpc.max_batch"),
            ("[rest]\nmax_body_bytes = 5", "rest.max_body_bytes"),
            ("[abci]\nlisten = \"unix://\"", "abci.listen"),
            ("[blocks]\ninterval_ms = 60001", "blocks.interval_ms"),
            ("[state]\nkeep_heights = 1", "state.keep_heights"),
            ("[state]\nfull_checks = 1", "full_checks"),
            ("[mempool]\nmax_tx_bytes = 5000000", "mempool.max_tx_bytes"),
            ("[mempool]\nmin_gas_prices = \"cheap\"", "mempool.min_gas_prices"),
            ("[mempool]\nmin_gas_prices = \"0.0000001uusdc\"", "mempool.min_gas_prices"),
            ("[oracle]\nsource = \"guess\"", "source"),
            ("[oracle]\nvote_budget_ms = 0", "oracle.vote_budget_ms"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn gas_prices_come_from_the_chain_unless_the_file_names_some() {
        let chain = ["0.025uusdc".to_owned()];
        let prices = |text: &str| Config::parse(text).unwrap().host(&chain).unwrap().min_gas_prices;
        assert_eq!(prices(""), [("uusdc".to_owned(), 25_000)]);
        let own = "[mempool]\nmin_gas_prices = \"1.5uballast\"";
        assert_eq!(prices(own), [("uballast".to_owned(), 1_500_000)]);
    }
}
