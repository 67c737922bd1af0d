//! Isolated markets: an account that has a position in one has no other, and its collateral stands in the
//! market's own pool for as long as it has it.

use num::{BaseQuantums, QuoteQuantums};
use perpetuals::Collateral;
use store::Ctx;
use types::{Coin, MarketId};

use crate::accounts::{Held, Markets};
use crate::gate;
use crate::state::{FUNDING_DUST, NEGATIVE_SEEN, POOL};
use crate::{Accounts, Error, UpdateResult};

/// Whether the account may trade in `market`: an isolated market is the only one of an account.
#[inline]
pub(crate) fn check(markets: &Markets, held: Held<'_>, market: MarketId) -> Result<(), UpdateResult> {
    let Some(first) = held.markets().next() else { return Ok(()) };
    // A single position, or several of which none is isolated.
    match (markets.collateral(first), markets.collateral(market)) {
        (Collateral::Cross, Collateral::Cross) => Ok(()),
        (one, other) if one == other => Ok(()),
        _ => Err(UpdateResult::ViolatesIsolatedSubaccountConstraints),
    }
}

/// Which collateral the account's is part of once it has `new` of `market`.
#[inline]
pub(crate) fn collateral_after(
    markets: &Markets,
    held: Held<'_>,
    (market, new): (MarketId, BaseQuantums),
) -> Collateral {
    if !new.is_zero() {
        return markets.collateral(market);
    }
    let left = held.markets().find(|held| *held != market);
    left.map_or(Collateral::Cross, |left| markets.collateral(left))
}

/// F10: the collateral that goes from the first pool to the second: what the account had before it opened an
/// isolated position, what it has left after it closed one. Nothing when the pool stays the same.
#[inline]
pub(crate) fn carried(
    (from, to): (Collateral, Collateral),
    before: QuoteQuantums,
    after: QuoteQuantums,
) -> Option<QuoteQuantums> {
    match (from, to) {
        _ if from == to => None,
        (Collateral::Cross, _) => Some(before),
        (Collateral::Isolated(_), _) => Some(after),
    }
}

/// Open the pool of a market that is new; a cross market has the common one.
pub fn open_pool(ctx: &mut Ctx<'_>, market: MarketId) {
    if let own @ Collateral::Isolated(_) = perpetuals::collateral(ctx.state.as_read(), market) {
        bank::register_module(ctx, &own.name(POOL));
    }
}

/// Let an isolated market join the cross ones: its pool, dust and gate go to the common pool, its accounts with
/// them. Who calls moves the insurance fund and the debts of the pool, and sees that no fees wait in it. Refused
/// (perpetuals 1, 23) when there is no such isolated market.
pub fn make_cross(ctx: &mut Ctx<'_>, accounts: &mut Accounts, market: MarketId) -> Result<(), Error> {
    let (own, common) = (Collateral::Isolated(market), Collateral::Cross);
    store::attempt(ctx, accounts, |ctx, accounts| {
        perpetuals::make_cross(ctx, market)?;
        let amount = bank::balance(ctx.state.as_read(), &own.address(POOL), &ctx.chain.collateral);
        let coin = Coin { denom: ctx.chain.collateral.clone(), amount };
        bank::transfer(ctx, &own.address(POOL), &common.address(POOL), &coin)?;
        accounts.merge_dust(own, common);
        FUNDING_DUST.remove(ctx.state, &own.address(POOL));
        let seen = gate::negative_seen(ctx.state.as_read(), own);
        if seen > gate::negative_seen(ctx.state.as_read(), common) {
            NEGATIVE_SEEN.set(ctx.state, &common.address(POOL), &seen);
        }
        NEGATIVE_SEEN.remove(ctx.state, &own.address(POOL));
        accounts.refresh(ctx.state.as_read());
        Ok(())
    })
}
