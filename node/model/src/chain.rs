//! A block of the model: funding, expiry, messages, liquidations.

use std::collections::VecDeque;

use num_traits::{Signed, Zero};

use crate::funding::Funding;
use crate::ledger::{Change, No, Why};
use crate::liquidate;
use crate::money::{floor, int, million, Int};
use crate::orders::Exchange;
use crate::terms::{clob, Answer, Code, Force, Id, Note, Op, Order, Purse, Until};

pub struct Chain {
    pub exchange: Exchange,
    pub funding: Funding,
    /// What each owner has used of this block.
    used: Vec<u32>,
    /// Whether only what was accepted is asked: a refusal then may leave a part of what it did.
    pub accepted: bool,
    /// What the authority has changed, from the next block on.
    changes: VecDeque<Op>,
}

/// What the model says about a block.
pub struct Said {
    pub answers: Vec<Answer>,
    /// Orders that were over before the messages, in order of their names.
    pub expired: Vec<Note>,
    /// What the chain itself did after the messages.
    pub after: Vec<Note>,
}

impl Chain {
    pub fn new(exchange: Exchange, funding: Funding) -> Self {
        let used = vec![0; exchange.ledger.wallets.len()];
        Self { exchange, funding, used, accepted: false, changes: VecDeque::new() }
    }

    /// One block: `prices` are those that were agreed on in it.
    pub fn block(&mut self, time: i64, prices: &[(u32, u64)], ops: &[Op]) -> Said {
        self.change();
        let ledger = &mut self.exchange.ledger;
        self.exchange.previous_time = ledger.now;
        (ledger.now, ledger.height) = (time, ledger.height + 1);
        for (market, price) in prices {
            let market = ledger.market_mut(*market);
            (market.price, market.priced_at) = (*price, Some(time));
        }
        if ledger.height > 1 && time - self.exchange.previous_time >= 300 {
            ledger.gate_opens = ledger.gate_opens.max(ledger.height + 50);
        }
        self.funding.begin_block(&mut self.exchange);
        self.exchange.fees.begin_block(time);
        self.exchange.notes.clear();
        let room = &mut self.exchange.room;
        room.traded = std::mem::take(&mut room.trades);
        self.exchange.expire();
        self.exchange.clear_books();
        self.exchange.trigger();
        self.exchange.slices();
        self.exchange.resume();
        let began = std::mem::take(&mut self.exchange.notes);
        let answers = ops.iter().map(|op| self.answer(op)).collect();
        self.used.fill(0);
        let ended = liquidate::run(&mut self.exchange);
        let is_expired = |note: &Note| matches!(note, Note::Removed { reason, .. } if reason == "expired");
        let (mut expired, after): (Vec<_>, Vec<_>) = began.into_iter().chain(ended).partition(is_expired);
        expired.sort();
        for pot in &mut self.exchange.ledger.pots.0 {
            let whole = &pot.dust / million();
            pot.dust -= &whole * million();
            pot.pool -= &whole;
            pot.fund += whole;
            let fees = std::mem::take(&mut pot.fees);
            for (owner, fee) in std::mem::take(&mut pot.builders) {
                pot.pool -= &fee;
                self.exchange.ledger.wallets[owner] += fee;
            }
            // Whole quote quantums that funding's rounding left.
            let whole = floor(&pot.dust, &million());
            pot.dust -= &whole * million();
            pot.pool -= &whole;
            pot.fund += whole;
            let insured = floor(&(&fees * self.exchange.fees.insured), &million());
            pot.pool -= &fees;
            pot.fund += &insured;
            self.exchange.ledger.collected += fees - insured;
        }
        self.conserved();
        Said { answers, expired, after }
    }

    fn answer(&mut self, op: &Op) -> Answer {
        let before = (!self.accepted).then(|| self.exchange.clone());
        self.exchange.notes.clear();
        let mut held = Vec::new();
        let result = self.run(op, &mut held);
        let notes = std::mem::take(&mut self.exchange.notes);
        match result {
            Ok(()) => Answer { refused: None, notes, held },
            Err((space, code)) => {
                self.exchange = before.unwrap_or_else(|| self.exchange.clone());
                let refused = Some((space.to_owned(), code));
                Answer { refused, notes: Vec::new(), held: Vec::new() }
            }
        }
    }

    /// What the authority may do as things are.
    fn possible(&self, op: &Op) -> Result<(), Code> {
        match op {
            Op::Become { market, status } => self.exchange.may_become(*market, *status),
            Op::Discount { seconds, .. } if !(1..=90 * 86_400).contains(seconds) => Err(("feetiers", 1008)),
            Op::Discount { charge: 1_000_001.., .. } => Err(("feetiers", 1009)),
            _ => Ok(()),
        }
    }

