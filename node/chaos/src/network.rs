//! The processes of a network of scripts/localnet, and what its nodes say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::control;
use crate::manifest::Fault;
use crate::rpc;

/// The two processes of a node.
pub(crate) const PARTS: [&str; 2] = ["ballastd", "cometbft"];
/// Number of the node that `localnet twin` starts.
const TWIN: usize = 9;
/// Microseconds that a slow disk takes more.
const SLOW_SYNC: u64 = 200_000;

/// A running network.
pub(crate) struct Network {
    home: PathBuf,
    script: PathBuf,
    base_port: u16,
    grpc_port: u16,
    /// Validators.
    pub(crate) nodes: usize,
    /// Tracers that slow down a disk, and where they say what they did.
    tracers: Vec<(Child, PathBuf)>,
}

impl Network {
    /// The one in the folder `home`, which the script at `script` has started.
    pub(crate) fn open(home: &Path, script: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(home.join("settings"))
            .with_context(|| format!("{} holds no network", home.display()))?;
        let settings: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let number = |name: &str| -> anyhow::Result<u16> {
            Ok(settings.get(name).with_context(|| format!("no setting {name}"))?.parse()?)
        };
        Ok(Self {
            home: home.to_owned(),
            script: script.to_owned(),
            base_port: number("base_port")?,
            grpc_port: number("grpc_port")?,
            nodes: number("validators")?.into(),
            tracers: Vec::new(),
        })
    }

    /// Port of a node's JSON-RPC.
    pub(crate) fn rpc(&self, node: usize) -> u16 {
        self.base_port + 10 * u16::try_from(node).unwrap_or(0)
    }

