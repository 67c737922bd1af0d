//! A light client: trusts the first header of a chain, and follows it over JSON-RPC with the verifier that the
//! light clients of Rust are made of.
//!
//!     cargo run --release -p solo --example light -- http://HOST:PORT
//!
//! Ten headers, each verified by the one before it, then the last one by the first in one leap, then lies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::Set;
use tendermint::{Hash, Time};
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};
use tendermint_rpc::endpoint::{commit, status, validators};

const FIRST: u64 = 2;
const HEADERS: u64 = 10;

/// JSON-RPC of a node, by its URI form.
struct Node {
    address: String,
}

impl Node {
    fn get<T: tendermint_rpc::Response>(&self, method: &str) -> T {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET /{method} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut body: Value = serde_json::from_str(body).unwrap();
        assert!(body["error"].is_null(), "{method}: {body}");
        serde_json::from_value(body["result"].take()).unwrap()
    }

    fn latest(&self) -> u64 {
        self.get::<status::Response>("status").sync_info.latest_block_height.value()
    }

    fn header(&self, height: u64) -> SignedHeader {
        self.get::<commit::Response>(&format!("commit?height={height}")).signed_header
    }

    fn validators(&self, height: u64) -> Set {
        let path = format!("validators?height={height}&per_page=30");
        Set::without_proposer(self.get::<validators::Response>(&path).validators)
    }

    /// What the verifier says of `header` when that of height `trusted` is believed.
    fn verdict(&self, trusted: u64, header: &SignedHeader) -> Verdict {
        let height = header.header.height.value();
        let (set, next) = (self.validators(height), self.validators(height + 1));
        let (known, known_next) = (self.header(trusted), self.validators(trusted + 1));
        let untrusted =
            UntrustedBlockState { signed_header: header, validators: &set, next_validators: Some(&next) };
        let trusted = TrustedBlockState {
            chain_id: &known.header.chain_id,
            header_time: known.header.time,
            height: known.header.height,
            next_validators: &known_next,
            next_validators_hash: known.header.next_validators_hash,
        };
        let options = Options {
            trust_threshold: Default::default(),
            trusting_period: Duration::from_secs(3_600),
            clock_drift: Duration::from_secs(5),
        };
        ProdVerifier::default().verify_update_header(untrusted, trusted, &options, Time::now())
    }
}

/// Headers that nobody signed.
fn lies(header: &SignedHeader) -> Vec<(&'static str, SignedHeader)> {
    let lie = |change: fn(&mut SignedHeader)| {
        let mut forged = header.clone();
        change(&mut forged);
        forged
    };
    vec![
        ("another state", lie(|it| it.header.app_hash = vec![7; 32].try_into().unwrap())),
        ("another time", lie(|it| it.header.time = (it.header.time - Duration::from_nanos(1)).unwrap())),
        ("other validators", lie(|it| it.header.validators_hash = Hash::Sha256([7; 32]))),
        ("another commit", lie(|it| it.commit.block_id.part_set_header.total += 1)),
        ("no signatures", lie(|it| it.commit.signatures.clear())),
    ]
}

fn main() -> ExitCode {
    let url = std::env::args().nth(1).expect("the JSON-RPC of a node, as http://HOST:PORT");
    let node = Node { address: url.trim_start_matches("http://").trim_end_matches('/').into() };
    let last = FIRST + HEADERS - 1;
    for _ in 0..600 {
        // The validators of the height after the last one must be known, too.
        if node.latest() > last {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut counts = [0_u32; 2];
    let mut judge = |good: bool, what: String| {
        println!("{} {what}", if good { "passed" } else { "failed" });
        counts[usize::from(!good)] += 1;
    };
    for height in FIRST..=last {
        let verdict = node.verdict(height - 1, &node.header(height));
        judge(verdict == Verdict::Success, format!("header {height} by the one before: {verdict:?}"));
    }
    let verdict = node.verdict(1, &node.header(last));
    judge(verdict == Verdict::Success, format!("header {last} by header 1: {verdict:?}"));
    for (what, forged) in lies(&node.header(last)) {
        let verdict = node.verdict(last - 1, &forged);
        judge(verdict != Verdict::Success, format!("{what} is refused"));
    }
    println!("{} passed, {} failed", counts[0], counts[1]);
    ExitCode::from(u8::from(counts[1] > 0))
}
