//! Who may act: account numbers, sequences and public keys, and the check of a transaction's bytes, signature,
//! sequence, gas and fee.
//!
//! Reading order: [`tx`] (bytes become a [`DecodedTx`], the only stateless check), [`sign`] (what is signed;
//! [`verify`] is pure, so that it can run ahead and in parallel), [`amino`] (the older signed form), [`fee`] and
//! [`gas`], [`authenticate`](mod@authenticate) (all of it in order, then the changes), [`state`], [`query`].
//!
//! It never looks into messages (but to render bank messages as amino JSON), never charges for a transaction
//! that it refuses, and never changes state before every check has passed.
#![no_std]

extern crate alloc;

pub mod amino;
pub mod authenticate;
pub mod error;
pub mod fee;
pub mod gas;
pub mod genesis;
pub mod query;
pub mod sign;
pub mod state;
pub mod tx;

mod event;

pub use authenticate::{authenticate, signer_data, Check, Kind, Policy, Rules};
pub use error::Error;
pub use fee::GasPrice;
pub use genesis::Genesis;
pub use sign::{address_of, signed, verify, SignerData};
pub use state::{account, ensure, layout, Account};
pub use tx::{decode_tx, DecodedTx, Fee, Limits, Message, SignMode};
