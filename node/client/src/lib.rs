//! The client library: keys, transactions and queries for programs that talk to a node from outside. Traders'
//! bots and the command line are built on it, and on nothing that a stranger's program would not have.
//!
//! Reading order: [`Key`] (who signs) and [`Keyring`] (where keys are kept), [`Client`] (one gRPC call, and
//! helpers on top of it), [`Market`] and [`Decimal`] (human numbers to the chain's and back), [`messages`]
//! (what can be asked of the chain), [`tx`] (signing), [`Sender`] (an account that sends).
//!
//! Never: floating point for money, secrets in errors or debug output, or a guess where the chain wants an
//! exact number. A price off its tick is refused with its neighbours, not rounded.

mod amount;
mod decimal;
mod error;
mod grpc;
mod keyring;
mod keys;
mod market;
pub mod messages;
mod query;
mod seal;
mod send;
pub mod tx;

pub use amount::{parse_coin, parse_coins, parse_gas_prices};
pub use decimal::{Decimal, DecimalError};
pub use error::Error;
pub use grpc::Client;
pub use keyring::{Ask, Keyring, KeyringError, PublicKey};
pub use keys::{new_mnemonic, Key, KeyError};
pub use market::{usd, Between, Market, OrderError};
pub use query::{AccountState, BlockView, Funding, Position, SubaccountView, TxOutcome, ValidatorView};
pub use send::{Fees, Receipt, Sender};
