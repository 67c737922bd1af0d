//! Why this module refuses.

use alloc::string::String;
use core::fmt;

use types::{Malformed, MarketId, Rejection, SubaccountId};

/// Why an update is refused. The first five are those of the dYdX chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateResult {
    /// The account had initial margin and would lose it.
    NewlyUndercollateralized,
    /// The account had no initial margin and would not get safer.
    StillUndercollateralized,
    /// Money may not leave at present.
    WithdrawalsAndTransfersBlocked,
    /// The updates do not fit together, or a number does not fit.
    UpdateCausedError,
    /// An isolated market next to another one.
    ViolatesIsolatedSubaccountConstraints,
    /// One account twice.
    NotUnique,
    /// The market does not exist or has no price.
    NotUpdatable,
    /// More risk, or money out, while a price that the account's worth hangs on is stale.
    StalePrice,
    /// Money out that would leave initial margin but less than the withdrawal margin.
    WithdrawalMargin,
}

impl UpdateResult {
    /// The result's number on the dYdX chain; what it does not have caused an error there (4).
    pub fn number(self) -> u32 {
        match self {
            Self::NewlyUndercollateralized => 1,
            Self::StillUndercollateralized => 2,
            Self::WithdrawalsAndTransfersBlocked => 3,
            Self::UpdateCausedError
            | Self::NotUnique
            | Self::NotUpdatable
            | Self::StalePrice
            | Self::WithdrawalMargin => 4,
            Self::ViolatesIsolatedSubaccountConstraints => 5,
        }
    }
}

impl fmt::Display for UpdateResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewlyUndercollateralized => "NewlyUndercollateralized",
            Self::StillUndercollateralized => "StillUndercollateralized",
            Self::WithdrawalsAndTransfersBlocked => "WithdrawalsAndTransfersBlocked",
            Self::UpdateCausedError => "UpdateCausedError",
            Self::ViolatesIsolatedSubaccountConstraints => "ViolatesIsolatedSubaccountConstraints",
            Self::NotUnique => "subaccount is named twice",
            Self::NotUpdatable => "market does not exist or has no oracle price",
            Self::StalePrice => "oracle price is stale",
            Self::WithdrawalMargin => "less than the withdrawal margin would be left",
        })
    }
}

/// Which update is refused, and why. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("update {index} of subaccounts is refused: {code}")]
pub struct Refused {
    /// Place of the update in the list.
    pub index: usize,
    /// Why.
    pub code: UpdateResult,
}

