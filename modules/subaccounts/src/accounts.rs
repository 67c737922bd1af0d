//! Accounts and markets as a block needs them: hot, journaled, rebuilt from the rows.

use num::BaseQuantums;
use store::{Journaled, Read, State};
use types::{Block, MarketId, SubaccountId};

use crate::margin::Risk;
use crate::state::Subaccount;
use crate::update::{Kind, Update};
use crate::{Error, Refused};

/// What a block knows of margin accounts and of the markets they hold. It answers what the rows would, and what
/// has changed since they were written. Everything that changes accounts goes through it.
#[derive(Debug, Default)]
pub struct Accounts {}

impl Accounts {
    /// The accounts of `state`.
    pub fn rebuild(_state: &dyn Read) -> Self {
        Self {}
    }

    /// Take over prices, funding indexes and terms, once a block has recorded its prices and funding.
    pub fn begin_block(&mut self, _state: &dyn Read, _block: &Block) {}

    /// Take over terms, prices and indexes that changed in the middle of a block.
    pub fn refresh(&mut self, _state: &dyn Read) {}

    /// Write what the rows do not say yet.
    pub fn flush(&mut self, _state: &mut dyn State) {}

    /// The account as it stands, funding not settled; empty when it holds nothing.
    pub fn get(&self, state: &dyn Read, id: &SubaccountId) -> Subaccount {
        crate::state::get(state, id)
    }

    /// Size of its position in `market`; zero without one.
    pub fn size(&self, state: &dyn Read, id: &SubaccountId, market: MarketId) -> BaseQuantums {
        self.get(state, id).size(market)
    }

    /// The account with all funding settled at the present indexes. Nothing changes.
    pub fn settled(&self, state: &dyn Read, id: &SubaccountId) -> Result<Subaccount, Error> {
        crate::settled(state, &self.get(state, id))
    }

    /// Health of the account with all funding settled first.
    pub fn risk(&self, state: &dyn Read, id: &SubaccountId) -> Result<Risk, Error> {
        crate::risk(state, &self.get(state, id))
    }

    /// Whether each update alone could be applied to the accounts as they stand, which do not change. Open
    /// interest stays as it is.
    pub fn can_update(
        &self,
        state: &dyn Read,
        block: &Block,
        updates: &[Update],
        kind: Kind,
    ) -> Result<(), Refused> {
        crate::can_update(state, block, updates, kind)
    }
}

impl Journaled for Accounts {
    fn savepoint(&mut self) {}
    fn rollback(&mut self) {}
    fn release(&mut self) {}
}
