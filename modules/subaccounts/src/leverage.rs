//! A user's own limit on leverage: an initial margin share per market, at least that of the market's tier.

use alloc::vec::Vec;

use num::Ppm;
use store::Ctx;
use types::{MarketId, SubaccountId};

use crate::event;
use crate::state::LEVERAGE;
use crate::{Accounts, Error};

/// Set the shares of some markets; those of other markets stay. They count for initial margin alone: orders,
/// trades and withdrawals, never for liquidation. Refused when a market is missing (103), when a share is below
/// that of its tier (701), or when the account would not have its initial margin under all shares that it has
/// set, those of before among them (703). Then nothing has changed.
pub fn set_leverage(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    id: &SubaccountId,
    shares: &[(MarketId, Ppm)],
) -> Result<(), Error> {
    store::attempt(ctx, accounts, |ctx, accounts| {
        let mut merged: Vec<(MarketId, Ppm)> = accounts.leverage(id).to_vec();
        for (market, share) in shares {
            let terms = accounts.markets.get(*market).and_then(|row| row.core.as_ref());
            let least = terms.ok_or(Error::NoPrice(*market))?.terms.tier.initial_margin;
            if *share < least {
                return Err(Error::Leverage { market: *market, share: *share, least });
            }
            match merged.binary_search_by_key(market, |(market, _)| *market) {
                Ok(place) => {
                    if let Some(row) = merged.get_mut(place) {
                        row.1 = *share;
                    }
                }
                Err(place) => merged.insert(place, (*market, *share)),
            }
        }
        LEVERAGE.set(ctx.state, id, &merged);
        let at = accounts.open(id);
        accounts.set_leverage(at, merged);
        if !accounts.risk(id)?.is_initially_margined() {
            return Err(Error::LeverageMargin(*id));
        }
        for (market, share) in shares {
            ctx.emit(event::leverage_updated(id, *market, *share));
        }
        Ok(())
    })
}
