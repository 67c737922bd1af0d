//! State as modules see it: typed tables over an ordered map of bytes, with an undo journal that makes
//! failure free. No tree and no disk: those are the node's.
//!
//! Reading order: [`state`](Read) (what a state can do), [`key`](Key) (how keys sort), [`table`](Map) (what
//! modules declare), [`ctx`](Ctx) (what a rule receives), [`memory`](Memory) (the state blocks run on).
#![no_std]

extern crate alloc;

mod batch;
mod buffer;
mod ctx;
mod journal;
mod key;
mod memory;
mod overlay;
mod scheduled;
mod state;
mod table;

pub use batch::{Batch, Write, Writes};
pub use buffer::{Buffer, KeyBytes};
pub use ctx::{attempt, Ctx};
pub use journal::Journal;
pub use key::{Key, Last};
pub use memory::{Change, Memory};
pub use overlay::{Before, Overlay};
pub use scheduled::Scheduled;
pub use state::{fault, Journaled, Pair, Read, State};
pub use table::{Collection, Item, Map};
