//! Whoever trades only with itself in a market that stands still and asks no fees does not gain (I-32), and no law
//! raises a false alarm, whatever is donated, rounded or decreed.

use sim::{frozen, Role};

#[test]
fn mar_01_no_kind_of_agent_gains_in_a_frozen_market_without_fees() {
    let (mut checked, mut fills) = (0, 0);
    for role in Role::ALL {
        for seed in 1..=4 {
            let told = frozen(&[role], seed, 60).unwrap_or_else(|broken| panic!("{}: {broken}", role.name()));
            assert!(told.gain <= 0, "{} gained {} with seed {seed}: {told:?}", role.name(), told.gain);
            assert!(told.tally.of(role).succeeded > 0 || role == Role::Governor, "{told:?}");
            (checked, fills) = (checked + 1, fills + told.fills);
        }
    }
    println!("{checked} groups alone, {fills} fills, none gained, no law raised an alarm");
    assert!(checked == 44 && fills > 300, "{checked} groups, {fills} fills");
}

#[test]
fn everybody_together_gains_nothing_in_a_frozen_market_without_fees() {
    for seed in 1..=4 {
        let told = frozen(&Role::ALL, seed, 60).unwrap();
        println!("{seed}: {} fills, {}, 0 false alarms", told.fills, told.tally);
        assert!(told.gain <= 0, "all gained {} with seed {seed}", told.gain);
        assert!(told.fills > 50 && told.tally.idle().is_empty(), "{told:?}");
    }
}
