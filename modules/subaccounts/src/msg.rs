//! What a user can ask, and the only stateless check of it.

use alloc::format;
use alloc::vec::Vec;

use bank::wire::{strict, strict_or_declared};
use proto::dydxprotocol::sending::{MsgCreateTransfer, MsgDepositToSubaccount, MsgWithdrawFromSubaccount};
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use types::{Address, Chain, SubaccountId, MAX_SUBACCOUNT_NUMBER};

use crate::Error;

/// Type of [`Msg::Deposit`] on the wire.
pub const DEPOSIT: &str = "/dydxprotocol.sending.MsgDepositToSubaccount";

/// Type of [`Msg::Withdraw`] on the wire.
pub const WITHDRAW: &str = "/dydxprotocol.sending.MsgWithdrawFromSubaccount";

/// Type of [`Msg::Transfer`] on the wire.
pub const TRANSFER: &str = "/dydxprotocol.sending.MsgCreateTransfer";

/// A message to margin accounts. Amounts are quote quantums, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Msg {
    /// Money from a bank account into a margin account, anybody's.
    Deposit {
        /// Who pays and signs.
        sender: Address,
        /// Which account receives.
        recipient: SubaccountId,
        /// How much.
        amount: u64,
    },
    /// Money from a margin account to a bank account, anybody's but a module's.
    Withdraw {
        /// Which account pays; its owner signs.
        sender: SubaccountId,
        /// Who receives.
        recipient: Address,
        /// How much.
        amount: u64,
    },
    /// Money from one margin account to another.
    Transfer {
        /// Which account pays; its owner signs.
        sender: SubaccountId,
        /// Which account receives; another one.
        recipient: SubaccountId,
        /// How much.
        amount: u64,
    },
}

impl Msg {
    /// Who must have signed.
    pub fn signer(&self) -> Address {
        match self {
            Self::Deposit { sender, .. } => *sender,
            Self::Withdraw { sender, .. } | Self::Transfer { sender, .. } => sender.owner,
        }
    }

    /// The margin accounts that it changes.
    pub fn subaccounts(&self) -> Vec<SubaccountId> {
        match self {
            Self::Deposit { recipient, .. } => alloc::vec![*recipient],
            Self::Withdraw { sender, .. } => alloc::vec![*sender],
            Self::Transfer { sender, recipient, .. } => alloc::vec![*sender, *recipient],
        }
    }

    /// Whose account in the bank's and signer's sense comes into being with the message, if it is not there.
    pub fn recipients(&self) -> Vec<Address> {
        match self {
            Self::Deposit { .. } => Vec::new(),
            Self::Withdraw { recipient, .. } => alloc::vec![*recipient],
            Self::Transfer { recipient, .. } => alloc::vec![recipient.owner],
        }
    }
}

/// Read a `MsgDepositToSubaccount`.
pub fn decode_deposit(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: MsgDepositToSubaccount = strict("MsgDepositToSubaccount", bytes)?;
    let sender = address(&wire.sender, chain)?;
    let recipient = subaccount("recipient", wire.recipient, chain)?;
    Ok(Msg::Deposit { sender, recipient, amount: moved(wire.asset_id, wire.quantums)? })
}

/// The fields of a `MsgWithdrawFromSubaccount` as its definition declares them: the sender, number 2, comes first.
const WITHDRAWAL: [u32; 4] = [2, 1, 3, 4];

/// Read a `MsgWithdrawFromSubaccount`.
pub fn decode_withdraw(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: MsgWithdrawFromSubaccount =
        strict_or_declared("MsgWithdrawFromSubaccount", bytes, &WITHDRAWAL)?;
    let sender = subaccount("sender", wire.sender, chain)?;
    let recipient = address(&wire.recipient, chain)?;
    Ok(Msg::Withdraw { sender, recipient, amount: moved(wire.asset_id, wire.quantums)? })
}

/// Read a `MsgCreateTransfer`.
pub fn decode_transfer(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: MsgCreateTransfer = strict("MsgCreateTransfer", bytes)?;
    let wire = wire.transfer.ok_or(Error::MissingField("transfer"))?;
    let sender = subaccount("sender", wire.sender, chain)?;
    let recipient = subaccount("recipient", wire.recipient, chain)?;
    if sender == recipient {
        return Err(Error::SameAccount(sender));
    }
    if wire.asset_id != 0 {
        return Err(Error::NonUsdcTransfer(wire.asset_id));
    }
    if wire.amount == 0 {
        return Err(Error::TransferAmount);
    }
    Ok(Msg::Transfer { sender, recipient, amount: wire.amount })
}

fn moved(asset: u32, quantums: u64) -> Result<u64, Error> {
    match (asset, quantums) {
        (0, 0) => Err(Error::NonPositive),
        (0, _) => Ok(quantums),
        _ => Err(Error::NonUsdc(asset)),
    }
}

fn address(text: &str, chain: &Chain) -> Result<Address, Error> {
    Address::from_bech32(text, &chain.prefix).map_err(|wrong| Error::Address(format!("{wrong}")))
}

/// Read the id of a margin account.
pub fn subaccount(field: &'static str, wire: Option<WireId>, chain: &Chain) -> Result<SubaccountId, Error> {
    let wire = wire.ok_or(Error::MissingField(field))?;
    let owner = Address::from_bech32(&wire.owner, &chain.prefix)
        .map_err(|wrong| Error::Owner(format!("is not an address: {wrong}")))?;
    if wire.number > MAX_SUBACCOUNT_NUMBER {
        return Err(Error::Number(wire.number));
    }
    Ok(SubaccountId { owner, number: wire.number })
}
