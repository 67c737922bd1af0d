//! What a proposer may not do to the order of a block (ORD-24), and that what a node happens to remember
//! changes nothing.

use std::collections::BTreeSet;

use app::check::{check, Mode};
use app::lanes::{self, Lane};
use app::msg::Transaction;
use app::{oracle, proposal, Signatures};
use clob::{GoodTil, Operation, Placing, SelfTrade, TimeInForce as InForce};
use prost::Message;
use proto::ballast::clob::v1::MsgBatch;
use proto::ballast::oracle::v1::VoteSet;
use proto::dydxprotocol::clob::msg_cancel_order::GoodTilOneof;
use proto::dydxprotocol::clob::order::{Side, TimeInForce};
use scenario::{any, World};
use types::MarketId;

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Numbers that follow from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

fn world() -> World {
    let mut world = World::new(&PEOPLE, 1_000_000_000_000);
    for person in PEOPLE {
        let deposit = world.deposit(person, 100_000_000_000);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    world
}

/// One transaction of everybody's in each lane, in an order that follows from `seed`.
fn offered(world: &World, seed: u64) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut txs = Vec::new();
    for (index, person) in PEOPLE.iter().enumerate() {
        let client = u32::try_from(seed).unwrap() * 100;
        let price = 2_868_800_000 + 100_000_000 * u64::try_from(numbers.below(3)).unwrap();
        let side = if index % 2 == 0 { Side::Sell } else { Side::Buy };
        let taker = world.order(person, 0, client, (side, 100_000_000, price));
        let mut maker = world.order(person, 0, client + 1, (side, 200_000_000, price));
        maker.time_in_force = TimeInForce::PostOnly.into();
        let gone = world.order(person, 0, client.saturating_sub(100), (side, 1, 1));
        let until = u32::try_from(world.height() + 12).unwrap();
        let cancel = world.cancel(gone.order_id.unwrap(), GoodTilOneof::GoodTilBlock(until));
        for message in [world.place(taker), world.place(maker), cancel, world.deposit(person, 5)] {
            txs.push(world.sign(person, &[message]));
        }
    }
    for index in (1..txs.len()).rev() {
        txs.swap(index, numbers.below(index + 1));
    }
    txs
}

#[test]
fn abci_11_liq_04_a_proposal_is_accepted_whatever_is_offered_and_the_order_of_arrival_does_not_show() {
    let mut world = world();
    let mut orders = BTreeSet::new();
    for seed in 1..=20 {
        let (mut one, mut other) = (world.twin(), world.twin());
        let txs = offered(&world, seed);
        txs.iter().for_each(|tx| one.submit(tx.clone()));
        // Deposits have sequence numbers: those stay as they are offered.
        txs.iter().rev().for_each(|tx| other.submit(tx.clone()));
        txs.iter().for_each(|tx| other.submit(tx.clone()));
        let (input, twin) = (one.propose(), other.propose());
        let sequenced = 1 + PEOPLE.len();
        assert_eq!(input.txs[sequenced..], twin.txs[2 * PEOPLE.len() + 1..], "seed {seed}");
        orders.insert(
            input.txs.iter().map(|tx| txs.iter().position(|offered| offered == tx)).collect::<Vec<_>>(),
        );
        world.apply(&input).unwrap();
    }
    assert!(orders.len() > 15, "the salt changes with the block: {} orders", orders.len());
}

