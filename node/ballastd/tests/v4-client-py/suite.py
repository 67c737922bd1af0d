"""The Python client of the dYdX chain, which nobody here wrote, against a node: every call that needs no Indexer.

The checks run one after the other on one chain; each stands on what the ones before left."""

import asyncio
import os
import time
import warnings

import grpc
from dydx_v4_client import OrderFlags
from dydx_v4_client.indexer.rest.constants import OrderExecution, OrderType
from dydx_v4_client.network import make_local
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market, since_now
from dydx_v4_client.node.message import order_id, subaccount
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.tx.v1beta1 import service_pb2, service_pb2_grpc
from v4_proto.dydxprotocol.clob import query_pb2, query_pb2_grpc
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch

from calls import check, differs, eventually, guide, run, works

warnings.simplefilter("ignore")

ALICE = "test test test test test test test test test test test junk"
ALICE_ADDRESS = "dydx15yk64u7zc9g9k2yr2wmzeva5qgwxps6y0tptef"
BOB = "abandon " * 11 + "about"
BOB_ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
USDC = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
NATIVE = "adv4tnt"

SHORT_TERM, LONG_TERM, CONDITIONAL = OrderFlags.SHORT_TERM, OrderFlags.LONG_TERM, OrderFlags.CONDITIONAL
BUY, SELL = Order.Side.SIDE_BUY, Order.Side.SIDE_SELL
RESTING, IOC = Order.TimeInForce.TIME_IN_FORCE_UNSPECIFIED, Order.TimeInForce.TIME_IN_FORCE_IOC
# Far below any price of the market: these orders rest.
LOW = 10_000
SIZE = 0.01
QUANTUMS = 100_000_000
# What an Indexer would tell of BTC-USD.
MARKET = Market({
    "clobPairId": "0", "atomicResolution": -10, "stepBaseQuantums": 1_000_000,
    "quantumConversionExponent": -9, "subticksPerTick": 100_000,
})

config = make_local(node_url=os.environ["BALLAST_TEST_GRPC"]).node
client = asyncio.run(NodeClient.connect(config))
alice = asyncio.run(Wallet.from_mnemonic(client, ALICE, ALICE_ADDRESS))
bob = asyncio.run(Wallet.from_mnemonic(client, BOB, BOB_ADDRESS))
last_id = int(time.time()) % 1_000_000_000


def next_id(flags, wallet=alice):
    global last_id
    last_id += 1
    return MARKET.order_id(wallet.address, 0, last_id, flags)


def amount(quantums):
    """A signed integer of the chain: a byte for the sign, then the magnitude."""
    size = int.from_bytes(quantums[1:], "big")
    return -size if quantums[:1] == b"\x03" else size


async def balance(wallet, denom=USDC):
    return int((await client.get_account_balance(wallet.address, denom)).balance.amount)


async def equity(wallet, number=0):
    held = (await client.get_subaccount(wallet.address, number)).asset_positions
    return sum(amount(position.quantums) for position in held)


async def position(wallet):
    held = (await client.get_subaccount(wallet.address, 0)).perpetual_positions
    return sum(amount(it.quantums) for it in held if it.perpetual_id == 0)


def stateful_order(identity):
    stub = query_pb2_grpc.QueryStub(client.channel)
    return stub.StatefulOrder(query_pb2.QueryStatefulOrderRequest(order_id=identity)).order_placement.order


def refusal(call):
    """The status with which a query is refused."""
    try:
        return "answered", call()
    except grpc.RpcError as error:
        return error.code(), error.details()


def included(response):
    """Waits until the block has what a broadcast was accepted for."""
    answer = response.tx_response
    assert answer.code == 0, (answer.codespace, answer.code, answer.raw_log)
    service = service_pb2_grpc.ServiceStub(client.channel)

    def read():
        try:
            return service.GetTx(service_pb2.GetTxRequest(hash=answer.txhash)).tx_response
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            return None

    found = eventually(read, lambda it: it is not None)
    assert found is not None, "the transaction is in no block"
    assert found.code == 0, found.raw_log
    return found


# ---- reading


