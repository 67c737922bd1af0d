//! Whether a transaction is worth a place in the mempool: everything that can be known from committed state
//! and from what already waits. Nothing trades here.

use store::{attempt, Ctx, Read, State};
use types::{Block, Time};

use crate::error::{Error, Refusal};
use crate::lanes;
use crate::machine::TxResult;
use crate::msg::{Msg, Transaction};
use crate::signatures::Signatures;
use crate::state;
use crate::tx::{authenticate, move_money};

/// How much is known about the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is new: everything is checked.
    New,
    /// It waited while a block was committed.
    Again,
    /// Somebody asks what it would do and cost: signature, fee and gas limit may be missing. Messages that move
    /// money are carried out; orders and changes of rules are judged like new ones, since nothing trades here.
    Simulate,
}

/// Check `bytes` for the block after `height`, on `pending`: committed state and what waiting transactions
/// wrote. An accepted one leaves its fee and sequence there, so that the next one of the sender fits behind it,
/// and its signature in `signatures`.
pub fn check(
    pending: &mut dyn State,
    bytes: &[u8],
    (height, time): (u64, Time),
    mode: Mode,
    signatures: &Signatures,
) -> TxResult {
    let mut result = TxResult::default();
    if let Err(refusal) = run(pending, bytes, (height, time), (mode, signatures), &mut result) {
        result.refusal = Some(refusal);
    }
    result
}

fn run(
    pending: &mut dyn State,
    bytes: &[u8],
    (height, time): (u64, Time),
    (mode, signatures): (Mode, &Signatures),
    result: &mut TxResult,
) -> Result<(), Refusal> {
    if lanes::is_oracle(bytes) {
        return Err(Error::OracleVotes.into());
    }
    let chain = state::CHAIN.get(pending.as_read()).ok_or(Error::Mixed("the chain has not begun"))?;
    let tx = Transaction::decode(bytes, &accounts::Limits::default(), &chain)?;
    result.gas_wanted = tx.envelope.fee.gas_limit;
    result.gas_used = tx.gas();
    let block = Block { height: height.saturating_add(1), time, previous_time: time };
    let mut events = types::Events::default();
    let mut ctx = Ctx { state: pending, events: &mut events, block: &block, chain: &chain };
    let verified = signatures.signer(&tx.envelope, &chain);
    let check = match &verified {
        _ if mode == Mode::Simulate => accounts::Check::Simulate,
        Some(signer) => accounts::Check::Verified(signer),
        None => accounts::Check::Verify,
    };
    let outcome = attempt(&mut ctx, &mut (), |ctx, ()| {
        authenticate(ctx, &tx, check)?;
        if check == accounts::Check::Verify {
            let signer = tx.signer(ctx.chain)?;
            let signer = accounts::signer_data(ctx.state.as_read(), ctx.chain, &tx.envelope, &signer)?;
            signatures.remember(&tx.envelope, &signer);
        }
        tx.messages.iter().try_for_each(|msg| plausible(ctx.state.as_read(), ctx.block, msg))?;
        if mode == Mode::Simulate {
            carry_out(ctx, &tx)?;
        }
        Ok(())
    });
    if mode == Mode::Simulate {
        result.events = events.take();
    }
    outcome
}

/// Carry out what moves money, on the accounts that it names.
fn carry_out(ctx: &mut Ctx<'_>, tx: &Transaction) -> Result<(), Refusal> {
    let named = |msg: &Msg| if let Msg::Subaccounts(msg) = msg { msg.subaccounts() } else { Vec::new() };
    let ids: Vec<_> = tx.messages.iter().flat_map(named).collect();
    let mut margin = subaccounts::Accounts::some(ctx.state.as_read(), &ids);
    tx.messages.iter().try_for_each(|msg| move_money(ctx, &mut margin, msg))
}

/// The cheap part of a message's rules that only reads.
fn plausible(state: &dyn Read, block: &Block, msg: &Msg) -> Result<(), Refusal> {
    match msg {
        Msg::Clob(msg) => Ok(clob::check(state, block, msg)?),
        Msg::Bank(_) | Msg::Subaccounts(_) => Ok(()),
        Msg::Governance(msg) => Ok(governance::require_authority(state, &msg.authority)?),
    }
}
