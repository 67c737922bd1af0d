//! Accounts, margin and funding: sections 3 and 4 of the reference in plain words and unbounded numbers.

use num_traits::{Signed, Zero};

use crate::money::{ceil, floor, int, million, scaled, share_up, Int};
use crate::pots::{Owner, Pots};
use crate::terms::{Account, Market, Position};

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Trade,
    Deposit,
    Withdrawal,
    Transfer,
    /// Only a question.
    Check,
}

/// Why it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Margin,
    Gate,
    Stale,
    /// An isolated market beside another one.
    Isolated,
    /// Less than nothing would have to go to another pool.
    Pool,
    /// Initial margin would be left, but too little of the notional.
    Exit,
}

pub struct Change {
    pub account: usize,
    pub quote: Int,
    pub base: Option<(u32, Int)>,
}

#[derive(Clone, Debug)]
pub struct Risk {
    pub worth: Int,
    pub initial: Int,
    pub maintenance: Int,
}

#[derive(Clone)]
pub struct Ledger {
    pub markets: Vec<Market>,
    pub accounts: Vec<Account>,
    pub wallets: Vec<Int>,
    pub pots: Pots,
    pub collected: Int,
    pub max_age: i64,
    /// What money that leaves must leave of the notional, in ppm.
    pub exit_ppm: i64,
    pub now: i64,
    pub height: u64,
    pub gate_opens: u64,
}

impl Ledger {
    pub fn market(&self, id: u32) -> &Market {
        self.markets.iter().find(|market| market.id == id).unwrap()
    }

    pub fn market_mut(&mut self, id: u32) -> &mut Market {
        self.markets.iter_mut().find(|market| market.id == id).unwrap()
    }

    pub fn fresh(&self, market: u32) -> bool {
        self.market(market).priced_at.is_some_and(|at| self.now - at <= self.max_age)
    }

    /// Funding first: one rounding down for the whole account. Answers what rounding left behind.
    pub fn settled(&self, account: &Account) -> (Account, Int) {
        let mut after = account.clone();
        let mut owed = Int::zero();
        for position in &mut after.positions {
            let index = &self.market(position.market).index;
            owed -= (index - &position.index) * &position.size;
            position.index = index.clone();
        }
        let whole = floor(&owed, &million());
        let dust = owed - &whole * million();
        after.quote += whole;
        (after, dust)
    }

    pub fn notional(&self, market: &Market, size: &Int) -> Int {
        let (n, d) = scaled(size * market.price, market.oracle_exponent());
        n / d
    }

    fn initial_ppm(&self, market: &Market) -> i64 {
        let open = self.notional(market, &market.open);
        let (lower, upper) = (int(market.lower_cap), int(market.upper_cap));
        if market.upper_cap == 0 || open <= lower {
            return market.initial_ppm;
        }
        if open >= upper {
            return 1_000_000;
        }
        let more = int(1_000_000 - market.initial_ppm) * (open - &lower) / (upper - lower);
        market.initial_ppm + i64::try_from(more).unwrap()
    }

    pub fn margin(&self, market: &Market, size: &Int) -> (Int, Int, Int) {
        let notional = self.notional(market, size);
        let initial = share_up(&notional.abs(), self.initial_ppm(market));
        let base = share_up(&notional.abs(), market.initial_ppm);
        (notional, initial, share_up(&base, market.fraction_ppm))
    }

    /// Of an account whose funding is settled.
    pub fn risk(&self, account: &Account) -> Risk {
        let (worth, zero) = (account.quote.clone(), Int::zero());
        let mut risk = Risk { worth, initial: zero.clone(), maintenance: zero };
        for position in &account.positions {
            let market = self.market(position.market);
            let (notional, scaled, maintenance) = self.margin(market, &position.size);
            let own = account.shares.iter().find(|(id, _)| *id == position.market).map_or(0, |(_, ppm)| *ppm);
            let initial = scaled.max(share_up(&notional.abs(), own));
            risk.worth += notional;
            risk.initial += initial;
            risk.maintenance += maintenance;
        }
        risk
    }

    fn applied(&self, settled: &Account, change: &Change) -> Account {
        let mut after = settled.clone();
        after.quote += &change.quote;
        if let Some((market, size)) = &change.base {
            let new = after.size(*market) + size;
            after.positions.retain(|position| position.market != *market);
            if !new.is_zero() {
                let index = self.market(*market).index.clone();
                after.positions.push(Position { market: *market, size: new, index });
                after.positions.sort_by_key(|position| position.market);
            }
        }
        after
    }

    /// Whose pool holds what an account has: that of its positions.
    pub fn pot_of(&self, account: &Account) -> Owner {
        account.positions.first().and_then(|position| self.pot_of_market(position.market))
    }

    pub fn pot_of_market(&self, market: u32) -> Owner {
        Some(market).filter(|market| self.market(*market).isolated)
    }

    /// An isolated market allows no other beside it.
    fn apart(&self, before: &Account, change: &Change) -> Result<(), No> {
        let Some((market, _)) = change.base else { return Ok(()) };
        let mixes = |position: &Position| {
            position.market != market
                && (self.market(market).isolated || self.market(position.market).isolated)
        };
        if before.positions.iter().any(mixes) {
            return Err(No::Isolated);
        }
        Ok(())
    }

