//! `StreamOrderbookUpdates`: whoever hears a snapshot and what follows knows books, accounts and prices as the
//! node does, at every height.

mod blocks;
mod listener;
mod risks;
mod sockets;

use bytes::Bytes;
use prost::Message;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::subaccounts as accounts_wire;
use server::{Limits, StreamLimits};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use crate::support::{connect, Raw};
use crate::trading::{Trading, MARKETS, PEOPLE};
use listener::Known;

const PATH: &str = "/dydxprotocol.clob.Query/StreamOrderbookUpdates";

async fn raw(channel: &Channel, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
    begin(channel, PATH, request).await
}

/// Begin a stream with a request of any bytes.
async fn begin(channel: &Channel, path: &str, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let request = Request::new(Bytes::from(request));
    Ok(grpc.server_streaming(request, path.parse().unwrap(), Raw).await?.into_inner())
}

/// A subscriber.
struct Listener {
    request: wire::StreamOrderbookUpdatesRequest,
    stream: Streaming<Bytes>,
    known: Known,
}

impl Listener {
    async fn begin(channel: &Channel, request: wire::StreamOrderbookUpdatesRequest) -> Self {
        let stream = raw(channel, request.encode_to_vec()).await.unwrap();
        Self { request, stream, known: Known::default() }
    }

    async fn next(&mut self) -> Result<Option<wire::StreamOrderbookUpdatesResponse>, Status> {
        let message = self.stream.message().await?;
        Ok(message.map(|bytes| wire::StreamOrderbookUpdatesResponse::decode(bytes).unwrap()))
    }

    /// Listen until something of `height` came.
    async fn until(&mut self, height: u64) {
        while self.known.height < height || !self.known.begun(&self.request) {
            let message = self.next().await.unwrap().expect("the stream goes on");
            self.known.hear(&self.request, message);
        }
    }
}

