//! Messages of the model on the wire.

use app::msg::Msg;
use cosmos_sdk_proto::Any;
use prost::Message;
use proto::ballast::clob::v1 as ours;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::feetiers;
use proto::dydxprotocol::sending;
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use scenario::any;
use sha2::{Digest, Sha256};
use types::MarketId;

use crate::engine::{address, Engine, AUTHORITY, PREFIX};
use crate::terms::{Force, Id, MeetsOwn, Op, Order, Status, Until};

impl Engine {
    fn wire_id(&self, account: usize) -> WireId {
        let id = &self.ids[account];
        WireId { owner: id.owner.to_bech32(PREFIX), number: id.number }
    }

    fn wire_order_id(&self, id: &Id) -> wire::OrderId {
        wire::OrderId {
            subaccount_id: Some(self.wire_id(id.account)),
            client_id: id.client,
            order_flags: id.flags,
            clob_pair_id: id.market,
        }
    }

    pub(crate) fn wire_order(&self, order: &Order) -> wire::Order {
        use wire::order::GoodTilOneof::{GoodTilBlock, GoodTilBlockTime};
        use wire::order::{Side as WireSide, TimeInForce};
        let force = match order.force {
            Force::Rest => TimeInForce::Unspecified,
            Force::Immediate => TimeInForce::Ioc,
            Force::PostOnly => TimeInForce::PostOnly,
            Force::FillOrKill => TimeInForce::FillOrKill,
        };
        wire::Order {
            order_id: Some(self.wire_order_id(&order.id)),
            side: if order.buy { WireSide::Buy } else { WireSide::Sell }.into(),
            quantums: order.size,
            subticks: order.price,
            good_til_oneof: Some(match order.until {
                Until::Block(block) => GoodTilBlock(block),
                Until::Time(time) => GoodTilBlockTime(time),
            }),
            time_in_force: force.into(),
            reduce_only: order.reduce_only,
            client_metadata: order.metadata,
            condition_type: order.condition.map_or(0, |(kind, _)| kind),
            conditional_order_trigger_subticks: order.condition.map_or(0, |(_, trigger)| trigger),
            builder_code_parameters: order.builder.map(|(owner, fee_ppm)| wire::BuilderCodeParameters {
                builder_address: address(owner).to_bech32(PREFIX),
                fee_ppm,
            }),
            twap_parameters: order.twap.map(|(duration, interval, price_tolerance)| wire::TwapParameters {
                duration,
                interval,
                price_tolerance,
            }),
            ..wire::Order::default()
        }
    }

    /// The same order with the hash of its bytes.
    pub(crate) fn hashed(&self, order: Order) -> Order {
        let bytes = self.wire_order(&order).encode_to_vec();
        Order { hash: Sha256::digest(bytes).into(), ..order }
    }

    /// Give the orders of an operation their hashes.
    pub(crate) fn hash(&self, op: &mut Op) {
        match op {
            Op::Place(order) => *order = self.hashed(*order),
            Op::Many { parts, .. } => parts.iter_mut().for_each(|part| self.hash(part)),
            _ => {}
        }
    }

    pub(crate) fn encode(&self, op: &Op) -> Any {
        use wire::msg_cancel_order::GoodTilOneof::{GoodTilBlock, GoodTilBlockTime};
        match op {
            Op::Place(order) if order.replaces || order.meets_own != MeetsOwn::Maker => {
                any(&ours::MsgPlaceOrder {
                    order: Some(self.wire_order(order)),
                    self_trade: match order.meets_own {
                        MeetsOwn::Maker => ours::SelfTrade::CancelMaker,
                        MeetsOwn::Taker => ours::SelfTrade::CancelTaker,
                        MeetsOwn::Both => ours::SelfTrade::CancelBoth,
                    }
                    .into(),
                    replace: order.replaces,
                })
            }
            Op::Place(order) => any(&wire::MsgPlaceOrder { order: Some(self.wire_order(order)) }),
            Op::Cancel(id, until) => any(&wire::MsgCancelOrder {
                order_id: Some(self.wire_order_id(id)),
                good_til_oneof: Some(match until {
                    Until::Block(block) => GoodTilBlock(*block),
                    Until::Time(time) => GoodTilBlockTime(*time),
                }),
            }),
            Op::Batch { account, markets, until } => any(&wire::MsgBatchCancel {
                subaccount_id: Some(self.wire_id(*account)),
                short_term_cancels: markets
                    .iter()
                    .map(|(market, clients)| wire::OrderBatch {
                        clob_pair_id: *market,
                        client_ids: clients.clone(),
                    })
                    .collect(),
                good_til_block: *until,
            }),
            Op::Deposit { account, amount } => any(&sending::MsgDepositToSubaccount {
                sender: self.wire_id(*account).owner,
                recipient: Some(self.wire_id(*account)),
                asset_id: 0,
                quantums: *amount,
            }),
            Op::Withdraw { account, amount } => any(&sending::MsgWithdrawFromSubaccount {
                sender: Some(self.wire_id(*account)),
                recipient: self.wire_id(*account).owner,
                asset_id: 0,
                quantums: *amount,
            }),
            Op::Many { account, atomic, parts } => any(&ours::MsgBatch {
                subaccount_id: Some(self.wire_id(*account)),
                atomic: *atomic,
                operations: clob::compact::encode(&self.operations(parts)),
            }),
            Op::Leverage { account, market, ppm } => any(&wire::MsgUpdateLeverage {
                subaccount_id: Some(self.wire_id(*account)),
                clob_pair_leverage: vec![wire::LeverageEntry { clob_pair_id: *market, custom_imf_ppm: *ppm }],
            }),
            Op::Become { market, status } => any(&self.becoming(*market, *status)),
            Op::Discount { market, start, seconds, charge } => {
                let moment = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
                any(&feetiers::MsgSetMarketFeeDiscountParams {
                    authority: address(AUTHORITY).to_bech32(PREFIX),
                    params: vec![feetiers::PerMarketFeeDiscountParams {
                        clob_pair_id: *market,
                        start_time: moment(*start),
                        end_time: moment(start + seconds),
                        charge_ppm: *charge,
                    }],
                })
            }
            Op::Give { .. } => unreachable!("nobody here sends coins from wallet to wallet"),
            Op::Transfer { from, to, amount } => any(&sending::MsgCreateTransfer {
                transfer: Some(sending::Transfer {
                    sender: Some(self.wire_id(*from)),
                    recipient: Some(self.wire_id(*to)),
                    asset_id: 0,
                    amount: *amount,
                }),
            }),
        }
    }

