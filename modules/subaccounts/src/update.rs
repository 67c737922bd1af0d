//! The pipeline: settle, apply, judge, write. All or nothing.

use alloc::vec::Vec;

use num::{BaseQuantums, QuoteQuantums};
use store::{Ctx, Read};
use types::{Block, MarketId, SubaccountId};

use crate::event::{FundingPaid, SubaccountUpdate};
use crate::market::Markets;
use crate::settle::Settlement;
use crate::state::{get, pool, write, Position, Subaccount, FUNDING_DUST};
use crate::transition::transition;
use crate::{gate, Accounts, Error, Refused, UpdateResult};

/// What happens to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which account.
    pub id: SubaccountId,
    /// Collateral it gets (above zero) or pays.
    pub quote: QuoteQuantums,
    /// Position it gets, in one market.
    pub base: Option<(MarketId, BaseQuantums)>,
}

/// Why it happens; decides which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Money leaves for the bank; gated.
    Withdrawal,
    /// Money moves between accounts; gated, because moving it out of the pool's losers is leaving too.
    Transfer,
    /// Money arrives from the bank.
    Deposit,
    /// Two accounts trade; changes open interest.
    Match,
    /// Two accounts trade because the first one is closed by the chain. The rules are those of a match: a
    /// close at a fair price never makes an account riskier.
    Liquidation,
    /// Only a question for [`can_update`]: could this account take on that?
    CollateralCheck,
}

impl Kind {
    fn is_trade(self) -> bool {
        matches!(self, Self::Match | Self::Liquidation)
    }

    fn is_outflow(self) -> bool {
        matches!(self, Self::Withdrawal | Self::Transfer)
    }
}

/// One account on its way through the pipeline.
struct Change {
    id: SubaccountId,
    stored: Subaccount,
    settled: Settlement,
    after: Subaccount,
}

/// Apply `updates`, all or none: funding is settled on every account, open interest moves, each account must
/// pass F5, then everything is written. A refusal names the first update that caused it.
pub fn update(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    updates: &[Update],
    kind: Kind,
) -> Result<(), Refused> {
    store::attempt(ctx, accounts, |ctx, _| {
        check_shape(updates, kind)?;
        let (changes, mut markets) = prepare(ctx.state, updates)?;
        if kind.is_trade() {
            move_open_interest(ctx, updates, &changes, &mut markets)?;
        }
        judge(ctx.state, ctx.block, updates, &changes, &markets, kind)?;
        changes.iter().for_each(|change| persist(ctx, change));
        Ok(())
    })
}

/// Whether each update alone could be applied to the present state, which does not change. Open interest
/// stays as it is.
pub fn can_update(state: &dyn Read, block: &Block, updates: &[Update], kind: Kind) -> Result<(), Refused> {
    let (changes, markets) = prepare(state, updates)?;
    judge(state, block, updates, &changes, &markets, kind)
}

fn refuse(index: usize, code: UpdateResult) -> Refused {
    Refused { index, code }
}