    fn judge(
        &self,
        (before, after): (&Account, &Account),
        change: &Change,
        (why, opens): (Why, u64),
    ) -> Result<(), No> {
        self.apart(before, change)?;
        let leaves = matches!(why, Why::Withdrawal | Why::Transfer) && change.quote.is_negative();
        if leaves && self.height < opens {
            return Err(No::Gate);
        }
        let grows = change.base.as_ref().is_some_and(|(market, _)| {
            let (old, new) = (before.size(*market), after.size(*market));
            new.abs() > old.abs() || (&new * &old).is_negative()
        });
        if (leaves || grows) && after.positions.iter().any(|position| !self.fresh(position.market)) {
            return Err(No::Stale);
        }
        let new = self.risk(after);
        if new.worth < new.initial && !not_riskier(&self.risk(before), &new) {
            return Err(No::Margin);
        }
        // Nobody owes who has no position.
        if change.base.is_some() && after.positions.is_empty() && new.worth.is_negative() {
            return Err(No::Margin);
        }
        let sizes = after.positions.iter().map(|own| self.notional(self.market(own.market), &own.size).abs());
        if leaves && new.worth < share_up(&sizes.sum(), self.exit_ppm) {
            return Err(No::Exit);
        }
        Ok(())
    }

    /// Whether the account could take this on now.
    pub fn could(&self, change: &Change, why: Why) -> Result<(), No> {
        let (settled, _) = self.settled(&self.accounts[change.account]);
        self.judge((&settled, &self.applied(&settled, change)), change, (why, 0))
    }

    /// Who comes to a pool brings what was there before; who goes takes what is left; not less than nothing.
    fn carried(&self, settled: &Account, after: &Account) -> Result<Int, No> {
        let (from, to) = (self.pot_of(settled), self.pot_of(after));
        match if to.is_some() { &settled.quote } else { &after.quote } {
            _ if from == to => Ok(Int::zero()),
            amount if amount.is_negative() => Err(No::Pool),
            amount => Ok(amount.clone()),
        }
    }

    /// Apply all changes or none. A refusal names the first that may not.
    pub fn update(&mut self, changes: &[Change], why: Why) -> Result<(), (usize, No)> {
        let mut done = Vec::new();
        let mut open = None;
        for change in changes {
            let (settled, dust) = self.settled(&self.accounts[change.account]);
            let after = self.applied(&settled, change);
            if let Some((market, _)) = change.base {
                let long = |account: &Account| account.size(market).max(Int::zero());
                let (_, moved) = open.get_or_insert((market, Int::zero()));
                *moved += long(&after) - long(&settled);
            }
            done.push((settled, after, dust));
        }
        // Money leaves no pool, and comes to none, while the gate of either is closed.
        let gate = |change: &Change| self.pots.gate(self.pot_of(&self.accounts[change.account]));
        let opens = changes.iter().map(gate).max().unwrap_or(0).max(self.gate_opens);
        // Open interest counts before margin is judged.
        if let Some((market, moved)) = &open {
            self.market_mut(*market).open += moved;
        }
        for (index, (change, (settled, after, _))) in changes.iter().zip(&done).enumerate() {
            let judged = self.judge((settled, after), change, (why, opens));
            if let Err(no) = judged.and_then(|()| self.carried(settled, after).map(drop)) {
                if let Some((market, moved)) = open {
                    self.market_mut(market).open -= moved;
                }
                return Err((index, no));
            }
        }
        for (settled, after, dust) in &done {
            let (from, to) = (self.pot_of(settled), self.pot_of(after));
            let amount = self.carried(settled, after).unwrap_or_default();
            self.pots.of(from).dust += dust;
            self.pots.shift(from, to, &amount);
        }
        for (change, (_, after, _)) in changes.iter().zip(done) {
            self.accounts[change.account] = after;
        }
        Ok(())
    }

    /// What a trade of `size` at `price` subticks is worth.
    pub fn worth(&self, market: u32, size: u64, price: u64) -> Int {
        let (n, d) = scaled(int(size) * price, self.market(market).conversion_exponent);
        floor(&n, &d)
    }

    /// What is charged on a fill; a rebate is rounded against its payee.
    pub fn fee(&self, quote: &Int, ppm: i64) -> Int {
        ceil(&(quote * ppm), &million())
    }

    /// Everything that accounts of a pool have, in millionths.
    pub fn owned(&self, owner: Owner) -> Int {
        let mut owned = Int::zero();
        for account in self.accounts.iter().filter(|account| self.pot_of(account) == owner) {
            owned += &account.quote * million();
            for position in &account.positions {
                owned -= (&self.market(position.market).index - &position.index) * &position.size;
            }
        }
        owned
    }
}

/// The transition rule for an account without its initial margin.
pub fn not_riskier(old: &Risk, new: &Risk) -> bool {
    if new.maintenance > old.maintenance {
        return false;
    }
    if old.maintenance.is_zero() || new.maintenance.is_zero() {
        let both = old.maintenance.is_zero() && new.maintenance.is_zero();
        return both && new.worth > old.worth;
    }
    // Worth per maintenance margin must not fall. On a tie the margin is not larger, as seen above.
    &new.worth * &old.maintenance >= &old.worth * &new.maintenance
}
