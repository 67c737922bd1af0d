//! A devnet's folder, genesis and node.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app::genesis::Funding;
use feeder::{Model, Replay, Window};
use host::Host;
use solo::{Key, Production, VirtualClock, Voter};

use crate::config::{Config, TEMPLATE};
use crate::devnet::accounts::{self, Cast, Role};
use crate::devnet::feed::{self, Feed, Voice};
use crate::devnet::tally::Tally;
use crate::devnet::{Args, Scenario};
use crate::failure::Failure;
use crate::genesis;
use crate::home::Home;
use crate::solo_node::{Parts, SoloNode};

const CHAIN_ID: &str = "ballast-devnet-1";
/// Genesis time of a seeded chain: 2025-01-01.
const SEEDED_START: i64 = 1_735_689_600;
/// What the insurance fund starts with: enough for a bad day of few, not for a crash.
const INSURANCE: u128 = 500_000_000;
/// Funding is paid each minute, so that people who watch see it.
const FUNDING: Funding =
    Funding { tick_seconds: 60, sample_seconds: 5, sample_offset_seconds: 2, measures_per_sample: 1 };

/// A running devnet.
pub(crate) struct Chain {
    pub(crate) node: SoloNode,
    pub(crate) home: Home,
    pub(crate) tally: Arc<Tally>,
    pub(crate) traders: Vec<(Role, usize)>,
    /// Markets in which the traders trade.
    pub(crate) markets: Vec<u32>,
    /// The last height, when it is known.
    pub(crate) last: Option<u64>,
}

/// Everything that is decided before the folder is made.
struct Plan {
    app: app::AppState,
    feed: Arc<Feed>,
    voters: Vec<Key>,
    markets: Vec<u32>,
    traders: Vec<(Role, usize)>,
    /// Time of the genesis; nothing: now, and blocks take the machine's time.
    start: Option<i64>,
    /// Chain time from block to block.
    interval: Duration,
    last: Option<u64>,
}

impl Chain {
    /// Make the folder and start the node.
    pub(crate) async fn start(args: &Args) -> Result<Self, Failure> {
        let plan = plan(args)?;
        let home = Home::at(fresh_folder(args.home.as_deref())?);
        let keys: Vec<_> = plan.voters.iter().map(Key::public).collect();
        let mut document = genesis::document(CHAIN_ID, &keys, &plan.app)?;
        if let Some(start) = plan.start {
            document.time = tendermint::Time::from_unix_timestamp(start, 0).map_err(Failure::fault)?;
        }
        let node_id = write(&home, &document, &plan.voters)?;
        let mut config = Config::default();
        config.rpc.listen.set_port(args.rpc_port);
        config.grpc.listen.set_port(args.grpc_port);
        config.rest.listen.set_port(args.rest_port);
        // Pages of wallets and explorers in a developer's browser.
        config.rest.cors_origins = vec!["*".into()];
        config.blocks.interval_ms = args.block_ms;
        config.state.full_checks = true;
        let mut engine = config.solo(home.data(), node_id);
        engine.stop_at = plan.last;
        if args.fast {
            engine.production = Production::OnDemand;
        }
        if plan.start.is_some() {
            engine.clock = Arc::new(VirtualClock { start: document.time, interval: plan.interval });
        }
        let mut choices = config.host(&plan.app.gas_prices)?;
        // All validators are in this process: a busy machine must not change what they vote.
        choices.vote_budget_ms = choices.vote_budget_ms.max(10_000);
        let host = Host::open(&home.state(), choices, ())?;
        let tally = Arc::new(Tally::new(&plan.app, plan.feed.clone(), plan.interval, &plan.markets));
        let parts = Parts {
            voters: voters(plan.voters, &host, &plan.feed, &tally),
            host,
            genesis: document,
            solo: engine,
            grpc: config.grpc.listen,
            limits: config.grpc_limits(),
            rest: config.rest(),
        };
        let node = SoloNode::start(parts).await?;
        Ok(Self { node, home, tally, traders: plan.traders, markets: plan.markets, last: plan.last })
    }
}

