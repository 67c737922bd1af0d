//! What a block does, in order. This is the table of contents of the protocol.

use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};

use num::Price;
use store::Ctx;
use types::MarketId;

use crate::error::{Error, Refusal};
use crate::machine::{reason_of, BlockInput, Hot, TxResult};
use crate::msg::Msg;
use crate::signatures::Signatures;
use crate::{oracle, state, tx};

/// Oracle prices of a block.
pub(crate) type Prices = BTreeMap<MarketId, Price>;

/// Before the transactions. What the authority changed holds from here on. Prices come next, so that nobody
/// trades before a price that the block already knows; then funding at those prices; then orders whose time is
/// up, so that nobody trades with them; then orders that waited for these prices or for this time.
pub(crate) fn begin(ctx: &mut Ctx<'_>, hot: &mut Hot, prices: &Prices) {
    state::LAST_BLOCK.set(ctx.state, ctx.block);
    governance::begin_block(ctx, &mut hot.books);
    prices::record(ctx, prices);
    subaccounts::gate::begin_block(ctx);
    perpetuals::begin_block(ctx);
    funding::begin_block(ctx, &hot.books);
    hot.books.accounts.begin_block(ctx.state.as_read(), ctx.block);
    clob::expire(ctx, &mut hot.books);
    clob::trigger(ctx, &mut hot.books);
    clob::slices(ctx, &mut hot.books);
    clob::resume(ctx, &mut hot.books);
}

/// Transactions that are read before the first of them runs, so that the books can ask memory for what they
/// need together.
const AHEAD: usize = 32;

/// The transactions, in order. A refusal leaves at most the fee and sequence of its transaction behind.
pub(crate) fn transactions(
    ctx: &mut Ctx<'_>,
    hot: &mut Hot,
    txs: &[Vec<u8>],
    signatures: &Signatures,
) -> Vec<TxResult> {
    let mut results = Vec::with_capacity(txs.len());
    for some in txs.chunks(AHEAD) {
        // What faults while it is read is read again where faults are caught.
        let chain = ctx.chain;
        let read = |bytes: &Vec<u8>| catch_unwind(AssertUnwindSafe(|| tx::read(bytes, chain))).ok();
        let read: Vec<Option<tx::Reading>> = some.iter().map(read).collect();
        let known = read.iter().flatten().flatten();
        clob::warm(&hot.books, known.flat_map(|tx| &tx.messages).filter_map(Msg::clob));
        for (bytes, read) in some.iter().zip(read) {
            results.push(guarded(ctx, hot, |ctx, hot| {
                let tx = read.unwrap_or_else(|| tx::read(bytes, ctx.chain));
                tx::deliver(ctx, hot, tx, signatures)
            }));
        }
    }
    results
}

/// Messages without transactions around them, in order.
pub(crate) fn messages(ctx: &mut Ctx<'_>, hot: &mut Hot, msgs: &[Msg]) -> Vec<TxResult> {
    let mut results = Vec::with_capacity(msgs.len());
    for some in msgs.chunks(AHEAD) {
        clob::warm(&hot.books, some.iter().filter_map(Msg::clob));
        results
            .extend(some.iter().map(|msg| guarded(ctx, hot, |ctx, hot| tx::deliver_message(ctx, hot, msg))));
    }
    results
}

fn guarded(
    ctx: &mut Ctx<'_>,
    hot: &mut Hot,
    deliver: impl FnOnce(&mut Ctx<'_>, &mut Hot) -> TxResult,
) -> TxResult {
    // The events of a transaction are its own; those of the block wait.
    let before = ctx.events.len();
    let result = catch_unwind(AssertUnwindSafe(|| deliver(ctx, hot)));
    let mut result = result.unwrap_or_else(|panic| TxResult {
        // The same on every node, and already undone: the chain goes on, the node raises the alarm.
        refusal: Some(Refusal::of(&Error::Fault(reason_of(&*panic)))),
        ..TxResult::default()
    });
    result.events = ctx.events.split_off(before);
    result
}

/// After the transactions. Accounts that the block left in danger are liquidated at the block's prices; the
/// books write their rows last, when nothing can change them any more.
pub(crate) fn end(ctx: &mut Ctx<'_>, hot: &mut Hot) -> liquidations::Report {
    hot.books.accounts.flush(ctx.state);
    hot.watch.refresh(ctx.state);
    let report = liquidations::run(ctx, &mut hot.books, &mut hot.watch);
    funding::end_block(ctx, &mut hot.books.accounts);
    hot.books.accounts.flush(ctx.state);
    hot.watch.refresh(ctx.state);
    clob::end_block(ctx, &mut hot.books);
    report
}

/// The prices that the votes in a block agree on.
pub(crate) fn voted_prices(ctx: &mut Ctx<'_>, input: &BlockInput) -> Prices {
    if !input.votes {
        return BTreeMap::new();
    }
    let validators = governance::validators(ctx.state.as_read());
    let total = governance::total_power(ctx.state.as_read());
    let set = input.txs.first().and_then(|tx| oracle::decode_vote_set(tx).ok());
    match set {
        // Positions that do not fit our set count for nobody: an engine that replays a block trusts its
        // commit, we still trust only our own powers.
        Some(set) if set.votes.len() == validators.len() => {
            state::LAST_VOTES.set(ctx.state, &input.txs[0]);
            let voted_at = input.height.saturating_sub(1);
            let base = |market| prices::base(ctx.state.as_read(), market, voted_at);
            let votes = oracle::votes(&set, &validators, base);
            let agreed = prices::aggregate(&votes, total);
            let all = validators.iter().map(|validator| validator.address);
            prices::note_silent(ctx, all, &votes, &agreed);
            agreed
        }
        // A block without votes is an empty one.
        _ => {
            state::LAST_VOTES.remove(ctx.state);
            BTreeMap::new()
        }
    }
}
