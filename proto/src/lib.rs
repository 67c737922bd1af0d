//! Wire forms: every message that enters or leaves a node, generated at build time from the `.proto` files
//! of this directory.
//!
//! Reading order: `README.md` (map of the packages), [`serint`] (integers in `bytes` fields), [`hash`] (the
//! hash and priority of an order). The generated modules follow the package names, so
//! `dydxprotocol.clob.MsgPlaceOrder` is [`dydxprotocol::clob::MsgPlaceOrder`].
//!
//! Values of these types are unchecked by definition: any bytes a peer sends may have produced them. This
//! crate never decides whether a message is sane, knows no state and speaks no transport.

#![no_std]

extern crate alloc;

pub mod hash;
pub mod serint;

mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        reason = "generated code; its documentation is the comments of the .proto files"
    )]
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

pub use generated::*;

/// Encoded `google.protobuf.FileDescriptorSet` of all files here and what they import, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Encoded `google.protobuf.FileDescriptorSet` of the Cosmos services that a node answers and of the consensus
/// engine's types in them, for gRPC reflection. Their Rust types are in other crates.
pub const COSMOS_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/standards.bin"));
