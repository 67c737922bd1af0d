//! The pipeline: settle, apply, judge, write. All or nothing.

use num::{BaseQuantums, Ppm, QuoteQuantums};
use perpetuals::margin::share_of;
use perpetuals::Collateral;
use prices::Standing;
use store::{Ctx, Read};
use types::{Block, Coin, MarketId, SubaccountId};

use crate::accounts::{Held, Hot, Markets};
use crate::event::{FundingPaid, SubaccountUpdate};
use crate::settle::PPM;
use crate::state::{Position, POOL};
use crate::transition::transition;
use crate::{gate, isolated, Accounts, Error, Refused, UpdateResult};

/// What happens to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which account.
    pub id: SubaccountId,
    /// Collateral it gets (above zero) or pays.
    pub quote: QuoteQuantums,
    /// Position it gets, in one market.
    pub base: Option<(MarketId, BaseQuantums)>,
    /// How much of what it pays is a fee (below zero: a rebate); part of `quote`, counted apart.
    pub fee: QuoteQuantums,
}

impl Update {
    /// Money alone: above zero it gets, below zero it pays.
    pub fn money(id: SubaccountId, quote: QuoteQuantums) -> Self {
        Self { id, quote, base: None, fee: QuoteQuantums::ZERO }
    }
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
    /// Only a question for [`Accounts::can_update`](crate::Accounts::can_update): could this account take on that?
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

/// What an update makes of an account whose funding is settled.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Collateral before, funding settled, and after.
    settled: QuoteQuantums,
    quote: QuoteQuantums,
    /// The position that changes: its market, its size before and after.
    trade: Option<(MarketId, BaseQuantums, BaseQuantums)>,
    /// Which collateral the account's was part of, and is then.
    pools: (Collateral, Collateral),
}

/// Apply `updates`, all or none: funding is settled on every account, open interest moves, each account must
/// pass F5, then everything is changed. A refusal names the first update that caused it.
pub fn update(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    updates: &[Update],
    kind: Kind,
) -> Result<(), Refused> {
    store::attempt(ctx, accounts, |ctx, accounts| {
        check_shape(updates, kind)?;
        match updates {
            [one] => apply(ctx, accounts, [one], kind),
            [one, other] => apply(ctx, accounts, [one, other], kind),
            _ => Err(refuse(0, UpdateResult::UpdateCausedError)),
        }
    })
}

fn apply<const N: usize>(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    updates: [&Update; N],
    kind: Kind,
) -> Result<(), Refused> {
    if let [one, other] = updates.as_slice() {
        if one.id == other.id {
            return Err(refuse(1, UpdateResult::NotUnique));
        }
    }
    let market = updates.first().and_then(|update| update.base).map(|(market, _)| market);
    accounts.warm(updates.map(|update| &update.id), market);
    let slots = updates.map(|update| accounts.open(&update.id));
    let mut plans = [const { None }; N];
    for (index, ((update, at), plan)) in updates.iter().zip(slots).zip(&mut plans).enumerate() {
        let done = settle(ctx, accounts, &update.id, at).and_then(|()| planned(accounts, Some(at), update));
        *plan = Some(done.map_err(|code| refuse(index, code))?);
    }
    if kind.is_trade() {
        move_open_interest(accounts, plans.iter().flatten())?;
    }
    let exit = Exit::of(ctx.state.as_read(), ctx.block, kind, plans.iter().flatten());
    for (index, ((update, at), plan)) in updates.iter().zip(slots).zip(plans.iter().flatten()).enumerate() {
        let judge = Judge { accounts, block: ctx.block, kind, exit };
        judge.judge(Some(at), update, plan).map_err(|code| refuse(index, code))?;
    }
    for (index, ((update, at), plan)) in updates.iter().zip(slots).zip(plans.iter().flatten()).enumerate() {
        move_collateral(ctx, plan)
            .and_then(|()| commit(ctx, accounts, (update, at), plan))
            .ok_or(refuse(index, UpdateResult::UpdateCausedError))?;
    }
    Ok(())
}