    /// Before everything else in a block: ten of the changes that wait.
    fn change(&mut self) {
        let now = self.changes.len().min(10);
        for op in self.changes.drain(..now).collect::<Vec<_>>() {
            match op {
                _ if self.possible(&op).is_err() => {}
                Op::Become { market, status } => self.exchange.ledger.market_mut(market).status = status,
                Op::Discount { market, start, seconds, charge } => {
                    let discounts = &mut self.exchange.fees.discounts;
                    discounts.retain(|discount| discount.0 != market);
                    discounts.push((market, start, start + seconds, charge.into()));
                }
                _ => unreachable!("changes of the authority"),
            }
        }
    }

    fn charge(&mut self, account: usize, weight: u32) -> Result<(), Code> {
        let used = &mut self.used[self.exchange.ledger.accounts[account].owner];
        *used += weight;
        if *used > self.exchange.bounds.short_term_per_block {
            return Err(clob(5001));
        }
        Ok(())
    }

    fn run(&mut self, op: &Op, held: &mut Vec<(u32, u32)>) -> Result<(), Code> {
        match op {
            Op::Place(order) => {
                sane(order)?;
                if order.id.flags == 0 {
                    self.charge(order.id.account, 1)?;
                }
                self.exchange.place(order)
            }
            Op::Cancel(id, until) => {
                named(id, *until)?;
                if id.flags == 0 {
                    self.charge(id.account, 1)?;
                }
                self.exchange.cancel(id, *until)
            }
            Op::Batch { account, markets, until } => {
                self.charge(*account, 2)?;
                let named =
                    markets.iter().flat_map(|(market, all)| all.iter().map(|client| (*market, *client)));
                for (market, client) in named {
                    let id = Id { account: *account, market, flags: 0, client };
                    if self.exchange.cancel(&id, Until::Block(*until)).is_ok() {
                        held.push((market, client));
                    }
                }
                if held.is_empty() {
                    return Err(clob(46));
                }
                Ok(())
            }
            Op::Many { account, atomic, parts } => self.many(*account, *atomic, parts, held),
            Op::Deposit { account, amount } => self.deposit(*account, &int(*amount)),
            Op::Withdraw { account, amount } => self.withdraw(*account, &int(*amount)),
            Op::Give { from, to, amount } => self.give(*from, *to, &int(*amount)),
            Op::Leverage { account, market, ppm } => self.leverage(*account, *market, (*ppm).into()),
            Op::Become { .. } | Op::Discount { .. } => {
                self.possible(op)?;
                self.changes.push_back(op.clone());
                Ok(())
            }
            Op::Transfer { from, to, amount } => {
                if from == to {
                    return Err(("sending", 1));
                }
                let amount = int(*amount);
                let changes = [money(*from, -&amount), money(*to, amount.clone())];
                let ledger = &mut self.exchange.ledger;
                ledger.update(&changes, Why::Transfer).map_err(|(_, no)| kept(no))?;
                let pot = |account: usize| ledger.pot_of(&ledger.accounts[account]);
                let (from, to) = (pot(*from), pot(*to));
                ledger.pots.shift(from, to, &amount);
                Ok(())
            }
        }
    }

    /// One after the other. Refused like the first that is refused when none succeeds, or not all that must.
    fn many(
        &mut self,
        account: usize,
        atomic: bool,
        parts: &[Op],
        held: &mut Vec<(u32, u32)>,
    ) -> Result<(), Code> {
        let short = |part: &&Op| match part {
            Op::Place(order) => order.id.flags == 0,
            Op::Cancel(id, _) => id.flags == 0,
            _ => false,
        };
        let weight = parts.iter().filter(short).count();
        if weight > 0 {
            self.charge(account, u32::try_from(weight).unwrap())?;
        }
        let mut first = None;
        for (index, part) in parts.iter().enumerate() {
            let before = self.exchange.clone();
            let done = match part {
                Op::Place(order) => self.exchange.place(order),
                Op::Cancel(id, until) => self.exchange.cancel(id, *until),
                _ => unreachable!("orders and cancels"),
            };
            let code = done.err().map_or(0, |refused| {
                self.exchange = before;
                first.get_or_insert(refused);
                refused.1
            });
            held.push((u32::try_from(index).unwrap(), code));
        }
        let failed = held.iter().filter(|(_, code)| *code != 0).count();
        match first {
            Some(refused) if atomic || failed == parts.len() => Err(refused),
            _ => Ok(()),
        }
    }

