//! The network test: misfortunes from a seed, one after the other, while traders trade; how long the network
//! takes to be well again after each; and the verdict.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use client::Client;
use proto::ballast::query::v1::OracleVotesResponse;
use tokio::time::Instant;

use crate::load::{trader, Load};
use crate::manifest::{Fault, Manifest};
use crate::network::{Network, Twin};
use crate::verdict::{judge, Findings};

/// Within which the network must be well again.
const RECOVERY: Duration = Duration::from_secs(20);
/// How long is waited before it is given up for dead.
const GIVEN_UP: Duration = Duration::from_secs(150);
/// Within which those that are left must make two blocks.
const PROGRESS: Duration = Duration::from_secs(60);
/// From one kill of a soak to the next.
const KILLS: Duration = Duration::from_secs(20);
/// How long a node that the soak killed is down.
const DOWN: Duration = Duration::from_secs(3);

/// What `chaos run` is asked for.
#[derive(clap::Args, Debug)]
pub struct Plan {
    /// Folder of the network
    #[arg(long)]
    home: PathBuf,
    /// Where scripts/localnet is
    #[arg(long)]
    localnet: PathBuf,
    /// What the manifest follows from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many misfortunes
    #[arg(long, default_value_t = 6)]
    faults: usize,
    /// Only misfortunes of this name; may be given again
    #[arg(long)]
    only: Vec<String>,
    /// Kill one of the nodes every 20 s for so many seconds, instead of a manifest
    #[arg(long)]
    soak: Option<u64>,
    /// Let all feeders be gone for so many seconds, after the manifest
    #[arg(long, default_value_t = 0)]
    outage: u64,
    /// Start a second node with the key of a validator, after the manifest
    #[arg(long)]
    twin: bool,
    /// How many trade, two at least
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=64))]
    traders: u32,
}

/// The genesis accounts of so many traders.
pub fn accounts(traders: u32) -> Vec<String> {
    let coins = "1000000000uballast,1000000000000uusdc";
    (0..traders).map(|number| format!("{}={coins}", trader(number).address().to_bech32("ballast"))).collect()
}

/// Run it all; whether everything held.
pub async fn run(plan: &Plan) -> anyhow::Result<bool> {
    let mut network = Network::open(&plan.home, &plan.localnet)?;
    let nodes: Vec<String> = (0..network.nodes).map(|node| network.grpc(node)).collect();
    let load = Load::start(&nodes, plan.traders, plan.seed).await?;
    let mut test = Test { network: &mut network, findings: Findings::default(), recoveries: Vec::new() };
    let outcome = match plan.soak {
        Some(seconds) => test.abci_50_soak(Duration::from_secs(seconds), &load).await,
        None => test.manifest(plan).await,
    };
    test.network.quick_disks();
    let ledger = load.finish().await;
    outcome?;
    let Test { mut findings, recoveries, .. } = test;
    settle(&network, &mut findings).await;
    let price = the_price_is_true(&network).await;
    findings.note(price, "the price of BTC is what the feeders say");
    let all: Vec<usize> = (0..network.nodes).collect();
    let mut last = u64::MAX;
    for node in &all {
        last = last.min(network.height(*node).await.unwrap_or(0));
    }
    judge(&network, (&ledger, plan.traders), last, &mut findings).await?;
    figures(&recoveries);
    println!(
        "blocks {last}, sent {}, acknowledged {}, sent again {}, without an answer {}, not reached {}, refused {:?}",
        ledger.sent,
        ledger.promises.len(),
        ledger.again,
        ledger.unknown,
        ledger.unreached,
        ledger.refused
    );
    println!("{} passed, {} failed", findings.passed, findings.failed);
    Ok(findings.failed == 0)
}

/// Waits until the chain is quiet: everybody at the same height or one apart, and all vote on prices.
async fn settle(network: &Network, findings: &mut Findings) {
    let end = Instant::now() + GIVEN_UP;
    let mut voters = 0;
    while voters != network.nodes && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(500)).await;
        voters = votes(network, 0).await.unwrap_or(0);
    }
    findings.note(voters == network.nodes, &format!("all {voters} validators vote on prices"));
}

