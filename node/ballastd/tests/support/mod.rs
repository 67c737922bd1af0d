//! Running the binary as people and scripts do.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod chain;
pub mod load;
pub mod socket;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a node may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number that whoever runs the tests may choose.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The answer of a command that succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The command failed with this code, and said something with these words on standard error.
    pub fn fails(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(words), "{words:?} is not in {self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
    }
}

/// Run `ballastd` with `input` on its standard input.
pub fn run_with(input: &str, args: &[&str]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ballastd"))
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("BALLAST_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Run `ballastd`.
pub fn run(args: &[&str]) -> Ran {
    run_with("", args)
}

/// A folder with keys and a chain in it.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// An empty one.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with a chain on which these people have keys, coins for fees, and a million USD.
    pub fn with_chain(people: &[&str]) -> Self {
        let home = Self::empty();
        let mut accounts = Vec::new();
        for person in people {
            home.run(&["keys", "add", person, "-o", "json"]).json();
            accounts.push(format!("{person}=1000000000uballast,1000000000000uusdc"));
        }
        let mut args = vec!["init", "--chain-id", "ballast-test-1", "--insurance", "5000000", "-o", "json"];
        for account in &accounts {
            args.extend(["--account", account]);
        }
        home.run(&args).json();
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Run `ballastd` with this home.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with("", args)
    }

    /// The same, with something on standard input.
    pub fn run_with(&self, input: &str, args: &[&str]) -> Ran {
        let mut all = args.to_vec();
        all.extend(["--home", self.path().to_str().unwrap()]);
        run_with(input, &all)
    }

    /// Address of a key.
    pub fn address(&self, name: &str) -> String {
        self.run(&["keys", "show", name, "-a"]).stdout.trim().to_owned()
    }

    /// The arguments that start a node with the embedded engine on free ports.
    pub fn start_args(&self, extra: &[&str]) -> Vec<String> {
        let home = self.path().to_str().unwrap();
        let mut args = vec!["start", "--home", home, "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
        args.extend(extra);
        args.into_iter().map(str::to_owned).collect()
    }

    /// Start a node with the embedded engine on free ports.
    pub fn start(&self, extra: &[&str]) -> Node {
        let args = self.start_args(extra);
        Node::spawn(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same, for a node that is going to die at a point of `tree::crash`, perhaps before it is up.
    pub fn start_to_crash(&self, point: &str, extra: &[&str]) -> Result<Node, Ended> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
        Node::try_spawn(command.args(self.start_args(extra)).env("BALLAST_CRASH_AT", point))
    }
}

impl Home {
    /// Start a node for CometBFT that listens for it on `abci`.
    pub fn start_for_comet(&self, abci: &str) -> Node {
        let home = self.path().to_str().unwrap();
        let engine = ["--engine", "cometbft", "--abci", abci, "--grpc", "127.0.0.1:0"];
        Node::spawn(&[&["start", "--home", home], &engine[..]].concat())
    }

    /// Run a node that does not come up.
    pub fn start_to_end(&self, extra: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
        match Node::try_spawn(command.args(self.start_args(extra))) {
            Ok(node) => node.end(),
            Err(ended) => ended,
        }
    }

    /// The same on a free port, for a node that is going to die at a point of `tree::crash`.
    pub fn start_for_comet_to_crash(&self, point: &str) -> Node {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
        command.args(["start", "--engine", "cometbft", "--abci", "tcp://127.0.0.1:0"]);
        command.args(["--grpc", "127.0.0.1:0", "--home"]).arg(self.path()).env("BALLAST_CRASH_AT", point);
        Node::try_spawn(&mut command).unwrap()
    }

    /// Start a node and end it at once after this time, wherever it is by then.
    pub fn start_and_kill(&self, after: Duration) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ballastd"))
            .args([
                "start",
                "--rpc",
                "127.0.0.1:0",
                "--grpc",
                "127.0.0.1:0",
                "--block-interval",
                "0",
                "--home",
            ])
            .arg(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// How a node ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// What it said on standard error.
    pub said: String,
}

/// A running node. It is killed when it is dropped.
pub struct Node {
    child: Child,
    /// Its gRPC address.
    pub grpc: String,
    /// Its JSON-RPC address; with CometBFT as its engine, that of the ABCI socket.
    pub rpc: String,
}

impl Node {
    fn spawn(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballastd"));
        command.args(args);
        Self::try_spawn(&mut command).unwrap_or_else(|ended| panic!("the node did not start: {ended:?}"))
    }

    /// Run this command, which is a node; how it ended when it did so before it was up.
    pub fn try_spawn(command: &mut Command) -> Result<Self, Ended> {
        command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let after = |word: &str| {
            let rest = line.split_once(word)?.1.trim_start();
            Some(rest.split([',', '\n']).next()?.to_owned())
        };
        let engine = after("JSON-RPC").or_else(|| after("ABCI"));
        let (Some(rpc), Some(grpc)) = (engine, after("gRPC")) else {
            return Err(Self { child, grpc: String::new(), rpc: String::new() }.end());
        };
        Ok(Self { child, grpc, rpc })
    }

    /// Its number among the machine's processes.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs no more.
    pub fn gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Wait until it has ended by itself.
    pub fn end(mut self) -> Ended {
        use std::os::unix::process::ExitStatusExt;
        self.wait();
        let status = self.child.try_wait().unwrap().unwrap();
        let mut said = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut said);
        Ended { code: status.code(), signal: status.signal(), said }
    }

    /// Ask it to stop, and wait until it has. Answers its exit code.
    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// End it at once, as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Wait until it has ended by itself. Answers its exit code and what it said.
    pub fn ended(mut self) -> (i32, String) {
        let code = self.wait();
        let mut said = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut said);
        (code, said)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the node does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
