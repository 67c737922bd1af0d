//! The composition: every message, the order of a block, genesis, proposals, oracle votes and queries.
//!
//! Pure like the modules below it: no disk, no network, no clock. Reading order: [`msg`] (what users can
//! ask), `block` (what a block does, in order), `tx` (from bytes to change), [`Machine`] (the whole),
//! [`lanes`] and [`proposal`] (the order of transactions), [`oracle`] (votes), [`check`](check::check) (the
//! mempool's question), [`Signatures`] (what need not be verified twice), [`genesis`], [`invariants`],
//! [`layout()`], [`query`], [`upgrade`] (which program goes on from which state).

pub mod check;
pub mod genesis;
pub mod invariants;
pub mod lanes;
pub mod load;
pub mod msg;
pub mod oracle;
pub mod proposal;
pub mod query;
pub mod state;
pub mod upgrade;

mod block;
mod error;
mod extension;
mod layout;
mod machine;
mod signatures;
mod tx;

pub use error::{Error, Refusal};
pub use genesis::{AppState, Genesis, GenesisError, GenesisValidator};
pub use layout::{layout, STORES};
pub use machine::{BlockInput, BlockOutcome, Fault, Hot, Machine, Summary, TxResult};
pub use signatures::Signatures;
pub use upgrade::{Release, Unfit};
