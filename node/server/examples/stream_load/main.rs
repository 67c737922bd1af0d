//! What many clients cost: the same random trading on ten markets without any, with a thousand subscribers and two
//! thousand questions a second, and without any again. Clients are a process of their own that gives way, since
//! theirs would be machines of their own. Prints how long blocks took, what was told, and memory; fails when
//! something that was to happen did not happen at all.
//!
//! The node is in this process, or, when a program is named, a devnet of it.
//!
//! ```text
//! cargo run --release -p server --example stream_load -- \
//!     [subscribers] [questions a second] [seconds of a phase] [path of ballastd]
//! ```

mod devnet;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/grpc/engine.rs"]
mod engine;
mod listen;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/grpc/support.rs"]
mod support;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/grpc/trading.rs"]
mod trading;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use server::Limits;
use trading::{Trading, PEOPLE};

const MARKETS: u32 = 10;
/// Short-term orders of a person in a block, at most.
const BUSY: u64 = 20;
/// From the beginning of a block to that of the next one.
const INTERVAL: Duration = Duration::from_millis(250);
/// How much the block of a hundred may take longer with clients: hundredths.
const MOST: u128 = 110;

/// Megabytes of a process.
fn memory(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes =
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse().ok());
    kilobytes.unwrap_or(0_u64) / 1_024
}

/// What happened in a time.
#[derive(Default)]
struct Phase {
    took: Vec<Duration>,
    transactions: u64,
    /// Megabytes: at the beginning, the most after a block, at the end.
    memory: (u64, u64, u64),
}

impl Inside {
    fn phase(&mut self, seconds: u64) -> Phase {
        let trading = &mut self.trading;
        trading.took.clear();
        let mut phase = Phase::default();
        let begun = Instant::now();
        phase.memory.0 = memory("self");
        while begun.elapsed() < Duration::from_secs(seconds) {
            let block = Instant::now();
            trading.trade();
            self.fills += trading.world.last.summary.fills;
            phase.transactions += trading.world.last.summary.transactions;
            phase.memory.1 = phase.memory.1.max(memory("self"));
            std::thread::sleep(INTERVAL.saturating_sub(block.elapsed()));
        }
        phase.memory.2 = memory("self");
        phase.took = std::mem::take(&mut trading.took);
        phase
    }
}