    /// Address of a node's gRPC.
    pub(crate) fn grpc(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.grpc_port + u16::try_from(node).unwrap_or(0))
    }

    /// Run the script with these arguments on this network.
    pub(crate) fn localnet(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(&self.script);
        command.args(arguments).arg("--home").arg(&self.home).stdin(Stdio::null());
        let status = tokio::task::block_in_place(|| command.status())?;
        anyhow::ensure!(status.success(), "scripts/localnet {} failed", arguments.join(" "));
        Ok(())
    }

    /// One command to links and feeders.
    pub(crate) async fn chaos(&self, command: &str) -> anyhow::Result<u64> {
        control::ask(&self.home.join("chaos.sock"), command).await
    }

    /// The process of a node's part.
    fn pid(&self, node: usize, part: &str) -> anyhow::Result<String> {
        let path = self.home.join(format!("node{node}.{part}.pid"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let pid = text.split_whitespace().next().context("an empty pid file")?;
        Ok(pid.to_owned())
    }

    fn signal(&self, node: usize, signal: &str) -> anyhow::Result<()> {
        for part in PARTS {
            let status = Command::new("kill").args(["-s", signal, &self.pid(node, part)?]).status()?;
            anyhow::ensure!(status.success(), "SIG{signal} to {part} of node {node} failed");
        }
        Ok(())
    }

    /// Last height of a node; nothing when it does not answer, or still copies old blocks.
    pub(crate) async fn height(&self, node: usize) -> Option<u64> {
        let status = rpc::get(self.rpc(node), "/status").await.ok()?;
        let info = &status["sync_info"];
        let there = info["catching_up"].as_bool() == Some(false);
        rpc::number(&info["latest_block_height"]).filter(|_| there)
    }

    /// The highest height of these nodes; 0 when none answers.
    pub(crate) async fn highest(&self, nodes: &[usize]) -> u64 {
        let mut highest = 0;
        for node in nodes {
            highest = highest.max(self.height(*node).await.unwrap_or(0));
        }
        highest
    }

    /// Let it happen.
    pub(crate) async fn begin(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(one) => self.localnet(&["kill", &one.to_string()])?,
            Fault::KillAll => {
                for node in 0..self.nodes {
                    self.localnet(&["kill", &node.to_string()])?;
                }
            }
            Fault::KillApplication(one) => {
                self.localnet(&["kill", &one.to_string(), "--part", "ballastd"])?
            }
            Fault::KillEngine(one) => self.localnet(&["kill", &one.to_string(), "--part", "cometbft"])?,
            Fault::Restart(one) => self.localnet(&["restart", &one.to_string()])?,
            Fault::Pause(_) | Fault::PauseTwo(..) => {
                for victim in fault.victims() {
                    self.signal(victim, "STOP")?;
                }
            }
            Fault::Disconnect(one) => self.around(&[one], "cut").await?,
            Fault::Halves(one, other) => self.around(&[one, other], "cut").await?,
            Fault::HalfOpen(one) => self.around(&[one], "swallow").await?,
            Fault::Mute(one) => {
                self.chaos(&format!("stall {one} *")).await?;
            }
            Fault::SlowLinks => {
                self.chaos("set * * delay 200 jitter 200 rate 200000").await?;
            }
            Fault::SlowDisk(one) => self.slow_disk(one)?,
            Fault::FeederDead(one) => self.mood(&one.to_string(), "dead").await?,
            Fault::FeederHung(one) => self.mood(&one.to_string(), "hung").await?,
            Fault::FeederLying(one) => self.mood(&one.to_string(), "lying").await?,
            Fault::FeederFlooding(one) => self.mood(&one.to_string(), "flooding").await?,
            Fault::FeedersDead => self.mood("*", "dead").await?,
        }
        Ok(())
    }

    /// Let it be over.
    pub(crate) async fn end(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(one) | Fault::KillApplication(one) => {
                self.localnet(&["restart", &one.to_string()])?
            }
            Fault::KillAll => {
                for node in 0..self.nodes {
                    self.localnet(&["restart", &node.to_string()])?;
                }
            }
            Fault::KillEngine(one) => self.localnet(&["restart", &one.to_string(), "--part", "cometbft"])?,
            Fault::Pause(_) | Fault::PauseTwo(..) => {
                for victim in fault.victims() {
                    self.signal(victim, "CONT")?;
                }
            }
            Fault::SlowDisk(_) => {
                let slow = self.quick_disks();
                println!("        the disk was slow {slow} times");
                anyhow::ensure!(slow > 0, "no write waited: the disk was never slow");
            }
            Fault::Restart(_) => {}
            Fault::Disconnect(_)
            | Fault::Halves(..)
            | Fault::HalfOpen(_)
            | Fault::Mute(_)
            | Fault::SlowLinks => {
                self.chaos("heal * *").await?;
            }
            Fault::FeederDead(_)
            | Fault::FeederHung(_)
            | Fault::FeederLying(_)
            | Fault::FeederFlooding(_)
            | Fault::FeedersDead => self.mood("*", "fine").await?,
        }
        Ok(())
    }

    async fn mood(&self, feeder: &str, mood: &str) -> anyhow::Result<()> {
        self.chaos(&format!("feeder {feeder} {mood}")).await.map(drop)
    }

    /// Do something to all links between these nodes and the others.
    async fn around(&self, inside: &[usize], what: &str) -> anyhow::Result<()> {
        for one in inside {
            for other in (0..self.nodes).filter(|other| !inside.contains(other)) {
                self.chaos(&format!("{what} {one} {other}")).await?;
                self.chaos(&format!("{what} {other} {one}")).await?;
            }
        }
        Ok(())
    }

    fn slow_disk(&mut self, node: usize) -> anyhow::Result<()> {
        for part in PARTS {
            let log = self.home.join(format!("node{node}.{part}.strace"));
            let tracer = Command::new("strace")
                .args(["-f", "-q", "-e", "trace=fsync,fdatasync", "-o"])
                .arg(&log)
                .arg("-e")
                .arg(format!("inject=fsync,fdatasync:delay_exit={SLOW_SYNC}"))
                .args(["-p", &self.pid(node, part)?])
                .stdin(Stdio::null())
                .spawn()?;
            self.tracers.push((tracer, log));
        }
        Ok(())
    }

    /// End the tracers; whoever they traced goes on. How often a disk was slow.
    pub(crate) fn quick_disks(&mut self) -> usize {
        let mut slow = 0;
        for (mut tracer, log) in self.tracers.drain(..) {
            // A tracer that is killed leaves its processes as they are.
            let _ = Command::new("kill").args(["-s", "INT", &tracer.id().to_string()]).status();
            let _ = tokio::task::block_in_place(|| tracer.wait());
            let text = std::fs::read_to_string(log).unwrap_or_default();
            slow += text.lines().filter(|line| line.contains("(DELAYED)")).count();
        }
        slow
    }
}

/// A second node with the key of a validator.
pub(crate) struct Twin {
    /// Its number.
    pub(crate) node: usize,
    home: PathBuf,
}

impl Twin {
    /// The one that `localnet twin` has started.
    pub(crate) fn of(network: &Network) -> Self {
        Self { node: TWIN, home: network.home.clone() }
    }

    /// Whether its engine runs.
    pub(crate) fn runs(&self) -> bool {
        let path = self.home.join(format!("node{}.cometbft.pid", self.node));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let pid = text.split_whitespace().next().unwrap_or_default();
        !pid.is_empty() && Path::new("/proc").join(pid).exists()
    }

    /// Whether its engine said that its key has signed already.
    pub(crate) fn told(&self) -> bool {
        let log = self.home.join(format!("node{}.cometbft.log", self.node));
        std::fs::read_to_string(log).is_ok_and(|log| log.contains("same key"))
    }

    /// The last height at which it signed anything; 0 when it has not.
    pub(crate) fn signed(&self) -> u64 {
        let path = self.home.join(format!("node{}/comet/data/priv_validator_state.json", self.node));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        rpc::number(&state["height"]).unwrap_or(u64::MAX)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for (mut tracer, _) in self.tracers.drain(..) {
            let _ = tracer.kill();
            let _ = tracer.wait();
        }
    }
}
