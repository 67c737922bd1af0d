//! What only the authority may do: which messages those are, and who it is.

use store::Read;
use types::Address;

use crate::{state, Error};

/// Cosmos packages whose messages change the chain rather than a user's own affairs.
const PACKAGES: [&str; 9] = [
    "/cosmos.consensus.",
    "/cosmos.distribution.",
    "/cosmos.gov.",
    "/cosmos.mint.",
    "/cosmos.params.",
    "/cosmos.slashing.",
    "/cosmos.staking.",
    "/cosmos.upgrade.",
    "/dydxprotocol.delaymsg.",
];

/// Messages of trading modules that carry an authority.
const MESSAGES: [&str; 22] = [
    "/ballast.perpetuals.v1.MsgSetOpenInterestCap",
    "/ballast.perpetuals.v1.MsgSetWithdrawalMargin",
    "/dydxprotocol.accountplus.MsgSetActiveState",
    "/dydxprotocol.blocktime.MsgUpdateDowntimeParams",
    "/dydxprotocol.blocktime.MsgUpdateSynchronyParams",
    "/dydxprotocol.clob.MsgCreateClobPair",
    "/dydxprotocol.clob.MsgUpdateBlockRateLimitConfiguration",
    "/dydxprotocol.clob.MsgUpdateClobPair",
    "/dydxprotocol.clob.MsgUpdateEquityTierLimitConfiguration",
    "/dydxprotocol.clob.MsgUpdateLiquidationsConfig",
    "/dydxprotocol.feetiers.MsgSetMarketFeeDiscountParams",
    "/dydxprotocol.feetiers.MsgSetStakingTiers",
    "/dydxprotocol.feetiers.MsgUpdatePerpetualFeeParams",
    "/dydxprotocol.listing.MsgUpgradeIsolatedPerpetualToCross",
    "/dydxprotocol.perpetuals.MsgCreatePerpetual",
    "/dydxprotocol.perpetuals.MsgSetLiquidityTier",
    "/dydxprotocol.perpetuals.MsgUpdateParams",
    "/dydxprotocol.perpetuals.MsgUpdatePerpetualParams",
    "/dydxprotocol.prices.MsgCreateOracleMarket",
    "/dydxprotocol.prices.MsgUpdateMarketParam",
    "/dydxprotocol.sending.MsgSendFromAccountToAccount",
    "/dydxprotocol.sending.MsgSendFromModuleToAccount",
];

/// Whether messages of this type, carried out here or not, change the chain rather than a user's own affairs.
pub fn is_administrative(type_url: &str) -> bool {
    PACKAGES.iter().any(|package| type_url.starts_with(package)) || MESSAGES.contains(&type_url)
}

/// The refusal of an administrative message (`governance/2`).
pub fn refuse(type_url: &str) -> Error {
    Error::Unavailable(type_url.chars().take(128).collect())
}

/// Refuse whoever is not the authority (`governance/4`).
pub fn require_authority(state: &dyn Read, signer: &Address) -> Result<(), Error> {
    if state::authority(state) == *signer {
        Ok(())
    } else {
        Err(Error::NotAuthority(*signer))
    }
}
