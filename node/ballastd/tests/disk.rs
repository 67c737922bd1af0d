//! Disks that fail: a system call of the node fails, is its last one, or finds no room. The node stops and says
//! why; started again it has all that it acknowledged, and the state of a twin that nothing happened to.
//!
//! strace injects failures and deaths. BALLAST_DISK_FAULTS says how many of each kind (1; scripts/crashtest asks
//! for more); BALLAST_SEED repeats a run.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::chain::Chain;
use support::{setting, Ended, Node};

/// How long a node trades before a call that was not reached is given up.
const PATIENCE: Duration = Duration::from_secs(4);

const KILLED: i32 = 9;

/// Whether a program is there, said aloud when it is not.
fn have(program: &str, arguments: &[&str]) -> bool {
    let quiet = || Stdio::null();
    let mut command = Command::new(program);
    let ran = command.args(arguments).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    let works = ran.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: {program} {} does not work here", arguments.join(" "));
    }
    works
}

/// A node that strace watches: `inject` is what it does to calls of `paths` (of all files if there are none).
fn start_traced(chain: &Chain, inject: &str, paths: &[String]) -> Result<Node, Ended> {
    let calls = inject.split(':').next().unwrap();
    let log = chain.home.file("strace.log");
    let mut command = Command::new("strace");
    // -D: the node itself is our child.
    command.args(["-D", "-f", "-qq", "-y", "-o"]).arg(log);
    command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
    for path in paths {
        command.args(["-P", path]);
    }
    command.arg(env!("CARGO_BIN_EXE_ballastd")).args(chain.home.start_args(&["--block-interval", "20"]));
    Node::try_spawn(&mut command)
}

/// Logs of the databases, which blocks are written to: those that the next start is going to make.
fn logs(chain: &Chain) -> Vec<String> {
    let of = |folder: &str| -> Vec<String> {
        let folder = chain.home.file(&format!("data/{folder}"));
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let numbers = names.filter_map(|path| path.file_stem()?.to_str()?.parse::<u64>().ok());
        let last = numbers.max().unwrap();
        let file = |number| folder.join(format!("{number:06}.log")).to_str().unwrap().to_owned();
        (last + 1..last + 40).map(file).collect()
    };
    [of("state.db"), of("blocks.db")].concat()
}

/// After a sync of a file failed, nobody tries to sync that file again.
fn no_sync_after_a_failed_one(log: &Path) {
    let text = std::fs::read_to_string(log).unwrap();
    let at = text.find("(INJECTED)").unwrap_or_else(|| panic!("nothing was injected: {text}"));
    let (before, after) = text.split_at(at);
    let thread = |line: &str| line.split(' ').next().unwrap().to_owned();
    let failed = before.lines().last().unwrap();
    // A call that others interrupt takes two lines; its file is in the first.
    let mut begun = before.lines().rev().filter(|line| thread(line) == thread(failed));
    let file = begun.find_map(|line| Some(line.split_once("</")?.1.split_once('>')?.0.to_owned()));
    let file = file.unwrap_or_else(|| panic!("no file in {failed}"));
    for line in after.lines().skip(1) {
        assert!(!line.contains(&format!("</{file}>")), "{failed}, but then {line}");
    }
}

