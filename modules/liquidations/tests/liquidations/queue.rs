//! Whose turn it is when a block has less room than there are accounts: the worst off, and nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{account, quote, reference, World, BTC, DOLLAR, ONE_BTC};
use liquidations::queue::{turns, Candidate};
use liquidations::Params;
use subaccounts::Risk;
use types::{Address, SubaccountId};

fn id(number: u32) -> SubaccountId {
    SubaccountId { owner: Address::new([7; 20]), number }
}

fn candidate(number: u32, net: i128, since: Option<u64>) -> Candidate {
    let risk = Risk { net_collateral: quote(net), maintenance: quote(100), ..Risk::default() };
    Candidate { id: id(number), risk, since }
}

fn order(candidates: &[Candidate], room: usize) -> Vec<u32> {
    turns(candidates.to_vec(), room).iter().map(|id| id.number).collect()
}

#[test]
fn liq_04_the_worst_off_come_first_and_ties_go_to_the_lower_id() {
    let mut candidates = [(4, 50), (2, -5), (3, 20), (1, 20)].map(|(id, net)| candidate(id, net, None));
    assert_eq!(order(&candidates, 10), [2, 1, 3, 4]);
    candidates.reverse();
    assert_eq!(order(&candidates, 4), [2, 1, 3, 4], "the order of arrival does not matter");
    assert_eq!(order(&candidates, 2), [2, 1]);
}

#[test]
fn half_of_the_room_is_for_those_who_wait_longest() {
    let since = [None, None, None, Some(8), Some(7), Some(7), Some(1)];
    let candidates: Vec<_> =
        (1..).zip(since).map(|(id, since)| candidate(id, i128::from(id), since)).collect();
    assert_eq!(order(&candidates, 4), [1, 7, 2, 5]);
    assert_eq!(order(&candidates, 3), [1, 7, 2]);
    assert_eq!(order(&candidates, 1), [1]);
    assert_eq!(order(&candidates, 10), [1, 7, 2, 5, 3, 6, 4]);
}

#[test]
fn liq_02_five_thousand_accounts_that_nobody_can_help_all_get_their_turn() {
    let (count, room) = (5_000, 50);
    let mut since: BTreeMap<u32, Option<u64>> = (0..count).map(|number| (number, None)).collect();
    let mut attempts: BTreeMap<u32, u32> = BTreeMap::new();
    for height in 0..=2 * u64::from(count) / 50 {
        let all: Vec<_> =
            since.iter().map(|(number, since)| candidate(*number, i128::from(*number), *since)).collect();
        let attempted = order(&all, room);
        for (number, since) in &mut since {
            if attempted.contains(number) {
                *attempts.entry(*number).or_default() += 1;
                *since = None;
            } else {
                since.get_or_insert(height);
            }
        }
    }
    assert_eq!(attempts.len(), 5_000);
    assert_eq!(attempts[&0], 201, "the worst off is tried in every block");
}

#[test]
fn liq_02_accounts_without_room_are_remembered_until_their_turn() {
    // Twenty accounts, each short 0.01 BTC and below its margin; nobody sells.
    let size = ONE_BTC / 100;
    let held = [(BTC, -size)];
    let holders: Vec<_> =
        (1..=20).map(|name| (name, (505 + i128::from(name)) * DOLLAR, held.as_slice())).collect();
    let mut world = World::new(&holders, 0);
    world.set_params(Params { max_accounts: 4, ..reference() });
    let waiting = |world: &World| -> BTreeMap<SubaccountId, u64> {
        liquidations::genesis::export(&world.state).waiting.into_iter().collect()
    };
    let mut attempted = BTreeSet::new();
    for block in 1..=10 {
        let report = world.liquidate();
        assert_eq!((report.below, report.attempted, report.liquidations), (20, 4, 0));
        let waiting = waiting(&world);
        assert_eq!(waiting.len(), 16, "block {block}");
        attempted.extend((1..=20).filter(|name| !waiting.contains_key(&account(*name))));
        world.next_block();
    }
    assert_eq!(attempted.len(), 20, "{attempted:?}");
    // They recover, and nothing is remembered.
    world.set_price(BTC, 4_500_000_000);
    assert_eq!(world.liquidate().below, 0);
    assert!(waiting(&world).is_empty());
}