impl Phase {
    /// How long blocks took, in thousandths of all of them.
    fn at(&self, share: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get((took.len() * share / 1_000).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    fn print(&self, name: &str) {
        let (before, most, after) = self.memory;
        println!(
            "{name:<16} {:4} blocks, {:6} transactions: block p50 {:?}, p99 {:?}, longest {:?}; memory {before} MiB at \
             first, at most {most}, {after} at last",
            self.took.len(),
            self.transactions,
            self.at(500),
            self.at(990),
            self.at(1_000),
        );
    }
}

/// The clients' process.
struct Clients {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Clients {
    /// Begin, and wait until all of them listen.
    fn begin(
        (markets, owners): (&[u32], &[String]),
        address: &str,
        (subscribers, asked): (u64, u64),
    ) -> Self {
        let program = std::env::current_exe().expect("this program is somewhere");
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(program).args(["listen", address]);
        command.arg(subscribers.to_string()).arg(asked.to_string());
        let markets: Vec<_> = markets.iter().map(u32::to_string).collect();
        command.arg(markets.join(",")).args(owners);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process for clients");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut clients = Self { child, lines };
        assert_eq!(clients.line(), "ready", "clients do not get their snapshots");
        clients
    }

    fn line(&mut self) -> String {
        self.lines.next().and_then(Result::ok).unwrap_or_default()
    }

    /// End them; answers what they counted.
    fn end(mut self) -> BTreeMap<String, u64> {
        drop(self.child.stdin.take());
        let line = self.line();
        let status = self.child.wait().expect("a process that ends");
        assert!(status.success(), "clients failed");
        let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, number)| (name.to_owned(), number.parse().expect("a number"))).collect()
    }
}

fn report(
    [before, with, after]: &[Phase; 3],
    (subscribers, asked): (u64, u64),
    told: &BTreeMap<String, u64>,
    fills: u64,
) {
    let of = |name: &str| told.get(name).copied().unwrap_or_default();
    let each_second = |name: &str| of(name) * 1_000 / of("milliseconds").max(1);
    println!(
        "{subscribers} subscribers: {} messages, {} a second; {} of them cut off",
        of("messages"),
        each_second("messages"),
        of("cut"),
    );
    println!(
        "{asked} questions a second: {} answered, {} a second, {} refused, {} failed; p50 {:?}, p99 {:?}",
        of("answered"),
        each_second("answered"),
        of("refused"),
        of("failed"),
        Duration::from_micros(of("wait50")),
        Duration::from_micros(of("wait99")),
    );
    // Of as many blocks each: the more there are, the rarer is the one of a hundred.
    let alone = (before.at(990) + after.at(990)) / 2;
    let share = with.at(990).as_micros() * 100 / alone.as_micros().max(1);
    let word = if share <= MOST { "within" } else { "beyond" };
    println!("block p99 with clients is {share} % of {alone:?} without, {word} {MOST} %");
    for (what, number) in [
        ("blocks", u64::try_from(with.took.len()).unwrap_or_default()),
        ("fills", fills),
        ("messages", of("messages")),
        ("answers", of("answered")),
    ] {
        assert_ne!(number, 0, "no {what}");
    }
    assert_eq!((of("cut"), of("failed")), (0, 0), "subscribers cut off, questions that failed");
    println!("1 passed, 0 failed");
}

/// A node in this process, and what it did in all.
struct Inside {
    trading: Trading,
    fills: u64,
}

/// Without clients, with them, and without again.
fn phases(
    mut phase: impl FnMut() -> Phase,
    begin: impl FnOnce() -> Clients,
) -> ([Phase; 3], BTreeMap<String, u64>) {
    let before = phase();
    before.print("no clients");
    let clients = begin();
    let with = phase();
    with.print("with clients");
    let told = clients.end();
    let after = phase();
    after.print("no clients again");
    ([before, with, after], told)
}

async fn inside(load: (u64, u64), seconds: u64) {
    let mut trading = Trading::with(1, MARKETS, BUSY);
    let server = trading.serve(Limits::default()).await;
    let address = format!("http://{}", server.local_addr());
    for _ in 0..20 {
        trading.trade();
    }
    let markets = trading.markets.clone();
    let owners = PEOPLE.map(|person| trading.world.wire_id(person).owner);
    let mut node = Inside { trading, fills: 0 };
    let begin = || Clients::begin((&markets, &owners), &address, load);
    let (phases, told) = phases(|| node.phase(seconds), begin);
    report(&phases, load, &told, node.fills);
}

async fn outside(program: &str, load: (u64, u64), seconds: u64) {
    let node = devnet::Devnet::start(program);
    let owners = node.owners().await;
    let begin = || Clients::begin((&devnet::Devnet::markets(), &owners), &node.address, load);
    let (phases, told) = phases(|| node.watch(seconds), begin);
    let line = node.end();
    println!("{line}");
    assert_eq!(line["invariants_failed"], 0, "laws are broken");
    report(&phases, load, &told, line["fills"].as_u64().unwrap_or_default());
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| {
        arguments.get(at).map_or(default, |text| text.parse::<u64>().expect("a number"))
    };
    if arguments.first().is_some_and(|word| word == "listen") {
        let task = listen::Task {
            address: arguments[1].clone(),
            subscribers: usize::try_from(number(2, 0)).expect("a number of subscribers"),
            asked: u32::try_from(number(3, 0)).expect("a number of questions"),
            markets: arguments[4].split(',').map(|id| id.parse().expect("a market")).collect(),
            owners: arguments[5..].to_vec(),
        };
        return listen::run(task).await;
    }
    let (load, seconds) = ((number(0, 1_000), number(1, 2_000)), number(2, 60));
    match arguments.get(3) {
        Some(program) => outside(program, load, seconds).await,
        None => inside(load, seconds).await,
    }
}
