//! What other validators send: extensions, votes, blocks.

use std::collections::BTreeMap;

use app::oracle::{self, Error};
use app::proposal;
use ed25519_consensus::SigningKey;
use governance::Validator;
use num::Price;
use prost::Message;
use scenario::World;
use tendermint_proto::v0_38::abci::{ExtendedCommitInfo, ExtendedVoteInfo, Validator as Named};
use types::MarketId;

use crate::input::Input;

const CHAIN: &str = "test-1";
const HEIGHT: u64 = 9;
const COMMIT: i32 = 2;

fn prices(count: u32) -> BTreeMap<MarketId, Price> {
    (0..count).map(|market| (MarketId(market), Price::new(1_000 + u64::from(market)))).collect()
}

/// Every other market has no price yet.
fn base(market: MarketId) -> Price {
    Price::new(u64::from(market.0 % 2) * 1_000)
}

pub(crate) fn extensions() -> Vec<Vec<u8>> {
    [0, 1, 2, 40].map(|count| oracle::extension(&prices(count), 9, base)).into()
}

pub(crate) fn vote_extension(data: &[u8]) {
    let Some(moves) = oracle::decode(data) else { return };
    assert!(moves.windows(2).all(|pair| pair[0].0 < pair[1].0), "a market is voted for twice");
    // Prices that a vote can mean are written the same again.
    let far = |market: MarketId| {
        let difference = moves.iter().find(|own| own.0 == market).map_or(0, |own| own.1);
        let least = if difference > 0 { 0 } else { 1 - difference };
        Price::new(u64::try_from(least).unwrap_or(u64::MAX))
    };
    let meant = moves.iter().map(|(market, difference)| {
        let price = i128::from(far(*market).raw()) + difference;
        Some((*market, Price::new(u64::try_from(price).ok().filter(|price| *price > 0)?)))
    });
    if let Some(map) = meant.collect::<Option<BTreeMap<_, _>>>() {
        assert_eq!(oracle::extension(&map, 9, far), data, "an extension has a second form");
    }
    let signed = oracle::sign_bytes(CHAIN, 8, 0, data);
    assert_ne!(signed, oracle::sign_bytes(CHAIN, 8, 1, data));
    assert_ne!(signed, oracle::sign_bytes(CHAIN, 7, 0, data));
    assert_ne!(signed, oracle::sign_bytes("test-2", 8, 0, data));
}

fn keys() -> [SigningKey; 4] {
    [1, 2, 3, 4].map(|seed: u8| SigningKey::from([seed; 32]))
}

fn validators() -> Vec<Validator> {
    let set = |(key, power): (&SigningKey, u64)| Validator::new(key.verification_key().to_bytes(), power, "");
    keys().iter().zip([40, 30, 20, 10]).map(set).collect()
}

/// A vote for the block at `height - 1` that holds.
fn vote(key: &SigningKey, validator: &Validator, chain: &str, height: u64) -> ExtendedVoteInfo {
    let extension = oracle::extension(&prices(2), height - 1, base);
    let at = i64::try_from(height - 1).expect("a height");
    let signature = key.sign(&oracle::sign_bytes(chain, at, 0, &extension)).to_bytes();
    ExtendedVoteInfo {
        validator: Some(Named {
            address: validator.address.to_vec().into(),
            power: i64::try_from(validator.power).expect("a power"),
        }),
        vote_extension: extension.into(),
        extension_signature: signature.to_vec().into(),
        block_id_flag: COMMIT,
    }
}

fn commit() -> ExtendedCommitInfo {
    let votes = keys().iter().zip(&validators()).map(|(key, own)| vote(key, own, CHAIN, HEIGHT)).collect();
    ExtendedCommitInfo { round: 0, votes }
}

/// First byte 0: the commit of an engine. 1: transaction 0 of a proposer. 2: edits of a commit that holds.
pub(crate) fn commits() -> Vec<Vec<u8>> {
    let set = oracle::vote_set(&commit(), &validators(), CHAIN, HEIGHT).expect("all voted");
    let edit = |at: u8, what: u8| vec![2, at, what, 0, 1, 7];
    let mut out = vec![[vec![0], commit().encode_to_vec()].concat(), [vec![1], set].concat()];
    out.extend((0..8).map(|what| edit(what % 4, what)));
    out
}

