//! Events of an admitted transaction, named as Cosmos clients search for them.

use alloc::format;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use types::{Address, Chain, Event};

use crate::tx::DecodedTx;

/// The fee was taken.
pub(crate) fn fee(tx: &DecodedTx, payer: Address) -> Event {
    Event::new("tx").with("fee", bank::coins::text(&tx.fee.coins)).with("fee_payer", payer)
}

/// The sequence was used: `address/sequence`.
pub(crate) fn sequence(tx: &DecodedTx, signer: Address, chain: &Chain) -> Event {
    Event::new("tx").with("acc_seq", format!("{}/{}", signer.to_bech32(&chain.prefix), tx.sequence))
}

/// The signature, in base64.
pub(crate) fn signature(tx: &DecodedTx) -> Event {
    Event::new("tx").with("signature", STANDARD.encode(&tx.signature))
}