@works("Wallet.from_mnemonic")
def _():
    assert (alice.address, bob.address) == (ALICE_ADDRESS, BOB_ADDRESS)


@works("get_account")
async def _():
    assert (await client.get_account(ALICE_ADDRESS)).address == ALICE_ADDRESS


@works("query_address")
async def _():
    number, sequence = await client.query_address(ALICE_ADDRESS)
    assert number == alice.account_number and sequence >= 0


@works("get_account_balances")
async def _():
    held = (await client.get_account_balances(ALICE_ADDRESS)).balances
    assert [coin.denom for coin in held] == [NATIVE, USDC]


@works("get_account_balance")
async def _():
    assert await balance(alice) > 0


@works("latest_block")
async def _():
    header = (await client.latest_block()).block.header
    assert header.chain_id == os.environ["BALLAST_TEST_CHAIN_ID"] and header.height > 0


@works("latest_block_height")
async def _():
    assert await client.latest_block_height() > 0


@works("get_node_info")
async def _():
    info = await client.get_node_info()
    assert info.default_node_info.network == os.environ["BALLAST_TEST_CHAIN_ID"]


@works("get_user_stats")
async def _():
    assert (await client.get_user_stats(ALICE_ADDRESS)).stats.taker_notional >= 0


@works("get_subaccount")
async def _():
    held = await client.get_subaccount(BOB_ADDRESS, 7)
    assert (held.id.owner, held.id.number) == (BOB_ADDRESS, 7)


@works("get_clob_pair")
async def _():
    assert (await client.get_clob_pair(1)).id == 1


@works("get_clob_pairs")
async def _():
    pairs = (await client.get_clob_pairs()).clob_pair
    assert len(pairs) >= 10 and pairs[0].subticks_per_tick == 100_000


@works("get_price")
async def _():
    price = await client.get_price(0)
    assert price.exponent == -5 and price.price > 0


@works("get_prices")
async def _():
    assert all(price.price > 0 for price in (await client.get_prices()).market_prices)


@works("get_perpetual")
async def _():
    assert (await client.get_perpetual(1)).perpetual.params.ticker == "ETH-USD"


@works("get_perpetuals")
async def _():
    assert (await client.get_perpetuals()).perpetual[0].params.atomic_resolution == -10


@works("get_equity_tier_limit_config")
async def _():
    assert (await client.get_equity_tier_limit_config()) is not None


@works("get_fee_tiers")
async def _():
    assert len((await client.get_fee_tiers()).params.tiers) == 9


@works("get_user_fee_tier")
async def _():
    assert (await client.get_user_fee_tier(ALICE_ADDRESS)).tier.name == "1"


@works("get_withdrawal_and_transfer_gating_status")
async def _():
    status = await client.get_withdrawal_and_transfer_gating_status(0)
    assert status.withdrawals_and_transfers_unblocked_at_block == 0


# ---- parts that this chain has less of


@works("get_all_validators")
async def _():
    assert len((await client.get_all_validators()).validators) == 1


def empty(name, note, ask, field):
    @differs(name, note)
    async def _():
        assert len(getattr(await ask(), field)) == 0


DELEGATIONS = "always empty: nobody delegates"
AFFILIATES = "always empty: nobody is paid for bringing traders"
empty("get_delegator_delegations", DELEGATIONS,
      lambda: client.get_delegator_delegations(ALICE_ADDRESS), "delegation_responses")
empty("get_delegator_unbonding_delegations", DELEGATIONS,
      lambda: client.get_delegator_unbonding_delegations(ALICE_ADDRESS), "unbonding_responses")
empty("get_delegation_total_rewards", DELEGATIONS,
      lambda: client.get_delegation_total_rewards(ALICE_ADDRESS), "total")
empty("get_all_gov_proposals", "always empty: an authority changes parameters, nobody votes",
      lambda: client.get_all_gov_proposals(), "proposals")
empty("get_delayed_complete_bridge_messages", "always empty: there is no bridge",
      lambda: client.get_delayed_complete_bridge_messages(), "messages")
