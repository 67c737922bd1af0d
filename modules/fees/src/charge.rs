//! A rate on an amount.

use num::{Ppm, QuoteQuantums, Round, SignedPpm};
use types::Address;

/// F1: fee of a fill: `ceil(quote * rate / 1e6)`, against the payer for fees and for rebates alike. `quote` is
/// not negative; nothing when the result does not fit.
pub fn charge(quote: QuoteQuantums, rate: SignedPpm) -> Option<QuoteQuantums> {
    rate.of(quote, Round::Ceil)
}

/// F7: builder fee of a fill: `ceil(quote * rate / 1e6)`; nothing when the result does not fit.
pub fn builder_charge(quote: QuoteQuantums, rate: Ppm) -> Option<QuoteQuantums> {
    rate.of(quote, Round::Ceil)
}

/// What both sides of a match pay; together never below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchFees {
    /// The taker's; a rebate is below zero.
    pub taker: QuoteQuantums,
    /// The maker's; a rebate is below zero.
    pub maker: QuoteQuantums,
}

/// F2: fees of both sides by F1, where a rebate is at most what the other side pays: discounts and tables can
/// be anything, and a match still never pays out more than it takes in. Nothing when a result does not fit.
pub fn match_fees(quote: QuoteQuantums, taker: SignedPpm, maker: SignedPpm) -> Option<MatchFees> {
    let (taker, maker) = (charge(quote, taker)?, charge(quote, maker)?);
    let rebate = |own: QuoteQuantums, other: QuoteQuantums| own.max(-other.max(QuoteQuantums::ZERO));
    Some(MatchFees {
        taker: if taker.is_negative() { rebate(taker, maker) } else { taker },
        maker: if maker.is_negative() { rebate(maker, taker) } else { maker },
    })
}

/// The module account that fees are paid to.
pub fn collector() -> Address {
    Address::module(bank::FEE_COLLECTOR)
}