impl Rejection for Refused {
    fn codespace(&self) -> &'static str {
        "subaccounts"
    }

    fn code(&self) -> u32 {
        match self.code {
            UpdateResult::NotUnique => 101,
            UpdateResult::NewlyUndercollateralized
            | UpdateResult::StillUndercollateralized
            | UpdateResult::WithdrawalsAndTransfersBlocked
            | UpdateResult::UpdateCausedError
            | UpdateResult::ViolatesIsolatedSubaccountConstraints => 102,
            UpdateResult::NotUpdatable => 103,
            UpdateResult::StalePrice => 1_000,
            UpdateResult::WithdrawalMargin => 1_004,
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An update is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The bank refuses.
    #[error(transparent)]
    Bank(#[from] bank::Error),
    /// A market's terms are missing.
    #[error(transparent)]
    Perpetuals(#[from] perpetuals::Error),
    /// A message does not decode.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A market has no oracle price.
    #[error("market {0} has no oracle price")]
    NoPrice(MarketId),
    /// A number does not fit 128 bits.
    #[error("a number of the account does not fit 128 bits")]
    OutOfRange,
    /// A number of a subaccount above 128,000.
    #[error("subaccount number {0} is above 128000")]
    Number(u32),
    /// The owner of a subaccount is not an address of this chain.
    #[error("the owner of a subaccount {0}")]
    Owner(String),
    /// Nothing to move.
    #[error("quantums to deposit or withdraw must be above zero")]
    NonPositive,
    /// Not the collateral.
    #[error("asset {0} cannot be deposited or withdrawn: only 0 can")]
    NonUsdc(u32),
    /// A transfer to itself.
    #[error("sender and recipient of a transfer are both {0}")]
    SameAccount(SubaccountId),
    /// Nothing to transfer.
    #[error("the amount of a transfer must be above zero")]
    TransferAmount,
    /// A transfer without content.
    #[error("{0} is missing")]
    MissingField(&'static str),
    /// Not an address of this chain.
    #[error("{0}")]
    Address(String),
    /// Not the collateral.
    #[error("asset {0} cannot be transferred: only 0 can")]
    NonUsdcTransfer(u32),
    /// An initial margin share below that of the market.
    #[error("an initial margin of {share} ppm is below the {least} ppm of market {market}")]
    Leverage {
        /// Which market.
        market: MarketId,
        /// What was asked for.
        share: num::Ppm,
        /// The market's own.
        least: num::Ppm,
    },
    /// The account would not have its initial margin.
    #[error("subaccount {0} would not have its initial margin with this leverage")]
    LeverageMargin(SubaccountId),
    /// A page of a query that cannot be answered.
    #[error("{0}: invalid request")]
    Page(&'static str),
    /// Genesis: accounts repeated, unordered, empty, or with unordered or empty positions.
    #[error("subaccount {0} is repeated, out of order, empty, or has bad positions")]
    GenesisAccount(SubaccountId),
    /// Genesis: longs, shorts and open interest of a market differ.
    #[error("longs, shorts and open interest of market {0} differ")]
    GenesisOpenInterest(MarketId),
    /// Genesis: the pool does not hold what the accounts have.
    #[error("the collateral pool holds {pool} but the accounts have {owed} millionths of a quote quantum")]
    GenesisPool {
        /// What the pool holds, in quote quantums.
        pool: u128,
        /// What it must hold, in millionths of a quote quantum.
        owed: i128,
    },
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        match self {
            Self::Refused(inner) => inner.codespace(),
            Self::Bank(inner) => inner.codespace(),
            Self::Perpetuals(inner) => inner.codespace(),
            Self::Malformed(inner) => inner.codespace(),
            Self::SameAccount(_)
            | Self::TransferAmount
            | Self::MissingField(_)
            | Self::Address(_)
            | Self::NonUsdcTransfer(_) => "sending",
            Self::NoPrice(_)
            | Self::OutOfRange
            | Self::Number(_)
            | Self::Owner(_)
            | Self::NonPositive
            | Self::NonUsdc(_)
            | Self::Leverage { .. }
            | Self::LeverageMargin(_)
            | Self::GenesisAccount(_)
            | Self::GenesisOpenInterest(_)
            | Self::GenesisPool { .. } => "subaccounts",
            Self::Page(_) => "sdk",
        }
    }

    /// Up to 999 (sending: 1999) as on the dYdX chain; from 1000 on, refusals it does not have.
    fn code(&self) -> u32 {
        match self {
            Self::Refused(inner) => inner.code(),
            Self::Bank(inner) => inner.code(),
            Self::Perpetuals(inner) => inner.code(),
            Self::Malformed(inner) => inner.code(),
            Self::Page(_) => 18,
            Self::SameAccount(_) => 1,
            Self::TransferAmount => 2,
            Self::MissingField(_) => 5,
            Self::Address(_) => 6,
            Self::NoPrice(_) => 103,
            Self::Number(_) => 200,
            Self::Owner(_) => 201,
            Self::GenesisAccount(_) => 202,
            Self::NonPositive => 500,
            Self::NonUsdc(_) => 501,
            Self::Leverage { .. } => 701,
            Self::LeverageMargin(_) => 703,
            Self::OutOfRange => 1_001,
            Self::GenesisOpenInterest(_) => 1_002,
            Self::GenesisPool { .. } => 1_003,
            Self::NonUsdcTransfer(_) => 1_101,
        }
    }
}
