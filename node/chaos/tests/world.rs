//! Links and feeders as they are commanded, with sockets at both ends.

use std::net::SocketAddr;
use std::time::Duration;

use chaos::control::{ask, World};
use chaos::{Feeders, Links, Mood};
use feeder::{Listed, Outside};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::time::timeout;

/// Longer than anything here takes.
const EVER: Duration = Duration::from_secs(60);
/// Long enough for what does not happen to have had its chance.
const MOMENT: Duration = Duration::from_millis(150);

fn world() -> World {
    let market = Listed { market: 7, ticker: "A-USD".into(), exponent: -5, price: 1_000_000 };
    World { links: Links::new(3, 1), feeders: Feeders::new(3, 1, &[market]) }
}

/// A world, the listener of node 1, and where node 0 dials it.
async fn linked() -> (World, TcpListener, SocketAddr) {
    let (world, far) = (world(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let near = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = near.local_addr().unwrap();
    tokio::spawn(world.links.clone().carry((0, 1), near, far.local_addr().unwrap()));
    (world, far, address)
}

async fn connected(far: &TcpListener, near: SocketAddr) -> (TcpStream, TcpStream) {
    let dialled = TcpStream::connect(near).await.unwrap();
    (dialled, timeout(EVER, far.accept()).await.unwrap().unwrap().0)
}

/// Whether what is written on one side comes out of the other.
async fn passes(from: &mut TcpStream, to: &mut TcpStream, patience: Duration) -> bool {
    let mut buffer = [0; 4];
    from.write_all(b"ball").await.is_ok()
        && matches!(timeout(patience, to.read_exact(&mut buffer)).await, Ok(Ok(4)))
        && buffer == *b"ball"
}

/// Whether the other side has ended, as far as can be read.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    matches!(timeout(EVER, stream.read_to_end(&mut rest)).await, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn bytes_pass_both_ways_and_an_end_is_passed_on_after_them() {
    let (world, far, near) = linked().await;
    let (mut dialled, mut answering) = connected(&far, near).await;
    assert!(passes(&mut dialled, &mut answering, EVER).await);
    assert!(passes(&mut answering, &mut dialled, EVER).await);
    let much = vec![7; 3 << 20];
    let sent = much.clone();
    let writer = tokio::spawn(async move { dialled.write_all(&sent).await.map(|()| drop(dialled)) });
    let mut got = Vec::new();
    timeout(EVER, answering.read_to_end(&mut got)).await.unwrap().unwrap();
    writer.await.unwrap().unwrap();
    assert!(got == much, "{} bytes of {}", got.len(), much.len());
    assert_eq!(world.links.moved((0, 1)), 4 + (3 << 20));
    assert_eq!(world.links.moved((1, 0)), 4);
}

#[tokio::test]
async fn a_stalled_direction_holds_its_bytes_back_until_it_heals_and_the_other_goes_on() {
    let (world, far, near) = linked().await;
    let (mut dialled, mut answering) = connected(&far, near).await;
    assert_eq!(world.obey("stall 0 1"), "ok");
    assert!(!passes(&mut dialled, &mut answering, MOMENT).await);
    assert!(passes(&mut answering, &mut dialled, EVER).await);
    assert_eq!(world.obey("heal 0 1"), "ok");
    let mut late = [0; 4];
    timeout(EVER, answering.read_exact(&mut late)).await.unwrap().unwrap();
    assert_eq!(&late, b"ball");
}

#[tokio::test]
async fn what_is_swallowed_never_comes_and_its_connection_ends_when_it_heals() {
    let (world, far, near) = linked().await;
    let (mut dialled, mut answering) = connected(&far, near).await;
    assert_eq!(world.obey("swallow 0 1"), "ok");
    assert!(!passes(&mut dialled, &mut answering, MOMENT).await);
    assert!(passes(&mut answering, &mut dialled, EVER).await, "nobody notices");
    assert_eq!(world.obey("heal * *"), "ok");
    assert!(ends(&mut answering).await, "a stream with a hole does not go on");
    let (mut dialled, mut answering) = connected(&far, near).await;
    assert!(passes(&mut dialled, &mut answering, EVER).await);
}

#[tokio::test]
async fn a_cut_ends_connections_of_both_directions_and_new_ones_until_it_heals() {
    for cut in ["cut 0 1", "cut 1 0", "cut * 0"] {
        let (world, far, near) = linked().await;
        let (mut dialled, mut answering) = connected(&far, near).await;
        assert!(passes(&mut dialled, &mut answering, EVER).await);
        assert_eq!(world.obey(cut), "ok");
        assert!(ends(&mut dialled).await && ends(&mut answering).await, "{cut}");
        let mut refused = TcpStream::connect(near).await.unwrap();
        assert!(ends(&mut refused).await, "{cut}");
        assert_eq!(world.obey("heal * *"), "ok");
        let (mut dialled, mut answering) = connected(&far, near).await;
        assert!(passes(&mut dialled, &mut answering, EVER).await, "{cut}");
    }
}

#[tokio::test]
async fn a_cut_ends_a_connection_whose_bytes_are_all_late() {
    let (world, far, near) = linked().await;
    let (mut dialled, mut answering) = connected(&far, near).await;
    assert_eq!(world.obey("set 0 1 delay 60000"), "ok");
    let flood = tokio::spawn(async move { while dialled.write_all(&[1; 1 << 16]).await.is_ok() {} });
    assert!(timeout(MOMENT, answering.read_u8()).await.is_err(), "nothing comes");
    assert_eq!(world.obey("cut 0 1"), "ok");
    timeout(EVER, flood).await.expect("the writer ends").unwrap();
}

#[tokio::test]
async fn no_more_connections_are_kept_than_there_are_places() {
    let (_world, far, near) = linked().await;
    let mut kept = Vec::new();
    for _ in 0..16 {
        kept.push(connected(&far, near).await);
    }
    let mut more = TcpStream::connect(near).await.unwrap();
    assert!(ends(&mut more).await);
    drop(kept);
}

#[test]
fn commands_that_say_nothing_sensible_are_errors_and_change_nothing() {
    let world = world();
    for command in [
        "",
        "cut",
        "cut 0",
        "cut 0 0",
        "cut 0 3",
        "cut -1 0",
        "cut 0 1 2",
        "set 0 1 delay",
        "set 0 1 delay x",
        "set 0 1 delay 60001",
        "set 0 1 colour 3",
        "feeder 0",
        "feeder 3 dead",
        "feeder 0 angry",
        "price 9",
        "price x",
        "shout 0 1",
    ] {
        assert!(world.obey(command).starts_with("error "), "{command}");
    }
    let calm = Links::new(3, 1);
    assert!(world.links.pairs().all(|pair| world.links.weather(pair) == calm.weather(pair)));
    assert_eq!(world.obey("set * 2 rate 5 jitter 7 delay 9"), "ok");
    let weather = world.links.weather((0, 2)).unwrap();
    assert_eq!((weather.delay, weather.jitter, weather.rate), (9, 7, 5));
    assert_eq!(world.links.weather((2, 0)), calm.weather((2, 0)));
    assert_eq!(world.obey("set 0 2"), "ok");
    assert_eq!(world.links.weather((0, 2)), calm.weather((0, 2)));
}

#[tokio::test]
async fn commands_come_over_a_socket_and_one_that_never_ends_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chaos.sock");
    let world = world();
    tokio::spawn(world.clone().listen(UnixListener::bind(&path).unwrap()));
    assert_eq!(ask(&path, "feeder * hung").await.unwrap(), 0);
    assert_eq!(world.feeders.mood(2), Some(Mood::Hung));
    assert!(ask(&path, "price 7").await.unwrap() > 0);
    assert!(ask(&path, "dance").await.is_err());
    let mut endless = tokio::net::UnixStream::connect(&path).await.unwrap();
    let _ = endless.write_all(&[b'x'; 1000]).await;
    let mut rest = Vec::new();
    let ended = timeout(EVER, endless.read_to_end(&mut rest)).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orc_07_a_feeder_answers_as_its_mood_is() {
    let (world, free) = (world(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = free.local_addr().unwrap();
    drop(free);
    tokio::spawn(world.feeders.clone().serve(0, address));
    let asked = || tokio::task::block_in_place(|| Outside::at(address).ask());
    let until = |good: bool| async move {
        while asked().is_ok() != good {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(EVER, until(true)).await.unwrap();
    let truth = asked().unwrap()[&7];
    for mood in ["dead", "hung", "flooding", "broken"] {
        world.obey(&format!("feeder 0 {mood}"));
        timeout(EVER, until(false)).await.expect(mood);
        assert_eq!(world.obey("feeder 0 fine"), "ok");
        timeout(EVER, until(true)).await.expect(mood);
    }
    world.obey("feeder 0 lying");
    assert!(asked().unwrap()[&7] > truth * 500);
}
