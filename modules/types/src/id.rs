//! Identifiers of subaccounts and markets.

use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Address;

/// Highest number a subaccount may have.
pub const MAX_SUBACCOUNT_NUMBER: u32 = 128_000;

/// A margin account: one of up to 128,001 that an owner can have.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
)]
pub struct SubaccountId {
    /// Who may act for it.
    pub owner: Address,
    /// 0 to [`MAX_SUBACCOUNT_NUMBER`].
    pub number: u32,
}

impl fmt::Display for SubaccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.number)
    }
}

/// A perpetual, its book and its oracle price: one number for all three.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
)]
pub struct MarketId(pub u32);

impl fmt::Display for MarketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
