//! Tests of the embedded engine, in one program because each links the database.

mod chain;
mod engine;
mod hostile;
mod kill;
mod node;
mod rpc;
mod support;
mod verify;