impl Accounts {
    /// Whether each update alone could be applied to the accounts as they stand, which do not change. Open
    /// interest stays as it is.
    pub fn can_update(
        &self,
        state: &dyn Read,
        block: &Block,
        updates: &[Update],
        kind: Kind,
    ) -> Result<(), Refused> {
        for (index, update) in updates.iter().enumerate() {
            let at = self.find(&update.id);
            let plan = planned(self, at, update).map_err(|code| refuse(index, code))?;
            let exit = Exit::of(state, block, kind, core::iter::once(&plan));
            let judge = Judge { accounts: self, block, kind, exit };
            judge.judge(at, update, &plan).map_err(|code| refuse(index, code))?;
        }
        Ok(())
    }
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

/// What `update` makes of the account, on paper.
#[inline]
fn planned(accounts: &Accounts, at: Option<u32>, update: &Update) -> Result<Plan, UpdateResult> {
    let wrong = UpdateResult::UpdateCausedError;
    let markets = &accounts.markets;
    let view = accounts.view(at);
    let (settled, _) = markets.settled_quote(&view).map_err(|error| cause(&error))?;
    let quote = settled.checked_add(update.quote).ok_or(wrong)?;
    let pool = markets.pool_of(view.held);
    let Some((market, size)) = update.base else {
        return Ok(Plan { settled, quote, trade: None, pools: (pool, pool) });
    };
    if markets.get(market).and_then(|row| row.rates()).is_none() {
        return Err(UpdateResult::NotUpdatable);
    }
    let old = view.held.size(market);
    let new = old.checked_add(size).ok_or(wrong)?;
    let then = isolated::collateral_after(markets, view.held, (market, new));
    Ok(Plan { settled, quote, trade: Some((market, old, new)), pools: (pool, then) })
}

/// F1 and F2 in place: every position at its market's index, the sum floored once, the rest left as dust. The
/// part of the floor that no position accounts for alone is booked with the first one that moved.
fn settle(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    id: &SubaccountId,
    at: u32,
) -> Result<(), UpdateResult> {
    let index = |accounts: &Accounts, market| accounts.markets.get(market).and_then(|row| row.index());
    let view = accounts.view(Some(at));
    let is_settled = |hot: &Hot| index(accounts, hot.market) == Some(view.held.size_of(hot).1);
    if view.held.hot().iter().all(is_settled) {
        return Ok(());
    }
    let (quote, dust) = accounts.markets.settled_quote(&view).map_err(|error| cause(&error))?;
    let pool = accounts.markets.pool_of(view.held);
    let wrong = UpdateResult::UpdateCausedError;
    let mut left = quote.checked_sub(view.quote).ok_or(wrong)?;
    let mut first = None;
    for found in 0..view.held.hot().len() {
        // No position comes or goes meanwhile: each stays where it is.
        let held = accounts.view(Some(at)).held;
        let Some((hot, (market, mut new))) = held.hot().get(found).zip(held.get(found)) else { continue };
        let owed = accounts.markets.owed(held, hot).map_err(|error| cause(&error))?;
        let Some(funding_index) = index(accounts, market) else { continue };
        new.funding_index = funding_index;
        let received = QuoteQuantums::new(owed.div_euclid(PPM));
        new.ledger.funding = new.ledger.funding.checked_add(received).ok_or(wrong)?;
        accounts.set_position(at, market, &new);
        if owed != 0 {
            left = left.checked_sub(received).ok_or(wrong)?;
            first = first.or(Some((market, new)));
            ctx.emit(FundingPaid { id, market, amount: -received });
        }
    }
    if let Some((market, mut position)) = first.filter(|_| !left.is_zero()) {
        position.ledger.funding = position.ledger.funding.checked_add(left).ok_or(wrong)?;
        accounts.set_position(at, market, &position);
    }
    accounts.set_quote(at, quote);
    if dust != 0 {
        accounts.add_dust(pool, dust);
    }
    Ok(())
}

/// F7: open interest changes by what the long positions of both sides change. Initial margin follows at once.
fn move_open_interest<'a>(
    accounts: &mut Accounts,
    plans: impl Iterator<Item = &'a Plan>,
) -> Result<(), Refused> {
    let wrong = refuse(0, UpdateResult::UpdateCausedError);
    let long = |size: BaseQuantums| size.max(BaseQuantums::ZERO);
    let (mut moved, mut delta) = (None, BaseQuantums::ZERO);
    for (market, old, new) in plans.filter_map(|plan| plan.trade) {
        let more = long(new).checked_sub(long(old)).ok_or(wrong)?;
        delta = delta.checked_add(more).ok_or(wrong)?;
        moved = Some(market);
    }
    let market = moved.ok_or(wrong)?;
    if delta.is_zero() {
        return Ok(());
    }
    let open = accounts.markets.get(market).and_then(|row| row.core.as_ref());
    let open = open.and_then(|core| core.terms.open_interest.checked_add(delta)).ok_or(wrong)?;
    if open.is_negative() || !accounts.set_open_interest(market, open) {
        return Err(wrong);
    }
    Ok(())
}

/// On which terms money may leave.
#[derive(Clone, Copy, Default)]
struct Exit {
    /// First height at which it may leave all pools concerned.
    opens: u64,
    /// Share of the notional of all positions that must be left (F11).
    margin: Ppm,
}

impl Exit {
    /// Those of these accounts; none when no money leaves.
    #[inline]
    fn of<'a>(state: &dyn Read, block: &Block, kind: Kind, plans: impl Iterator<Item = &'a Plan>) -> Self {
        if !kind.is_outflow() {
            return Self::default();
        }
        let opens = plans.map(|plan| gate::gate_of(state, plan.pools.0).opens_at()).max().unwrap_or_default();
        let opens = if gate::is_halted(state, block) { u64::MAX } else { opens };
        Self { opens, margin: perpetuals::module_params(state).withdrawal_margin }
    }
}

