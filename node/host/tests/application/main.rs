//! The application as an engine sees it.

mod engine;
mod evidence;
mod heights;
mod proofs;
mod proposals;
mod rounds;
mod snapshots;