    /// The account must have its initial margin under the shares that it has then.
    fn leverage(&mut self, account: usize, market: u32, ppm: i64) -> Result<(), Code> {
        if !(1..=1_000_000).contains(&ppm) {
            return Err(clob(11_003));
        }
        let ledger = &mut self.exchange.ledger;
        let Some(terms) = ledger.markets.iter().find(|terms| terms.id == market) else {
            return Err(clob(8));
        };
        if ppm < terms.initial_ppm {
            return Err(("subaccounts", 701));
        }
        let shares = &mut ledger.accounts[account].shares;
        shares.retain(|(id, _)| *id != market);
        shares.push((market, ppm));
        let (settled, _) = ledger.settled(&ledger.accounts[account]);
        let risk = ledger.risk(&settled);
        if risk.worth < risk.initial {
            return Err(("subaccounts", 703));
        }
        Ok(())
    }

    fn give(&mut self, from: usize, to: Purse, amount: &Int) -> Result<(), Code> {
        let ledger = &mut self.exchange.ledger;
        if ledger.wallets[from] < *amount {
            return Err(("sdk", 5));
        }
        ledger.wallets[from] -= amount;
        match to {
            Purse::Wallet(owner) => ledger.wallets[owner] += amount,
            Purse::Fund(owner) => ledger.pots.of(owner).fund += amount,
            Purse::Collector => ledger.collected += amount,
            Purse::Pool | Purse::Away => {}
        }
        Ok(())
    }

    fn deposit(&mut self, account: usize, amount: &Int) -> Result<(), Code> {
        let ledger = &mut self.exchange.ledger;
        let owner = ledger.accounts[account].owner;
        if ledger.wallets[owner] < *amount {
            return Err(("sdk", 5));
        }
        ledger.wallets[owner] -= amount;
        let pot = ledger.pot_of(&ledger.accounts[account]);
        ledger.pots.of(pot).pool += amount;
        ledger.update(&[money(account, amount.clone())], Why::Deposit).map_err(|(_, no)| kept(no))
    }

    fn withdraw(&mut self, account: usize, amount: &Int) -> Result<(), Code> {
        let ledger = &mut self.exchange.ledger;
        let owner = ledger.accounts[account].owner;
        ledger.update(&[money(account, -amount)], Why::Withdrawal).map_err(|(_, no)| kept(no))?;
        ledger.wallets[owner] += amount;
        let pot = ledger.pot_of(&ledger.accounts[account]);
        ledger.pots.of(pot).pool -= amount;
        Ok(())
    }

    /// The pool holds what accounts own, longs equal shorts and open interest.
    fn conserved(&self) {
        let ledger = &self.exchange.ledger;
        for pot in &ledger.pots.0 {
            let owned = ledger.owned(pot.owner) + &pot.dust;
            assert_eq!(&pot.pool * million(), owned, "the model itself loses money");
            assert!(!pot.fund.is_negative(), "the model's fund is overdrawn");
        }
        for market in &ledger.markets {
            let sizes = || ledger.accounts.iter().map(|account| account.size(market.id));
            let longs: Int = sizes().filter(Int::is_positive).sum();
            assert!(sizes().sum::<Int>().is_zero() && longs == market.open, "the model's positions");
        }
    }
}

/// Rules that need no state.
pub fn sane(order: &Order) -> Result<(), Code> {
    if order.force == Force::FillOrKill {
        return Err(clob(48));
    }
    if order.size == 0 {
        return Err(clob(4));
    }
    named(&order.id, order.until)?;
    if order.id.flags == 64 && order.force == Force::Immediate {
        return Err(clob(3002));
    }
    if order.price == 0 && order.id.flags != 128 {
        return Err(clob(6));
    }
    let conditional = order.id.flags == 32;
    if order.condition.is_some_and(|(kind, _)| kind != 0) != conditional {
        return Err(clob(6000));
    }
    if order.condition.is_some_and(|(_, trigger)| trigger != 0) != conditional {
        return Err(clob(6001));
    }
    match order.twap {
        Some((duration, interval, tolerance)) if order.id.flags == 128 => {
            let fits = (30..=3_600).contains(&interval)
                && (300..=86_400).contains(&duration)
                && duration % interval == 0
                && tolerance < 1_000_000;
            fits.then_some(()).ok_or(clob(12))?;
        }
        None if order.id.flags == 128 => return Err(clob(12)),
        _ => {}
    }
    Ok(())
}

/// Short-term orders and cancels name a block, the others a time.
pub fn named(id: &Id, until: Until) -> Result<(), Code> {
    match (id.flags, until) {
        (0, Until::Time(_) | Until::Block(0)) => Err(clob(5)),
        (256, _) => Err(clob(3000)),
        (1.., Until::Block(_) | Until::Time(0)) => Err(clob(3001)),
        _ => Ok(()),
    }
}

fn money(account: usize, quote: Int) -> Change {
    Change { account, quote, base: None }
}

fn kept(no: No) -> Code {
    match no {
        No::Stale => ("subaccounts", 1000),
        No::Exit => ("subaccounts", 1004),
        No::Margin | No::Gate | No::Isolated | No::Pool => ("subaccounts", 102),
    }
}
