//! `ballast.query.v1` `AccountRisk`, in the form of the wire.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use clob::{Side, Size};
use num::{Price, QuoteQuantums, Subticks};
use proto::ballast::query::v1 as wire;
use proto::dydxprotocol::clob::order;
use store::Read;
use types::{Block, Chain, MarketId, Rejection, SubaccountId};

use crate::suppose::{suppose, Supposed, Trade};
use crate::view::{view, AccountView, PositionView};
use crate::Error;

/// What an account is worth and must be worth right after `block`, and the same after what the request supposes.
pub fn account_risk(
    state: &dyn Read,
    (block, chain): (Block, &Chain),
    request: &wire::AccountRiskRequest,
) -> Result<wire::AccountRiskResponse, Error> {
    let id = subaccounts::msg::subaccount("subaccount_id", request.subaccount_id.clone(), chain)?;
    let mut answer = wire::AccountRiskResponse {
        now: Some(account(state, &id)?),
        height: block.height,
        ..Default::default()
    };
    if !request.supposed.is_empty() {
        let supposed = request.supposed.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let outcome = suppose(state, (block, chain), &id, &supposed)?;
        let fill = |(market, price, size): &(MarketId, Subticks, Size)| wire::SupposedFill {
            market_id: market.0,
            subticks: price.raw(),
            quantums: size.raw(),
        };
        answer.then = Some(to_wire(&outcome.view));
        answer.fills = outcome.fills.iter().map(fill).collect();
        answer.refused = outcome.refused.map(|(at, why)| wire::SupposedRefusal {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            codespace: why.codespace().into(),
            code: why.code(),
            reason: why.to_string(),
        });
    }
    Ok(answer)
}

/// What an account is worth and must be worth in `state`. Refused as [`view`](crate::view()).
pub fn account(state: &dyn Read, id: &SubaccountId) -> Result<wire::AccountRisk, Error> {
    Ok(to_wire(&view(state, id)?))
}

fn read(wire: &wire::Supposed) -> Result<Supposed, Error> {
    use wire::supposed::What;
    match wire.what.as_ref().ok_or(Error::Missing("what"))? {
        What::Trade(trade) => {
            let side = match order::Side::try_from(trade.side) {
                Ok(order::Side::Buy) => Side::Buy,
                Ok(order::Side::Sell) => Side::Sell,
                Ok(order::Side::Unspecified) | Err(_) => return Err(Error::Missing("side")),
            };
            let price = (trade.subticks != 0).then(|| Subticks::new(trade.subticks));
            Ok(Supposed::Trade(Trade {
                market: MarketId(trade.market_id),
                side,
                size: Size::new(trade.quantums),
                price,
                maker: trade.maker && price.is_some(),
            }))
        }
        What::Price(price) => Ok(Supposed::Price(MarketId(price.market_id), Price::new(price.price))),
        What::Transfer(transfer) => {
            let money = transfer.quote_quantums.parse().ok().and_then(QuoteQuantums::bounded);
            Ok(Supposed::Transfer(money.ok_or(Error::Missing("an amount of quote quantums"))?))
        }
    }
}

fn to_wire(view: &AccountView) -> wire::AccountRisk {
    let share = |share: Option<u64>| share.map_or_else(String::new, |share| share.to_string());
    wire::AccountRisk {
        collateral: view.collateral.to_string(),
        equity: view.risk.net_collateral.to_string(),
        initial_margin: view.risk.initial.to_string(),
        maintenance_margin: view.risk.maintenance.to_string(),
        free_collateral: view.free.to_string(),
        withdrawable: view.withdrawable.to_string(),
        gross_notional: view.gross.to_string(),
        margin_ratio_ppm: share(view.margin_ratio()),
        leverage_ppm: share(view.leverage()),
        liquidatable: view.risk.is_liquidatable(),
        positions: view.positions.iter().map(position).collect(),
    }
}

fn position(position: &PositionView) -> wire::PositionRisk {
    wire::PositionRisk {
        market_id: position.market.0,
        quantums: position.base.to_string(),
        oracle_price: position.price.raw(),
        entry_price: position.entry.raw(),
        notional: position.margin.notional.to_string(),
        cost: position.cost.to_string(),
        unrealised_pnl: position.unrealised.to_string(),
        realised_pnl: position.ledger.realised.to_string(),
        funding: position.ledger.funding.to_string(),
        fees: position.ledger.fees.to_string(),
        initial_margin: position.margin.initial.to_string(),
        maintenance_margin: position.margin.maintenance.to_string(),
        initial_margin_ppm: position.initial_share.raw(),
        liquidation_price: position.liquidation_price.map_or(0, Price::raw),
    }
}
