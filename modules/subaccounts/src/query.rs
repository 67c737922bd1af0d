//! Read-only answers in wire form. Accounts are shown as they were last written: funding is settled when an
//! account is touched.

use alloc::vec::Vec;

use proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use proto::dydxprotocol::subaccounts as wire;
use proto::serint;
use store::{Key, Read};
use types::{Address, Chain, MarketId, SubaccountId, MAX_SUBACCOUNT_NUMBER};

use crate::gate::gate_of;
use crate::msg::subaccount;
use crate::state::{get, page, page_back, pool_of, Subaccount};
use crate::Error;

/// Accounts on a page when the request names no limit.
pub const DEFAULT_LIMIT: usize = 100;

/// Accounts on a page at most, whatever the request says.
pub const MAX_LIMIT: usize = 1_000;

/// Accounts that may be skipped by offset; deeper pages need the key.
pub const MAX_OFFSET: usize = 10_000;

/// `Subaccount`: one account; an unknown one is empty. Refused when the owner is not an address of this chain
/// or the number is too high.
pub fn one_subaccount(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryGetSubaccountRequest,
) -> Result<wire::QuerySubaccountResponse, Error> {
    let id = wire::SubaccountId { owner: request.owner.clone(), number: request.number };
    let id = subaccount("subaccount", Some(id), chain)?;
    Ok(wire::QuerySubaccountResponse { subaccount: Some(to_wire(chain, &id, &get(state, &id))) })
}

/// `SubaccountAll`: accounts in order of id, 100 unless the request says otherwise, 1,000 at most. The key of a
/// page is the account's key in the store. Refused when the page is named by both key and offset, skips more
/// than 10,000, or has a bad key.
pub fn all_subaccounts(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryAllSubaccountRequest,
) -> Result<wire::QuerySubaccountAllResponse, Error> {
    let bounds = Bounds::read(request.pagination.as_ref())?;
    let wanted = bounds.skip.saturating_add(bounds.limit).saturating_add(1);
    let rows = match bounds.reverse {
        false => page(state, bounds.from.as_ref(), wanted),
        true => page_back(state, bounds.from.as_ref(), wanted),
    };
    let mut rows = rows.into_iter().skip(bounds.skip);
    let shown = rows.by_ref().take(bounds.limit);
    let subaccount: Vec<_> = shown.map(|(id, account)| to_wire(chain, &id, &account)).collect();
    let mut next_key = store::KeyBytes::default();
    if let Some((id, _)) = rows.next() {
        id.write(&mut next_key);
    }
    let pagination = Some(PageResponse { next_key: next_key.bytes().to_vec(), total: 0 });
    Ok(wire::QuerySubaccountAllResponse { subaccount, pagination })
}

/// `GetWithdrawalAndTransfersBlockedInfo`: what the gate of the market's pool stands on. Refused when there is
/// no such market.
pub fn blocked_info(
    state: &dyn Read,
    request: &wire::QueryGetWithdrawalAndTransfersBlockedInfoRequest,
) -> Result<wire::QueryGetWithdrawalAndTransfersBlockedInfoResponse, Error> {
    let market = existing(state, request.perpetual_id)?;
    let gate = gate_of(state, perpetuals::collateral(state, market));
    let height = |height: u64| u32::try_from(height).unwrap_or(u32::MAX);
    Ok(wire::QueryGetWithdrawalAndTransfersBlockedInfoResponse {
        negative_tnc_subaccount_seen_at_block: height(gate.negative_seen),
        chain_outage_seen_at_block: height(gate.outage_seen),
        withdrawals_and_transfers_unblocked_at_block: height(gate.opens_at()),
    })
}

/// `CollateralPoolAddress`: where the collateral of the market's positions is. Refused when there is no such
/// market.
pub fn collateral_pool_address(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryCollateralPoolAddressRequest,
) -> Result<wire::QueryCollateralPoolAddressResponse, Error> {
    let market = existing(state, request.perpetual_id)?;
    let collateral_pool_address = pool_of(state, market).to_bech32(&chain.prefix);
    Ok(wire::QueryCollateralPoolAddressResponse { collateral_pool_address })
}

/// An account in wire form.
pub fn to_wire(chain: &Chain, id: &SubaccountId, account: &Subaccount) -> wire::Subaccount {
    let collateral =
        wire::AssetPosition { asset_id: 0, quantums: serint::encode(account.quote.raw()), index: 0 };
    let positions = account.positions.iter().map(|(market, position)| wire::PerpetualPosition {
        perpetual_id: market.0,
        quantums: serint::encode(position.base.raw()),
        funding_index: serint::encode(position.funding_index.raw()),
        quote_balance: serint::encode((-position.cost).raw()),
    });
    wire::Subaccount {
        id: Some(wire::SubaccountId { owner: id.owner.to_bech32(&chain.prefix), number: id.number }),
        asset_positions: (!account.quote.is_zero()).then_some(collateral).into_iter().collect(),
        perpetual_positions: positions.collect(),
        margin_enabled: true,
    }
}

fn existing(state: &dyn Read, market: u32) -> Result<MarketId, Error> {
    let market = MarketId(market);
    match perpetuals::perpetual(state, market) {
        Some(_) => Ok(market),
        None => Err(perpetuals::Error::NoPerpetual(market).into()),
    }
}

/// Which rows a page has.
struct Bounds {
    from: Option<SubaccountId>,
    skip: usize,
    limit: usize,
    reverse: bool,
}

impl Bounds {
    fn read(request: Option<&PageRequest>) -> Result<Self, Error> {
        let Some(request) = request else {
            return Ok(Self { from: None, skip: 0, limit: DEFAULT_LIMIT, reverse: false });
        };
        let skip = usize::try_from(request.offset).unwrap_or(usize::MAX);
        if skip > MAX_OFFSET || (skip > 0 && !request.key.is_empty()) {
            return Err(Error::Page("a page is named by its key or by an offset up to 10000"));
        }
        let from = match request.key.as_slice() {
            [] => None,
            key => Some(read_key(key).ok_or(Error::Page("the key of the page is not an account"))?),
        };
        let limit = match usize::try_from(request.limit).unwrap_or(usize::MAX) {
            0 => DEFAULT_LIMIT,
            limit => limit.min(MAX_LIMIT),
        };
        Ok(Self { from, skip, limit, reverse: request.reverse })
    }
}

fn read_key(mut key: &[u8]) -> Option<SubaccountId> {
    let owner = Address::read(&mut key)?;
    let number = u32::read(&mut key)?;
    (key.is_empty() && number <= MAX_SUBACCOUNT_NUMBER).then_some(SubaccountId { owner, number })
}