empty("get_withdrawal_capacity_by_denom", "always empty: no coin has such a limit",
      lambda: client.get_withdrawal_capacity_by_denom(USDC), "limiter_capacity_list")
empty("get_authenticators", "always empty: only keys sign",
      lambda: client.get_authenticators(ALICE_ADDRESS), "account_authenticators")


@differs("get_rewards_params", "always zero: trading is not rewarded")
async def _():
    assert (await client.get_rewards_params()).params.fee_multiplier_ppm == 0


@differs("get_affiliate_info", AFFILIATES)
async def _():
    assert not (await client.get_affiliate_info(ALICE_ADDRESS)).is_whitelisted


@differs("get_referred_by", AFFILIATES)
async def _():
    assert (await client.get_referred_by(ALICE_ADDRESS)).affiliate_address == ""


@differs("get_all_affiliate_tiers", AFFILIATES)
async def _():
    assert len((await client.get_all_affiliate_tiers()).tiers.tiers) == 0


@differs("get_affiliate_whitelist", AFFILIATES)
async def _():
    assert len((await client.get_affiliate_whitelist()).whitelist.tiers) == 0


# ---- moving collateral


@works("deposit")
async def _():
    had = await balance(alice), await equity(alice)
    included(await client.deposit(alice, alice.address, subaccount(alice.address, 0), 0, 50_000_000_000))
    included(await client.deposit(bob, bob.address, subaccount(bob.address, 0), 0, 50_000_000_000))
    assert await equity(alice) - had[1] == 50_000_000_000
    assert 0 < had[0] - await balance(alice) - 50_000_000_000 < 100_000


@works("withdraw")
async def _():
    had = await balance(bob), await equity(alice)
    included(await client.withdraw(alice, subaccount(alice.address, 0), bob.address, 0, 7_000_000))
    assert (await balance(bob) - had[0], had[1] - await equity(alice)) == (7_000_000, 7_000_000)


@works("transfer")
async def _():
    had = await equity(bob, 3)
    source, target = subaccount(alice.address, 0), subaccount(bob.address, 3)
    included(await client.transfer(alice, source, target, 0, 12_500_000))
    assert await equity(bob, 3) - had == 12_500_000


@works("send_token")
async def _():
    had = await balance(bob), await balance(bob, NATIVE)
    included(await client.send_token(alice, alice.address, bob.address, 1_000, USDC))
    included(await client.send_token(alice, alice.address, bob.address, 10**18, NATIVE))
    assert (await balance(bob) - had[0], await balance(bob, NATIVE) - had[1]) == (1_000, 10**18)


@works("create_transaction, broadcast, query_transaction")
async def _():
    from dydx_v4_client.node.message import send_token

    transaction = await client.create_transaction(alice, send_token(alice.address, bob.address, 1, USDC))
    answer = await client.broadcast(transaction)
    included(answer)
    found = await client.query_transaction(answer.tx_response.txhash)
    assert found.body.messages[0].type_url == "/cosmos.bank.v1beta1.MsgSend"


@works("get_subaccounts")
async def _():
    held = (await client.get_subaccounts()).subaccount
    assert any((it.id.owner, it.id.number) == (BOB_ADDRESS, 3) for it in held)


# ---- orders


def order(identity, kind, side, price, **more):
    more.setdefault("time_in_force", RESTING)
    more.setdefault("reduce_only", False)
    return MARKET.order(identity, kind, side, SIZE, price, **more)


async def long_term(wallet, side, price, **more):
    identity = next_id(LONG_TERM, wallet)
    placed = order(identity, OrderType.LIMIT, side, price, good_til_block_time=since_now(seconds=600), **more)
    included(await client.place_order(wallet, placed))
    return identity


@works("place_order, long-term")
async def _():
    identity = await long_term(alice, BUY, LOW)
    held = stateful_order(identity)
    assert (held.subticks, held.quantums) == (LOW * 100_000, QUANTUMS)


@works("cancel_order, long-term")
async def _():
    identity = order_id(alice.address, 0, last_id, 0, LONG_TERM)
    included(await client.cancel_order(alice, identity, good_til_block_time=since_now(seconds=700)))
    assert refusal(lambda: stateful_order(identity))[0] == grpc.StatusCode.NOT_FOUND


