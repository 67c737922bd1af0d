//! Read-only answers in wire form.

use proto::ballast::query::v1 as wire;
use proto::serint;
use store::Read;
use types::Chain;

use crate::state::{balance, fund};

/// `Insurance`: the fund's account and what it holds at `height`.
pub fn insurance(state: &dyn Read, chain: &Chain, height: u64) -> wire::InsuranceResponse {
    wire::InsuranceResponse {
        address: fund().to_bech32(&chain.prefix),
        balance: serint::encode(balance(state, &chain.collateral).raw()),
        height,
    }
}
