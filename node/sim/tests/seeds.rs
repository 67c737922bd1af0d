//! Seeds that are told in every run of the tests. `BALLAST_SIM_SEEDS` and `BALLAST_SIM_BLOCKS` ask for more,
//! `BALLAST_SIM_FIRST` for other ones.

use std::io::Write as _;

use sim::{many, shrink, simulate, Canary, Counts, Mode, Small, Story};
use store::State;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn told(mode: Mode, (seeds, blocks): (u64, u64)) -> Counts {
    let (seeds, blocks) = (asked("BALLAST_SIM_SEEDS", seeds), asked("BALLAST_SIM_BLOCKS", blocks));
    let story = Story::new(asked("BALLAST_SIM_FIRST", 1), blocks, mode);
    let all = many(&story, seeds, 2).unwrap_or_else(|(story, failure)| panic!("{failure}\nagain: {story}"));
    // Past what the runner of the tests holds back: how much was tried belongs into every log.
    std::io::stderr().write_all(format!("{mode:?} mode: {all}\n").as_bytes()).unwrap();
    assert_eq!((all.seeds, all.blocks), (seeds, seeds * blocks));
    assert_eq!(all.idle(), Vec::<&str>::new(), "nothing was tried of these");
    all
}

#[test]
fn nothing_that_people_and_faults_do_breaks_a_law() {
    let all = told(Mode::Lite, (64, 320));
    if all.blocks >= 20_000 {
        assert!(
            all.summary.deleveragings > 0 && all.summary.funding_payments > 10,
            "the crowd is too tame: {all}"
        );
        assert!(all.refused.len() >= 25, "too little goes wrong: {all}");
        assert!(all.healed * 10 > all.seeds * 8, "chains are not as before after the chaos: {all}");
    }
}

#[test]
fn four_nodes_that_are_kept_in_different_ways_agree_on_every_block() {
    let all = told(Mode::Full, (10, 200));
    let killed = all.rounds.faults.get("killed before a block").copied().unwrap_or_default();
    assert!(killed * 5 > all.blocks * 4, "one of them begins anew before each block: {all}");
}

/// Plant a bug; answers how it shows and what is left of the story.
fn found(canary: Canary, mode: Mode) -> Small {
    let mut story = Story::new(1, 40, mode);
    story.canary = Some(canary);
    let (story, failure) = many(&story, 3, 1).expect_err("a planted bug is not found");
    let small = shrink(&story, failure, 60);
    println!(
        "{canary:?}: {}\n  {} of {} parts, again: {}",
        small.failure,
        small.failure.told.len(),
        small.before,
        small.story
    );
    small
}

#[test]
fn abci_42_abci_43_planted_bugs_are_found_and_their_stories_are_small_and_fail_again() {
    let cases = [
        (Canary::Clock, Mode::Full, "I-28", 5),
        (Canary::Money, Mode::Lite, "I-2", 5),
        (Canary::Write, Mode::Lite, "the node does not start", 5),
        (Canary::Write, Mode::Full, "the node does not start", 5),
        // People must have deposited and traded.
        (Canary::Fee, Mode::Lite, "the second model says", 15),
    ];
    for (canary, mode, law, most) in cases {
        let small = found(canary, mode);
        assert!(small.failure.reason.contains(law), "{}", small.failure);
        assert!(small.failure.told.len() <= most, "{} parts are left", small.failure.told.len());
        let again = simulate(&small.story).expect_err("it fails each time");
        assert_eq!(again, small.failure);
    }
}

#[test]
fn a_run_that_tried_nothing_says_so() {
    let nothing = many(&Story::new(1, 10, Mode::Lite), 0, 2).unwrap();
    assert!(nothing.idle().contains(&"seeds") && nothing.idle().contains(&"blocks"));
    let mut many_blocks = nothing;
    many_blocks.blocks = 10_000;
    assert!(many_blocks.idle().contains(&"disk full") && many_blocks.idle().contains(&"I-2"));
}

#[test]
fn a_seed_always_tells_the_same_story() {
    let told = |seed| simulate(&Story::new(seed, 20, Mode::Full));
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

#[test]
fn abci_42_money_out_of_nowhere_is_noticed() {
    let mut world = scenario::World::new(&["alice"], 1_000_000);
    world.block();
    let pool = subaccounts::pool();
    let denom = world.machine.chain().collateral.clone();
    assert_eq!(bank::balance(world.machine.state(), &pool, &denom), 0);
    let deposit = world.deposit("alice", 500_000);
    assert_eq!(world.run("alice", &[deposit]).refusal, None);
    // The row of the pool's balance, with one unit more in it.
    let memory = world.machine.memory();
    let before = 500_000_u128.to_le_bytes();
    let row = memory.iter().find(|(key, value)| {
        key[0] == 0x10 && value.as_ref() == before && key.windows(20).any(|part| part == pool.bytes())
    });
    let key = row.map(|(key, _)| key.clone()).expect("the pool has a balance");
    memory.set(&key, &500_001_u128.to_le_bytes());
    memory.take_changes();
    let input = world.input(Vec::new());
    let fault = world.apply(&input).expect_err("a law is broken");
    assert!(fault.reason.starts_with("I-2"), "{fault}");
}
