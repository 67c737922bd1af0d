//! `ballastd start`: run a node until it is told to stop.

use std::net::SocketAddr;

use host::Host;
use solo::Voter;
use tokio::signal::unix::{signal, Signal, SignalKind};

use crate::comet::{self, Addresses};
use crate::config::{Config, EngineKind, PriceKind};
use crate::crash::{self, Mortal};
use crate::failure::{Failure, Outcome};
use crate::genesis;
use crate::home::{Home, HomeArgs};
use crate::rest::{self, Rest};
use crate::solo_node::{ended, Parts, SoloNode};
use crate::source::Source;

/// Options of `ballastd start`; they go before the configuration file.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// Who orders transactions
    #[arg(long, value_enum)]
    engine: Option<EngineKind>,
    /// JSON-RPC: where the embedded engine listens, or where CometBFT answers
    #[arg(long, value_name = "ADDRESS")]
    rpc: Option<String>,
    /// Where gRPC listens; port 0 takes any
    #[arg(long, value_name = "HOST:PORT")]
    grpc: Option<SocketAddr>,
    /// Where REST listens; port 0 takes any
    #[arg(long, value_name = "HOST:PORT")]
    rest: Option<SocketAddr>,
    /// Where CometBFT connects to: unix://PATH or tcp://HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    abci: Option<String>,
    /// Milliseconds from block to block of the embedded engine
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    block_interval: Option<u64>,
    /// Stop by itself after this height (embedded engine)
    #[arg(long, value_name = "HEIGHT")]
    stop_at: Option<u64>,
    /// Check every conservation law over the whole state after each block
    #[arg(long)]
    full_checks: bool,
    /// Where the prices of this node's oracle votes come from
    #[arg(long, value_enum)]
    prices: Option<PriceKind>,
    /// Where the feeder listens that `--prices feeder` asks
    #[arg(long, value_name = "HOST:PORT")]
    feeder: Option<SocketAddr>,
    /// How much is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Run a node.
pub(crate) fn run(args: &Args) -> Outcome {
    let home = args.home.resolve()?;
    let config = chosen(args, Config::load(&home.config())?)?;
    log_to_stderr(&config.log_level);
    crash::arm()?;
    let (document, app) = genesis::load(&home)?;
    let source = Source::of(&config.oracle, &document, &app);
    std::fs::create_dir_all(home.data()).map_err(|error| Failure::file(&home.data(), error))?;
    crate::snapshot::tidy(&home)?;
    let host = Host::open(&home.state(), config.host(&app.gas_prices)?, source)?;
    tracing::info!(home = %home.folder().display(), height = host.last_block().height, "state opened");
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::refused)?;
    let outcome = match config.engine {
        EngineKind::Solo => {
            let rest = served(args, &config);
            runtime.block_on(run_solo(&home, (&config, rest), host, (document, args.stop_at)))
        }
        EngineKind::Cometbft => {
            let abci = config.abci.listen.parse().map_err(Failure::refused)?;
            let rest = served(args, &config);
            let addresses =
                Addresses { abci, rpc: config.rpc.cometbft.clone(), grpc: config.grpc.listen, rest };
            runtime.block_on(comet::run(host, &addresses, config.grpc_limits()))
        }
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    outcome
}

async fn run_solo(
    home: &Home,
    (config, rest): (&Config, Rest),
    host: Host,
    (genesis, stop_at): (solo::Genesis, Option<u64>),
) -> Outcome {
    let key = solo::Key::load(&home.validator_key())?;
    let node_key = solo::Key::load_or_create_node(&home.node_key())?;
    let mut engine = config.solo(home.data(), node_key.node_id());
    engine.stop_at = stop_at.or(Some(config.state.halt_height).filter(|height| *height > 0));
    let node = SoloNode::start(Parts {
        voters: vec![Voter::of(key, Mortal(host.clone()))],
        host,
        genesis,
        solo: engine,
        grpc: config.grpc.listen,
        limits: config.grpc_limits(),
        rest,
    })
    .await?;
    let mut stop = Stop::listen()?;
    let rpc = node.rpc_address().map(|address| address.to_string()).unwrap_or_default();
    let rest = rest::shown(node.rest_address());
    println!("ballastd is running: JSON-RPC {rpc}, gRPC {}{rest}", node.grpc_address());
    let handle = node.handle.clone();
    tokio::select! {
        () = stop.asked() => tracing::info!("asked to stop"),
        end = handle.ended() => {
            node.stop().await?;
            if matches!(end, solo::End::Stopped) {
                said_last(handle.latest().height);
            }
            return ended(end);
        }
    }
    node.stop().await?;
    let last = handle.latest();
    tracing::info!(height = last.height, app_hash = %hex::encode_upper(&last.app_hash), "stopped");
    Ok(())
}

/// What is served over REST.
fn served(args: &Args, config: &Config) -> Rest {
    Rest { required: args.rest.is_some(), ..config.rest() }
}

/// The configuration with the options of the command line in it.
fn chosen(args: &Args, mut config: Config) -> Result<Config, Failure> {
    config.engine = args.engine.unwrap_or(config.engine);
    if let Some(rpc) = &args.rpc {
        match config.engine {
            EngineKind::Cometbft => config.rpc.cometbft.clone_from(rpc),
            EngineKind::Solo => {
                let bare = rpc.split_once("://").map_or(rpc.as_str(), |(_, address)| address);
                let parsed = bare.trim_end_matches('/').parse();
                config.rpc.listen =
                    parsed.map_err(|_| Failure::usage(format!("--rpc {rpc}: write it as HOST:PORT")))?;
            }
        }
    }
    config.grpc.listen = args.grpc.unwrap_or(config.grpc.listen);
    if let Some(rest) = args.rest {
        config.rest.listen = rest;
        config.rest.enable = true;
    }
    if let Some(abci) = &args.abci {
        config.abci.listen.clone_from(abci);
    }
    config.blocks.interval_ms = args.block_interval.unwrap_or(config.blocks.interval_ms);
    config.state.full_checks |= args.full_checks;
    config.oracle.source = args.prices.unwrap_or(config.oracle.source);
    config.oracle.feeder = args.feeder.unwrap_or(config.oracle.feeder);
    if let Some(level) = &args.log_level {
        config.log_level.clone_from(level);
    }
    config.check().map_err(Failure::usage)?;
    Ok(config)
}

/// Log lines go to standard error; $RUST_LOG goes before the configuration.
pub(crate) fn log_to_stderr(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let logger = logger.with_ansi(colours);
    // A second one in the same process changes nothing.
    let _ = logger.try_init();
}

/// Say why the node ends although nobody asked for it now.
pub(crate) fn said_last(height: u64) {
    eprintln!("ballastd stops: block {height} is committed, the last one that it was told to make");
}

/// What asks a node to stop: SIGINT and SIGTERM. From its beginning on neither ends the process by itself.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Begin to listen, inside of a runtime: before anybody is told that the node runs, since who was told may ask it
    /// to stop at once.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::refused);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Wait until the node is asked to.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