/// It stopped because of its disk, and says at which block, why, and what to do.
fn stopped_for_its_disk(ended: &Ended, why: &str, what: &str) {
    assert_eq!((ended.code, ended.signal), (Some(74), None), "{what}: {ended:?}");
    let said = &ended.said;
    assert!(said.contains(why), "{what}: {said}");
    assert!(said.contains("ree or repair the disk, then start again"), "{what}: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abci_30_a_node_whose_sync_or_write_fails_stops_at_once_and_recovers() {
    if !have("strace", &["-o", "/dev/null", "true"]) {
        return;
    }
    let faults = setting("BALLAST_DISK_FAULTS", 1);
    let seed = setting("BALLAST_SEED", rand::random());
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chain = Chain::new();
    chain.deposit().await;
    let (mut stopped, mut missed) = (0, 0);
    for fault in 0..faults {
        let witness = vec![chain.home.file("data/state.db/HEIGHT").to_str().unwrap().to_owned()];
        let (call, most, paths) = match fault % 4 {
            0 | 2 => ("fdatasync", 60, Vec::new()),
            1 => ("write", 60, logs(&chain)),
            _ => ("write", 20, witness),
        };
        let inject = format!("{call}:error=EIO:when={}", random.gen_range(1..most));
        let ended = match start_traced(&chain, &inject, &paths) {
            Ok(node) => chain.load_until_it_ends(node, PATIENCE, &mut random).await,
            Err(ended) => Some(ended),
        };
        if let Some(ended) = ended {
            stopped_for_its_disk(&ended, "Input/output error", &inject);
            if call == "fdatasync" {
                no_sync_after_a_failed_one(&chain.home.file("strace.log"));
            }
            stopped += 1;
        } else {
            missed += 1;
        }
    }
    let (blocks, txs) = chain.finish().await;
    println!(
        "{faults} calls that fail: {stopped} stops with exit code 74, {missed} not reached; {blocks} blocks with \
         {txs} transactions compared with a twin, {} acknowledged and found again",
        chain.told.txs.len()
    );
    assert!(stopped > missed && blocks > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abci_02_a_node_that_dies_at_any_write_sync_or_rename_recovers() {
    if !have("strace", &["-o", "/dev/null", "true"]) {
        return;
    }
    let kills = setting("BALLAST_DISK_FAULTS", 1);
    let seed = setting("BALLAST_SEED", rand::random());
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chain = Chain::new();
    chain.deposit().await;
    let (mut killed, mut missed) = (0, 0);
    for kill in 0..kills {
        let (call, most) = [("fdatasync", 60), ("write", 300), ("fsync", 6), ("rename", 6), ("ftruncate", 6)]
            [usize::try_from(kill % 5).unwrap()];
        let inject = format!("{call}:signal=SIGKILL:when={}", random.gen_range(1..most));
        let ended = match start_traced(&chain, &inject, &[]) {
            Ok(node) => chain.load_until_it_ends(node, PATIENCE, &mut random).await,
            Err(ended) => Some(ended),
        };
        if let Some(ended) = ended {
            assert_eq!(ended.signal, Some(KILLED), "{inject}: {ended:?}");
            killed += 1;
        } else {
            missed += 1;
        }
    }
    let (blocks, txs) = chain.finish().await;
    println!(
        "{kills} calls to die at: {killed} deaths, {missed} not reached; {blocks} blocks with {txs} transactions \
         compared with a twin, {} acknowledged and found again",
        chain.told.txs.len()
    );
    assert!(killed > 0 && blocks > 0);
}

const INSIDE: &str = "BALLAST_TEST_SMALL_DISK";

/// Not a test of its own: what runs where it may mount. Ends at once when nobody asked for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_small_disk() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let mut chain = Chain::new();
    let data = chain.home.file("data");
    std::fs::create_dir_all(&data).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "none"]).arg(&data).status();
    assert!(mount.unwrap().success());
    chain.deposit().await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..setting("BALLAST_DISK_FAULTS", 1).min(10) {
        let balloon = data.join("balloon");
        let node = chain.home.start(&["--block-interval", "20"]);
        // Not all of these may go: the log in use may have room of its own left.
        let filled = std::thread::spawn({
            let balloon = balloon.clone();
            move || {
                std::thread::sleep(Duration::from_millis(300 + 100 * round));
                let mut file = std::fs::File::create(balloon).unwrap();
                for size in [1 << 16, 1 << 12, 1] {
                    while std::io::Write::write_all(&mut file, &vec![1_u8; size]).is_ok() {}
                }
            }
        });
        let ended = chain.load_until_it_ends(node, Duration::from_secs(40), &mut random).await;
        filled.join().unwrap();
        let ended = ended.expect("a node without room goes on");
        stopped_for_its_disk(&ended, "No space left on device", "full disk");
        // Nothing that it could say or do while the disk is full helps.
        let again = chain.home.start_to_end(&["--block-interval", "20"]);
        assert_eq!(again.code, Some(74), "{again:?}");
        std::fs::remove_file(&balloon).unwrap();
        println!("full disk {round}: {}", ended.said.lines().next().unwrap_or_default());
    }
    let (blocks, txs) = chain.finish().await;
    assert!(Command::new("umount").arg(&data).status().unwrap().success());
    println!("full disk: {blocks} blocks with {txs} transactions compared with a twin");
    assert!(blocks > 0);
}

#[test]
fn abci_29_abci_30_a_node_without_room_stops_before_it_acknowledges_and_recovers_with_room() {
    if !have("unshare", &["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]) {
        return;
    }
    let output = Command::new("unshare")
        .arg("-rm")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "on_a_small_disk", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("compared with a twin"), "{said}");
}
