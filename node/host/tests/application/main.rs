//! The application as an engine sees it.

mod engine;
mod proofs;
mod proposals;
