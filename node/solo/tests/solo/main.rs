//! Tests of the embedded engine, in one program because each links the database.

mod chain;
mod engine;
mod hostile;
mod kill;
mod methods;
mod node;
mod rpc;
mod shapes;
mod storm;
mod support;
mod verify;
mod websocket;