#[test]
fn ord_24_a_proposal_that_swaps_two_transactions_of_its_lanes_is_refused() {
    let mut world = world();
    let mut refused = 0;
    for seed in 1..=4 {
        offered(&world, seed).into_iter().for_each(|tx| world.submit(tx));
        let input = world.propose();
        let accepted = |txs: &[Vec<u8>]| proposal::check(world.machine.state(), txs, input.height).is_ok();
        let sequenced = 1..=PEOPLE.len();
        for one in 0..input.txs.len() {
            for other in one + 1..input.txs.len() {
                let mut txs = input.txs.clone();
                txs.swap(one, other);
                let free = sequenced.contains(&one) && sequenced.contains(&other);
                assert_eq!(accepted(&txs), free, "seed {seed}: {one} and {other} change places");
                refused += u32::from(!free);
            }
            let mut twice = input.txs.clone();
            twice.insert(one, input.txs[one].clone());
            assert_eq!(accepted(&twice), sequenced.contains(&one), "seed {seed}: {one} comes twice");
            let mut without = input.txs.clone();
            without.remove(one);
            assert_eq!(accepted(&without), one > 0, "leaving out {one} can only be seen, not refused");
        }
        world.apply(&input).unwrap();
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn the_salt_follows_from_the_votes_of_the_block_before() {
    let mut one = world();
    let mut other = one.twin();
    one.block();
    *other.prices.values_mut().next().unwrap() = num::Price::new(2_868_819_525);
    other.block();
    let txs = offered(&one, 9);
    let order = |world: &mut World| {
        txs.iter().for_each(|tx| world.submit(tx.clone()));
        let input = world.propose();
        let votes = VoteSet::decode(&input.txs[0][1..]).unwrap();
        assert_eq!((input.txs[0][0], votes.votes.len()), (oracle::VOTE_SET_MARK, 1));
        input.txs[1 + PEOPLE.len()..].to_vec()
    };
    assert_ne!(order(&mut one), order(&mut other));
}

#[test]
fn a_block_gives_the_same_whatever_signatures_a_node_remembers() {
    let mut world = world();
    for seed in 1..=20_u64 {
        let mut txs = offered(&world, seed);
        // Broken ones: another signature, a body that nobody signed, the signature of a neighbour.
        let mut broken = txs[0].clone();
        *broken.last_mut().unwrap() ^= 1;
        txs.push(broken);
        txs.push([&txs[1][..40], &txs[2][40..]].concat());
        let mut numbers = Numbers(seed);
        let mut knowing = world.twin();
        let memory = Signatures::default();
        let last = world.machine.last_block();
        for tx in txs.iter().filter(|_| numbers.below(3) > 0) {
            let again = Signatures::default();
            let mut scratch = world.twin();
            let first = check(scratch.machine.memory(), tx, last, Mode::New, &memory);
            let mut scratch = world.twin();
            assert_eq!(check(scratch.machine.memory(), tx, last, Mode::New, &again), first);
            let mut scratch = world.twin();
            assert_eq!(check(scratch.machine.memory(), tx, last, Mode::Again, &memory), first);
        }
        assert!(!memory.is_empty());
        knowing.machine.signatures = memory;
        let input = world.input(txs);
        let (plain, quick) = (world.machine.execute(&input), knowing.machine.execute(&input));
        assert_eq!(plain, quick, "seed {seed}");
        assert_eq!(world.machine.take_changes(), knowing.machine.take_changes(), "seed {seed}");
        world.pass(world.block_seconds);
    }
}

#[test]
fn a_batch_stands_in_the_lane_of_its_latest_operation() {
    let world = world();
    let placing = |time_in_force, until| Placing {
        market: MarketId(0),
        client_id: 1,
        side: clob::Side::Buy,
        ticks: 1,
        steps: 1,
        good_til: until,
        time_in_force,
        reduce_only: false,
        self_trade: SelfTrade::default(),
        client_metadata: 0,
        condition: None,
        builder: None,
    };
    let (block, time) = (GoodTil::Block(20), GoodTil::Time(2_000_000_000));
    let cancel = |kind, good_til| Operation::Cancel { market: MarketId(0), kind, client_id: 2, good_til };
    let gone = cancel(clob::Kind::ShortTerm, block);
    let rest = Operation::Place(placing(InForce::PostOnly, block));
    let take = Operation::Place(placing(InForce::ImmediateOrCancel, block));
    let better = Operation::Replace(placing(InForce::PostOnly, block));
    let rows: &[(&[Operation], Lane)] = &[
        (&[gone, gone], Lane::Cancels),
        (&[gone, rest], Lane::PostOnly),
        (&[rest, better, gone], Lane::PostOnly),
        (&[gone, take], Lane::Trades),
        (&[rest, Operation::Replace(placing(InForce::Rest, block))], Lane::Trades),
        (&[gone, cancel(clob::Kind::LongTerm, time)], Lane::Sequenced),
        (&[rest, Operation::Place(placing(InForce::PostOnly, time))], Lane::Sequenced),
    ];
    for (operations, lane) in rows {
        let message = any(&MsgBatch {
            subaccount_id: Some(world.wire_id("alice")),
            atomic: false,
            operations: clob::compact::encode(operations),
        });
        let tx = world.sign("alice", &[message]);
        let tx = Transaction::decode(&tx, &accounts::Limits::default(), world.machine.chain());
        let tx = tx.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert_eq!(lanes::lane(&tx), *lane, "{operations:?}");
        assert_eq!(tx.sequence_free(), *lane != Lane::Sequenced);
    }
}
