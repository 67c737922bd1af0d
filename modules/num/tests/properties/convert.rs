//! Conversions between base, quote and prices.

use num::{fill_quote, oracle_value, quote_to_base, BaseQuantums, Price, QuoteQuantums, Round, Subticks};
use num_traits::Signed;
use proptest::prelude::*;

use crate::model::{any_exponent, any_number, any_price, config, narrow, ten_to, whole};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_fill_costs_its_exact_value_rounded_down(
        base in any_number(), price in any_price(), exponent in any_exponent(),
    ) {
        let exact = whole(base).abs() * whole(price) * ten_to(exponent);
        let answer = fill_quote(BaseQuantums::new(base), Subticks::new(price), exponent);
        prop_assert_eq!(answer.map(QuoteQuantums::raw), narrow(&exact, Round::Floor));
    }

    #[test]
    fn an_oracle_value_is_the_exact_value_toward_zero(
        base in any_number(), price in any_price(), exponent in any_exponent(),
    ) {
        let exact = whole(base) * whole(price) * ten_to(exponent);
        let answer = oracle_value(BaseQuantums::new(base), Price::new(price), exponent);
        prop_assert_eq!(answer.map(QuoteQuantums::raw), narrow(&exact, Round::Trunc));
    }

    #[test]
    fn base_for_quote_is_the_exact_size_toward_zero(
        quote in any_number(), price in any_price(), exponent in any_exponent(),
    ) {
        let expected = (price != 0)
            .then(|| whole(quote) * ten_to(-exponent) / whole(price))
            .and_then(|exact| narrow(&exact, Round::Trunc));
        let answer = quote_to_base(QuoteQuantums::new(quote), Price::new(price), exponent);
        prop_assert_eq!(answer.map(BaseQuantums::raw), expected);
    }

    #[test]
    fn base_bought_for_quote_is_never_worth_more_than_the_quote(
        quote in any_number(), price in 1_u64.., exponent in -20_i32..=20,
    ) {
        let quote = QuoteQuantums::new(quote.checked_abs().unwrap_or(i128::MAX));
        if let Some(base) = quote_to_base(quote, Price::new(price), exponent) {
            let worth = oracle_value(base, Price::new(price), exponent);
            prop_assert!(worth.is_some_and(|worth| worth <= quote));
        }
    }
}