fn edited(input: &mut Input<'_>) -> ExtendedCommitInfo {
    let mut commit = commit();
    while !input.is_empty() && !commit.votes.is_empty() {
        let at = usize::from(input.u8()) % commit.votes.len();
        let (what, position, value) = (input.u8() % 9, usize::from(input.u16()), input.u8());
        let vote = &mut commit.votes[at];
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(position % length) {
                *byte ^= value;
            }
            bytes
        };
        match what {
            0 => vote.vote_extension = flip(&vote.vote_extension).into(),
            1 => vote.extension_signature = flip(&vote.extension_signature).into(),
            2 => vote.block_id_flag = i32::from(value) - 2,
            3 => vote.validator = None,
            4 => vote.validator.iter_mut().for_each(|named| named.address = flip(&named.address).into()),
            5 => vote.validator.iter_mut().for_each(|named| named.power = i64::from(value) - 9),
            6 => drop(commit.votes.remove(at)),
            7 => commit.votes.swap(0, at),
            _ => commit.round = i32::from(value) - 1,
        }
    }
    commit
}

/// Whatever the engine hands over, the proposer makes a set that is accepted, or none for want of power.
pub(crate) fn extended_commit(data: &[u8]) {
    let validators = validators();
    let Some((kind, rest)) = data.split_first() else { return };
    let commit = match kind % 3 {
        0 => ExtendedCommitInfo::decode(rest).unwrap_or_default(),
        1 => {
            let Ok(set) = oracle::decode_vote_set(rest) else { return };
            if oracle::check_vote_set(&set, &validators, CHAIN, HEIGHT).is_ok() {
                assert!(
                    oracle::votes(&set, &validators, base).len() >= 2,
                    "two of four hold two thirds of the power"
                );
            }
            return;
        }
        _ => edited(&mut Input(rest)),
    };
    let bytes = match oracle::vote_set(&commit, &validators, CHAIN, HEIGHT) {
        Ok(bytes) => bytes,
        Err(Error::Power { power, total }) => return assert!(power * 3 <= total * 2),
        Err(error) => panic!("a proposer has no set: {error}"),
    };
    let set = oracle::decode_vote_set(&bytes).expect("our own set is read");
    let checked = oracle::check_vote_set(&set, &validators, CHAIN, HEIGHT);
    assert_eq!(checked, Ok(()), "a proposer made a set that nobody accepts");
}

/// A chain that carries votes, and the commit of its one validator.
struct Scene {
    world: World,
    votes: Vec<u8>,
    commit: ExtendedCommitInfo,
    height: u64,
    txs: Vec<Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(&["ann", "bob"], 1_000_000_000);
        world.blocks(2);
        let deposit = world.deposit("ann", 500_000_000);
        world.run("ann", &[deposit]);
        let height = world.height() + 1;
        let input = world.input(Vec::new());
        let validators = governance::validators(world.machine.state());
        let key = SigningKey::from([7; 32]);
        let chain = &world.machine.chain().chain_id;
        let votes = validators.iter().map(|own| vote(&key, own, chain, height)).collect();
        let commit = ExtendedCommitInfo { round: 0, votes };
        let messages = [
            ("ann", world.deposit("ann", 1_000_000)),
            ("ann", world.withdraw("ann", 1_000_000)),
            ("bob", world.transfer("bob", "ann", 1_000_000)),
        ];
        let txs = messages.map(|(person, message)| world.sign(person, &[message])).into();
        Self { votes: input.txs.first().cloned().unwrap_or_default(), world, commit, height, txs }
    }
}

thread_local!(static SCENE: Scene = Scene::new());

/// Pieces: a kind, then what it takes. 0 to 2: a good transaction; 3: the votes; else bytes with their length.
pub(crate) fn blocks() -> Vec<Vec<u8>> {
    vec![vec![3, 0, 1, 2], vec![0, 1, 2], vec![3, 4, 2, 0, 9, 9], vec![2, 2, 3, 0], vec![3], vec![2, 0, 1]]
}

pub(crate) fn process_proposal(data: &[u8]) {
    SCENE.with(|scene| {
        let mut input = Input(data);
        let mut txs = Vec::new();
        while !input.is_empty() && txs.len() < 32 {
            let tx = match input.u8() % 6 {
                kind @ 0..=2 => scene.txs[usize::from(kind)].clone(),
                3 => scene.votes.clone(),
                4 => {
                    let count = input.u16();
                    input.bytes(count.into()).to_vec()
                }
                _ => {
                    let mut tx = scene.txs[usize::from(input.u8()) % scene.txs.len()].clone();
                    let at = usize::from(input.u16()) % tx.len();
                    tx[at] ^= input.u8();
                    tx
                }
            };
            txs.push(tx);
        }
        let state = scene.world.machine.state();
        let accepted = proposal::check(state, &txs, scene.height).is_ok();
        let voted = txs.first() == Some(&scene.votes);
        assert!(!accepted || voted || txs.is_empty(), "transactions without the votes are accepted");
        let ours = proposal::prepare(state, &txs, Some(&scene.commit), (scene.height, 1 << 20));
        assert_eq!(proposal::check(state, &ours, scene.height), Ok(()), "our own proposal is refused");
    });
}
