//! Pools of collateral and insurance funds: one of each for all cross markets, one of each for an isolated market.

use crate::money::{int, Int};
use crate::terms::Market;

/// The isolated market that a pot belongs to; none for all the others.
pub(crate) type Owner = Option<u32>;

#[derive(Clone, Debug)]
pub(crate) struct Pot {
    pub(crate) owner: Owner,
    /// Collateral of accounts.
    pub(crate) pool: Int,
    /// Millionths that rounding of funding left in the pool.
    pub(crate) dust: Int,
    /// Fees of this block that wait in the pool.
    pub(crate) fees: Int,
    /// What builders get of this block: a person's number and an amount.
    pub(crate) builders: Vec<(usize, Int)>,
    pub(crate) fund: Int,
    /// Height from which money may leave again after an account below zero.
    pub(crate) gate_opens: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Pots(pub(crate) Vec<Pot>);

impl Pots {
    pub(crate) fn new(markets: &[Market], fund: u64) -> Self {
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

    pub(crate) fn of(&mut self, owner: Owner) -> &mut Pot {
        self.0.iter_mut().find(|pot| pot.owner == owner).unwrap()
    }

    pub(crate) fn fund(&self, owner: Owner) -> &Int {
        &self.0.iter().find(|pot| pot.owner == owner).unwrap().fund
    }

    pub(crate) fn gate(&self, owner: Owner) -> u64 {
        self.0.iter().find(|pot| pot.owner == owner).unwrap().gate_opens
    }

    /// Move collateral from one pool to another.
    pub(crate) fn shift(&mut self, from: Owner, to: Owner, amount: &Int) {
        self.of(from).pool -= amount;
        self.of(to).pool += amount;
    }
}