    /// Parts of a batch in the units of their markets.
    fn operations(&self, parts: &[Op]) -> Vec<clob::Operation> {
        let good_til = |until: &Until| match until {
            Until::Block(block) => clob::GoodTil::Block(*block),
            Until::Time(time) => clob::GoodTil::Time(*time),
        };
        let one = |part: &Op| match part {
            Op::Cancel(id, until) => clob::Operation::Cancel {
                market: MarketId(id.market),
                kind: clob::Kind::from_flags(id.flags).unwrap(),
                client_id: id.client,
                good_til: good_til(until),
            },
            Op::Place(order) => {
                let wire = any(&wire::MsgPlaceOrder { order: Some(self.wire_order(order)) });
                let msg = Msg::decode(&wire.type_url, &wire.value, self.machine.chain());
                let Ok(Msg::Clob(clob::Msg::Place(sane))) = msg else { panic!("{order:?} is not sane") };
                let pair = clob::pair(self.machine.state(), sane.id.market).unwrap();
                let ticks = |price: u64| price / u64::from(pair.subticks_per_tick);
                let placing = clob::Placing {
                    market: sane.id.market,
                    client_id: sane.id.client_id,
                    side: sane.side,
                    ticks: ticks(sane.price.raw()),
                    steps: sane.size.raw() / pair.step.raw(),
                    good_til: sane.good_til,
                    time_in_force: sane.time_in_force,
                    reduce_only: sane.reduce_only,
                    self_trade: match order.meets_own {
                        MeetsOwn::Maker => clob::SelfTrade::CancelMaker,
                        MeetsOwn::Taker => clob::SelfTrade::CancelTaker,
                        MeetsOwn::Both => clob::SelfTrade::CancelBoth,
                    },
                    client_metadata: sane.client_metadata,
                    condition: sane
                        .condition
                        .map(|condition| (condition.kind, ticks(condition.trigger.raw()))),
                    builder: sane.builder,
                };
                if order.replaces {
                    clob::Operation::Replace(placing)
                } else {
                    clob::Operation::Place(placing)
                }
            }
            _ => unreachable!("orders and cancels"),
        };
        parts.iter().map(one).collect()
    }

    fn becoming(&self, market: u32, status: Status) -> wire::MsgUpdateClobPair {
        use wire::clob_pair::{Metadata, Status as Wire};
        let pair = clob::pair(self.machine.state(), MarketId(market)).unwrap();
        let status = match status {
            Status::Active => Wire::Active,
            Status::Paused => Wire::Paused,
            Status::CancelOnly => Wire::CancelOnly,
            Status::PostOnly => Wire::PostOnly,
            Status::Initializing => Wire::Initializing,
            Status::FinalSettlement => Wire::FinalSettlement,
        };
        let metadata = wire::PerpetualClobMetadata { perpetual_id: market };
        wire::MsgUpdateClobPair {
            authority: address(AUTHORITY).to_bech32(PREFIX),
            clob_pair: Some(wire::ClobPair {
                id: market,
                metadata: Some(Metadata::PerpetualClobMetadata(metadata)),
                step_base_quantums: pair.step.raw(),
                subticks_per_tick: pair.subticks_per_tick,
                quantum_conversion_exponent: pair.quantum_conversion_exponent,
                status: status.into(),
            }),
        }
    }
}
