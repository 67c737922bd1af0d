//! `chaos serve` stands between the nodes of scripts/localnet; `chaos run` is the network test.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use chaos::control::World;
use chaos::run::{self, Plan};
use chaos::{Feeders, Links};
use clap::Parser;
use feeder::Listed;
use tokio::net::{TcpListener, UnixListener};

#[derive(Parser)]
#[command(about = "Misfortunes for a network of real nodes")]
enum Command {
    /// Be the links and the price feeders of a network until ended
    Serve(Serve),
    /// Let misfortunes happen to a network that scripts/localnet started with --chaos, and check what must hold
    Run(Plan),
    /// Print the genesis accounts that `run` trades with, for scripts/localnet, one a line
    Accounts {
        /// How many
        #[arg(long, default_value_t = 4)]
        traders: u32,
    },
}

#[derive(clap::Args)]
struct Serve {
    /// Peer port of each node, in order
    #[arg(long = "peer", value_name = "HOST:PORT", required = true)]
    peers: Vec<SocketAddr>,
    /// First of the ports of links: node I dials node J on it plus I times the number of nodes plus J
    #[arg(long, value_name = "PORT")]
    links: u16,
    /// First of the ports of feeders, one for each node
    #[arg(long, value_name = "PORT")]
    feeders: u16,
    /// Socket for commands
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// The application's state in the genesis: which markets there are
    #[arg(long, value_name = "FILE")]
    app_state: PathBuf,
    /// What chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match Command::parse() {
        Command::Serve(args) => runtime.block_on(serve(args)),
        Command::Run(plan) => {
            let good = runtime.block_on(run::run(&plan))?;
            // Questions to nodes that hang are not waited for.
            runtime.shutdown_background();
            std::process::exit(i32::from(!good));
        }
        Command::Accounts { traders } => {
            run::accounts(traders).iter().for_each(|line| println!("{line}"));
            Ok(())
        }
    }
}

async fn serve(args: Serve) -> anyhow::Result<()> {
    let nodes = args.peers.len();
    let links = Links::new(nodes, args.seed);
    for (from, to) in links.pairs().collect::<Vec<_>>() {
        let port = args.links + u16::try_from(from * nodes + to)?;
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        tokio::spawn(links.clone().carry((from, to), listener, args.peers[to]));
    }
    let feeders = Feeders::new(nodes, args.seed, &markets(&args.app_state)?);
    for number in 0..nodes {
        let address = SocketAddr::from(([127, 0, 0, 1], args.feeders + u16::try_from(number)?));
        tokio::spawn(feeders.clone().serve(number, address));
    }
    let _ = std::fs::remove_file(&args.control);
    let listener = UnixListener::bind(&args.control)
        .with_context(|| format!("{} cannot be listened on", args.control.display()))?;
    tokio::spawn(World { links, feeders }.listen(listener));
    println!("{nodes} nodes, commands at {}", args.control.display());
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    ended.recv().await;
    Ok(())
}

fn markets(path: &std::path::Path) -> anyhow::Result<Vec<Listed>> {
    let state: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let all = state["markets"].as_array().context("the genesis has no markets")?;
    let one = |market: &serde_json::Value| {
        Some(Listed {
            market: u32::try_from(market["id"].as_u64()?).ok()?,
            ticker: market["ticker"].as_str()?.to_owned(),
            exponent: i32::try_from(market["price_exponent"].as_i64()?).ok()?,
            price: market["price"].as_u64()?,
        })
    };
    all.iter().map(|market| one(market).context("the genesis has a market that is none")).collect()
}
