//! Pools of collateral and insurance funds: one of each for all cross markets, one of each for an isolated market.

use crate::money::{int, Int};
use crate::terms::Market;

/// The isolated market that a pot belongs to; none for all the others.
pub type Owner = Option<u32>;

#[derive(Clone, Debug)]
pub struct Pot {
    pub owner: Owner,
    /// Collateral of accounts.
    pub pool: Int,
    /// Millionths that rounding of funding left in the pool.
    pub dust: Int,
    /// Fees of this block that wait in the pool.
    pub fees: Int,
    /// What builders get of this block: a person's number and an amount.
    pub builders: Vec<(usize, Int)>,
    pub fund: Int,
    /// Height from which money may leave again after an account below zero.
    pub gate_opens: u64,
}

#[derive(Clone, Debug)]
pub struct Pots(pub Vec<Pot>);

impl Pots {
    pub fn new(markets: &[Market], fund: u64) -> Self {
        let owners = markets.iter().filter(|market| market.isolated).map(|market| Some(market.id));
        let pot = |(owner, fund): (Owner, u64)| Pot {
            owner,
            pool: Int::ZERO,
            dust: Int::ZERO,
            fees: Int::ZERO,
            builders: Vec::new(),
            fund: int(fund),
            gate_opens: 0,
        };
        Self(std::iter::once((None, fund)).chain(owners.map(|owner| (owner, 0))).map(pot).collect())
    }

    /// Pots of markets that stand apart no more go to all the others'.
    pub fn merge(&mut self, markets: &[Market]) {
        let apart = |owner: u32| markets.iter().any(|market| market.id == owner && market.isolated);
        let (left, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|pot| pot.owner.is_none_or(apart));
        self.0 = left;
        for pot in gone {
            let all = self.of(None);
            all.pool += pot.pool;
            all.dust += pot.dust;
            all.fees += pot.fees;
            all.builders.extend(pot.builders);
            all.fund += pot.fund;
            all.gate_opens = all.gate_opens.max(pot.gate_opens);
        }
    }

    pub fn of(&mut self, owner: Owner) -> &mut Pot {
        self.0.iter_mut().find(|pot| pot.owner == owner).unwrap()
    }

    pub fn fund(&self, owner: Owner) -> &Int {
        &self.0.iter().find(|pot| pot.owner == owner).unwrap().fund
    }

    pub fn gate(&self, owner: Owner) -> u64 {
        self.0.iter().find(|pot| pot.owner == owner).unwrap().gate_opens
    }

    /// Move collateral from one pool to another.
    pub fn shift(&mut self, from: Owner, to: Owner, amount: &Int) {
        self.of(from).pool -= amount;
        self.of(to).pool += amount;
    }
}
