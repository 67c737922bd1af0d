//! `ballastd`: the node, and everything that an operator or trader does with it from a terminal.
//!
//! Reading order: [`cli`] (the commands and what their exit codes mean), [`config`] and [`home`] (what is in a
//! node's folder), [`init`] and [`genesis`] (how a chain begins), [`start`] with [`solo_node`] or [`comet`]
//! (how a node runs), [`engine`] (what the gRPC server needs of the embedded engine), [`tx`], [`query`] and
//! [`keys`] (what clients do), [`export`] (what a stopped node holds), `devnet`, [`crash`]
//! (dying on purpose, for tests), [`pages`] (memory in large pages).
//!
//! It composes; it decides nothing about a chain's state. A refused command changes nothing.

mod cli;
mod comet;
mod config;
mod crash;
mod devnet;
mod engine;
mod export;
mod failure;
mod genesis;
mod home;
mod init;
mod keys;
mod maintain;
mod output;
mod pages;
mod passphrase;
mod query;
mod rest;
mod snapshot;
mod solo_node;
mod source;
mod start;
mod top;
mod tx;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
