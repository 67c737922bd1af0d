//! Coins: who holds how much of what, how much there is, and which accounts belong to modules.
//!
//! Reading order: [`state`] (what is kept), [`coins`] (what a list of coins may be), [`msg`] (what a user can
//! ask), [`send`](transfer) (the one place where coins move), [`query`]. Collateral of margin accounts is an
//! ordinary balance of the module account `subaccounts`; this module has never heard of margin.
//!
//! It never creates a coin after genesis, never lets a balance go below zero, and never lets a user send to a
//! module account.
#![no_std]

extern crate alloc;

pub mod coins;
pub mod error;
pub mod genesis;
pub mod msg;
pub mod page;
pub mod query;
pub mod state;
pub mod wire;

mod event;
mod send;

use store::Ctx;

pub use error::Error;
pub use genesis::Genesis;
pub use msg::{decode_multi_send, decode_send, Msg};
pub use send::{mint, transfer, transfer_coins};
pub use state::{
    balance, balances_page, changed, held, is_module, layout, module_accounts, register_module, supply,
    FEE_COLLECTOR,
};

/// Run one message. Its sender signed it; fees are paid.
pub fn execute(ctx: &mut Ctx<'_>, msg: &Msg) -> Result<(), Error> {
    match msg {
        Msg::Send(send) => send::send(ctx, send),
        Msg::MultiSend(multi) => send::multi_send(ctx, multi),
    }
}
