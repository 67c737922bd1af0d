//! The price at which an account may be liquidated: formula F6 of the README.

use num::{BaseQuantums, Price, QuoteQuantums};
use perpetuals::{Margin, Terms};
use subaccounts::Risk;

use crate::Error;

/// F6: for a long position the highest, for a short one the lowest oracle price of its market at which an account
/// of this health may be liquidated, all other prices unmoved. Nothing when no price from 1 to the largest does
/// that. `margin` is what the position `base` is worth and requires now.
///
/// One quote quantum more of worth never raises maintenance margin by more than one, so the answer is the edge of
/// one run of prices, and halving finds it.
pub fn liquidation_price(
    terms: &Terms,
    risk: &Risk,
    (base, margin): (BaseQuantums, &Margin),
) -> Result<Option<Price>, Error> {
    let rest = |all: QuoteQuantums, own| all.checked_sub(own).ok_or(Error::OutOfRange);
    let worth = rest(risk.net_collateral, margin.notional)?;
    let required = rest(risk.maintenance, margin.maintenance)?;
    let falls = |price: u64| {
        let price = Price::new(price);
        let health = (|| {
            Some(Risk {
                net_collateral: worth.checked_add(terms.notional(base, price).ok()?)?,
                initial: QuoteQuantums::ZERO,
                maintenance: required.checked_add(terms.maintenance_margin(base, price).ok()?)?,
            })
        })();
        // Beyond 128 bits a long position is worth more, and a short one owes more, than anything else can be.
        health.map_or(base.is_negative(), |health| health.is_liquidatable())
    };
    let (lowest, highest) = (1_u64, u64::MAX);
    Ok(if base.is_negative() {
        falls(highest).then(|| Price::new(edge(highest, lowest, falls)))
    } else {
        falls(lowest).then(|| Price::new(edge(lowest, highest, falls)))
    })
}

/// The last number on the way from `inside`, which falls, to `outside` that falls.
fn edge(mut inside: u64, mut outside: u64, falls: impl Fn(u64) -> bool) -> u64 {
    if falls(outside) {
        return outside;
    }
    while inside.abs_diff(outside) > 1 {
        let middle = inside.midpoint(outside);
        if falls(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}
