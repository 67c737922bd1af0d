//! Follows a chain as the light clients of Rust do, with their own parts, none of which anybody here wrote: HTTP
//! client, store, skipping verification, and the detector that compares a primary with a witness.
//!
//!     lightclient http://PRIMARY [http://WITNESS]    without a witness, the primary a second time

use std::process::ExitCode;
use std::time::Duration;

use tendermint::crypto::default::Sha256;
use tendermint::{Hash, Time};
use tendermint_light_client::builder::LightClientBuilder;
use tendermint_light_client::instance::Instance;
use tendermint_light_client::store::memory::MemoryStore;
use tendermint_light_client::verifier::options::Options;
use tendermint_light_client::verifier::types::{Height, LightBlock};
use tendermint_light_client::verifier::{ProdVerifier, Verdict, Verifier};
use tendermint_light_client_detector::{detect_divergence, Provider};
use tendermint_rpc::{Client, HttpClient};

/// Headers that are verified one after the other, from the second on.
const HEADERS: u32 = 10;
const FIRST: u32 = 2;
const LAST: u32 = FIRST + HEADERS - 1;
const DRIFT: Duration = Duration::from_secs(5);
const LAG: Duration = Duration::from_secs(5);

type Failure = Box<dyn std::error::Error>;

fn options() -> Options {
    Options {
        trust_threshold: Default::default(),
        trusting_period: Duration::from_secs(3_600),
        clock_drift: DRIFT,
    }
}

/// A node, and what it said of itself.
struct Node {
    rpc: HttpClient,
    id: tendermint::node::Id,
    chain_id: String,
}

impl Node {
    /// Waits until the chain is long enough: the validators after the last header must be known, too.
    async fn at(url: &str) -> Result<Self, Failure> {
        let rpc = HttpClient::new(url)?;
        for _ in 0..600 {
            let status = rpc.status().await?;
            if status.sync_info.latest_block_height > LAST.into() {
                let chain_id = status.node_info.network.to_string();
                return Ok(Self { rpc, id: status.node_info.id, chain_id });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{url} has not {LAST} blocks").into())
    }

    /// A light client that believes nothing but the first header.
    async fn follow(&self) -> Result<Instance, Failure> {
        let first = self.rpc.commit(1_u32).await?.signed_header;
        let timeout = Some(Duration::from_secs(20));
        let store = Box::new(MemoryStore::new());
        let builder = LightClientBuilder::prod(self.id, self.rpc.clone(), store, options(), timeout);
        Ok(builder.trust_primary_at(Height::from(1_u32), first.header.hash())?.build())
    }

    async fn provider(&self) -> Result<Provider, Failure> {
        Ok(Provider::new(self.chain_id.clone(), self.follow().await?, self.rpc.clone()))
    }
}

/// Blocks that nobody signed.
fn lies(block: &LightBlock) -> Vec<(&'static str, LightBlock)> {
    let lie = |change: fn(&mut LightBlock)| {
        let mut forged = block.clone();
        change(&mut forged);
        forged
    };
    vec![
        ("another state", lie(|it| it.signed_header.header.app_hash = vec![7; 32].try_into().unwrap())),
        (
            "another time",
            lie(|it| it.signed_header.header.time = (it.time() - Duration::from_nanos(1)).unwrap()),
        ),
        ("other validators", lie(|it| it.signed_header.header.validators_hash = Hash::Sha256([7; 32]))),
        ("another commit", lie(|it| it.signed_header.commit.block_id.part_set_header.total += 1)),
        ("no signatures", lie(|it| it.signed_header.commit.signatures.clear())),
    ]
}

#[derive(Default)]
struct Counts {
    passed: u32,
    failed: u32,
}

impl Counts {
    fn judge(&mut self, good: bool, what: &str) {
        println!("{} {what}", if good { "passed" } else { "failed" });
        if good {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

async fn follow(primary: &Node, witness: &Node, counts: &mut Counts) -> Result<(), Failure> {
    let mut stepping = primary.provider().await?;
    for height in FIRST..=LAST {
        let verified = stepping.verify_to_height(height.into());
        let what = verified
            .as_ref()
            .map_or_else(ToString::to_string, |it| it.signed_header.header.hash().to_string());
        counts.judge(verified.is_ok(), &format!("header {height} by those before: {what}"));
    }

    let mut leaping = primary.provider().await?;
    let last = leaping.verify_to_height(LAST.into())?;
    let trace = leaping.get_trace(LAST.into());
    let heights: Vec<_> = trace.iter().map(|block| block.height().value()).collect();
    counts.judge(heights == [1, LAST.into()], &format!("header {LAST} by header 1 in one leap: {heights:?}"));

    let mut watching = witness.provider().await?;
    let found = detect_divergence::<Sha256>(Some(&leaping), &mut watching, trace.clone(), DRIFT, LAG).await;
    counts.judge(matches!(found, Ok(None)), &format!("the witness has the same: {}", told(&found)));

    let before = leaping.fetch_light_block((LAST - 1).into())?;
    for (what, forged) in lies(&last) {
        let untrusted = forged.as_untrusted_state();
        let verdict = ProdVerifier::default().verify_update_header(
            untrusted,
            before.as_trusted_state(),
            &options(),
            Time::now(),
        );
        counts.judge(verdict != Verdict::Success, &format!("{what} is refused"));
    }
    let forged = vec![trace[0].clone(), lies(&last).swap_remove(0).1];
    let found = detect_divergence::<Sha256>(None, &mut watching, forged, DRIFT, LAG).await;
    counts.judge(!matches!(found, Ok(None)), &format!("the witness contradicts a lie: {}", told(&found)));
    Ok(())
}

/// What the detector found, in a few words.
fn told<E: std::fmt::Display>(
    found: &Result<Option<tendermint_light_client_detector::Divergence>, E>,
) -> String {
    match found {
        Ok(None) => "no divergence".into(),
        Ok(Some(divergence)) => format!("evidence against height {}", divergence.challenging_block.height()),
        Err(error) => error.to_string().lines().next().unwrap_or_default().into(),
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let urls: Vec<_> = std::env::args().skip(1).collect();
    let primary = Node::at(urls.first().ok_or("the JSON-RPC of a node, as http://HOST:PORT")?).await?;
    let witness = Node::at(urls.get(1).unwrap_or(&urls[0])).await?;
    let mut counts = Counts::default();
    follow(&primary, &witness, &mut counts).await?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    Ok(ExitCode::from(u8::from(counts.failed > 0)))
}
