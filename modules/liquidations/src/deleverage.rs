//! Deleveraging: a position that nobody wants and nobody can pay for is closed against those who hold the other
//! side, at the price that leaves the account with nothing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

use clob::Books;
use num::{BaseQuantums, QuoteQuantums};
use store::Ctx;
use subaccounts::{Accounts, Kind, Side, Update};
use types::{MarketId, SubaccountId};

use crate::allocate::{allocate, Share};
use crate::event::Deleveraged;
use crate::formulas::bankruptcy_quote;
use crate::view::{account, Market};
use crate::Error;

/// What a deleveraging did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Counterparties that took a part.
    pub offsets: u32,
    /// Counterparties whose own rule refused.
    pub refused: u32,
    /// What could not be closed.
    pub left: BaseQuantums,
}

/// Close the position of `id` in `market` against the holders of the other side, in proportion to their sizes
/// and in multiples of `step`; who may not take its share is skipped, and the others share it. At most `tries`
/// counterparties are asked, the largest first. The caller has seen that the account is worth less than nothing.
///
/// Reduce-only orders of everybody concerned are cut to what is left of their positions.
pub fn deleverage(
    (ctx, books): (&mut Ctx<'_>, &mut Books),
    id: &SubaccountId,
    market: MarketId,
    step: BaseQuantums,
    tries: u32,
) -> Result<Outcome, Error> {
    let size = books.accounts.size(id, market);
    let mut outcome = Outcome { left: size.abs(), ..Outcome::default() };
    let Some(side) = Side::of(size) else { return Ok(outcome) };
    let mut others = holders(&books.accounts, market, side.opposite());
    let mut skipped = BTreeSet::from([*id]);
    let mut tries = usize::try_from(tries).unwrap_or(usize::MAX);
    while outcome.left.is_positive() && tries > 0 {
        others.retain(|(other, held)| held.is_positive() && !skipped.contains(other));
        others.sort_by(|(a, one), (b, other)| other.cmp(one).then(a.cmp(b)));
        let asked = others.get(..tries.min(others.len())).unwrap_or_default();
        let shares = allocate(outcome.left, step, asked).ok_or(Error::Overflow(market))?;
        if shares.is_empty() {
            break;
        }
        tries = tries.saturating_sub(shares.len());
        books.meet(u32::try_from(shares.len()).unwrap_or(u32::MAX));
        let mut given = BTreeMap::new();
        for (counterparty, share) in shares {
            if offset((ctx, &mut books.accounts), id, &counterparty, market, share).is_ok() {
                outcome.left -= share;
                clob::position_changed(ctx, books, &counterparty, market);
                given.insert(counterparty, share);
                outcome.offsets = outcome.offsets.saturating_add(1);
            } else {
                skipped.insert(counterparty);
                outcome.refused = outcome.refused.saturating_add(1);
            }
        }
        for (other, held) in &mut others {
            *held -= given.get(other).copied().unwrap_or_default();
        }
    }
    clob::position_changed(ctx, books, id, market);
    Ok(outcome)
}

/// Accounts on this side of `market` in order of id. Reads all of them.
fn holders(accounts: &Accounts, market: MarketId, side: Side) -> Vec<Share> {
    let ids = accounts.holders(market, side);
    ids.into_iter().map(|id| (id, accounts.size(&id, market).abs())).collect()
}

/// Change two accounts at once, without fees.
pub(crate) fn change(
    (ctx, accounts): (&mut Ctx<'_>, &mut Accounts),
    updates: &[Update; 2],
) -> Result<(), Error> {
    let [first, second] = updates;
    subaccounts::update(ctx, accounts, updates, Kind::Liquidation).map_err(|refused| Error::Account {
        id: if refused.index == 0 { first.id } else { second.id },
        reason: refused.to_string(),
    })
}

/// Close `size` (above zero) of the position of `id` against `counterparty` at the bankruptcy price (F4) of that
/// size as the account stands now, without fees. Returns what the first account got; below zero, paid. Refused
/// when either account's own rule refuses the change; then nothing has changed.
pub fn offset(
    (ctx, accounts): (&mut Ctx<'_>, &mut Accounts),
    id: &SubaccountId,
    counterparty: &SubaccountId,
    market: MarketId,
    size: BaseQuantums,
) -> Result<QuoteQuantums, Error> {
    let state = ctx.state.as_read();
    let (settled, risk) = account(accounts, id)?;
    let terms = Market::load(state, market)?;
    let holding = terms.holding(settled.size(market))?;
    let slice = terms.slice(&holding, size)?;
    let quote = bankruptcy_quote(&risk, &slice, holding.base).ok_or(Error::Overflow(market))?;
    let updates = [
        Update { id: *id, quote, base: Some((market, slice.base)), fee: QuoteQuantums::ZERO },
        Update {
            id: *counterparty,
            quote: -quote,
            base: Some((market, -slice.base)),
            fee: QuoteQuantums::ZERO,
        },
    ];
    change((ctx, accounts), &updates)?;
    ctx.emit(Deleveraged { id: *id, counterparty: *counterparty, market, size, quote });
    Ok(quote)
}
