//! The server over real TCP connections, on a real application whose state is in memory.

mod cases;
mod comet;
mod dydx;
mod engine;
mod heights;
mod inputs;
mod limits;
mod methods;
mod rest;
mod schema;
mod streams;
mod support;
mod trading;
mod transactions;
mod wallets;
mod web;