fn plan(args: &Args) -> Result<Plan, Failure> {
    let mut app = genesis::app_state(&[])?;
    app.funding = FUNDING;
    let listed = feed::listed(&app);
    let seed = args.seed.unwrap_or_default();
    let block = Duration::from_millis(args.block_ms);
    let cast = Cast { makers: 3, takers: 3, gamblers: 5 };
    let mut plan = if let Some(folder) = &args.replay {
        let window = Window { from: args.replay_from, to: args.replay_to };
        if window.from >= window.to {
            return Err(Failure::refused("--replay-from must be before --replay-to"));
        }
        let replay = Replay::open(folder, &listed, window).map_err(Failure::refused)?;
        feed::begin_with(&mut app, &replay);
        let blocks = u64::from((window.to - window.from) / args.speed) + 1;
        let venues = replay.venues().count();
        let markets = replay.markets(venues.min(3));
        Plan {
            voters: (0..venues).map(voter_key).collect(),
            traders: cast.traders(markets.len()),
            markets,
            start: Some(replay.begin() / 1_000_000),
            interval: Duration::from_secs(args.speed.into()),
            last: Some(args.blocks.unwrap_or(blocks).min(blocks)),
            feed: Arc::new(Feed::replay(replay, args.speed)),
            app,
        }
    } else {
        let (scenario, gamblers) = match args.scenario {
            Scenario::Calm => (feeder::Scenario::Calm, 1),
            Scenario::Crash => (feeder::Scenario::Crash, 5),
        };
        Plan {
            voters: vec![voter_key(0)],
            traders: Cast { gamblers, ..cast }.traders(listed.len()),
            markets: listed.iter().map(|listed| listed.market).collect(),
            start: (args.fast || args.seed.is_some()).then_some(SEEDED_START),
            interval: block,
            last: args.blocks,
            feed: Arc::new(Feed::model(Model::new(seed, scenario, &listed, args.block_ms))),
            app,
        }
    };
    if args.no_bots {
        plan.traders.clear();
    }
    for grant in accounts::grants(&plan.traders, &plan.app.prefix, INSURANCE)? {
        genesis::add(&mut plan.app, &grant)?;
    }
    Ok(plan)
}

/// The key of validator number `number`: known to everybody, like the rest of a devnet.
fn voter_key(number: usize) -> Key {
    Key::from_seed(
        <sha2::Sha256 as sha2::Digest>::digest(format!("ballast devnet validator {number}")).into(),
    )
}

/// One voter for each key. The first also counts: when it votes on a block, the one before is committed.
fn voters(keys: Vec<Key>, host: &Host, feed: &Arc<Feed>, tally: &Arc<Tally>) -> Vec<Voter> {
    let voter = |(number, key): (usize, Key)| {
        let (host, tally) = (host.clone(), tally.clone());
        let vote = host.voting(Voice { feed: feed.clone(), voter: number });
        Voter::new(key, move |request| {
            if number == 0 {
                tally.see(&host.last_block());
            }
            vote(request)
        })
    };
    keys.into_iter().enumerate().map(voter).collect()
}

/// The folder of a new chain.
fn fresh_folder(chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    let unique = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("ballast-devnet-{}-{}", now.as_secs(), std::process::id());
        std::env::temp_dir().join(name)
    };
    let folder = chosen.map_or_else(unique, Path::to_path_buf);
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, error))?;
    let mut entries = std::fs::read_dir(&folder).map_err(|error| Failure::file(&folder, error))?;
    if entries.next().is_some() {
        let reason = "is not empty, and nothing was changed; a devnet begins in a folder of its own";
        return Err(Failure::refused(format!("{} {reason}", folder.display())));
    }
    Ok(folder)
}

/// Write what the other commands find in a node's folder. Answers the node's id.
fn write(home: &Home, document: &solo::Genesis, voters: &[Key]) -> Result<String, Failure> {
    let write = |path: PathBuf, text: &str| {
        let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = parent.and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| Failure::file(&path, error))
    };
    let text = serde_json::to_string_pretty(&document.to_json()).map_err(Failure::fault)?;
    write(home.genesis(), &format!("{text}\n"))?;
    write(home.config(), TEMPLATE)?;
    std::fs::create_dir_all(home.data()).map_err(|error| Failure::file(&home.data(), error))?;
    if let [only] = voters {
        only.store_validator(&home.validator_key())?;
    }
    for name in accounts::PEOPLE {
        let key = client::Key::from_mnemonic(&accounts::phrase(name)?)?;
        home.keyring().store(name, &key)?;
    }
    Ok(Key::load_or_create_node(&home.node_key())?.node_id())
}
