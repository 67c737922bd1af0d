//! What a node does with memory: how much strangers make it take, and what is left of a chain whose node got no
//! more.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use client::Keyring;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use support::load::{check, compare_with_twin, connect, Told, Traders};
use support::{Home, Node};

/// Bytes that strangers may make a node take beside its state; ARCHITECTURE.md names it.
const CEILING: u64 = 2 << 30;

/// A number of the process, in bytes.
fn taken(node: &Node, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}

/// Post it, and read what comes back for a moment.
fn post(rpc: &str, body: &str) -> Option<()> {
    let mut stream = TcpStream::connect(rpc).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(300))).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(300))).ok()?;
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let _ = stream.read(&mut [0; 4_096]).ok()?;
    Some(())
}

#[test]
#[cfg(target_os = "linux")]
fn abci_39_nothing_that_strangers_send_takes_more_memory_than_the_ceiling() {
    let home = Home::with_chain(&["alice"]);
    let node = home.start(&["--block-interval", "50"]);
    let quiet = taken(&node, "VmHWM");
    // A megabyte of what could be a transaction, one that is only long, brackets, and bodies that never end.
    let rubbish = "A".repeat(1_300_000);
    let bodies = [
        format!(r#"{{"id":1,"method":"broadcast_tx_async","params":{{"tx":"{rubbish}"}}}}"#),
        format!(
            r#"{{"id":1,"method":"abci_query","params":{{"path":"/x","data":"{}"}}}}"#,
            &rubbish[..900_000]
        ),
        "[".repeat(900_000),
        format!("[{}]", vec![r#"{"id":1,"method":"genesis"}"#; 100].join(",")),
    ];
    // Bodies that lack their last byte: each is kept until its client is given up.
    let unfinished =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 990000\r\n\r\n{}", &rubbish[..989_999]);
    let open: Vec<_> = (0..800)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&node.rpc).ok()?;
            stream.set_write_timeout(Some(Duration::from_secs(2))).ok()?;
            stream.write_all(unfinished.as_bytes()).ok()?;
            Some(stream)
        })
        .collect();
    let sent: usize = std::thread::scope(|scope| {
        let (rpc, bodies) = (&node.rpc, &bodies);
        let threads: Vec<_> = (0..8)
            .map(|number: usize| {
                scope.spawn(move || {
                    (0..30).filter(|at| post(rpc, &bodies[(number + at) % 4]).is_some()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let most = taken(&node, "VmHWM");
    println!(
        "ABCI-39: {sent} of 240 answered, {} bodies unfinished; {} MB at rest, {} MB at most",
        open.len(),
        quiet >> 20,
        most >> 20
    );
    assert!(sent > 0 && !open.is_empty());
    assert!(most - quiet < CEILING, "{most} bytes");
    assert_eq!(node.stop(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
async fn abci_39_a_node_that_gets_no_more_memory_loses_nothing_and_starts_again() {
    let home = Home::with_chain(&["alice", "bob"]);
    let keyring = Keyring::new(home.file("keyring-test"));
    let (mut told, mut random) = (Told::default(), ChaCha8Rng::seed_from_u64(39));
    let mut died = 0;
    for round in 0..3 {
        let mut node = home.start(&["--block-interval", "20"]);
        check(&connect(&node.grpc).await, &told).await;
        let mut traders = Traders::new(&node.grpc, &keyring).await.unwrap();
        if round == 0 {
            traders.deposit(&mut told).await;
        }
        for _ in 0..5 {
            traders.round(&mut told, &mut random).await.unwrap();
        }
        // From now on it gets no page that it does not have.
        for limit in ["--as=1", "--data=1"] {
            let limits = Command::new("prlimit").args(["--pid", &node.pid().to_string(), limit]).status();
            assert!(limits.unwrap().success());
        }
        let until = Instant::now() + Duration::from_secs(5);
        let large = format!(r#"[{}]"#, vec![r#"{"id":1,"method":"genesis"}"#; 90].join(","));
        while !node.gone() && Instant::now() < until {
            let rounds = traders.round(&mut told, &mut random);
            let _ = tokio::time::timeout(Duration::from_millis(300), rounds).await;
            post(&node.rpc, &large);
        }
        died += u32::from(node.gone());
        node.kill();
    }
    let node = home.start(&["--block-interval", "20"]);
    let client = connect(&node.grpc).await;
    check(&client, &told).await;
    let (blocks, txs) = compare_with_twin(&client, &home).await;
    assert_eq!(node.stop(), 0);
    println!(
        "ABCI-39: {died} of 3 nodes ended; {blocks} blocks, {txs} transactions, {} told",
        told.txs.len()
    );
    assert!(died > 0 && !told.txs.is_empty());
}
