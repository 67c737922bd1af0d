//! Seeds that are told in every run of the tests. `BALLAST_SIM_SEEDS` and `BALLAST_SIM_BLOCKS` ask for more,
//! `BALLAST_SIM_FIRST` for other ones.

use sim::{simulate, Counts, Mode, Story};
use store::State;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_that_people_do_breaks_a_law() {
    let (first, seeds) = (asked("BALLAST_SIM_FIRST", 1), asked("BALLAST_SIM_SEEDS", 12));
    let blocks = asked("BALLAST_SIM_BLOCKS", 60);
    let mut all = Counts::default();
    for seed in first..first + seeds {
        match simulate(&Story::new(seed, blocks, Mode::Lite)) {
            Ok(counts) => all.add(&counts),
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{all}");
    assert_eq!((all.seeds, all.blocks), (seeds, seeds * blocks));
    if seeds >= 12 && blocks >= 60 {
        assert!(all.fills > 100 && all.liquidations > 10, "the crowd is too tame: {all}");
        assert!(all.deleveragings > 0 && all.funding_payments > 10, "the crowd is too tame: {all}");
        assert!(all.refused.len() >= 15, "too little goes wrong: {all}");
        assert_eq!(all.agents.idle(), [""; 0], "agents of which nothing succeeded");
        assert_eq!(sim::laws::unchecked(&all.by_law), [""; 0], "laws that were never evaluated");
    }
}

#[test]
fn a_seed_always_tells_the_same_story() {
    let told = |seed| simulate(&Story::new(seed, 20, Mode::Full));
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

#[test]
fn money_out_of_nowhere_is_noticed() {
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
