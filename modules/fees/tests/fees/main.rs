//! Trading fees: the table, volumes of a window, the desk of a block, and the way of the money.
#![cfg(test)]

mod desk;
mod table;
mod volumes;
mod world;
