//! The order of transactions in a block. It is enforced on every proposal, not only produced:
//!
//! 0. the oracle votes of the previous height, when vote extensions are on;
//! 1. transactions with a sequence number that cannot trade at once: transfers, cancels, post-only orders,
//!    in the proposer's order;
//! 2. trading transactions without one, in three lanes: cancels, then post-only placements, then the rest;
//! 3. transactions with a sequence number that may trade at once, and whatever their senders sent after them, in
//!    the proposer's order.
//!
//! Cancels before placements and resting orders before takers give every maker the chance to step back before
//! the block's takers arrive, whichever kind of order either of them uses. Only the sequence of one sender comes
//! before that: who cancels after a taker of its own cancels after the others' takers, too.
//!
//! **The tie rule.** Inside each of the three lanes transactions stand in rising order of
//! `SHA-256(salt || SHA-256(transaction))`, strictly, so that none comes twice. The salt is made of the last
//! block's height and time and of the oracle votes that stand in front of the transactions: the precommits of the
//! last block as the proposer has seen them, with their signatures. A proposer can leave transactions out and add
//! its own, whose bytes it can choose once it knows the salt.
//!
//! **What is left.** Whoever sees the precommits before the proposer reaps its transactions, and guesses which of
//! them it will include, may search for bytes that come first in one lane of that one block: `n` hashes bring it
//! before all but one in `n` of the others. It has the time between the last precommit and the proposal, and
//! knows nothing of later blocks. It gains the first place among takers of one block, never a place before
//! cancels or post-only orders. Without oracle votes the salt is known when the last block is.
//!
//! Nothing is lost to a client by that: orders of arrival differ from node to node, so nobody could have relied
//! on one. Cancels and placements of one order come out the same in any order (the later window wins); whoever
//! needs an order sends one batch, or stateful orders, whose sequence numbers are kept.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use store::Read;
use types::Address;

use crate::msg::{Msg, Transaction};
use crate::oracle::VOTE_SET_MARK;
use crate::state;

/// Where in a block a transaction belongs; lanes come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Transaction 0: the oracle votes.
    Oracle,
    /// Transactions with a sequence number that cannot trade at once, and bytes that do not parse (they fail, and
    /// cost only themselves).
    Sequenced,
    /// Sequence-free transactions that only cancel.
    Cancels,
    /// Sequence-free transactions that only place post-only orders or cancel.
    PostOnly,
    /// All other sequence-free trading transactions.
    Trades,
    /// Transactions with a sequence number that may trade at once, and what their senders sent after them.
    SequencedTrades,
}

/// The lane of a transaction that parsed, as if its sender had sent no other.
pub fn lane(tx: &Transaction) -> Lane {
    if !tx.sequence_free() {
        let trades = tx.messages.iter().any(|msg| matches!(msg, Msg::Clob(clob) if clob.may_take()));
        return if trades { Lane::SequencedTrades } else { Lane::Sequenced };
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

/// The place of a transaction in a block: its lane, then its rank inside. Places are in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which lane.
    pub lane: Lane,
    /// What decides inside the lanes without sequence numbers; zero in the others.
    pub rank: [u8; 32],
    /// Whose sequence number it has.
    pub sender: Option<Address>,
}

/// The tie rule of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    salt: [u8; 32],
}

impl Rule {
    /// The rule of the block after the one whose state this is; `votes` are its oracle votes, when it has some.
    pub fn of(state: &dyn Read, votes: Option<&[u8]>) -> Self {
        let last = state::previous_block(state);
        let mut hasher = Sha256::new();
        hasher.update(b"ballast/lanes");
        hasher.update(last.height.to_be_bytes());
        hasher.update(last.time.seconds().to_be_bytes());
        hasher.update(last.time.subsec_nanos().to_be_bytes());
        hasher.update(votes.unwrap_or_default());
        Self { salt: hasher.finalize().into() }
    }

