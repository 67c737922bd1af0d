//! What a position has brought in, to the unit: formulas F8 and F9 of the README.

use num::{mul_div, BaseQuantums, QuoteQuantums, Round};

use crate::state::Position;

/// What trading, funding and fees have brought in, in quote quantums. With the cost of what is open it adds up
/// to every change of the account's collateral that was not a transfer (I7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Profit of what was closed; below zero is a loss.
    pub realised: QuoteQuantums,
    /// Funding received; below zero was paid.
    pub funding: QuoteQuantums,
    /// Fees paid, payments to the insurance fund among them; below zero was received.
    pub fees: QuoteQuantums,
}

impl Ledger {
    /// All of it; nothing when the sum does not fit.
    pub fn sum(&self) -> Option<QuoteQuantums> {
        self.realised.checked_add(self.funding)?.checked_sub(self.fees)
    }

    /// Both together; nothing when a sum does not fit.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            realised: self.realised.checked_add(other.realised)?,
            funding: self.funding.checked_add(other.funding)?,
            fees: self.fees.checked_add(other.fees)?,
        })
    }
}

impl Position {
    /// F8: the position after it got `size` and its account got `received` (below zero: paid) and paid `fee`.
    /// What closes takes its share of the cost with it, toward zero; what opens adds to the cost. Nothing when a
    /// number does not fit.
    pub(crate) fn traded(
        mut self,
        size: BaseQuantums,
        received: QuoteQuantums,
        fee: QuoteQuantums,
    ) -> Option<Self> {
        let (old, base) = (self.base, self.base.checked_add(size)?);
        self.base = base;
        self.ledger.fees = self.ledger.fees.checked_add(fee)?;
        if old.signum().saturating_mul(size.signum()) >= 0 {
            self.cost = self.cost.checked_sub(received)?;
        } else if base.is_zero() || base.signum() == old.signum() {
            let share = if base.is_zero() { self.cost } else { part(self.cost, size, old)? };
            self.close(share, received)?;
        } else {
            // The old position closes at the price of the whole; the rest opens a new one.
            let closing = part(received, old, size)?;
            self.close(self.cost, closing)?;
            self.cost = closing.checked_sub(received)?;
        }
        Some(self)
    }

    fn close(&mut self, cost: QuoteQuantums, received: QuoteQuantums) -> Option<()> {
        let profit = received.checked_sub(cost)?;
        self.ledger.realised = self.ledger.realised.checked_add(profit)?;
        self.cost = self.cost.checked_sub(cost)?;
        Some(())
    }
}

/// `whole * |some| / |all|`, toward zero.
fn part(whole: QuoteQuantums, some: BaseQuantums, all: BaseQuantums) -> Option<QuoteQuantums> {
    mul_div(whole.raw(), some.abs().raw(), all.abs().raw(), Round::Trunc).map(QuoteQuantums::new)
}