/// All markets, with everybody's accounts or some.
fn request(
    trading: &Trading,
    people: &[&str],
    books: &[u32],
    own: bool,
) -> wire::StreamOrderbookUpdatesRequest {
    let id = |person: &&str| trading.world.wire_id(person);
    wire::StreamOrderbookUpdatesRequest {
        clob_pair_id: books.to_vec(),
        subaccount_ids: people.iter().map(id).collect(),
        market_ids: (0..MARKETS).collect(),
        filter_orders_by_subaccount_id: own,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_accounts_and_prices_follow_from_the_stream_alone_however_often_one_begins_anew() {
    let mut totals = listener::Counts::default();
    for seed in 0..3 {
        let mut trading = Trading::new(seed);
        let server = trading.serve(Limits::default()).await;
        let channel = connect(&server).await;
        let mut listeners = Vec::new();
        for (people, books) in [(&PEOPLE[..], &[0, 1, 2][..]), (&PEOPLE[2..4], &[1]), (&PEOPLE[..1], &[2, 0])]
        {
            listeners.push(Listener::begin(&channel, request(&trading, people, books, false)).await);
        }
        let begun = trading.world.height();
        for listener in &mut listeners {
            listener.until(begun).await;
        }
        for _ in 0..60 {
            trading.trade();
            for listener in &mut listeners {
                listener.until(trading.world.height()).await;
                listener.known.equals(&trading.world, &listener.request);
            }
            if trading.dice.once_in(4) {
                let at = usize::try_from(trading.dice.within(0, 2)).unwrap();
                totals.add(&listeners[at].known.counts);
                let request = listeners[at].request.clone();
                listeners[at] = Listener::begin(&channel, request).await;
                totals.begun += 1;
                // What it gets is the state now, or, when a block comes first, the state after that.
                if trading.dice.once_in(2) {
                    let listener = &mut listeners[at];
                    listener.until(trading.world.height()).await;
                    listener.known.equals(&trading.world, &listener.request);
                }
            }
        }
        for listener in &listeners {
            totals.add(&listener.known.counts);
        }
    }
    println!("{totals:?}");
    assert!(
        totals.begun > 10 && totals.placed > 500 && totals.fills > 300 && totals.removed > 200,
        "{totals:?}"
    );
    assert!(totals.accounts > 500 && totals.prices > 300 && totals.compared > 400, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_filter_only_orders_of_the_named_accounts_come() {
    let mut trading = Trading::new(7);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let asked = request(&trading, &PEOPLE[..2], &[0, 1, 2], true);
    let mut listener = Listener::begin(&channel, asked).await;
    listener.until(trading.world.height()).await;
    for _ in 0..40 {
        trading.trade();
        listener.until(trading.world.height()).await;
        listener.known.holds_orders_of(&trading.world, &PEOPLE[..2]);
    }
    let Known { counts, strangers, .. } = &listener.known;
    println!("{counts:?}, of strangers {strangers}");
    assert!(counts.placed > 50 && counts.fills > 20, "{counts:?}");
    assert_eq!(*strangers, 0, "nobody else's orders came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_does_not_take_its_messages_is_cut_off_with_the_reason_and_others_are_not() {
    let mut trading = Trading::new(11);
    let streams =
        StreamLimits { max_queue_messages: 200, max_queue_bytes: 100_000, ..StreamLimits::default() };
    let server = trading.serve(Limits { streams, ..Limits::default() }).await;
    // A client with little room of its own, as one has that reads nothing.
    let endpoint = Endpoint::from_shared(format!("http://{}", server.local_addr())).unwrap();
    let slow = endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
    let (slow, fast) = (slow.connect().await.unwrap(), connect(&server).await);
    let asked = request(&trading, &PEOPLE, &[0, 1, 2], false);
    let mut slow = Listener::begin(&slow, asked.clone()).await;
    let mut fast = Listener::begin(&fast, asked).await;
    for _ in 0..80 {
        trading.trade();
        fast.until(trading.world.height()).await;
        fast.known.equals(&trading.world, &fast.request);
    }
    let mut taken = 0;
    let status = loop {
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), slow.next()).await;
        match next.expect("it was cut off") {
            Ok(Some(_)) => taken += 1,
            Ok(None) => panic!("the end has a reason"),
            Err(status) => break status,
        }
    };
    println!("the slow one took {taken} messages, then: {status:?}");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("cut off"), "{status:?}");
    fast.known.equals(&trading.world, &fast.request);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_blocks_come_faster_than_they_are_told_a_snapshot_makes_up_for_it() {
    let mut trading = Trading::new(13);
    let streams = StreamLimits { max_backlog: 1, ..StreamLimits::default() };
    let server = trading.serve(Limits { streams, ..Limits::default() }).await;
    let channel = connect(&server).await;
    let asked = request(&trading, &PEOPLE, &[0, 1, 2], false);
    let mut listener = Listener::begin(&channel, asked).await;
    for _ in 0..20 {
        for _ in 0..5 {
            trading.trade();
        }
        listener.until(trading.world.height()).await;
        listener.known.equals(&trading.world, &listener.request);
    }
    println!("{:?}", listener.known.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_beyond_the_number_are_refused_and_places_come_back() {
    let trading = Trading::new(17);
    let streams = StreamLimits { max_subscribers: 3, ..StreamLimits::default() };
    let server = trading.serve(Limits { streams, ..Limits::default() }).await;
    let channel = connect(&server).await;
    let asked = request(&trading, &PEOPLE, &[0], false);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Listener::begin(&channel, asked.clone()).await);
    }
    let refused = raw(&channel, asked.encode_to_vec()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    drop(held);
    for _ in 0..200 {
        if raw(&channel, asked.encode_to_vec()).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no place came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_make_no_sense_are_refused_and_the_server_goes_on() {
    let trading = Trading::new(19);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let many =
        wire::StreamOrderbookUpdatesRequest { clob_pair_id: (0..2_000).collect(), ..Default::default() };
    let own = wire::StreamOrderbookUpdatesRequest {
        clob_pair_id: vec![0],
        filter_orders_by_subaccount_id: true,
        ..Default::default()
    };
    let nobody = wire::StreamOrderbookUpdatesRequest {
        subaccount_ids: vec![accounts_wire::SubaccountId { owner: "nobody".into(), number: 0 }],
        ..Default::default()
    };
    let far = wire::StreamOrderbookUpdatesRequest {
        subaccount_ids: vec![accounts_wire::SubaccountId {
            number: u32::MAX,
            ..trading.world.wire_id("ann")
        }],
        ..Default::default()
    };
    let hostile =
        [Vec::new(), many.encode_to_vec(), own.encode_to_vec(), nobody.encode_to_vec(), far.encode_to_vec()];
    for request in hostile.into_iter().chain([vec![255; 40], vec![0x0a, 0xff, 0xff, 0xff, 0x7f]]) {
        let refused = raw(&channel, request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}: {refused:?}");
    }
    let long = raw(&channel, vec![0; 1 << 20]).await.unwrap_err();
    assert_eq!(long.code(), Code::ResourceExhausted);
    // A market that is not there has an empty book, and may be listed one day.
    let none = wire::StreamOrderbookUpdatesRequest { clob_pair_id: vec![u32::MAX], ..Default::default() };
    let mut listener = Listener::begin(&channel, none).await;
    let first = listener.next().await.unwrap().unwrap();
    listener.known.hear(&listener.request, first);
    assert!(listener.known.begun(&listener.request));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_ends_its_streams_at_once() {
    let trading = Trading::new(23);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let mut listener = Listener::begin(&channel, request(&trading, &PEOPLE, &[0], false)).await;
    listener.until(trading.world.height()).await;
    server.stop().await;
    let ended = listener.next().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    assert!(ended.message().contains("stops"), "{ended:?}");
}
