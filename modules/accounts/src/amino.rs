//! The older signed form: one JSON text with sorted keys and no spaces. It knows bank messages only; others
//! must be signed directly.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bank::msg::{MULTI_SEND, SEND};
use bank::wire::strict;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;

use crate::tx::{DecodedTx, Message};
use crate::Error;

/// The text that is signed. Keys are written in sorted order; `timeout_height` and `payer` only when set.
pub fn sign_doc(tx: &DecodedTx, chain_id: &str, account_number: u64) -> Result<String, Error> {
    if tx.extended {
        // Amino JSON does not show extensions, so a signature would not cover them.
        return Err(Error::Extension("amino JSON does not cover extensions"));
    }
    let messages = tx.messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let timeout = match tx.timeout_height {
        0 => String::new(),
        height => format!(",\"timeout_height\":\"{height}\""),
    };
    Ok(format!(
        "{{\"account_number\":\"{account_number}\",\"chain_id\":{},\"fee\":{},\"memo\":{},\"msgs\":{},\
         \"sequence\":\"{}\"{timeout}}}",
        text(chain_id),
        fee(tx),
        text(&tx.memo),
        list(messages),
        tx.sequence,
    ))
}

fn fee(tx: &DecodedTx) -> String {
    let coins: Vec<Coin> = tx.fee.coins.iter().map(bank::coins::to_wire).collect();
    let payer = match tx.fee.payer.as_str() {
        "" => String::new(),
        payer => format!(",\"payer\":{}", text(payer)),
    };
    format!("{{\"amount\":{},\"gas\":\"{}\"{payer}}}", self::coins(&coins), tx.fee.gas_limit)
}

fn message(message: &Message) -> Result<String, Error> {
    match message.type_url.as_str() {
        SEND => strict("MsgSend", &message.bytes).map(|msg| send(&msg)).map_err(Error::from),
        MULTI_SEND => strict("MsgMultiSend", &message.bytes).map(|msg| multi_send(&msg)).map_err(Error::from),
        other => Err(Error::AminoMessage(other.chars().take(128).collect())),
    }
}

fn send(msg: &MsgSend) -> String {
    format!(
        "{{\"type\":\"cosmos-sdk/MsgSend\",\"value\":{{\"amount\":{},\"from_address\":{},\"to_address\":{}}}}}",
        coins(&msg.amount),
        text(&msg.from_address),
        text(&msg.to_address),
    )
}

fn multi_send(msg: &MsgMultiSend) -> String {
    let side = |address: &str, amount: &[Coin]| {
        format!("{{\"address\":{},\"coins\":{}}}", text(address), coins(amount))
    };
    format!(
        "{{\"type\":\"cosmos-sdk/MsgMultiSend\",\"value\":{{\"inputs\":{},\"outputs\":{}}}}}",
        list(msg.inputs.iter().map(|input| side(&input.address, &input.coins))),
        list(msg.outputs.iter().map(|output| side(&output.address, &output.coins))),
    )
}

fn coins(coins: &[Coin]) -> String {
    list(
        coins
            .iter()
            .map(|coin| format!("{{\"amount\":{},\"denom\":{}}}", text(&coin.amount), text(&coin.denom))),
    )
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

/// A JSON string. `&`, `<`, `>` and the two line separators of Unicode are escaped, as Cosmos nodes do.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len().saturating_add(2));
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