    /// Where a transaction that parsed belongs.
    pub fn place(&self, tx: &Transaction) -> Place {
        let lane = lane(tx);
        if matches!(lane, Lane::Sequenced | Lane::SequencedTrades) {
            return Place { sender: tx.messages.first().map(Msg::signer), ..Place::unranked(lane) };
        }
        let rank = Sha256::new().chain_update(self.salt).chain_update(tx.envelope.hash).finalize();
        Place { rank: rank.into(), ..Place::unranked(lane) }
    }
}

impl Place {
    /// A place in a lane that has no rank.
    pub fn unranked(lane: Lane) -> Self {
        Self { lane, rank: [0; 32], sender: None }
    }

    fn key(&self) -> (Lane, [u8; 32]) {
        (self.lane, self.rank)
    }

    /// Whether `next` may follow at once.
    fn precedes(&self, next: &Self) -> bool {
        match next.lane {
            Lane::Oracle => false,
            Lane::Sequenced | Lane::SequencedTrades => self.lane <= next.lane,
            Lane::Cancels | Lane::PostOnly | Lane::Trades => self.key() < next.key(),
        }
    }
}

/// What a sender sent after a transaction that may trade goes to the same lane, so that sequence numbers rise.
fn keep_sequences<'a>(places: impl Iterator<Item = &'a mut Place>) {
    let mut trading = BTreeSet::new();
    for place in places {
        let Some(sender) = place.sender else { continue };
        if place.lane == Lane::SequencedTrades {
            trading.insert(sender);
        } else if trading.contains(&sender) {
            place.lane = Lane::SequencedTrades;
        }
    }
}

