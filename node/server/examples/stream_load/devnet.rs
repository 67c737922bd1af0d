//! A whole node beside its clients: `ballastd devnet`, a process whose traders trade in ten markets. What its blocks
//! took stands in its log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use proto::dydxprotocol::subaccounts::{QueryAllSubaccountRequest, QuerySubaccountAllResponse};
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::transport::Channel;
use tonic::Request;

use crate::{memory, Phase, INTERVAL, MARKETS};

/// Blocks until its traders have their deposits and orders.
const WARM: usize = 40;
/// How long it may take to begin, and to make a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// A block of its log.
struct Block {
    transactions: u64,
    took: Duration,
}

pub(crate) struct Devnet {
    child: Child,
    pub(crate) address: String,
    blocks: Receiver<Block>,
}

/// The number behind `name=`.
fn field(line: &str, name: &str) -> Option<u64> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split_whitespace().next()?.parse().ok()
}

impl Devnet {
    /// Start `program` and wait until it trades.
    pub(crate) fn start(program: &str) -> Self {
        let interval = INTERVAL.as_millis().to_string();
        let mut command = Command::new(program);
        command.args(["devnet", "--seed", "1", "--block-ms", &interval]);
        command.args(["--rpc-port", "0", "--grpc-port", "0", "--rest-port", "0"]);
        command.env("RUST_LOG", "warn,solo=debug").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a devnet");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (told, blocks) = channel();
        let (found, address) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let (Some(transactions), Some(took)) = (field(&line, "txs"), field(&line, "took_us")) {
                    let _ = told.send(Block { transactions, took: Duration::from_micros(took) });
                } else if let Some((_, rest)) = line.split_once("gRPC ") {
                    let _ = found.send(rest.split([',', ' ']).next().unwrap_or_default().to_owned());
                }
            }
        });
        let address = address.recv_timeout(PATIENCE).expect("it says where it is");
        let devnet = Self { child, address, blocks };
        for _ in 0..WARM {
            devnet.blocks.recv_timeout(PATIENCE).expect("it makes blocks");
        }
        devnet
    }

    /// Owners of the accounts that it has.
    pub(crate) async fn owners(&self) -> Vec<String> {
        let channel = Channel::from_shared(self.address.clone()).expect("an address");
        let mut grpc = Grpc::new(channel.connect().await.expect("the node is there"));
        grpc.ready().await.expect("the node is there");
        let codec: ProstCodec<QueryAllSubaccountRequest, QuerySubaccountAllResponse> = ProstCodec::default();
        let path = http::uri::PathAndQuery::from_static("/dydxprotocol.subaccounts.Query/SubaccountAll");
        let answer = grpc.unary(Request::new(QueryAllSubaccountRequest::default()), path, codec).await;
        let all = answer.expect("accounts").into_inner().subaccount.into_iter();
        let mut owners: Vec<_> = all.filter_map(|account| account.id).map(|id| id.owner).collect();
        owners.sort();
        owners.dedup();
        owners
    }

    /// Its markets.
    pub(crate) fn markets() -> Vec<u32> {
        (0..MARKETS).collect()
    }

    /// Watch it for a time.
    pub(crate) fn watch(&self, seconds: u64) -> Phase {
        let process = self.child.id().to_string();
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut phase = Phase::default();
        // What it did before is another phase's.
        while self.blocks.try_recv().is_ok() {}
        phase.memory.0 = memory(&process);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.blocks.recv_timeout(left) {
                Ok(block) => {
                    phase.transactions += block.transactions;
                    phase.took.push(block.took);
                    phase.memory.1 = phase.memory.1.max(memory(&process));
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the devnet has ended"),
            }
        }
        phase.memory.2 = memory(&process);
        phase
    }

    /// End it as a person does; answers its line of JSON.
    pub(crate) fn end(self) -> serde_json::Value {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success(), "the devnet has ended by itself");
        let output = self.child.wait_with_output().expect("a process that ends");
        assert!(output.status.success(), "the devnet failed: {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().rev().find_map(|line| serde_json::from_str(line).ok()).expect("a line of JSON")
    }
}
