//! One price of several sources.

use std::collections::BTreeMap;

use crate::Prices;

/// The median of each market that at least `least` sources price (`least` of 0 counts as 1). Of an even number
/// the two middle ones are averaged, rounded down. One lying source of three moves nothing beyond the other two.
pub fn median(sources: &[Prices], least: usize) -> Prices {
    let mut all: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (market, price) in sources.iter().flatten() {
        all.entry(*market).or_default().push(*price);
    }
    all.retain(|_, prices| prices.len() >= least.max(1));
    all.into_iter().map(|(market, prices)| (market, middle(prices))).collect()
}

fn middle(mut prices: Vec<u64>) -> u64 {
    prices.sort_unstable();
    let (low, high) = (prices[(prices.len() - 1) / 2], prices[prices.len() / 2]);
    low + (high - low) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(rows: &[(u32, u64)]) -> Prices {
        rows.iter().copied().collect()
    }

    #[test]
    fn one_wild_source_of_three_does_not_move_the_price_beyond_the_others() {
        let honest = [prices(&[(0, 100), (1, 50)]), prices(&[(0, 102)])];
        for wild in [1, 101, u64::MAX] {
            let sources = [honest[0].clone(), prices(&[(0, wild)]), honest[1].clone()];
            assert!((100..=102).contains(&median(&sources, 3)[&0]));
        }
    }

    #[test]
    fn orc_05_a_market_with_too_few_sources_has_no_price() {
        let sources = [prices(&[(0, 100), (1, 50)]), prices(&[(0, 102)]), prices(&[(0, 104)])];
        assert_eq!(median(&sources, 3), prices(&[(0, 102)]));
        assert_eq!(median(&sources, 1), prices(&[(0, 102), (1, 50)]));
        assert_eq!(median(&[], 0), Prices::new());
    }

    #[test]
    fn of_an_even_number_the_two_middle_ones_are_averaged() {
        let sources: Vec<_> = [10, u64::MAX, 13, 1].map(|price| prices(&[(7, price)])).into();
        assert_eq!(median(&sources, 3), prices(&[(7, 11)]));
    }
}
