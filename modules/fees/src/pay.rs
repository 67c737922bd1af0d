//! The way of the money, at the end of a block: from the collateral pools to the insurance funds, the builders
//! and the collector.

use num::{Ppm, QuoteQuantums, Round};
use store::{attempt, Ctx};
use types::{Address, Coin};

use crate::desk::{Desk, Held};
use crate::state::UNPAID;
use crate::{collector, event, Error};

/// Debts that a block tries to pay again at most.
const RETRIED: usize = 16;

/// Pay everything that waits in the pools: to builders what is theirs, of fees `share` (rounded down, once for
/// the block and pool) to the insurance fund and the rest to the collector. What a pool cannot pay becomes a
/// row, and is tried again with the next blocks.
pub(crate) fn all(ctx: &mut Ctx<'_>, desk: &mut Desk, share: Ppm) {
    for ((pool, payee), amount) in UNPAID.scan(ctx.state.as_read(), &(), RETRIED) {
        if pay(ctx, &pool, &payee, amount).is_ok() {
            UNPAID.remove(ctx.state, &(pool, payee));
        }
    }
    for ((pool, builder), fees) in desk.empty_built() {
        pay_or_owe(ctx, &pool, &builder, fees);
    }
    for (pool, held) in desk.empty_till() {
        let insured = insure(ctx, &pool, &held, share);
        pay_or_owe(ctx, &pool, &collector(), held.amount - insured);
    }
}

/// Let `to` owe what `from` could not pay yet: it takes over what `from` holds.
pub fn move_debts(ctx: &mut Ctx<'_>, from: &Address, to: &Address) {
    let debts = UNPAID.scan(ctx.state.as_read(), &(), usize::MAX);
    for ((pool, payee), amount) in debts.into_iter().filter(|((pool, _), _)| pool == from) {
        UNPAID.remove(ctx.state, &(pool, payee));
        let owed = UNPAID.get(ctx.state.as_read(), &(*to, payee)).unwrap_or_default();
        UNPAID.set(ctx.state, &(*to, payee), &(owed + amount));
    }
}

/// F6: give the insurance fund its share. Returns what it got; a fund that gets nothing leaves it to the
/// collector.
fn insure(ctx: &mut Ctx<'_>, _pool: &Address, held: &Held, share: Ppm) -> QuoteQuantums {
    let part = share.of(held.amount, Round::Floor).unwrap_or_default();
    if !part.is_positive() {
        return QuoteQuantums::ZERO;
    }
    let paid = attempt(ctx, &mut (), |ctx, ()| insurance::settle(ctx, held.market, part));
    if paid.is_ok() {
        part
    } else {
        QuoteQuantums::ZERO
    }
}

fn pay_or_owe(ctx: &mut Ctx<'_>, pool: &Address, payee: &Address, amount: QuoteQuantums) {
    if pay(ctx, pool, payee, amount).is_err() {
        let owed = UNPAID.get(ctx.state.as_read(), &(*pool, *payee)).unwrap_or_default();
        UNPAID.set(ctx.state, &(*pool, *payee), &(owed + amount));
        ctx.emit(event::fees_unpaid(pool, payee, owed + amount));
    }
}

fn pay(ctx: &mut Ctx<'_>, pool: &Address, payee: &Address, amount: QuoteQuantums) -> Result<(), Error> {
    let fees = u128::try_from(amount.raw()).map_err(|_| Error::NegativeNetFee(amount))?;
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount: fees };
    attempt(ctx, &mut (), |ctx, ()| bank::transfer(ctx, pool, payee, &coin))?;
    Ok(())
}
