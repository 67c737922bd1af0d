//! What a user can ask of the bank, and the only stateless check of it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use cosmos_sdk_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use types::{Address, Chain, Coin, Denom};

use crate::coins;
use crate::wire::{at_most, at_most_within, strict};
use crate::Error;

/// Type of [`Send`] on the wire.
pub const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

/// Type of [`MultiSend`] on the wire.
pub const MULTI_SEND: &str = "/cosmos.bank.v1beta1.MsgMultiSend";

/// Outputs that one multi-send may have.
pub const MAX_OUTPUTS: usize = 16;

/// A message to the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Msg {
    /// Coins from one account to another.
    Send(Send),
    /// Coins from one account to several.
    MultiSend(MultiSend),
}

/// Coins from one account to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Who pays and signs.
    pub from: Address,
    /// Who receives.
    pub to: Address,
    /// What; at least one coin.
    pub coins: Vec<Coin>,
}

/// Coins from one account to several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiSend {
    /// Who pays and signs.
    pub from: Address,
    /// What is paid in all; the sum of the outputs.
    pub coins: Vec<Coin>,
    /// Who receives what.
    pub outputs: Vec<Output>,
}

/// One receiver of a multi-send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Who receives.
    pub to: Address,
    /// What; at least one coin.
    pub coins: Vec<Coin>,
}

impl Msg {
    /// Who must have signed.
    pub fn signer(&self) -> Address {
        match self {
            Self::Send(send) => send.from,
            Self::MultiSend(multi) => multi.from,
        }
    }

    /// Who receives coins. An account that receives its first coin comes into being with it.
    pub fn recipients(&self) -> Vec<Address> {
        match self {
            Self::Send(send) => alloc::vec![send.to],
            Self::MultiSend(multi) => multi.outputs.iter().map(|output| output.to).collect(),
        }
    }
}

/// Read a `MsgSend`.
pub fn decode_send(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    at_most("amount", bytes, 3, coins::MAX_COINS).map_err(too_many_coins)?;
    let wire: MsgSend = strict("MsgSend", bytes)?;
    Ok(Msg::Send(Send {
        from: address("from_address", &wire.from_address, chain)?,
        to: address("to_address", &wire.to_address, chain)?,
        coins: coins::read_some(&wire.amount)?,
    }))
}

/// Read a `MsgMultiSend`. Like Cosmos chains since 0.47, one input is all it may have.
pub fn decode_multi_send(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    at_most("inputs", bytes, 1, 1).map_err(|_| Error::MultipleSenders)?;
    at_most("outputs", bytes, 2, MAX_OUTPUTS)?;
    for fields in [(1, 2), (2, 2)] {
        at_most_within("coins", bytes, fields, coins::MAX_COINS).map_err(too_many_coins)?;
    }
    let wire: MsgMultiSend = strict("MsgMultiSend", bytes)?;
    let [input] = wire.inputs.as_slice() else {
        return Err(Error::NoInputs);
    };
    if wire.outputs.is_empty() {
        return Err(Error::NoOutputs);
    }
    let mut outputs = Vec::with_capacity(wire.outputs.len());
    for output in &wire.outputs {
        let to = address("output address", &output.address, chain)?;
        outputs.push(Output { to, coins: coins::read_some(&output.coins)? });
    }
    let multi = MultiSend {
        from: address("input address", &input.address, chain)?,
        coins: coins::read_some(&input.coins)?,
        outputs,
    };
    if sum(&multi.outputs)? != multi.coins {
        return Err(Error::InputOutputMismatch);
    }
    Ok(Msg::MultiSend(multi))
}

fn sum(outputs: &[Output]) -> Result<Vec<Coin>, Error> {
    let mut sums: BTreeMap<&Denom, u128> = BTreeMap::new();
    for coin in outputs.iter().flat_map(|output| &output.coins) {
        let total = sums.entry(&coin.denom).or_default();
        *total = total.checked_add(coin.amount).ok_or(Error::InputOutputMismatch)?;
    }
    Ok(sums.into_iter().map(|(denom, amount)| Coin { denom: denom.clone(), amount }).collect())
}

fn too_many_coins(wrong: types::Malformed) -> Error {
    if wrong.reason.starts_with("does not decode") {
        Error::Malformed(wrong)
    } else {
        Error::InvalidCoins(format!("{wrong}"))
    }
}

/// Read an address of this chain.
pub(crate) fn address(field: &'static str, text: &str, chain: &Chain) -> Result<Address, Error> {
    Address::from_bech32(text, &chain.prefix)
        .map_err(|wrong| Error::InvalidAddress { field, reason: format!("{wrong}") })
}
