"""cosmpy, a client of any Cosmos chain that nobody here wrote, against a node: over gRPC and over REST. The checks
run one after the other on one chain; each stands on what the ones before left."""

import os

from cosmpy.aerial.client import LedgerClient, NetworkConfig, ValidatorStatus
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.exceptions import NotFoundError
from cosmpy.aerial.tx import Transaction
from cosmpy.aerial.tx_helpers import SubmittedTx
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.aerial.client.bank import create_bank_send_msg

from calls import check, differs, eventually, run, works

USDC = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
NATIVE = "adv4tnt"
CHAIN = os.environ["BALLAST_TEST_CHAIN_ID"]
alice = LocalWallet.from_mnemonic("test " * 11 + "junk", prefix="dydx")
bob = LocalWallet.from_mnemonic("abandon " * 11 + "about", prefix="dydx")


def checks(way, url):
    config = NetworkConfig(
        chain_id=CHAIN, fee_minimum_gas_price=0.025, fee_denomination=USDC, staking_denomination=NATIVE, url=url
    )
    client = LedgerClient(config, query_interval_secs=1, query_timeout_secs=20)

    def done(sent: SubmittedTx):
        sent.wait_to_complete()
        assert sent.response.is_successful(), sent.response.raw_log
        return sent.response

    def transfer(amount, denom=USDC):
        transaction = Transaction()
        transaction.add_message(create_bank_send_msg(alice.address(), bob.address(), amount, denom))
        return transaction

    @works(f"{way}: query_chain_id")
    def _():
        assert client.query_chain_id() == CHAIN

    @works(f"{way}: query_height")
    def _():
        height = client.query_height()
        assert height > 0 and eventually(client.query_height, lambda now: now > height) > height

    @works(f"{way}: query_latest_block")
    def _():
        assert client.query_latest_block().chain_id == CHAIN

    @works(f"{way}: query_block")
    def _():
        assert client.query_block(1).height == 1

    @works(f"{way}: query_node_info")
    def _():
        info = client.query_node_info()
        assert info.app_name == "ballast" and info.cosmos_sdk_version.major == 0, info

    @works(f"{way}: query_consensus_params")
    def _():
        assert client.query_consensus_params().params.block.max_bytes > 0

    @works(f"{way}: query_account")
    def _():
        account = client.query_account(alice.address())
        assert account.address == alice.address() and account.sequence >= 0

    @works(f"{way}: query_bank_balance")
    def _():
        assert client.query_bank_balance(alice.address()) > 0

    @works(f"{way}: query_bank_all_balances")
    def _():
        assert [coin.denom for coin in client.query_bank_all_balances(alice.address())] == [NATIVE, USDC]

    @works(f"{way}: query_validators")
    def _():
        [validator] = client.query_validators(ValidatorStatus.BONDED)
        assert validator.tokens > 0

    @differs(f"{way}: query_staking_summary", "always empty: nobody delegates")
    def _():
        summary = client.query_staking_summary(alice.address())
        assert (summary.current_positions, summary.unbonding_positions) == ([], [])

    @works(f"{way}: send_tokens, wait_to_complete")
    def _():
        had = client.query_bank_balance(bob.address()), client.query_bank_balance(alice.address())
        done(client.send_tokens(bob.address(), 1_000, USDC, alice, memo="a gift"))
        assert client.query_bank_balance(bob.address()) - had[0] == 1_000
        assert 1_000 < had[1] - client.query_bank_balance(alice.address()) < 100_000

    @works(f"{way}: simulate_tx, estimate_gas_and_fee_for_tx, broadcast_tx")
    def _():
        done(prepare_and_broadcast_basic_transaction(client, transfer(7, NATIVE), alice))

    @works(f"{way}: query_tx, wait_for_query_tx")
    def _():
        sent = done(client.send_tokens(bob.address(), 1, USDC, alice))
        found = client.query_tx(sent.hash)
        assert (found.height, found.code) == (sent.height, 0)
        assert found.events["transfer"]["amount"] == f"1{USDC}", found.events

    @check(f"{way}: a transaction that never was is not found")
    def _():
        try:
            client.query_tx("AB" * 32)
        except NotFoundError:
            return
        raise AssertionError("it was found")


checks("gRPC", f"grpc+http://{os.environ['BALLAST_TEST_GRPC']}")
checks("REST", f"rest+{os.environ['BALLAST_TEST_REST']}")
run()
