//! Our tree and store against the `jmt` crate over RocksDB, in one run:
//! `cargo run --release -p tree --example tree_bench -- [KEYS] [UPDATES]`.
//!
//! Each round gives new values to random keys, first to our tree alone, then to our whole store (tree, views,
//! undo rows, synced write), then to `jmt` (nodes read through RocksDB with a large cache, new nodes and
//! values written without sync). Roots must agree in every round. Times are medians per update, on the wall
//! and on the processors: on a busy machine only the second can be compared.

use std::sync::Arc;
use std::time::Instant;

use jmt::storage::{LeafNode, Node, NodeBatch, NodeKey, TreeReader, TreeUpdateBatch};
use jmt::{KeyHash, OwnedValue, Sha256Jmt, Version};
use rocksdb::{BlockBasedOptions, Cache, Options, WriteBatch, DB};
use store::Change;
use tree::{Store, Tree};

const TABLE: tree::Table = &[(0x10, "bank")];
const ROUNDS: usize = 9;
const KEPT: usize = 4;
const LOAD_BATCH: usize = 50_000;

/// Wall and processor time, in microseconds per update.
type Times = (f64, f64);

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let keys: u64 = args.next().map_or(Ok(1_000_000), |arg| arg.parse())?;
    let updates: usize = args.next().map_or(Ok(10_000), |arg| arg.parse())?;
    let folder = tempfile::tempdir()?;
    let mut jmt = Jmt::open(&folder.path().join("jmt"))?;
    let (mut store, _) = Store::open(&folder.path().join("ours"), TABLE, KEPT)?;
    let mut tree = Tree::default();
    load(keys, &mut tree, &mut store, &mut jmt)?;

    let mut times: [Vec<Times>; 5] = Default::default();
    let mut seed = 7;
    for round in 1..=ROUNDS as u64 {
        for (way, column) in [(Way::Sequential, 3), (Way::Batch, 4)] {
            let block = sorted((0..updates).map(|_| change(next(&mut seed) % keys, round)).collect());
            let mut time = |column: usize, start: Clock| times[column].push(start.per(block.len()));
            let start = Clock::now();
            let ours = tree.apply(&block);
            tree.forget(KEPT);
            time(0, start);
            let height = store.reader().latest().height() + 1;
            let start = Clock::now();
            store.stage(height, &block);
            time(1, start);
            store.commit(&[])?;
            time(2, start);
            let start = Clock::now();
            let theirs = jmt.commit(&block, way)?;
            time(column, start);
            assert_eq!(ours, theirs, "roots differ");
            assert_eq!(Some(ours), store.reader().latest().root("bank"), "roots differ");
        }
    }
    let hash = store.reader().latest().app_hash();
    drop(store);
    let start = Instant::now();
    let (_, loaded) = Store::open(&folder.path().join("ours"), TABLE, KEPT)?;
    assert_eq!(loaded.app_hash, hash, "the reopened store differs");
    println!("our store reopened and verified in {:.1} s", start.elapsed().as_secs_f64());
    report(keys, updates, times.map(median));
    Ok(())
}

