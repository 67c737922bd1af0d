//! Votes into prices: the median, the quorum, and the honest range.
#![cfg(test)]
#![expect(clippy::arithmetic_side_effects, reason = "the properties count with small numbers")]

use std::collections::BTreeMap;

use num::Price;
use prices::{aggregate, Vote};
use proptest::prelude::*;
use types::MarketId;

const MARKET: MarketId = MarketId(0);

fn vote(validator: u8, power: u64, price: u64) -> Vote {
    Vote { validator: [validator; 20], power, prices: vec![(MARKET, Price::new(price))] }
}

fn votes(rows: &[(u64, u64)]) -> Vec<Vote> {
    let numbered = rows.iter().zip(0u8..);
    numbered.map(|((price, power), validator)| vote(validator, *power, *price)).collect()
}

fn decided(rows: &[(u64, u64)], total: u64) -> Option<u64> {
    aggregate(&votes(rows), total).get(&MARKET).map(|price| price.raw())
}

#[test]
fn the_price_is_the_lower_median_by_stake() {
    let attack = [(99_990, 10), (100_000, 20), (100_020, 25), (100_050, 15), (250_000, 29)];
    for (name, rows, total, expected) in [
        ("V-O1", attack.as_slice(), 99, Some(100_020)),
        ("one validator", &[(7, 1)], 1, Some(7)),
        ("an even split takes the lower", &[(10, 1), (20, 1)], 2, Some(10)),
        ("half and a bit takes the upper", &[(10, 49), (20, 51)], 100, Some(20)),
        ("unsorted", &[(30, 1), (10, 1), (20, 1)], 3, Some(20)),
        ("largest powers and prices", &[(u64::MAX, u64::MAX), (1, 1)], u64::MAX, Some(u64::MAX)),
    ] {
        assert_eq!(decided(rows, total), expected, "{name}");
    }
}

#[test]
fn strictly_more_than_two_thirds_must_report() {
    for (name, reporting, total, decides) in [
        ("exactly two thirds", 2, 3, false),
        ("exactly two thirds of 99", 66, 99, false),
        ("two thirds and one", 67, 99, true),
        ("rounded down two thirds", 66, 100, false),
        ("all", 100, 100, true),
        ("no power at all", 0, 0, false),
        ("no power of some", 0, 100, false),
        ("two thirds of the largest", 12_297_829_382_473_034_410, u64::MAX, false),
    ] {
        assert_eq!(decided(&[(5, reporting)], total).is_some(), decides, "{name}");
    }
}

#[test]
fn orc_01_a_price_needs_more_than_two_thirds_whoever_stays_silent() {
    let mut decided_by = 0;
    for silent in 0u16..1 << 12 {
        let speaks = |validator: &u8| silent >> validator & 1 == 0;
        let cast: Vec<Vote> = (0u8..12).filter(speaks).map(|validator| vote(validator, 1, 7)).collect();
        let reporting = cast.len();
        let answer = aggregate(&cast, 12).get(&MARKET).copied();
        assert_eq!(answer, (reporting > 8).then(|| Price::new(7)), "{reporting} of 12");
        decided_by += u32::from(answer.is_some());
    }
    assert_eq!(decided_by, 1 + 12 + 66 + 220, "sets of 12, 11, 10 and 9");
}

#[test]
fn quorum_is_counted_for_each_market() {
    let both = [(MarketId(0), Price::new(5)), (MarketId(1), Price::new(6))];
    let votes = [
        Vote { validator: [1; 20], power: 2, prices: both.to_vec() },
        Vote { validator: [2; 20], power: 1, prices: both.iter().take(1).copied().collect() },
    ];
    assert_eq!(aggregate(&votes, 3), BTreeMap::from([(MarketId(0), Price::new(5))]));
}

#[test]
fn orc_02_a_validator_counts_once_and_names_a_market_once() {
    let twice = [vote(1, 50, 900), vote(1, 50, 900), vote(2, 50, 100)];
    assert_eq!(aggregate(&twice, 150), BTreeMap::new(), "100 of 150 are not more than two thirds");
    let repeated = Vote { prices: vec![(MARKET, Price::new(8)), (MARKET, Price::new(9))], ..vote(1, 1, 0) };
    assert_eq!(aggregate(&[repeated], 1), BTreeMap::from([(MARKET, Price::new(8))]));
}

#[test]
fn a_price_of_zero_is_no_vote() {
    assert_eq!(decided(&[(0, 50), (7, 50)], 100), None);
    assert_eq!(decided(&[(0, 10), (7, 90)], 100), Some(7));
}

#[test]
fn the_order_of_the_votes_does_not_matter() {
    let mut rows = votes(&[(3, 7), (1, 5), (2, 9), (2, 4)]);
    let first = aggregate(&rows, 25);
    rows.reverse();
    assert_eq!(aggregate(&rows, 25), first);
}

/// A committee: power, and whether it is honest, silent or faulty; honest prices lie in 100..=120.
fn committee() -> impl Strategy<Value = Vec<(u64, u8, u64)>> {
    let member = (1u64..1_000, 0u8..4, prop_oneof![Just(1u64), Just(u64::MAX), 90u64..130]);
    prop::collection::vec(member, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// With less than a third faulty the answer, if there is one, lies within the honest votes (ORC-03).
    #[test]
    fn orc_03_the_answer_lies_within_the_honest_votes(members in committee()) {
        let total: u64 = members.iter().map(|(power, _, _)| power).sum();
        let mut faulty = 0u64;
        let mut honest = Vec::new();
        let mut cast = Vec::new();
        for ((power, role, price), validator) in members.iter().zip(0u8..) {
            // Roles: 0 faulty while that keeps the faulty below a third, 1 silent, else honest.
            let may_fail = (faulty + power) * 3 < total;
            if *role == 0 && may_fail {
                faulty += power;
                cast.push(vote(validator, *power, *price));
            } else if *role != 1 {
                let price = 100 + price % 21;
                honest.push(price);
                cast.push(vote(validator, *power, price));
            }
        }
        let reporting: u64 = cast.iter().map(|vote| vote.power).sum();
        let answer = aggregate(&cast, total).get(&MARKET).map(|price| price.raw());
        prop_assert_eq!(answer.is_some(), reporting * 3 > total * 2);
        if let Some(price) = answer {
            prop_assert!(honest.iter().min() <= Some(&price) && Some(&price) <= honest.iter().max());
        }
    }

    /// Reporting a higher price never lowers the answer.
    #[test]
    fn a_higher_vote_never_lowers_the_price(members in committee(), who in 0usize..60, more in 1u64..50) {
        let rows: Vec<(u64, u64)> = members.iter().map(|(power, _, price)| (*price, *power)).collect();
        let total = rows.iter().map(|(_, power)| power).sum();
        let mut raised = rows.clone();
        if let Some(row) = raised.get_mut(who) {
            row.0 = row.0.saturating_add(more);
        }
        prop_assert!(decided(&raised, total) >= decided(&rows, total));
    }
}
