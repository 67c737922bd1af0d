//! CometBFT and the application die apart and together, and come back in either order.

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::setting;

/// How long blocks may take to come, or a process to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine, when this machine has it; `scripts/prepare` installs it.
fn engine() -> Option<PathBuf> {
    let engine = std::env::var_os("BALLAST_COMETBFT").map(PathBuf::from);
    if engine.is_none() {
        println!("skipped: deaths of the engine: BALLAST_COMETBFT names none");
    }
    engine
}

/// One validator: folders and addresses of its two processes, and those that run.
struct Validator {
    engine: PathBuf,
    home: tempfile::TempDir,
    rpc: u16,
    grpc: u16,
    running: [Option<Child>; 2],
}

/// Which of the two processes.
const APP: usize = 0;
const ENGINE: usize = 1;

impl Drop for Validator {
    fn drop(&mut self) {
        self.kill(&[APP, ENGINE]);
    }
}

/// A port below which and above which nothing listens either.
fn ports() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if port < 65_000 && [port - 1, port, port + 1].into_iter().all(free) {
            return port;
        }
    }
}

impl Validator {
    /// A network of one, which has made its first blocks and stands still.
    fn new(engine: PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/localnet");
        let (rpc, grpc) = (ports(), ports());
        let localnet = |args: &[&str]| {
            let bin = Path::new(env!("CARGO_BIN_EXE_ballastd")).parent().unwrap();
            let mut command = Command::new(&script);
            command.args(args).arg("--home").arg(home.path().join("net")).env("BALLAST_BIN", bin);
            let output = command.stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let (rpc_port, grpc_port) = (rpc.to_string(), grpc.to_string());
        let ports = ["--base-port", rpc_port.as_str(), "--grpc-port", grpc_port.as_str()];
        localnet(&[&["1", "--timeout-commit", "50ms"], &ports[..]].concat());
        localnet(&["kill", "0"]);
        Self { engine, home, rpc, grpc, running: [None, None] }
    }

    fn node(&self) -> PathBuf {
        self.home.path().join("net/node0")
    }

    /// Start one of the two; the engine perhaps to die at one of its own points.
    fn start(&mut self, which: usize, fail_at: Option<u64>) {
        let node = self.node();
        let mut command = if which == APP {
            let _ = std::fs::remove_file(node.join("abci.sock"));
            let mut app = Command::new(env!("CARGO_BIN_EXE_ballastd"));
            app.args(["start", "--engine", "cometbft", "--prices", "model", "--home"])
                .arg(node.join("ballast"));
            app.arg("--abci").arg(format!("unix://{}", node.join("abci.sock").display()));
            app.arg("--grpc").arg(format!("127.0.0.1:{}", self.grpc));
            app
        } else {
            let mut engine = Command::new(&self.engine);
            engine.arg("start").arg("--home").arg(node.join("comet"));
            engine
        };
        if let Some(index) = fail_at {
            command.env("FAIL_TEST_INDEX", index.to_string());
        }
        let log = std::fs::File::options().create(true).append(true).open(node.join("log")).unwrap();
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        assert!(self.running[which].replace(child).is_none(), "it runs already");
    }

    /// End these at once.
    fn kill(&mut self, which: &[usize]) {
        for which in which {
            if let Some(child) = &mut self.running[*which] {
                let _ = child.kill();
            }
        }
        for which in which {
            if let Some(mut child) = self.running[*which].take() {
                child.wait().unwrap();
            }
        }
    }

    /// Wait until the engine has ended by itself; whether it did.
    fn engine_ends(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.running[ENGINE].as_mut().unwrap().try_wait().unwrap().is_some() {
                self.running[ENGINE] = None;
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// The engine's last height and the application hash that its block names.
    fn last(&self) -> Option<(u64, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.rpc)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let status: serde_json::Value = serde_json::from_str(body).ok()?;
        let of = |name: &str| status["result"]["sync_info"][name].as_str().map(str::to_owned);
        Some((of("latest_block_height")?.parse().ok()?, of("latest_app_hash")?))
    }

    /// Wait for this height.
    fn reaches(&self, height: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.last() {
                Some((at, _)) if at >= height => return at,
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        let log = std::fs::read_to_string(self.node().join("log")).unwrap();
        let end: Vec<&str> = log.lines().rev().take(30).collect();
        panic!("no height {height} but {:?}:\n{}", self.last(), end.join("\n"));
    }

    /// Forget the application's state: the engine brings all its blocks again, and stops if one of them names
    /// another application hash. Answers how many blocks that were.
    fn replay(&mut self) -> u64 {
        self.kill(&[ENGINE, APP]);
        std::fs::remove_dir_all(self.node().join("ballast/data")).unwrap();
        self.start(APP, None);
        self.start(ENGINE, None);
        let height = self.reaches(1);
        self.reaches(height + 2)
    }
}

#[test]
fn abci_03_an_engine_that_dies_at_its_own_points_finds_the_application_at_the_same_state() {
    let Some(engine) = engine() else { return };
    let mut validator = Validator::new(engine);
    let points = setting("BALLAST_ENGINE_POINTS", 10);
    let (mut height, mut deaths) = (0, 0);
    validator.start(APP, None);
    for point in 0..points {
        validator.start(ENGINE, Some(point));
        assert!(validator.engine_ends(), "the engine has no point {point}");
        deaths += 1;
        // Every third time the application dies with it.
        if point % 3 == 0 {
            validator.kill(&[APP]);
            validator.start(APP, None);
        }
        validator.start(ENGINE, None);
        height = validator.reaches(height + 2);
        validator.kill(&[ENGINE]);
    }
    let replayed = validator.replay();
    assert!(replayed >= height);
    println!(
        "{deaths} deaths of the engine at its own points, {replayed} blocks, replayed to the same hashes"
    );
}

#[test]
fn abci_04_engine_and_application_die_together_and_start_in_either_order() {
    let Some(engine) = engine() else { return };
    let mut validator = Validator::new(engine);
    let mut height = 0;
    for (round, order) in [[APP, ENGINE], [ENGINE, APP], [APP, ENGINE], [ENGINE, APP]].into_iter().enumerate()
    {
        for which in order {
            validator.start(which, None);
            // The first one waits for the other.
            std::thread::sleep(Duration::from_millis(700 * round as u64));
        }
        height = validator.reaches(height + 2);
        validator.kill(&order);
    }
    let replayed = validator.replay();
    assert!(replayed >= height);
    println!("4 deaths of both, {replayed} blocks, replayed to the same hashes");
}
