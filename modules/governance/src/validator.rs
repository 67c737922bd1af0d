//! A validator, and what makes a list of them a set.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::Error;

/// Validators that a set may have.
pub const MAX_VALIDATORS: usize = 200;

/// Power that a set may have in all: the bound of CometBFT, (2^63 - 1) / 8.
pub const MAX_TOTAL_POWER: u64 = 1_152_921_504_606_846_975;

/// Bytes that a moniker may have.
pub const MAX_MONIKER: usize = 70;

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Ed25519 key that signs blocks and votes.
    pub public_key: [u8; 32],
    /// First 20 bytes of the key's SHA-256, as CometBFT names validators.
    pub address: [u8; 20],
    /// Weight of its vote, above zero.
    pub power: u64,
    /// What it calls itself.
    pub moniker: String,
}

impl Validator {
    /// The validator with this key.
    pub fn new(public_key: [u8; 32], power: u64, moniker: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(public_key).into();
        let mut address = [0; 20];
        address.copy_from_slice(digest.split_at(20).0);
        Self { public_key, address, power, moniker: moniker.into() }
    }
}

/// Put `validators` into the order of sets: the most powerful first, then by address. Refused when there are
/// none or too many, one is there twice or has no power or too long a name, or the powers add up to too much.
pub(crate) fn set_of(mut validators: Vec<Validator>) -> Result<Vec<Validator>, Error> {
    if validators.is_empty() || validators.len() > MAX_VALIDATORS {
        return Err(Error::Set("must have 1 to 200 validators"));
    }
    let keys: BTreeSet<[u8; 32]> = validators.iter().map(|validator| validator.public_key).collect();
    if keys.len() != validators.len() {
        return Err(Error::Set("has a validator twice"));
    }
    if validators.iter().any(|validator| validator.power == 0 || validator.moniker.len() > MAX_MONIKER) {
        return Err(Error::Set("has a validator without power or with a moniker of more than 70 bytes"));
    }
    if sum(&validators).is_none_or(|total| total > MAX_TOTAL_POWER) {
        return Err(Error::Set("has more power than CometBFT allows"));
    }
    validators.sort_by(|a, b| b.power.cmp(&a.power).then_with(|| a.address.cmp(&b.address)));
    Ok(validators)
}

/// Power of all `validators`; nothing when it cannot be counted.
pub(crate) fn sum(validators: &[Validator]) -> Option<u64> {
    validators.iter().try_fold(0_u64, |total, validator| total.checked_add(validator.power))
}
