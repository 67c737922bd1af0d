//! The embedded engine: one process that makes blocks with one or several local validator keys, stores them,
//! and answers the JSON-RPC that clients of CometBFT speak. For development, tests and first contact.
//!
//! It takes an ABCI 2.0 application through the same calls as CometBFT would, with real headers, signatures
//! and hashes, so that light clients verify the chain and the application cannot tell the difference. It
//! stores each block before it is executed: whatever moment the process dies at, the next start goes on
//! from there with the same state.
//!
//! Reading order: [`Node`] (all of it together), [`Engine`] (one step, and the start), [`Voter`],
//! [`Genesis`], `store` and `index` (what is on disk), `chain` (hashes and signatures), `mempool`, `rpc`.
//!
//! Never: agrees with anyone. There are no peers, no rounds and no evidence; the validator set and the
//! consensus parameters are those of the genesis.

mod abci;
mod chain;
mod clock;
mod config;
mod engine;
mod genesis;
mod index;
mod key;
mod mempool;
mod node;
pub mod query;
mod rpc;
mod store;
mod voter;

pub use chain::validators::ChainValidator;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use config::{Config, MempoolConfig, Production, RpcConfig};
pub use engine::{Decided, Engine, EngineError, Point, COMETBFT_VERSION};
pub use genesis::{Genesis, GenesisError};
pub use key::{Key, KeyError};
pub use mempool::SubmitError;
pub use node::{CommitError, End, Handle, Latest, Node, NodeError};
pub use rpc::dry_run;
pub use store::{StoreError, StoredBlock, StoredTx};
pub use voter::Voter;
