//! One history on every build: what a node computes follows from blocks, and from nothing that a compiler, a
//! processor or a number of threads may choose. Here threads; scripts/builds runs this in several builds and
//! compares the lines that it prints. `BALLAST_SIM_BLOCKS` asks for another length.

use sha2::{Digest, Sha256};
use sim::{Mode, Story};

/// SHA-256 over all rows, results and events of each block of a story, and how many rows it saw.
fn history(seed: u64, blocks: u64) -> (String, u64) {
    let (mut digest, mut rows) = (Sha256::new(), 0);
    let every = |height: u64, world: &mut scenario::World| {
        digest.update(height.to_le_bytes());
        for (key, value) in world.machine.memory().iter() {
            rows += 1;
            digest.update(u32::try_from(key.len()).unwrap().to_le_bytes());
            digest.update(key);
            digest.update(value);
        }
        digest.update(format!("{:?} {:?}", world.last.results, world.last.events));
        Ok(())
    };
    sim::watch(&Story::new(seed, blocks, Mode::Lite), every).unwrap_or_else(|failure| panic!("{failure}"));
    (hex::encode(digest.finalize()), rows)
}

#[test]
fn abci_44_a_history_is_the_same_on_any_number_of_threads() {
    let asked = std::env::var("BALLAST_SIM_BLOCKS").ok().and_then(|text| text.parse().ok());
    let blocks = asked.unwrap_or(120);
    for seed in 1..=2 {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| history(seed, blocks))
        };
        let (one, others) = (on(1), [2, 5].map(on));
        for other in others {
            assert_eq!(one, other, "seed {seed}");
        }
        assert!(one.1 > blocks, "there was no state");
        println!("ABCI-44: seed {seed}, {blocks} blocks, {} rows: {}", one.1, one.0);
    }
}