/// The votes in the last block, as a node says.
async fn said(network: &Network, node: usize) -> anyhow::Result<OracleVotesResponse> {
    Ok(Client::connect(&network.grpc(node)).await?.votes().await?)
}

/// What the price of BTC is good for now, if it is not what was seen last.
async fn note_standing(network: &Network, seen: &mut Vec<String>) {
    let Ok(answer) = said(network, 0).await else { return };
    let market = answer.markets.into_iter().find(|market| market.market_id == 0);
    let Some(standing) = market.map(|market| market.standing) else { return };
    if seen.last() != Some(&standing) {
        seen.push(standing);
    }
}

/// How many validators voted on prices in the last block, as a node says.
async fn votes(network: &Network, node: usize) -> anyhow::Result<usize> {
    Ok(said(network, node).await?.validators.iter().filter(|validator| !validator.prices.is_empty()).count())
}

/// Whether the chain's price is within a tenth of what honest feeders say.
async fn the_price_is_true(network: &Network) -> bool {
    let (Ok(truth), Ok(client)) = (network.chaos("price 0").await, Client::connect(&network.grpc(0)).await)
    else {
        return false;
    };
    let price = client.oracle_prices().await.ok().and_then(|prices| prices.get(&0).copied());
    price.is_some_and(|(price, _)| price.abs_diff(truth) <= truth / 10)
}

/// Recovery times in milliseconds: how many, middle, ninety-ninth of a hundred, longest.
fn figures(recoveries: &[(Fault, u64)]) {
    let mut times: Vec<u64> = recoveries.iter().map(|(_, time)| *time).collect();
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    let mut kinds = BTreeMap::<_, usize>::new();
    for (fault, _) in recoveries {
        *kinds.entry(fault.name()).or_default() += 1;
    }
    println!(
        "recoveries {}, p50 {} ms, p99 {} ms, longest {} ms; {kinds:?}",
        times.len(),
        at(50).unwrap_or(0),
        at(99).unwrap_or(0),
        times.last().unwrap_or(&0)
    );
}

struct Test<'a> {
    network: &'a mut Network,
    findings: Findings,
    /// Milliseconds that each took.
    recoveries: Vec<(Fault, u64)>,
}