/// What an update is judged by.
struct Judge<'a> {
    accounts: &'a Accounts,
    block: &'a Block,
    kind: Kind,
    exit: Exit,
}

impl Judge<'_> {
    /// Gate, isolated markets, staleness, the transition rule, and what money that leaves must leave.
    #[inline]
    fn judge(&self, at: Option<u32>, update: &Update, plan: &Plan) -> Result<(), UpdateResult> {
        let view = self.accounts.view(at);
        let markets = &self.accounts.markets;
        let leaves = self.kind.is_outflow() && update.quote.is_negative();
        if self.kind.is_outflow() && self.block.height < self.exit.opens {
            return Err(UpdateResult::WithdrawalsAndTransfersBlocked);
        }
        if let Some((market, _)) = update.base {
            isolated::check(markets, view.held, market)?;
        }
        let grows = plan.trade.is_some_and(|(_, old, new)| {
            new.abs() > old.abs() || new.signum().saturating_mul(old.signum()) < 0
        });
        if leaves || grows {
            self.fresh(view.held, plan)?;
        }
        let instead = plan.trade.map(|(market, _, new)| (market, new));
        let new = markets.risk(&view, plan.quote, instead).map_err(|error| cause(&error))?;
        if !new.is_initially_margined() {
            let instead = plan.trade.map(|(market, old, _)| (market, old));
            let old = markets.risk(&view, plan.settled, instead).map_err(|error| cause(&error))?;
            transition(&old, &new)?;
            // A debt without positions has no margin to be judged by, and nobody would ever pay it.
            let closes = |market| view.held.markets().all(|held| held == market);
            let last = plan.trade.is_some_and(|(market, _, left)| left.is_zero() && closes(market));
            if last && new.net_collateral.is_negative() {
                return Err(UpdateResult::StillUndercollateralized);
            }
        }
        if leaves && !view.held.hot().is_empty() {
            let least = markets.gross(view.held).and_then(|gross| share_of(gross, self.exit.margin));
            if new.net_collateral < least.ok_or(UpdateResult::UpdateCausedError)? {
                return Err(UpdateResult::WithdrawalMargin);
            }
        }
        match isolated::carried(plan.pools, plan.settled, plan.quote) {
            Some(money) if money.is_negative() => Err(UpdateResult::UpdateCausedError),
            _ => Ok(()),
        }
    }

    /// Every position there is after the change has a price that may be relied on; that of an order that is only
    /// posted, one that has come again.
    fn fresh(&self, held: Held<'_>, plan: &Plan) -> Result<(), UpdateResult> {
        let markets: &Markets = &self.accounts.markets;
        let posted = self.kind == Kind::CollateralCheck;
        let fresh = |market| match markets.get(market).map(|row| row.standing(self.block, &markets.ages)) {
            Some(Standing::Live) => true,
            Some(Standing::PostOnly) => posted,
            Some(Standing::Stale | Standing::Halted) | None => false,
        };
        let gone = plan.trade.filter(|(_, _, new)| new.is_zero()).map(|(market, ..)| market);
        let kept = held.markets().filter(|id| Some(*id) != gone);
        let opened = plan.trade.map(|(market, ..)| market).filter(|id| Some(*id) != gone);
        if kept.chain(opened).all(fresh) {
            Ok(())
        } else {
            Err(UpdateResult::StalePrice)
        }
    }
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

/// F10: the account's collateral goes where its positions stand.
fn move_collateral(ctx: &mut Ctx<'_>, plan: &Plan) -> Option<()> {
    let Some(money) = isolated::carried(plan.pools, plan.settled, plan.quote) else { return Some(()) };
    let (from, to) = (plan.pools.0.address(POOL), plan.pools.1.address(POOL));
    let coin = Coin { denom: ctx.chain.collateral.clone(), amount: u128::try_from(money.raw()).ok()? };
    bank::transfer(ctx, &from, &to, &coin).ok()
}

/// Carry a plan out and tell of it.
fn commit(
    ctx: &mut Ctx<'_>,
    accounts: &mut Accounts,
    (update, at): (&Update, u32),
    plan: &Plan,
) -> Option<()> {
    if let Some((market, size)) = update.base {
        let index = accounts.markets.get(market)?.index()?;
        let old = accounts.view(Some(at)).held.position(market);
        let old = old.unwrap_or(Position { funding_index: index, ..Default::default() });
        let new = old.traded(size, update.quote.checked_add(update.fee)?, update.fee)?;
        if new.base.is_zero() {
            let closed = accounts.closed_of(at).plus(&new.ledger)?;
            accounts.set_closed(at, closed);
        }
        accounts.set_position(at, market, &new);
    }
    accounts.set_quote(at, plan.quote);
    ctx.emit(SubaccountUpdate(&update.id, accounts.view(Some(at))));
    Some(())
}
