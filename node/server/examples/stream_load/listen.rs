//! The clients: subscribers that take everything without looking at it, and those who ask for accounts.

use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;
use proto::ballast::stream::v1::BlocksRequest;
use proto::dydxprotocol::clob::StreamOrderbookUpdatesRequest;
use proto::dydxprotocol::subaccounts::{QueryGetSubaccountRequest, SubaccountId};
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

/// Streams on one connection.
const TOGETHER: usize = 80;
/// Connections of those who ask.
const ASKING: usize = 8;
/// Those who ask, each one question after the other.
const ASKERS: u32 = 60;

/// What clients are to do.
pub(crate) struct Task {
    pub(crate) address: String,
    pub(crate) subscribers: usize,
    /// Questions in a second, of all.
    pub(crate) asked: u32,
    pub(crate) markets: Vec<u32>,
    pub(crate) owners: Vec<String>,
}

#[derive(Default)]
struct Told {
    begun: AtomicU64,
    messages: AtomicU64,
    ended: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    /// Microseconds.
    waits: Mutex<Vec<u64>>,
}

async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
    endpoint.connect().await.expect("the server is there")
}

async fn listen<R: Message + Default + 'static>(
    channel: Channel,
    path: &'static str,
    request: R,
    told: Arc<Told>,
) {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(64 << 20);
    grpc.ready().await.expect("the server is there");
    let codec: ProstCodec<R, ()> = ProstCodec::default();
    let path = http::uri::PathAndQuery::from_static(path);
    let stream = grpc.server_streaming(Request::new(request), path, codec).await;
    let mut stream = stream.expect("a subscriber is taken").into_inner();
    let mut first = true;
    while let Ok(Some(())) = stream.message().await {
        told.messages.fetch_add(1, Ordering::Relaxed);
        told.begun.fetch_add(u64::from(std::mem::take(&mut first)), Ordering::Relaxed);
    }
    told.ended.fetch_add(1, Ordering::Relaxed);
}

/// A quarter follows blocks in our own words and three quarters books, accounts and prices in those of the dYdX
/// chain: half of all subscribers everything, the others one market.
async fn subscribe(task: &Task, told: &Arc<Told>) {
    let mut channel = None;
    for number in 0..task.subscribers {
        if number % TOGETHER == 0 {
            channel = Some(connect(&task.address).await);
        }
        let Some(channel) = channel.clone() else { continue };
        let market = task.markets[number % task.markets.len()];
        let owner = task.owners[number % task.owners.len()].clone();
        if number % 4 == 3 {
            let market_ids = if number % 8 == 3 { vec![market] } else { Vec::new() };
            let request = BlocksRequest { market_ids, ..BlocksRequest::default() };
            tokio::spawn(listen(channel, "/ballast.stream.v1.Query/Blocks", request, told.clone()));
            continue;
        }
        let all = number % 2 == 0;
        let request = StreamOrderbookUpdatesRequest {
            clob_pair_id: if all { task.markets.clone() } else { vec![market] },
            subaccount_ids: vec![SubaccountId { owner, number: 0 }],
            market_ids: task.markets.clone(),
            filter_orders_by_subaccount_id: false,
        };
        let path = "/dydxprotocol.clob.Query/StreamOrderbookUpdates";
        tokio::spawn(listen(channel, path, request, told.clone()));
    }
}

async fn ask(channel: Channel, owner: String, pause: Duration, told: Arc<Told>) {
    let path = http::uri::PathAndQuery::from_static("/dydxprotocol.subaccounts.Query/Subaccount");
    let request = QueryGetSubaccountRequest { owner, number: 0 };
    let mut clock = tokio::time::interval(pause);
    let mut grpc = Grpc::new(channel);
    loop {
        clock.tick().await;
        let begun = Instant::now();
        let codec: ProstCodec<QueryGetSubaccountRequest, ()> = ProstCodec::default();
        if grpc.ready().await.is_err() {
            told.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match grpc.unary(Request::new(request.clone()), path.clone(), codec).await {
            Ok(_) => {
                told.answered.fetch_add(1, Ordering::Relaxed);
                let wait = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                told.waits.lock().expect("nobody panics with it").push(wait);
            }
            Err(status) if status.code() == Code::ResourceExhausted => {
                told.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                told.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Do the task until standard input ends, then print one line of `name=number`. A line `ready` comes when all
/// subscribers have their snapshots.
pub(crate) async fn run(task: Task) {
    let told = Arc::new(Told::default());
    subscribe(&task, &told).await;
    let all = u64::try_from(task.subscribers).unwrap_or(u64::MAX);
    while told.begun.load(Ordering::Relaxed) < all {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("ready");
    let snapshots = told.messages.load(Ordering::Relaxed);
    let begun = Instant::now();
    let mut channels = Vec::new();
    for _ in 0..ASKING {
        channels.push(connect(&task.address).await);
    }
    let pause = Duration::from_secs(1) * ASKERS / task.asked.max(1);
    let owners = task.owners.iter().cycle();
    for (channel, owner) in channels.iter().cycle().zip(owners).take(ASKERS.try_into().expect("a few")) {
        tokio::spawn(ask(channel.clone(), owner.clone(), pause, told.clone()));
    }
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().for_each(drop));
    ended.await.expect("a thread that reads");
    let milliseconds = begun.elapsed().as_millis();
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let mut waits = std::mem::take(&mut *told.waits.lock().expect("nobody panics with it"));
    waits.sort_unstable();
    let wait = |share: usize| waits.get(waits.len() * share / 1_000).copied().unwrap_or_default();
    println!(
        "milliseconds={milliseconds} messages={} cut={} answered={} refused={} failed={} wait50={} wait99={}",
        count(&told.messages) - snapshots,
        count(&told.ended),
        count(&told.answered),
        count(&told.refused),
        count(&told.failed),
        wait(500),
        wait(990),
    );
}
