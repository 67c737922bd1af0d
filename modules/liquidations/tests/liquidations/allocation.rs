//! Pro-rata allocation: exact, within what each holds, and the same for every order of the holders.

use liquidations::allocate::{allocate, Share};
use num::BaseQuantums;
use proptest::prelude::*;
use types::{Address, SubaccountId};

fn id(number: u32) -> SubaccountId {
    SubaccountId { owner: Address::new([7; 20]), number }
}

fn holders(sizes: &[i128]) -> Vec<Share> {
    (0..).zip(sizes).map(|(number, size)| (id(number), BaseQuantums::new(*size))).collect()
}

fn split(needed: i128, step: i128, sizes: &[i128]) -> Vec<i128> {
    let shares = allocate(BaseQuantums::new(needed), BaseQuantums::new(step), &holders(sizes)).unwrap();
    let mut given = vec![0; sizes.len()];
    shares.iter().for_each(|(id, share)| given[usize::try_from(id.number).unwrap()] = share.raw());
    given
}

#[test]
fn liq_16_shares_follow_sizes_and_remainders_ties_to_the_lower_id() {
    for (name, needed, step, sizes, expected) in [
        ("V-H1", 7, 1, vec![8, 4, 1], vec![4, 2, 1]),
        ("V-H2", 40, 1, vec![30, 50], vec![15, 25]),
        ("V-H4", 5, 1, vec![3, 3, 3], vec![2, 2, 1]),
        ("all", 13, 1, vec![8, 4, 1], vec![8, 4, 1]),
        ("more than all", 99, 1, vec![8, 4, 1], vec![8, 4, 1]),
        ("none", 0, 1, vec![8, 4], vec![0, 0]),
        ("in steps", 30, 10, vec![50, 30, 20], vec![10, 10, 10]),
        ("odd sizes", 25, 10, vec![13, 29], vec![10, 15]),
        ("one", 5, 10, vec![13], vec![5]),
        ("nobody", 5, 10, vec![], vec![]),
    ] {
        assert_eq!(split(needed, step, &sizes), expected, "{name}");
    }
    assert_eq!(allocate(BaseQuantums::new(1), BaseQuantums::ZERO, &holders(&[1])), None);
}

#[test]
fn liq_15_one_to_ten_thousand_counterparties_close_exactly_what_is_needed() {
    let mut random: u64 = 15;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i128::from((random >> 33) % limit)
    };
    for count in [1_usize, 2, 3, 7, 99, 500, 2_500, 10_000] {
        let sizes: Vec<i128> = (0..count).map(|_| 10 * (1 + below(1 << 30))).collect();
        let total: i128 = sizes.iter().sum();
        for needed in [10, total / 30 * 10, total - 10, total] {
            let given = split(needed, 10, &sizes);
            assert_eq!(given.iter().sum::<i128>(), needed, "{count}");
            for (size, given) in sizes.iter().zip(&given) {
                assert!((given * total - needed * size).abs() <= 10 * total, "{count}: {given} of {size}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn liq_15_the_sum_is_exact_and_nobody_gives_more_than_it_holds(
        sizes in prop::collection::vec(1i128..1 << 70, 1..40),
        part in 0i128..=1_000,
        step in prop_oneof![Just(1i128), 1i128..1 << 60],
    ) {
        let total: i128 = sizes.iter().sum();
        let needed = total / 1_000 * part;
        let given = split(needed, step, &sizes);
        prop_assert_eq!(given.iter().sum::<i128>(), needed.min(total));
        for (size, given) in sizes.iter().zip(&given) {
            prop_assert!(given <= size);
            // Within one step of the quota: |given * total - needed * size| <= step * total, in 256 bits.
            let quota = num::mul_div(needed, *size, total, num::Round::Floor).unwrap();
            prop_assert!((given - quota).abs() <= step, "{given} {quota} {step}");
        }
    }

    #[test]
    fn liq_16_the_order_of_the_holders_does_not_matter(
        sizes in prop::collection::vec(1i128..1_000, 1..30),
        needed in 1i128..20_000,
        step in 1i128..50,
        seed in any::<u64>(),
    ) {
        let sorted = holders(&sizes);
        let mut shuffled = sorted.clone();
        let mut state = seed;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        let (needed, step) = (BaseQuantums::new(needed), BaseQuantums::new(step));
        prop_assert_eq!(allocate(needed, step, &sorted), allocate(needed, step, &shuffled));
    }

    #[test]
    fn whole_steps_stay_whole(
        lots in prop::collection::vec(1i128..10_000, 1..30),
        part in 1i128..=100,
        step in 1i128..1 << 40,
    ) {
        let sizes: Vec<i128> = lots.iter().map(|lots| lots * step).collect();
        let needed = lots.iter().sum::<i128>() * part / 100 * step;
        for given in split(needed, step, &sizes) {
            prop_assert_eq!(given % step, 0);
        }
    }
}
