// The dYdX messages as CosmJS registers them. They are written down here once more, from the published numbers of
// their fields, and not read from the chain's own definitions: two readings that agree are worth more than one.

import { createHash } from "node:crypto";
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
  syntax = "proto3";
  package dydxprotocol;

  message SubaccountId { string owner = 1; uint32 number = 2; }
  message OrderId {
    SubaccountId subaccount_id = 1;
    fixed32 client_id = 2;
    uint32 order_flags = 3;
    uint32 clob_pair_id = 4;
  }
  message Order {
    OrderId order_id = 1;
    uint32 side = 2;
    uint64 quantums = 3;
    uint64 subticks = 4;
    oneof good_til_oneof { uint32 good_til_block = 5; fixed32 good_til_block_time = 6; }
    uint32 time_in_force = 7;
    bool reduce_only = 8;
    uint32 client_metadata = 9;
  }
  message MsgPlaceOrder { Order order = 1; }
  message MsgCancelOrder {
    OrderId order_id = 1;
    oneof good_til_oneof { uint32 good_til_block = 2; fixed32 good_til_block_time = 3; }
  }
  message MsgDepositToSubaccount {
    string sender = 1;
    SubaccountId recipient = 2;
    uint32 asset_id = 3;
    uint64 quantums = 4;
  }
  message MsgWithdrawFromSubaccount {
    SubaccountId sender = 2;
    string recipient = 1;
    uint32 asset_id = 3;
    uint64 quantums = 4;
  }

  message QuerySubaccountRequest { string owner = 1; uint32 number = 2; }
  message QuerySubaccountResponse { Subaccount subaccount = 1; }
  message Subaccount {
    SubaccountId id = 1;
    repeated AssetPosition asset_positions = 2;
    repeated PerpetualPosition perpetual_positions = 3;
  }
  message AssetPosition { uint32 asset_id = 1; bytes quantums = 2; }
  message PerpetualPosition { uint32 perpetual_id = 1; bytes quantums = 2; }
  message QueryStatefulOrderRequest { OrderId order_id = 1; }
  message QueryStatefulOrderResponse { LongTermOrderPlacement order_placement = 1; uint64 fill_amount = 2; }
  message LongTermOrderPlacement { Order order = 1; }
  message OrderbookRequest { uint32 market_id = 1; uint32 depth = 2; }
  message OrderbookResponse { repeated Level bids = 1; repeated Level asks = 2; uint64 height = 3; }
  message Level { uint64 subticks = 1; uint64 quantums = 2; uint32 orders = 3; }
`);

const lookup = (name) => root.lookupType(`dydxprotocol.${name}`);

/** A message as canonical bytes want it: what is zero, empty or false is not written. */
function bare(message) {
  const kept = Object.entries(message).filter(([, value]) => value);
  return Object.fromEntries(kept.map(([name, value]) => [name, typeof value === "object" ? bare(value) : value]));
}

/** A codec as the registry of CosmJS takes it. */
function codec(name) {
  const type = lookup(name);
  return {
    create: (message) => type.create(bare(message)),
    encode: (message) => type.encode(message),
    decode: (bytes) => type.decode(bytes),
  };
}

export const PLACE_ORDER = "/dydxprotocol.clob.MsgPlaceOrder";
export const CANCEL_ORDER = "/dydxprotocol.clob.MsgCancelOrder";
export const DEPOSIT = "/dydxprotocol.sending.MsgDepositToSubaccount";
export const WITHDRAW = "/dydxprotocol.sending.MsgWithdrawFromSubaccount";

/** What `Registry` is given: type URL and codec. */
export const registeredTypes = [
  [PLACE_ORDER, codec("MsgPlaceOrder")],
  [CANCEL_ORDER, codec("MsgCancelOrder")],
  [DEPOSIT, codec("MsgDepositToSubaccount")],
  [WITHDRAW, codec("MsgWithdrawFromSubaccount")],
];

export const SHORT_TERM = 0;
export const LONG_TERM = 64;
export const BUY = 1;
export const SELL = 2;

/** The lower-case hex SHA-256 of a message's bytes. */
export function hash(name, message) {
  return createHash("sha256").update(codec(name).encode(bare(message)).finish()).digest("hex");
}

/** Asks a gRPC method through `abci_query` and decodes the answer. */
export async function ask(queries, path, [request, response], message) {
  const data = lookup(request).encode(bare(message)).finish();
  const { value } = await queries.queryAbci(path, data);
  return lookup(response).toObject(lookup(response).decode(value), { longs: Number, defaults: true });
}

/** A signed integer of the chain: a byte for the sign, then the magnitude. */
export function serInt(bytes) {
  const magnitude = BigInt(`0x0${Buffer.from(bytes).subarray(1).toString("hex")}`);
  return bytes[0] === 3 ? -magnitude : magnitude;
}
