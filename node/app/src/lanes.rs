//! The order of transactions in a block. It is enforced on every proposal, not only produced:
//!
//! 0. the oracle votes of the previous height, when vote extensions are on;
//! 1. transactions with a sequence number, in the proposer's order;
//! 2. trading transactions without one, in three lanes: cancels, then post-only placements, then the rest.
//!
//! Inside a lane the proposer's order holds. Cancels before placements and resting orders before takers give
//! every maker the chance to step back before the block's takers arrive.

use crate::msg::{Msg, Transaction};
use crate::oracle::VOTE_SET_MARK;

/// Where in a block a transaction belongs; lanes come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Transaction 0: the oracle votes.
    Oracle,
    /// Transactions with a sequence number, and bytes that do not parse (they fail, and cost only themselves).
    Sequenced,
    /// Sequence-free transactions that only cancel.
    Cancels,
    /// Sequence-free transactions that only place post-only orders or cancel.
    PostOnly,
    /// All other sequence-free trading transactions.
    Trades,
}

/// The lane of a transaction that parsed.
pub fn lane(tx: &Transaction) -> Lane {
    if !tx.sequence_free() {
        return Lane::Sequenced;
    }
    let mut lane = Lane::Cancels;
    for msg in &tx.messages {
        lane = lane.max(match msg {
            Msg::Clob(clob) if clob.is_cancel() => Lane::Cancels,
            Msg::Clob(clob) if clob.is_post_only() => Lane::PostOnly,
            _ => Lane::Trades,
        });
    }
    lane
}

/// Put transactions into lanes, keeping the given order inside each, within `max_bytes` in all. What does not
/// fit is left out from the back: trades before placements before cancels before sequenced transactions.
pub fn arrange(txs: Vec<(Lane, Vec<u8>)>, max_bytes: u64) -> Vec<Vec<u8>> {
    let mut ordered = txs;
    ordered.sort_by_key(|(lane, _)| *lane);
    let mut left = max_bytes;
    let mut chosen = Vec::with_capacity(ordered.len());
    for (_, tx) in ordered {
        // The engine counts each transaction with its protobuf framing.
        if let Some(rest) = left.checked_sub(framed_len(tx.len())) {
            left = rest;
            chosen.push(tx);
        }
    }
    chosen
}

/// Bytes that a transaction of `len` bytes takes in a block: field tag, length, bytes.
pub fn framed_len(len: usize) -> u64 {
    let len = u64::try_from(len).unwrap_or(u64::MAX);
    let mut varint = 1;
    let mut rest = len >> 7;
    while rest > 0 {
        varint += 1;
        rest >>= 7;
    }
    len.saturating_add(1 + varint)
}

/// Whether lanes never go back. `lanes` are those of a proposal's transactions, in its order.
pub fn in_order(lanes: &[Lane]) -> bool {
    lanes.windows(2).all(|pair| pair[0] <= pair[1])
        && lanes.iter().filter(|lane| **lane == Lane::Oracle).count() <= 1
}

/// Whether these bytes claim to be transaction 0.
pub fn is_oracle(tx: &[u8]) -> bool {
    tx.first() == Some(&VOTE_SET_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_keep_the_proposers_order_inside_and_drop_trades_first() {
        let tx = |lane, byte: u8| (lane, vec![byte; 10]);
        let mixed = vec![
            tx(Lane::Trades, 1),
            tx(Lane::Cancels, 2),
            tx(Lane::Sequenced, 3),
            tx(Lane::Cancels, 4),
            tx(Lane::PostOnly, 5),
            tx(Lane::Oracle, 6),
        ];
        let first = |txs: Vec<Vec<u8>>| txs.iter().map(|tx| tx[0]).collect::<Vec<_>>();
        assert_eq!(first(arrange(mixed.clone(), 1000)), [6, 3, 2, 4, 5, 1]);
        assert_eq!(first(arrange(mixed.clone(), 5 * 12)), [6, 3, 2, 4, 5]);
        assert_eq!(first(arrange(mixed, 2 * 12)), [6, 3]);
    }

    #[test]
    fn a_proposal_whose_lanes_go_back_is_out_of_order() {
        use Lane::{Cancels, Oracle, PostOnly, Sequenced, Trades};
        assert!(in_order(&[]));
        assert!(in_order(&[Oracle, Sequenced, Sequenced, Cancels, PostOnly, Trades]));
        assert!(!in_order(&[Cancels, Sequenced]));
        assert!(!in_order(&[Trades, PostOnly]));
        assert!(!in_order(&[Oracle, Oracle]));
    }

    #[test]
    fn framing_counts_tag_and_length() {
        for (len, framed) in [(0, 2), (1, 3), (127, 129), (128, 131), (16_383, 16_386), (16_384, 16_388)] {
            assert_eq!(framed_len(len), framed);
        }
    }
}