/// Put transactions into their places, keeping the given order of those with a sequence number, within
/// `max_bytes` in all; of two that are the same one is left out. What does not fit is left out from the back:
/// trades before placements before cancels before the other sequenced transactions, and with one of a sender all
/// that the sender sent after it.
pub fn arrange(txs: Vec<(Place, Vec<u8>)>, max_bytes: u64) -> Vec<Vec<u8>> {
    let mut ordered = txs;
    keep_sequences(ordered.iter_mut().map(|(place, _)| place));
    ordered.sort_by_key(|(place, _)| place.key());
    ordered.dedup_by(|next, previous| !previous.0.precedes(&next.0));
    let mut left = max_bytes;
    let mut left_out = BTreeSet::new();
    let mut chosen = Vec::with_capacity(ordered.len());
    for (place, tx) in ordered {
        if place.sender.is_some_and(|sender| left_out.contains(&sender)) {
            continue;
        }
        // The engine counts each transaction with its protobuf framing.
        match left.checked_sub(framed_len(tx.len())) {
            Some(rest) => {
                left = rest;
                chosen.push(tx);
            }
            None => left_out.extend(place.sender),
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

/// Whether the transactions of a proposal stand in their places. `places` are in the proposal's order.
pub fn in_order(places: &[Place]) -> bool {
    let mut places = places.to_vec();
    keep_sequences(places.iter_mut());
    places.windows(2).all(|pair| pair[0].precedes(&pair[1]))
}

/// Whether these bytes claim to be transaction 0.
pub fn is_oracle(tx: &[u8]) -> bool {
    tx.first() == Some(&VOTE_SET_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(lane: Lane, rank: u8) -> Place {
        let ranked = matches!(lane, Lane::Cancels | Lane::PostOnly | Lane::Trades);
        Place { rank: if ranked { [rank; 32] } else { [0; 32] }, ..Place::unranked(lane) }
    }

    fn of(sender: u8, lane: Lane) -> Place {
        Place { sender: Some(Address::new([sender; 20])), ..Place::unranked(lane) }
    }

    #[test]
    fn takers_with_a_sequence_number_come_last_and_so_does_what_follows_them_in_sequence() {
        use Lane::{Cancels, Sequenced, SequencedTrades, Trades};
        let tx = |place, byte: u8| (place, vec![byte; 10]);
        let mixed = vec![
            tx(of(1, SequencedTrades), 1),
            tx(place(Trades, 2), 2),
            tx(of(2, Sequenced), 3),
            tx(of(1, Sequenced), 4),
            tx(place(Cancels, 5), 5),
            tx(of(2, SequencedTrades), 6),
        ];
        let first = |txs: Vec<Vec<u8>>| txs.iter().map(|tx| tx[0]).collect::<Vec<_>>();
        assert_eq!(first(arrange(mixed.clone(), 1000)), [3, 5, 2, 1, 4, 6]);
        // A small one does not come without the large one before it.
        let mut large = mixed;
        large[0].1 = vec![1; 100];
        assert_eq!(first(arrange(large, 100)), [3, 5, 2, 6]);
    }

    #[test]
    fn a_proposer_can_neither_bring_a_taker_forward_nor_hold_others_back() {
        use Lane::{Cancels, Sequenced, SequencedTrades};
        let (cancel, taker) = (place(Cancels, 1), of(1, SequencedTrades));
        assert!(in_order(&[of(1, Sequenced), cancel, taker, of(1, Sequenced)]));
        assert!(!in_order(&[taker, cancel]));
        assert!(!in_order(&[cancel, taker, of(2, Sequenced)]), "it does not follow a taker of its sender");
        assert!(!in_order(&[cancel, of(1, Sequenced), taker]));
    }

    #[test]
    fn lanes_keep_sequenced_order_rank_the_rest_and_drop_trades_first() {
        let tx = |lane, byte: u8| (place(lane, byte), vec![byte; 10]);
        let mixed = vec![
            tx(Lane::Trades, 1),
            tx(Lane::Cancels, 4),
            tx(Lane::Sequenced, 9),
            tx(Lane::Cancels, 2),
            tx(Lane::Sequenced, 3),
            tx(Lane::PostOnly, 5),
            tx(Lane::Cancels, 4),
            tx(Lane::Oracle, 6),
        ];
        let first = |txs: Vec<Vec<u8>>| txs.iter().map(|tx| tx[0]).collect::<Vec<_>>();
        assert_eq!(first(arrange(mixed.clone(), 1000)), [6, 9, 3, 2, 4, 5, 1]);
        assert_eq!(first(arrange(mixed.clone(), 6 * 12)), [6, 9, 3, 2, 4, 5]);
        assert_eq!(first(arrange(mixed, 3 * 12)), [6, 9, 3]);
    }

    #[test]
    fn every_permutation_but_those_of_sequenced_transactions_is_out_of_order() {
        use Lane::{Cancels, Oracle, PostOnly, Sequenced, Trades};
        let right = [
            place(Oracle, 0),
            place(Sequenced, 0),
            place(Cancels, 1),
            place(Cancels, 2),
            place(PostOnly, 1),
            place(Trades, 0),
            place(Trades, 7),
        ];
        let mut accepted = 0;
        permutations(&mut right.to_vec(), 0, &mut |order| {
            let ok = in_order(order);
            assert_eq!(ok, order == right, "{order:?}");
            accepted += u32::from(ok);
        });
        assert_eq!(accepted, 1);
        assert!(in_order(&[]));
        assert!(in_order(&[place(Sequenced, 0), place(Sequenced, 0)]));
        assert!(!in_order(&[place(Oracle, 0), place(Oracle, 0)]));
        assert!(!in_order(&[place(Trades, 3), place(Trades, 3)]), "the same transaction twice");
    }

    fn permutations(items: &mut Vec<Place>, from: usize, visit: &mut dyn FnMut(&[Place])) {
        if from == items.len() {
            return visit(items);
        }
        for index in from..items.len() {
            items.swap(from, index);
            permutations(items, from + 1, visit);
            items.swap(from, index);
        }
    }

    #[test]
    fn framing_counts_tag_and_length() {
        for (len, framed) in [(0, 2), (1, 3), (127, 129), (128, 131), (16_383, 16_386), (16_384, 16_388)] {
            assert_eq!(framed_len(len), framed);
        }
    }
}