/// A trade is two accounts that swap one size of one market; nothing else moves positions. Money comes in, goes
/// out, or goes from one account to another; only a trade may pay fees on the way.
fn check_shape(updates: &[Update], kind: Kind) -> Result<(), Refused> {
    let only_money = updates.iter().all(|update| update.base.is_none());
    let fits = match (kind, updates) {
        (Kind::Match | Kind::Liquidation, [first, second]) => match (first.base, second.base) {
            (Some((market, size)), Some((other, opposite))) => {
                market == other && size.checked_add(opposite) == Some(BaseQuantums::ZERO)
            }
            _ => false,
        },
        (Kind::Transfer, [from, to]) => {
            only_money && from.quote.checked_add(to.quote) == Some(QuoteQuantums::ZERO)
        }
        (Kind::Deposit, [one]) => only_money && !one.quote.is_negative(),
        (Kind::Withdrawal, [one]) => only_money && !one.quote.is_positive(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(refuse(0, UpdateResult::UpdateCausedError))
    }
}

/// Load, settle and apply on copies.
fn prepare(state: &dyn Read, updates: &[Update]) -> Result<(Vec<Change>, Markets), Refused> {
    let stored: Vec<Subaccount> = updates.iter().map(|update| get(state, &update.id)).collect();
    let held = stored.iter().flat_map(|account| account.positions.iter().map(|(market, _)| *market));
    let named = updates.iter().filter_map(|update| update.base.map(|(market, _)| market));
    let markets = Markets::of(state, named.chain(held)).map_err(|error| refuse(0, cause(&error)))?;
    let mut changes: Vec<Change> = Vec::with_capacity(updates.len());
    for (index, (update, stored)) in updates.iter().zip(stored).enumerate() {
        if changes.iter().any(|change| change.id == update.id) {
            return Err(refuse(index, UpdateResult::NotUnique));
        }
        if update.base.is_some_and(|(market, _)| markets.price(market).is_none()) {
            return Err(refuse(index, UpdateResult::NotUpdatable));
        }
        let settled = markets.settle(&stored).map_err(|error| refuse(index, cause(&error)))?;
        let after = apply(&settled.account, update, &markets)
            .ok_or(refuse(index, UpdateResult::UpdateCausedError))?;
        changes.push(Change { id: update.id, stored, settled, after });
    }
    Ok((changes, markets))
}

fn apply(settled: &Subaccount, update: &Update, markets: &Markets) -> Option<Subaccount> {
    let mut after = settled.clone();
    after.quote = after.quote.checked_add(update.quote)?;
    if let Some((market, size)) = update.base {
        let base = after.size(market).checked_add(size)?;
        let funding_index = markets.terms(market)?.funding_index;
        after.put(market, Position { base, funding_index });
    }
    Some(after)
}

/// F7: open interest changes by what the long positions of both sides change.
fn move_open_interest(
    ctx: &mut Ctx<'_>,
    updates: &[Update],
    changes: &[Change],
    markets: &mut Markets,
) -> Result<(), Refused> {
    let wrong = refuse(0, UpdateResult::UpdateCausedError);
    let (market, _) = updates.first().and_then(|update| update.base).ok_or(wrong)?;
    let mut delta = BaseQuantums::ZERO;
    for change in changes {
        let long = |account: &Subaccount| account.size(market).max(BaseQuantums::ZERO);
        let more = long(&change.after).checked_sub(long(&change.stored)).ok_or(wrong)?;
        delta = delta.checked_add(more).ok_or(wrong)?;
    }
    perpetuals::change_open_interest(ctx, market, delta).map_err(|_| wrong)?;
    let open = markets.terms(market).and_then(|terms| terms.open_interest.checked_add(delta)).ok_or(wrong)?;
    markets.set_open_interest(market, open);
    Ok(())
}

/// Gate, staleness, and the transition rule for every account.
fn judge(
    state: &dyn Read,
    block: &Block,
    updates: &[Update],
    changes: &[Change],
    markets: &Markets,
    kind: Kind,
) -> Result<(), Refused> {
    let max_age = prices::module_params(state).max_age_seconds;
    for (index, (update, change)) in updates.iter().zip(changes).enumerate() {
        let leaves = kind.is_outflow() && update.quote.is_negative();
        if leaves && block.height < gate::gate(state).opens_at() {
            return Err(refuse(index, UpdateResult::WithdrawalsAndTransfersBlocked));
        }
        let needs_fresh = leaves || update.base.is_some_and(|(market, _)| grows(change, market));
        let stale = |(market, _): &(MarketId, Position)| !markets.is_fresh(*market, block, max_age);
        if needs_fresh && change.after.positions.iter().any(stale) {
            return Err(refuse(index, UpdateResult::StalePrice));
        }
        judge_risk(change, markets).map_err(|code| refuse(index, code))?;
    }
    Ok(())
}

/// Whether the position gets larger or changes its side.
fn grows(change: &Change, market: MarketId) -> bool {
    let (old, new) = (change.stored.size(market), change.after.size(market));
    new.abs() > old.abs() || new.signum().saturating_mul(old.signum()) < 0
}

fn judge_risk(change: &Change, markets: &Markets) -> Result<(), UpdateResult> {
    let new = markets.risk(&change.after).map_err(|error| cause(&error))?;
    if new.is_initially_margined() {
        return Ok(());
    }
    let old = markets.risk(&change.settled.account).map_err(|error| cause(&error))?;
    transition(&old, &new)
}

fn cause(error: &Error) -> UpdateResult {
    use perpetuals::Error::{NoMarket, NoPerpetual};
    let no_market = matches!(error, Error::NoPrice(_) | Error::Perpetuals(NoPerpetual(_) | NoMarket(_)));
    if no_market {
        UpdateResult::NotUpdatable
    } else {
        UpdateResult::UpdateCausedError
    }
}

fn persist(ctx: &mut Ctx<'_>, change: &Change) {
    write(ctx.state, &change.id, &change.stored, &change.after);
    if change.settled.dust != 0 {
        let pool = pool();
        let dust = FUNDING_DUST.get(ctx.state, &pool).unwrap_or_default();
        // At most a million per settlement: 128 bits outlast any chain.
        FUNDING_DUST.set(ctx.state, &pool, &dust.saturating_add(change.settled.dust));
    }
    for (market, paid) in &change.settled.paid {
        ctx.emit(FundingPaid { id: &change.id, market: *market, amount: *paid });
    }
    ctx.emit(SubaccountUpdate(&change.id, &change.after));
}
