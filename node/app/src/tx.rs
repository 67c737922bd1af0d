//! From bytes to change: decode, authenticate, one `match` to one function.

use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmos_sdk_proto::Any;
use prost::Message as _;
use store::{attempt, Ctx};
use types::Chain;

use crate::error::{Error, Refusal};
use crate::lanes;
use crate::machine::{Hot, TxResult};
use crate::msg::{Msg, Transaction};
use crate::signatures::Signatures;
use crate::state;

/// A transaction as it was read, or why it cannot be.
pub(crate) type Reading = Result<Transaction, Refusal>;

/// Read one transaction of a block. Needs nothing but its bytes.
pub(crate) fn read(bytes: &[u8], chain: &Chain) -> Reading {
    if lanes::is_oracle(bytes) {
        return Err(Error::OracleVotes.into());
    }
    Transaction::decode(bytes, &accounts::Limits::default(), chain)
}

/// Execute one transaction of a block. Authentication and messages are undone apart: a refused message leaves
/// fee and sequence behind, a refused authentication leaves nothing.
pub(crate) fn deliver(ctx: &mut Ctx<'_>, hot: &mut Hot, tx: Reading, signatures: &Signatures) -> TxResult {
    let mut result = TxResult::default();
    if let Err(refusal) = run(ctx, hot, tx, signatures, &mut result) {
        result.refusal = Some(refusal);
    }
    result
}

/// Execute one message as if a transaction had brought it: nobody signed, and nothing is paid for gas.
pub(crate) fn deliver_message(ctx: &mut Ctx<'_>, hot: &mut Hot, msg: &Msg) -> TxResult {
    let response = attempt(ctx, &mut hot.books, |ctx, books| execute(ctx, books, msg));
    match response {
        Ok(response) => TxResult { data: response.value, ..TxResult::default() },
        Err(refusal) => TxResult { refusal: Some(refusal), ..TxResult::default() },
    }
}

fn run(
    ctx: &mut Ctx<'_>,
    hot: &mut Hot,
    tx: Reading,
    signatures: &Signatures,
    result: &mut TxResult,
) -> Result<(), Refusal> {
    let tx = tx?;
    result.gas_wanted = tx.envelope.fee.gas_limit;
    result.gas_used = tx.gas();
    let verified = signatures.signer(&tx.envelope, ctx.chain);
    let check = verified.as_ref().map_or(accounts::Check::Verify, accounts::Check::Verified);
    attempt(ctx, &mut (), |ctx, ()| authenticate(ctx, &tx, check))?;
    let responses = attempt(ctx, &mut hot.books, |ctx, books| {
        tx.messages.iter().map(|msg| execute(ctx, books, msg)).collect::<Result<Vec<_>, Refusal>>()
    })?;
    result.data = TxMsgData { msg_responses: responses, ..TxMsgData::default() }.encode_to_vec();
    Ok(())
}

/// Admit a transaction: signature, sequence, gas and fee.
pub(crate) fn authenticate(
    ctx: &mut Ctx<'_>,
    tx: &Transaction,
    check: accounts::Check<'_>,
) -> Result<(), Refusal> {
    let signer = tx.signer(ctx.chain)?;
    let rules = state::rules(ctx.state.as_read());
    let policy = accounts::Policy { kind: tx.kind(), rules: &rules, message_gas: tx.message_gas(), check };
    accounts::authenticate(ctx, &tx.envelope, &signer, &policy)?;
    Ok(())
}

/// Run one message. This is the table of contents of what users can do.
fn execute(ctx: &mut Ctx<'_>, books: &mut clob::Books, msg: &Msg) -> Result<Any, Refusal> {
    let value = match msg {
        Msg::Bank(_) | Msg::Subaccounts(_) => {
            move_money(ctx, &mut books.accounts, msg)?;
            Vec::new()
        }
        Msg::Clob(msg) => clob::execute(ctx, books, msg)?.response(),
        Msg::Governance(msg) => {
            governance::execute(ctx, books, msg)?;
            Vec::new()
        }
    };
    Ok(Any { type_url: msg.response_type().into(), value })
}

/// Run a message that moves money; any other is left alone.
pub(crate) fn move_money(
    ctx: &mut Ctx<'_>,
    margin: &mut subaccounts::Accounts,
    msg: &Msg,
) -> Result<(), Refusal> {
    let recipients = match msg {
        Msg::Bank(msg) => {
            bank::execute(ctx, msg)?;
            msg.recipients()
        }
        Msg::Subaccounts(msg) => {
            subaccounts::execute(ctx, margin, msg)?;
            msg.recipients()
        }
        Msg::Clob(_) | Msg::Governance(_) => return Ok(()),
    };
    recipients.iter().for_each(|address| accounts::ensure(ctx, address));
    Ok(())
}