fn load(keys: u64, tree: &mut Tree, store: &mut Store, jmt: &mut Jmt) -> anyhow::Result<()> {
    let all: Vec<Change> = sorted((0..keys).map(|i| change(i, 0)).collect());
    let start = Instant::now();
    store.stage(1, &all);
    store.commit(&[])?;
    println!("loaded {keys} keys: our store in {:.1} s", start.elapsed().as_secs_f64());
    tree.apply(&all);
    let start = Instant::now();
    for part in all.chunks(LOAD_BATCH) {
        jmt.commit(part, Way::Batch)?;
    }
    println!("jmt on RocksDB in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Medians of wall and processor time.
fn median(times: Vec<Times>) -> Times {
    let (mut wall, mut cpu): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
    wall.sort_by(f64::total_cmp);
    cpu.sort_by(f64::total_cmp);
    (wall[wall.len() / 2], cpu[cpu.len() / 2])
}

fn report(keys: u64, updates: usize, [tree, stage, whole, sequential, batch]: [Times; 5]) {
    let jmt = if sequential.0 < batch.0 { sequential } else { batch };
    let (by_tree, by_store) = ((jmt.0 / tree.0, jmt.1 / tree.1), (jmt.0 / whole.0, jmt.1 / whole.1));
    println!("microseconds per update, {keys} keys, {updates} updates, {ROUNDS} rounds, equal roots in each");
    println!("                                       wall  processors");
    for (name, (wall, cpu)) in [
        ("our tree", tree),
        ("our store, stage", stage),
        ("our store, stage + synced commit", whole),
        ("jmt on RocksDB, one by one", sequential),
        ("jmt on RocksDB, batch", batch),
        ("times faster: our tree", by_tree),
        ("times faster: our whole store", by_store),
    ] {
        println!("  {name:33}{wall:8.2}   {cpu:8.2}");
    }
    println!(
        "{{\"keys\":{keys},\"updates\":{updates},\"tree_us\":{:.3},\"stage_us\":{:.3},\"commit_us\":{:.3},\
         \"jmt_us\":{:.3},\"ratio_tree\":{:.2},\"ratio_store\":{:.2},\"ratio_tree_cpu\":{:.2},\
         \"ratio_store_cpu\":{:.2},\"roots_equal\":true}}",
        tree.0, stage.0, whole.0, jmt.0, by_tree.0, by_store.0, by_tree.1, by_store.1,
    );
}

/// Wall time, and processor time of all threads of this process, which others on the machine change little.
#[derive(Clone, Copy)]
struct Clock(Instant, f64);

impl Clock {
    fn now() -> Self {
        Self(Instant::now(), processor_nanos())
    }

    /// Microseconds for each of so many updates.
    fn per(&self, updates: usize) -> Times {
        let each = |micros: f64| micros / updates as f64;
        (each(self.0.elapsed().as_secs_f64() * 1e6), each((processor_nanos() - self.1) / 1e3))
    }
}

/// Sum over the threads that live, as Linux counts it.
fn processor_nanos() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = |path: std::path::PathBuf| {
        std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(|thread| spent(thread.path())).sum()
}

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// Key number `i` (33 bytes with the store's byte) and a value of 100 bytes of this round.
fn change(i: u64, round: u64) -> Change {
    let mut key = [0x10; 33];
    let mut seed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in key[1..].chunks_mut(8) {
        part.copy_from_slice(&((next(&mut seed) << 33) ^ next(&mut seed) ^ i).to_be_bytes());
    }
    let mut value = [7; 100];
    value[..8].copy_from_slice(&i.to_be_bytes());
    value[8..16].copy_from_slice(&round.to_be_bytes());
    (Arc::from(key), Some(Arc::from(value)))
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort();
    changes.dedup_by(|a, b| a.0 == b.0);
    changes
}

#[derive(Clone, Copy)]
enum Way {
    Sequential,
    Batch,
}

/// The `jmt` crate over RocksDB: nodes by key in one column family, values in another.
struct Jmt {
    db: DB,
    version: Version,
}

impl Jmt {
    fn open(path: &std::path::Path) -> anyhow::Result<Self> {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(1 << 30));
        blocks.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_write_buffer_size(128 << 20);
        options.set_compression_type(rocksdb::DBCompressionType::Lz4);
        options.set_block_based_table_factory(&blocks);
        let families =
            ["nodes", "values"].map(|name| rocksdb::ColumnFamilyDescriptor::new(name, options.clone()));
        Ok(Self { db: DB::open_cf_descriptors(&options, path, families)?, version: 0 })
    }

    fn commit(&mut self, changes: &[Change], way: Way) -> anyhow::Result<[u8; 32]> {
        let set = changes.iter().map(|(key, value)| {
            let value = value.as_ref().map(|value| value.to_vec()).unwrap_or_default();
            (KeyHash::with::<sha2::Sha256>(&key[1..]), value)
        });
        let tree = Sha256Jmt::new(&*self);
        let (root, batch): (_, TreeUpdateBatch) = match way {
            Way::Sequential => {
                tree.put_value_set(set.map(|(key, value)| (key, Some(value))), self.version)?
            }
            Way::Batch => {
                let (roots, batch) = tree.batch_put_value_sets(vec![set.collect()], None, self.version)?;
                (roots[0], batch)
            }
        };
        self.write(&batch.node_batch)?;
        self.version += 1;
        Ok(root.0)
    }

    fn write(&self, nodes: &NodeBatch) -> anyhow::Result<()> {
        let mut batch = WriteBatch::default();
        let family = |name| self.db.cf_handle(name).ok_or_else(|| anyhow::anyhow!("no {name}"));
        for (key, node) in nodes.nodes() {
            batch.put_cf(family("nodes")?, borsh::to_vec(key)?, borsh::to_vec(node)?);
        }
        for ((version, key), value) in nodes.values() {
            let key = [key.0.as_slice(), &version.to_be_bytes()].concat();
            batch.put_cf(family("values")?, key, value.as_deref().unwrap_or_default());
        }
        Ok(self.db.write(batch)?)
    }
}

impl TreeReader for Jmt {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let family = self.db.cf_handle("nodes").ok_or_else(|| anyhow::anyhow!("no nodes"))?;
        let node = self.db.get_pinned_cf(family, borsh::to_vec(key)?)?;
        Ok(node.map(|bytes| borsh::from_slice(&bytes)).transpose()?)
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(None)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}
