//! The application as an engine sees it.

mod engine;
mod evidence;
mod heights;
mod proofs;
mod proposals;
mod readers;
mod rounds;
mod snapshots;