@works("place_order, post-only")
async def _():
    identity = await long_term(alice, SELL, 90_000, post_only=True)
    assert stateful_order(identity).time_in_force == Order.TimeInForce.TIME_IN_FORCE_POST_ONLY


@works("place_order, short-term")
async def _():
    sequence = (await client.get_account(alice.address)).sequence
    until = await client.latest_block_height() + 10
    placed = order(next_id(SHORT_TERM), OrderType.LIMIT, BUY, LOW, good_til_block=until)
    included(await client.place_order(alice, placed))
    assert (await client.get_account(alice.address)).sequence == sequence


@works("cancel_order, short-term")
async def _():
    identity = order_id(alice.address, 0, last_id, 0, SHORT_TERM)
    until = await client.latest_block_height() + 12
    included(await client.cancel_order(alice, identity, good_til_block=until))


@works("batch_cancel_orders")
async def _():
    until = await client.latest_block_height() + 15
    identities = [next_id(SHORT_TERM), next_id(SHORT_TERM)]
    for identity in identities:
        included(await client.place_order(alice, order(identity, OrderType.LIMIT, BUY, LOW, good_til_block=until)))
    batch = OrderBatch(clob_pair_id=0, client_ids=[identity.client_id for identity in identities])
    included(await client.batch_cancel_orders(alice, subaccount(alice.address, 0), [batch], until))


def conditional(name, kind, side, price, trigger, condition, execution):
    @works(f"place_order and cancel_order, {name}")
    async def _():
        identity = next_id(CONDITIONAL)
        placed = order(
            identity, kind, side, price, good_til_block_time=since_now(seconds=600), execution=execution,
            condition_type=condition, conditional_order_trigger_subticks=MARKET.calculate_subticks(trigger),
        )
        included(await client.place_order(alice, placed))
        assert stateful_order(identity).condition_type == condition
        included(await client.cancel_order(alice, identity, good_til_block_time=since_now(seconds=700)))
        assert refusal(lambda: stateful_order(identity))[0] == grpc.StatusCode.NOT_FOUND


STOP, PROFIT = Order.ConditionType.CONDITION_TYPE_STOP_LOSS, Order.ConditionType.CONDITION_TYPE_TAKE_PROFIT
conditional("stop limit", OrderType.STOP_LIMIT, SELL, 9_000, 9_500, STOP, OrderExecution.DEFAULT)
conditional("take profit limit", OrderType.TAKE_PROFIT_LIMIT, SELL, 90_000, 95_000, PROFIT, OrderExecution.DEFAULT)


@works("place_order, market")
async def _():
    price = (await client.get_price(0)).price // 100_000
    had = await position(alice), await position(bob)
    await long_term(bob, SELL, price)
    until = await client.latest_block_height() + 10
    taking = order(next_id(SHORT_TERM), OrderType.MARKET, BUY, price * 1.05, time_in_force=IOC, good_til_block=until)
    included(await client.place_order(alice, taking))
    assert (await position(alice) - had[0], await position(bob) - had[1]) == (QUANTUMS, -QUANTUMS)
    assert (await client.get_user_stats(ALICE_ADDRESS)).stats.taker_notional > 0


# ---- refusals


async def short_term(blocks):
    until = await client.latest_block_height() + blocks
    return order(next_id(SHORT_TERM), OrderType.LIMIT, BUY, LOW, good_til_block=until)


async def refused(placed):
    answer = (await client.place_order(alice, placed)).tx_response
    return answer.codespace, answer.code


@check("an order off the tick is clob 12")
async def _():
    placed = await short_term(5)
    placed.subticks += 1
    assert await refused(placed) == ("clob", 12)


@check("a short-term order too far ahead is clob 11")
async def _():
    placed = await short_term(60)
    assert await refused(placed) == ("clob", 11)


@check("an account that never was is not found")
async def _():
    try:
        await client.get_account("dydx1avgyh77ycn997ja45q5q8ss8y9mr424jfrvh4k")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
    else:
        raise AssertionError("it was answered")


guide()
run()
