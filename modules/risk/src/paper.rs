//! A paper to do things on that have not happened: the state with one account and partners, and nothing that is
//! written reaches anybody.

use num::QuoteQuantums;
use store::{Ctx, Overlay, Read};
use subaccounts::{Accounts, Kind, Refused, Update};
use types::{Address, Block, Chain, Coin, Events, MarketId, SubaccountId};

use crate::view::{of, AccountView};
use crate::Error;

/// Name of the partners' owner. It is no module's, and nobody has its key.
const PARTNER: &str = "risk/partner";

/// What the partner brings: more than any trade within bounds needs, far from where sums end.
const WEALTH: i128 = 1 << 90;

/// The state of one height and what is done to it.
pub(crate) struct Paper<'a> {
    pub(crate) state: Overlay<&'a dyn Read>,
    pub(crate) accounts: Accounts,
    block: Block,
    chain: &'a Chain,
    id: SubaccountId,
}

impl<'a> Paper<'a> {
    /// The state as it is, and nothing done to it.
    pub(crate) fn new(state: &'a dyn Read, (block, chain): (Block, &'a Chain), id: SubaccountId) -> Self {
        let accounts = Accounts::some(state, &[id]);
        Self { state: Overlay::new(state), accounts, block, chain, id }
    }

    /// Somebody without a position in `market` who can pay for any trade there. Each market has its own, so that
    /// one that stands alone is no obstacle to the others.
    pub(crate) fn partner(&mut self, market: MarketId) -> Result<SubaccountId, Error> {
        let partner = SubaccountId { owner: Address::module(PARTNER), number: market.0 };
        let pool = self.accounts.pool_of(market);
        let first = self.accounts.size(&partner, market).is_zero();
        let coin = Coin { denom: self.chain.collateral.clone(), amount: WEALTH.unsigned_abs() };
        self.with(|ctx, _| {
            bank::mint(ctx, &pool, &coin)?;
            if first {
                bank::mint(ctx, &subaccounts::pool(), &coin)
            } else {
                Ok(())
            }
        })
        .map_err(|error| Error::Account(error.into()))?;
        self.update(&[Update::money(partner, QuoteQuantums::new(WEALTH))], Kind::Deposit)?;
        Ok(partner)
    }

    /// The block after which everything here would be.
    pub(crate) fn block(&self) -> &Block {
        &self.block
    }

    /// Do something as a block does it.
    pub(crate) fn with<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>, &mut Accounts) -> T) -> T {
        let mut events = Events::default();
        let mut ctx =
            Ctx { state: &mut self.state, events: &mut events, block: &self.block, chain: self.chain };
        f(&mut ctx, &mut self.accounts)
    }

    /// Change accounts by the one way there is.
    pub(crate) fn update(&mut self, updates: &[Update], kind: Kind) -> Result<(), Refused> {
        self.with(|ctx, accounts| subaccounts::update(ctx, accounts, updates, kind))
    }

    /// The account as it is on the paper.
    pub(crate) fn view(&self) -> Result<AccountView, Error> {
        of(&self.state, &self.accounts, &self.id)
    }
}
