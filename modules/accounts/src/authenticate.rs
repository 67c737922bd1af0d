//! May this transaction run? All checks, the cheap ones first, the signature last; then what admission costs.
//!
//! A refused transaction costs nothing and changes nothing. An admitted one has paid its fee and used its
//! sequence, whatever becomes of its messages.

use alloc::string::String;
use alloc::vec::Vec;

use bank::FEE_COLLECTOR;
use store::{Ctx, Read};
use types::{Address, Chain};

use crate::fee::{self, GasPrice};
use crate::sign::{address_of, verify, SignerData};
use crate::state::{Account, ACCOUNTS};
use crate::tx::DecodedTx;
use crate::{event, gas, Error};

/// What a transaction must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fee, gas and the next sequence.
    Paid,
    /// The next sequence; an offered fee is not taken, gas is not counted. Stateful trading messages.
    FeeFree,
    /// Neither: short-term orders and cancels, which carry their own protection against replay. The signature
    /// still binds chain, account number and whatever sequence the transaction carries.
    SequenceFree,
}

/// What is known about the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// Nothing: verify it.
    Verify,
    /// [`verify`] has accepted this very transaction for these signer data; it is verified again only when
    /// they are no longer the right ones.
    Verified(&'a SignerData),
    /// The transaction is only simulated: key, signature, fee and gas limit may be missing.
    Simulate,
}

/// Rules that hold for every transaction of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Minimum prices of gas; the fee must reach one of them, and may only have coins that are named here.
    pub gas_prices: Vec<GasPrice>,
    /// Highest gas limit.
    pub max_gas: u64,
}

/// How to treat one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// What it must bring.
    pub kind: Kind,
    /// Rules of the chain.
    pub rules: &'a Rules,
    /// Gas that its messages take together.
    pub message_gas: u64,
    /// What is known about its signature.
    pub check: Check<'a>,
}

/// Admit `tx`, which `signer` must have signed, or refuse it.
pub fn authenticate(
    ctx: &mut Ctx<'_>,
    tx: &DecodedTx,
    signer: &Address,
    policy: &Policy<'_>,
) -> Result<(), Error> {
    let account = examine(ctx, tx, signer, policy)?;
    let key = match (policy.check, data_of(ctx.chain, &account, tx, signer)) {
        (Check::Verified(verified), Ok(data)) if *verified == data => Some(data.public_key),
        (Check::Verify | Check::Verified(_), Ok(data)) => {
            verify(tx, &data)?;
            Some(data.public_key)
        }
        (Check::Simulate, Ok(_) | Err(Error::PublicKey(NO_KEY))) => None,
        (_, Err(refusal)) => return Err(refusal),
    };
    admit(ctx, tx, signer, policy, (account, key))
}

const NO_KEY: &str = "the account has no key yet and the transaction names none";

/// What the signature of `tx` must be verified against: the key that the account has, or that the transaction
/// names and whose address is `signer`.
pub fn signer_data(
    state: &dyn Read,
    chain: &Chain,
    tx: &DecodedTx,
    signer: &Address,
) -> Result<SignerData, Error> {
    let account = ACCOUNTS.get(state, signer).ok_or(Error::UnknownAccount(*signer))?;
    data_of(chain, &account, tx, signer)
}

fn data_of(chain: &Chain, account: &Account, tx: &DecodedTx, signer: &Address) -> Result<SignerData, Error> {
    let public_key = match (tx.public_key, account.public_key) {
        (Some(named), _) if address_of(&named) != *signer => {
            return Err(Error::PublicKey("the key does not belong to the signer's address"));
        }
        (Some(key), _) | (None, Some(key)) => key,
        (None, None) => return Err(Error::PublicKey(NO_KEY)),
    };
    Ok(SignerData { chain_id: chain.chain_id.clone(), account_number: account.number, public_key })
}

/// Everything but the signature. Reads only.
fn examine(ctx: &Ctx<'_>, tx: &DecodedTx, signer: &Address, policy: &Policy<'_>) -> Result<Account, Error> {
    let height = ctx.block.height;
    if tx.timeout_height != 0 && height > tx.timeout_height {
        return Err(Error::Timeout { height, timeout: tx.timeout_height });
    }
    if !tx.fee.payer.is_empty() && tx.fee.payer != signer.to_bech32(&ctx.chain.prefix) {
        return Err(Error::FeePayer(tx.fee.payer.chars().take(90).collect::<String>()));
    }
    let account = ACCOUNTS.get(ctx.state, signer).ok_or(Error::UnknownAccount(*signer))?;
    if policy.kind == Kind::Paid && policy.check != Check::Simulate {
        check_gas(tx, policy)?;
        fee::check(&tx.fee, &policy.rules.gas_prices)?;
        check_funds(ctx.state, tx, signer)?;
    }
    if policy.kind != Kind::SequenceFree && tx.sequence != account.sequence {
        return Err(Error::Sequence { expected: account.sequence, got: tx.sequence });
    }
    if account.sequence == u64::MAX {
        return Err(Error::NotSupported("more transactions than an account can count"));
    }
    Ok(account)
}

fn check_gas(tx: &DecodedTx, policy: &Policy<'_>) -> Result<(), Error> {
    let (limit, maximum) = (tx.fee.gas_limit, policy.rules.max_gas);
    if limit > maximum {
        return Err(Error::GasLimit { limit, maximum });
    }
    let needed = gas::needed(tx, policy.message_gas);
    if limit < needed {
        return Err(Error::OutOfGas { limit, needed });
    }
    Ok(())
}

fn check_funds(state: &dyn Read, tx: &DecodedTx, signer: &Address) -> Result<(), Error> {
    for coin in &tx.fee.coins {
        let has = bank::balance(state, signer, &coin.denom);
        if has < coin.amount {
            return Err(Error::FeeFunds { has, fee: coin.clone() });
        }
    }
    Ok(())
}

/// Take the fee, use the sequence, remember the key.
fn admit(
    ctx: &mut Ctx<'_>,
    tx: &DecodedTx,
    signer: &Address,
    policy: &Policy<'_>,
    (account, key): (Account, Option<[u8; 33]>),
) -> Result<(), Error> {
    let mut changed = account.clone();
    if policy.kind == Kind::Paid && policy.check != Check::Simulate && !tx.fee.coins.is_empty() {
        bank::transfer_coins(ctx, signer, &Address::module(FEE_COLLECTOR), &tx.fee.coins)?;
        ctx.emit(event::fee(tx, *signer));
    }
    if policy.kind != Kind::SequenceFree {
        // A sequence at the end of its range stays there and can never be matched again.
        let exhausted =
            Error::NotSupported("more transactions from an account that has used up its sequences");
        changed.sequence = account.sequence.checked_add(1).ok_or(exhausted)?;
        ctx.emit(event::sequence(tx, *signer, ctx.chain));
        ctx.emit(event::signature(tx));
    }
    changed.public_key = account.public_key.or(key);
    if changed != account {
        ACCOUNTS.set(ctx.state, signer, &changed);
    }
    Ok(())
}