impl Test<'_> {
    async fn manifest(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let tracer = std::process::Command::new("strace").arg("-V").output().is_ok();
        if !tracer {
            println!("no slow disks: there is no strace here");
        }
        let possible = |fault: Fault| {
            (tracer || !matches!(fault, Fault::SlowDisk(_)))
                && (plan.only.is_empty() || plan.only.iter().any(|name| *name == fault.name()))
        };
        let kinds = Fault::kinds();
        anyhow::ensure!(
            kinds.iter().any(|fault| possible(*fault)),
            "none of these misfortunes can happen here; there are {}",
            kinds.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
        );
        let manifest = Manifest::draw(plan.seed, plan.faults, self.network.nodes, possible);
        println!("manifest of seed {}: {} faults", plan.seed, manifest.0.len());
        for (fault, seconds) in manifest.0 {
            self.suffer(fault, Duration::from_secs(seconds)).await?;
        }
        if plan.outage > 0 {
            self.orc_08_old_prices_are_good_for_less(Duration::from_secs(plan.outage)).await?;
        }
        if plan.twin {
            self.abci_48_a_validator_that_is_started_twice_ends_before_it_signs().await?;
        }
        Ok(())
    }

    /// A second node with the key of a validator and the data of another sees signatures of that key in the last
    /// blocks and ends, without one of its own; the others go on.
    async fn abci_48_a_validator_that_is_started_twice_ends_before_it_signs(&mut self) -> anyhow::Result<()> {
        const OF: usize = 0;
        self.network.localnet(&["twin", &OF.to_string()])?;
        let (twin, begun) = (Twin::of(self.network), Instant::now());
        while twin.runs() && begun.elapsed() < GIVEN_UP {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let (ended, took) = (!twin.runs(), begun.elapsed().as_millis());
        self.network.localnet(&["kill", &twin.node.to_string()])?;
        let (told, signed) = (twin.told(), twin.signed());
        let all: Vec<usize> = (0..self.network.nodes).collect();
        let from = self.network.highest(&all).await;
        let go_on = self.reached(&all, from + 2, PROGRESS).await;
        let what = format!(
            "a second node with the key of validator {OF} ended after {took} ms; told why: {told}, \
             last height signed: {signed}"
        );
        self.findings.note(ended && told && signed == 0 && go_on, &what);
        Ok(())
    }

    /// When feeders stay away, markets stop to be live before the outage is over, and blocks go on; when they are
    /// back, markets are live again by themselves.
    async fn orc_08_old_prices_are_good_for_less(&mut self, outage: Duration) -> anyhow::Result<()> {
        let (fault, begun) = (Fault::FeedersDead, Instant::now());
        self.network.begin(fault).await?;
        let mut seen = Vec::new();
        while begun.elapsed() < outage {
            note_standing(self.network, &mut seen).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let spoilt = seen.last().is_some_and(|standing| standing != "live");
        let blocks = self.abci_36_abci_37_abci_38_the_others_go_on(fault).await;
        self.network.end(fault).await?;
        let back = Instant::now();
        while seen.last().is_none_or(|standing| standing != "live") && back.elapsed() < GIVEN_UP {
            note_standing(self.network, &mut seen).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let live = seen.last().is_some_and(|standing| standing == "live");
        let (away, took) = (outage.as_secs(), back.elapsed().as_millis());
        let what = format!("no feeder for {away} s: {}; live {took} ms after", seen.join(", then "));
        self.findings.note(spoilt && blocks && live, &what);
        Ok(())
    }

    /// Let one happen, look at what must hold meanwhile, end it, and wait until all is well.
    async fn suffer(&mut self, fault: Fault, hold: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let all: Vec<usize> = (0..self.network.nodes).collect();
        let before = self.network.highest(&all).await;
        self.network.begin(fault).await?;
        let holds = match fault {
            Fault::PauseTwo(..) | Fault::Halves(..) => self.abci_36_abci_37_nobody_goes_on(fault, hold).await,
            Fault::Restart(_) | Fault::KillAll => true,
            Fault::FeederDead(_) | Fault::FeederHung(_) | Fault::FeederFlooding(_) => {
                self.orc_07_the_others_vote().await
                    && self.abci_36_abci_37_abci_38_the_others_go_on(fault).await
            }
            Fault::FeederLying(_) => {
                self.a_lie_is_voted().await
                    && self.abci_36_abci_37_abci_38_the_others_go_on(fault).await
                    && the_price_is_true(self.network).await
            }
            Fault::FeedersDead => {
                self.orc_08_nobody_votes().await && self.abci_36_abci_37_abci_38_the_others_go_on(fault).await
            }
            Fault::Kill(_)
            | Fault::KillApplication(_)
            | Fault::KillEngine(_)
            | Fault::Pause(_)
            | Fault::Disconnect(_)
            | Fault::Mute(_)
            | Fault::HalfOpen(_)
            | Fault::SlowLinks
            | Fault::SlowDisk(_) => self.abci_36_abci_37_abci_38_the_others_go_on(fault).await,
        };
        tokio::time::sleep(hold.saturating_sub(begun.elapsed())).await;
        let lasted = begun.elapsed().as_secs();
        self.network.end(fault).await?;
        let time = self.recovery(before).await;
        self.recoveries.push((fault, time));
        let good = holds && u128::from(time) <= RECOVERY.as_millis();
        let told = if holds { "" } else { ", what must hold meanwhile did not" };
        self.findings.note(good, &format!("{fault} {lasted:>3} s, well again after {time} ms{told}"));
        Ok(())
    }

    /// Those whom it did not happen to.
    fn others(&self, fault: Fault) -> Vec<usize> {
        let victims = fault.victims();
        (0..self.network.nodes).filter(|node| !victims.contains(node)).collect()
    }

    /// Whether those that are left make two blocks.
    async fn abci_36_abci_37_abci_38_the_others_go_on(&self, fault: Fault) -> bool {
        let others = self.others(fault);
        let from = self.network.highest(&others).await;
        self.reached(&others, from + 2, PROGRESS).await
    }

    /// Whether one of these nodes reaches a height in time.
    async fn reached(&self, nodes: &[usize], height: u64, time: Duration) -> bool {
        let end = Instant::now() + time;
        while self.network.highest(nodes).await < height {
            if Instant::now() > end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        true
    }

    /// Without two thirds that hear each other there is no block, but for one that was decided already.
    async fn abci_36_abci_37_nobody_goes_on(&self, fault: Fault, hold: Duration) -> bool {
        let all: Vec<usize> = match fault {
            // Who stands still does not answer either.
            Fault::PauseTwo(..) => self.others(fault),
            _ => (0..self.network.nodes).collect(),
        };
        let from = self.network.highest(&all).await;
        tokio::time::sleep(hold).await;
        let to = self.network.highest(&all).await;
        from > 0 && to <= from + 1
    }

    /// A feeder that is no help costs its own vote and no block.
    async fn orc_07_the_others_vote(&self) -> bool {
        self.voters(|voters, nodes| voters == nodes - 1).await
    }

    /// Whether the last block has a vote for a price that is far from the truth.
    async fn a_lie_is_voted(&self) -> bool {
        let end = Instant::now() + PROGRESS;
        while Instant::now() < end {
            let (truth, answer) = (self.network.chaos("price 0").await, said(self.network, 0).await);
            if let (Ok(truth), Ok(answer)) = (truth, answer) {
                let all = answer.validators.iter().flat_map(|validator| &validator.prices);
                if all.filter(|vote| vote.market_id == 0).any(|vote| vote.price > truth * 2) {
                    return true;
                }
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        false
    }

    /// Without any feeder nobody votes, and blocks go on.
    async fn orc_08_nobody_votes(&self) -> bool {
        self.voters(|voters, _| voters == 0).await
    }

    async fn voters(&self, wanted: impl Fn(usize, usize) -> bool) -> bool {
        let end = Instant::now() + PROGRESS;
        while Instant::now() < end {
            if votes(self.network, 0).await.is_ok_and(|voters| wanted(voters, self.network.nodes)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        false
    }

    /// Milliseconds until all nodes are two blocks beyond where the first of them is now, and beyond `before`.
    async fn recovery(&self, before: u64) -> u64 {
        let begun = Instant::now();
        let all: Vec<usize> = (0..self.network.nodes).collect();
        let target = self.network.highest(&all).await.max(before) + 2;
        for node in &all {
            self.reached(&[*node], target, GIVEN_UP.saturating_sub(begun.elapsed())).await;
        }
        u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Kill one after the other, again and again.
    async fn abci_50_soak(&mut self, time: Duration, load: &Load) -> anyhow::Result<()> {
        let all: Vec<usize> = (0..self.network.nodes).collect();
        let (from, quiet) = (self.network.highest(&all).await, Instant::now());
        tokio::time::sleep(KILLS).await;
        let rate = |blocks: u64, since: Instant| {
            blocks * 3_600_000 / u64::try_from(since.elapsed().as_millis()).unwrap_or(1).max(1)
        };
        let before = self.network.highest(&all).await;
        let baseline = rate(before - from, quiet);
        let begun = Instant::now();
        let mut late = 0;
        for round in 0.. {
            if begun.elapsed() >= time {
                break;
            }
            let (fault, killed) = (Fault::Kill(round % self.network.nodes), Instant::now());
            self.network.begin(fault).await?;
            tokio::time::sleep(DOWN).await;
            self.network.end(fault).await?;
            let took = self.recovery(0).await;
            self.recoveries.push((fault, took));
            late += u64::from(u128::from(took) > RECOVERY.as_millis());
            if round % 10 == 9 {
                let promised = load.ledger().promises.len();
                println!("{:>5} s: {} kills, {promised} acknowledged", begun.elapsed().as_secs(), round + 1);
            }
            tokio::time::sleep(KILLS.saturating_sub(killed.elapsed())).await;
        }
        let during = rate(self.network.highest(&all).await - before, begun);
        let kills = self.recoveries.len();
        println!("abci_50: {kills} kills, {during} blocks an hour; {baseline} before the first kill");
        self.findings
            .note(kills > 0 && late == 0, &format!("{kills} kills, {late} recoveries over {RECOVERY:?}"));
        self.findings.note(during * 2 > baseline, "blocks go on at half of the pace or more");
        Ok(())
    }
}
