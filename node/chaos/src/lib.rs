//! A bad world for a network of real nodes: links that delay, stall, lie still and break, price feeders that
//! die, hang and lie, processes that are killed and paused, and the traders who must not notice.
//!
//! Reading order: [`Weather`] and [`Links`] (what becomes of bytes between two nodes), [`Feeders`] (what a node
//! hears about prices), [`control`] (both of them at run time, in lines of text), [`Manifest`] (a seeded list of
//! misfortunes), `network` (the processes of `scripts/localnet`), `load`, and [`run`] (all of it, and what must
//! hold afterwards).
//!
//! The program `chaos serve` is links and feeders of a network, `chaos run` is the test; scripts/nettest
//! calls both. Never: a queue, connection count or answer without a bound, and nothing that is left running.

pub mod control;
mod feeders;
mod links;
mod load;
mod manifest;
mod network;
mod rpc;
pub mod run;
mod verdict;
mod weather;

pub use feeders::{Feeders, Mood};
pub use links::Links;
pub use manifest::{Fault, Manifest};
pub use weather::{Mode, Pace, Weather};
