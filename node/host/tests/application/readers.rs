//! Readers and blocks at the same time: a block waits for nobody who reads.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::time::Duration;

use host::Host;
use store::Read;

use crate::engine::Engine;

const READERS: usize = 8;

/// Only a test that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// A gate that opens once.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// Five blocks on a thread of their own, so that blocks which wait are seen. Answers the engine afterwards.
fn five_blocks(mut engine: Engine) -> Engine {
    let (done, blocks) = mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..5 {
            engine.block(&[]);
        }
        let _ = done.send(engine);
    });
    blocks.recv_timeout(PATIENCE).expect("blocks wait for readers")
}

fn started() -> (Engine, Host) {
    let mut engine = Engine::in_memory(&["alice"]);
    engine.block(&[]);
    let host = engine.host.clone();
    (engine, host)
}

#[test]
fn net_14_blocks_do_not_wait_for_readers_that_stay_in_the_middle_of_a_row() {
    let (engine, host) = started();
    let gate = Arc::new(Gate::default());
    let (inside, entered) = mpsc::channel();
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (host, gate, inside) = (host.clone(), gate.clone(), inside.clone());
            std::thread::spawn(move || {
                let (height, view) = host.view(0).unwrap();
                let (key, value) = view.next(Bound::Unbounded, Bound::Unbounded).unwrap();
                let found = view.read(&key, &mut |bytes| {
                    inside.send(()).unwrap();
                    gate.pass();
                    assert_eq!(bytes, value);
                });
                (found, height)
            })
        })
        .collect();
    for _ in 0..READERS {
        entered.recv_timeout(PATIENCE).unwrap();
    }
    let engine = five_blocks(engine);
    assert_eq!(host.last_block().height, 6);
    gate.open();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), (true, 1));
    }
    drop(engine);
}

#[test]
fn net_14_queries_from_all_sides_are_answered_from_whole_blocks_while_blocks_go_on() {
    let (mut engine, host) = started();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let askers: Vec<_> = (0..READERS)
        .map(|_| {
            let (host, stop, asked) = (host.clone(), stop.clone(), asked.clone());
            std::thread::spawn(move || {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    for path in app::query::methods() {
                        // What makes no sense without arguments is refused; nothing fails.
                        match host.call(&path, b"", 0) {
                            Ok(answer) => {
                                assert!(answer.height >= last, "{path} goes back to {}", answer.height);
                                last = answer.height;
                            }
                            Err(failure) => assert_ne!(failure.kind as i32, 13, "{path}: {failure}"),
                        }
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for _ in 0..4 {
        engine = five_blocks(engine);
    }
    stop.store(true, Ordering::Relaxed);
    askers.into_iter().for_each(|asker| asker.join().unwrap());
    let asked = asked.load(Ordering::Relaxed);
    println!("{asked} queries beside 20 blocks");
    assert!(asked > 100 && host.last_block().height == 21);
}
