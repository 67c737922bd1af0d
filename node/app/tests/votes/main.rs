//! The whole table of what a commit can hand to a proposer and a proposer to its peers, and the laws of
//! proposals: what `prepare` answers, `check` accepts, and neither changes anything.

mod rounds;

use std::collections::BTreeMap;
use std::sync::Arc;

use app::lanes::framed_len;
use app::oracle::{self, check_vote_set, decode_vote_set, vote_set, Error, VOTE_SET_MARK};
use app::{proposal, BlockInput, Genesis, GenesisValidator, Machine};
use ed25519_consensus::SigningKey;
use governance::Validator;
use num::Price;
use proto::ballast::oracle::v1::{SignedVote, VoteSet};
use store::Memory;
use tendermint_proto::v0_38::abci::{ExtendedCommitInfo, ExtendedVoteInfo, Validator as Named};
use types::{MarketId, Time};

const CHAIN: &str = "ballast-votes-1";
const HEIGHT: u64 = 9;
const GOOD: Cell = Cell { flag: 2, extension: Part::Right, signature: Part::Right };

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Missing,
    Right,
    Wrong,
}

/// What stands at one position.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    flag: i32,
    extension: Part,
    signature: Part,
}

impl Cell {
    fn all() -> Vec<Self> {
        let parts = [Part::Missing, Part::Right, Part::Wrong];
        let with = |flag| {
            let of = move |extension| parts.map(|signature| Self { flag, extension, signature });
            parts.into_iter().flat_map(of)
        };
        [0, 1, 2, 3, 77].into_iter().flat_map(with).collect()
    }

    fn extension(self) -> Vec<u8> {
        match self.extension {
            Part::Missing => Vec::new(),
            Part::Right => {
                let prices = [(MarketId(0), Price::new(5)), (MarketId(1), Price::new(7))];
                oracle::extension(&prices.into(), 8, |_| Price::ZERO)
            }
            Part::Wrong => vec![0xff; 40],
        }
    }

    fn signature(self, key: &SigningKey, (chain, height, round): (&str, i64, i32)) -> Vec<u8> {
        let message = oracle::sign_bytes(chain, height, round, &self.extension());
        match self.signature {
            Part::Missing => Vec::new(),
            Part::Right => key.sign(&message).to_bytes().to_vec(),
            Part::Wrong => key.sign(&[&message[..], b"!"].concat()).to_bytes().to_vec(),
        }
    }

    /// A vote for the block that proves itself; an empty extension is one that knows no price.
    fn counts(self) -> bool {
        self.flag == 2 && self.extension != Part::Wrong && self.signature == Part::Right
    }

    /// No vote for the block, and nothing with it.
    fn is_bare(self) -> bool {
        matches!(self.flag, 1 | 3) && self.extension == Part::Missing && self.signature == Part::Missing
    }
}

/// What keys signed for the table, once.
struct Committee {
    keys: Vec<SigningKey>,
    validators: Vec<Validator>,
}

impl Committee {
    fn new(size: u8) -> Self {
        let keys: Vec<SigningKey> = (1..=size).map(|seed| SigningKey::from([seed; 32])).collect();
        let of = |key: &SigningKey| Validator::new(key.verification_key().to_bytes(), 10, "");
        let validators = keys.iter().map(of).collect();
        Self { keys, validators }
    }

    fn vote(&self, at: usize, cell: Cell) -> SignedVote {
        SignedVote {
            validator_address: self.validators[at].address.to_vec(),
            power: 10,
            vote_extension: cell.extension(),
            extension_signature: cell.signature(&self.keys[at], (CHAIN, 8, 0)),
            block_id_flag: cell.flag,
        }
    }

    fn good(&self) -> VoteSet {
        let votes = (0..self.keys.len()).map(|at| self.vote(at, GOOD)).collect();
        VoteSet { round: 0, votes }
    }

    fn check(&self, set: &VoteSet) -> Result<(), Error> {
        check_vote_set(set, &self.validators, CHAIN, HEIGHT)
    }

    fn prepared(&self, set: &VoteSet) -> Result<Vec<u8>, Error> {
        vote_set(&commit_of(set), &self.validators, CHAIN, HEIGHT)
    }
}

/// The same votes as the engine hands them to a proposer.
fn commit_of(set: &VoteSet) -> ExtendedCommitInfo {
    let vote = |vote: &SignedVote| ExtendedVoteInfo {
        validator: Some(Named { address: vote.validator_address.clone().into(), power: vote.power }),
        vote_extension: vote.vote_extension.clone().into(),
        extension_signature: vote.extension_signature.clone().into(),
        block_id_flag: vote.block_id_flag,
    };
    ExtendedCommitInfo { round: set.round, votes: set.votes.iter().map(vote).collect() }
}

fn suffices(counted: usize, of: usize) -> bool {
    counted * 3 > of * 2
}

/// Judge a set both ways: what a byzantine proposer carries, and what an honest one makes of it.
fn judge(committee: &Committee, set: &VoteSet, cells: &[Cell]) -> bool {
    let counted = cells.iter().filter(|cell| cell.counts()).count();
    let clean = cells.iter().all(|cell| cell.counts() || cell.is_bare());
    let enough = suffices(counted, cells.len());
    let accepted = committee.check(set);
    assert_eq!(accepted.is_ok(), clean && enough, "{cells:?}: {accepted:?}");
    let prepared = committee.prepared(set);
    assert_eq!(prepared.is_ok(), enough, "{cells:?}");
    if let Ok(prepared) = &prepared {
        let pruned = decode_vote_set(prepared).unwrap();
        committee.check(&pruned).unwrap_or_else(|error| panic!("{cells:?}: our own set: {error}"));
        let kept = pruned.votes.iter().filter(|vote| vote.block_id_flag == 2).count();
        assert_eq!(kept, counted, "{cells:?}: what is good is carried");
    }
    accepted.is_ok()
}

#[test]
fn orc_10_orc_13_every_flag_extension_and_signature_at_every_position_is_carried_pruned_or_refused() {
    let (mut cases, mut accepted) = (0, 0);
    for size in 1..=7_u8 {
        let committee = Committee::new(size);
        let good = committee.good();
        for at in 0..usize::from(size) {
            for cell in Cell::all() {
                let mut set = good.clone();
                set.votes[at] = committee.vote(at, cell);
                let mut cells = vec![GOOD; usize::from(size)];
                cells[at] = cell;
                accepted += u32::from(judge(&committee, &set, &cells));
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 28 * 45);
    println!("{cases} sets, {accepted} accepted");
    assert!(accepted > 0);
}

#[test]
fn orc_10_every_pair_of_cells_in_a_committee_of_two_and_many_mixtures_of_seven() {
    let mut cases = 0;
    for (size, mixtures) in [(2_u8, 0_u64), (7, 150)] {
        let committee = Committee::new(size);
        let all = Cell::all();
        let table: Vec<Vec<SignedVote>> = (0..usize::from(size))
            .map(|at| all.iter().map(|cell| committee.vote(at, *cell)).collect())
            .collect();
        let mut picked: Vec<Vec<usize>> = Vec::new();
        if mixtures == 0 {
            picked.extend((0..all.len()).flat_map(|one| (0..all.len()).map(move |two| vec![one, two])));
        }
        let good = all.iter().position(|cell| *cell == GOOD).unwrap();
        let mut dice = Dice(1);
        for _ in 0..mixtures {
            let pick = |_| if dice.below(4) > 0 { good } else { dice.below(all.len()) };
            picked.push((0..size).map(pick).collect());
        }
        for pick in picked {
            let votes = pick.iter().enumerate().map(|(at, cell)| table[at][*cell].clone()).collect();
            let cells: Vec<Cell> = pick.iter().map(|cell| all[*cell]).collect();
            judge(&committee, &VoteSet { round: 0, votes }, &cells);
            cases += 1;
        }
    }
    assert_eq!(cases, 45 * 45 + 150);
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[test]
fn orc_12_votes_of_another_power_order_validator_height_round_or_chain_are_refused() {
    let committee = Committee::new(4);
    let good = committee.good();
    assert_eq!(committee.check(&good), Ok(()));
    let signed = |chain, height, round| {
        let mut set = good.clone();
        for (vote, key) in set.votes.iter_mut().zip(&committee.keys) {
            vote.extension_signature = GOOD.signature(key, (chain, height, round));
        }
        set
    };
    assert_eq!(committee.check(&signed(CHAIN, 8, 0)), Ok(()));
    let mut bad = vec![
        signed("another", 8, 0),
        signed(CHAIN, 7, 0),
        signed(CHAIN, 9, 0),
        signed(CHAIN, 8, 1),
        signed(CHAIN, 8, -1),
    ];
    let mut alter = |change: &dyn Fn(&mut VoteSet)| {
        let mut set = good.clone();
        change(&mut set);
        bad.push(set);
    };
    alter(&|set| set.votes[1].power = 11);
    alter(&|set| set.votes[1].power = -10);
    alter(&|set| set.votes.swap(0, 1));
    alter(&|set| set.votes[1] = set.votes[0].clone());
    alter(&|set| set.votes.push(set.votes[0].clone()));
    alter(&|set| drop(set.votes.pop()));
    alter(&|set| set.votes.clear());
    alter(&|set| set.votes[2].validator_address = vec![9; 20]);
    alter(&|set| set.votes[2].validator_address.clear());
    alter(&|set| set.votes[2].validator_address.push(0));
    alter(&|set| set.round = 1);
    alter(&|set| set.round = -1);
    alter(&|set| {
        let moved = set.votes[0].extension_signature.clone();
        set.votes[0].extension_signature = std::mem::replace(&mut set.votes[1].extension_signature, moved);
    });
    for (number, set) in bad.iter().enumerate() {
        assert!(committee.check(set).is_err(), "case {number} is accepted");
        // An honest proposer that is handed it answers with what peers accept, or with nothing.
        if let Ok(prepared) = committee.prepared(set) {
            assert_eq!(committee.check(&decode_vote_set(&prepared).unwrap()), Ok(()), "case {number}");
        }
    }
    println!("{} sets refused", bad.len());
}

#[test]
fn orc_09_orc_15_whatever_a_source_says_our_own_vote_is_one_that_peers_accept() {
    let mut dice = Dice(77);
    let (mut cases, mut longest) = (0, 0);
    for markets in [0_usize, 1, 2, 64, 128, 175, 200, 1_000, 5_000] {
        for _ in 0..8 {
            let price = |dice: &mut Dice| match dice.below(4) {
                0 => 0,
                1 => u64::MAX,
                _ => dice.0,
            };
            let prices = (0..markets)
                .map(|market| {
                    let id = if dice.below(9) == 0 { u32::MAX - 7 } else { 0 };
                    (
                        MarketId(id.saturating_add(u32::try_from(market).unwrap())),
                        Price::new(price(&mut dice)),
                    )
                })
                .collect();
            let base = |market: MarketId| Price::new(u64::from(market.0 % 3) * (u64::MAX / 2));
            let bytes = oracle::extension(&prices, HEIGHT, base);
            let read = oracle::decode(&bytes).expect("peers accept it");
            assert!(read.iter().all(|(market, difference)| {
                let price = i128::from(base(*market).raw()) + difference;
                price > 0 && price == i128::from(prices[market].raw())
            }));
            assert!(bytes.len() <= oracle::MAX_EXTENSION_BYTES);
            longest = longest.max(bytes.len());
            cases += 1;
        }
    }
    // One run of so many markets that did not move.
    for len in [0_u32, 1, 128, 509, 510, 2_048, 8_192, 1 << 20] {
        let run = [&[0, 0x80 | (len & 0x7f) as u8, (len >> 7) as u8][..], &vec![0; len as usize]].concat();
        let accepted = oracle::decode(&run).is_some();
        assert_eq!(accepted, (128..=509).contains(&len), "{len} markets and their three bytes");
    }
    println!("{cases} sources, longest vote {longest} bytes");
    assert!(longest > 500, "the size cap was reached: {longest}");
}

#[test]
fn orc_15_a_vote_for_128_markets_that_move_by_a_thousandth_fits_and_more_take_turns() {
    let size = |value: u64| u64::from(value.max(1).ilog2() / 7 + 1);
    for (count, most) in [(64_u32, 260), (128, 512)] {
        let mut dice = Dice(u64::from(count));
        let base = |market: MarketId| Price::new(1_000_000_000 + 30_000_000 * u64::from(market.0));
        let mut price = |market: u32| {
            let base = base(MarketId(market)).raw();
            let moved = base + base / 1_000 - u64::try_from(dice.below(2_000)).unwrap() * (base / 1_000_000);
            (MarketId(market), Price::new(moved))
        };
        let prices: BTreeMap<_, _> = (0..count).map(&mut price).collect();
        let first = oracle::extension(&prices, 8, |_| Price::ZERO);
        let next = oracle::extension(&prices, 8, base);
        // Each a message of its market and its price, in whole.
        let plain: u64 =
            prices.iter().map(|(market, price)| 4 + size(market.0.into()) + size(price.raw())).sum();
        assert_eq!(oracle::decode(&next).unwrap().len(), prices.len());
        println!("{count} markets: {} bytes, {} without bases, {plain} as messages", next.len(), first.len());
        assert!(next.len() <= most && u64::try_from(next.len()).unwrap() * 2 < plain);
    }
    // Of 1,000 markets each has its turn at one of some heights, whoever votes.
    let prices: BTreeMap<_, _> = (0..1_000).map(|market| (MarketId(market), Price::new(1 << 30))).collect();
    let mut last = vec![0; 1_000];
    for height in 1..200 {
        let bytes = oracle::extension(&prices, height, |_| Price::ZERO);
        for (market, _) in oracle::decode(&bytes).unwrap() {
            last[market.0 as usize] = height;
        }
        let waited = last.iter().map(|last| height - last).max().unwrap();
        assert!(waited < 32, "a market waits for {waited} heights at {height}");
    }
}

/// A chain of seven validators whose next block carries votes, and what is offered to its proposer.
fn chain(size: u8) -> (Machine, Committee) {
    let committee = Committee::new(size);
    let document = include_bytes!("../../../../genesis/devnet.json");
    let mut genesis = Genesis::from_json(document).unwrap();
    genesis.chain_id = CHAIN.into();
    genesis.time = Time::from_unix(1_767_225_600, 0);
    genesis.extensions_from = 1;
    genesis.validators = (committee.validators.iter())
        .map(|validator| GenesisValidator { public_key: validator.public_key, power: 10 })
        .collect();
    let mut machine = Machine::from_genesis(&genesis).unwrap();
    for height in 1..HEIGHT {
        let time = genesis.time.plus_seconds(i64::try_from(height).unwrap());
        machine.execute(&BlockInput { height, time, votes: false, txs: Vec::new() }).unwrap();
        machine.take_changes();
    }
    let validators = governance::validators(machine.state());
    let of =
        |validator: &Validator| committee.validators.iter().position(|own| own.address == validator.address);
    let keys = validators.iter().map(|validator| committee.keys[of(validator).unwrap()].clone()).collect();
    (machine, Committee { keys, validators })
}

/// A row of the state.
type Row = (Arc<[u8]>, Arc<[u8]>);

fn fingerprint(machine: &mut Machine) -> Vec<Row> {
    machine.memory().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn abci_10_abci_11_abci_12_orc_16_what_prepare_answers_under_any_limit_every_twin_accepts_unchanged() {
    let (mut machine, committee) = chain(7);
    let before = fingerprint(&mut machine);
    let twin = Machine::from_state(Memory::from_pairs(before.clone())).unwrap();
    let all = Cell::all();
    let mut dice = Dice(3);
    let (mut cases, mut empty, mut with_votes) = (0, 0, 0);
    for round in 0..60 {
        let cells: Vec<Cell> = (0..7)
            .map(|_| if dice.below(16) < round % 6 { all[dice.below(all.len())] } else { GOOD })
            .collect();
        let votes = cells.iter().enumerate().map(|(at, cell)| committee.vote(at, *cell)).collect();
        let set = VoteSet { round: 0, votes };
        let own = committee.prepared(&set).unwrap_or_default();
        let offers = offers(&mut dice, &own);
        let exact = framed_len(own.len());
        let limits = [0, 1, 2, exact.saturating_sub(1), exact, exact + 1, exact + 70, 1 << 20, u64::MAX];
        let mut commits = vec![Some(commit_of(&set)), None, Some(ExtendedCommitInfo::default())];
        commits.truncate(if round % 10 == 0 { 3 } else { 1 });
        for commit in commits {
            for max_bytes in limits {
                let at = (HEIGHT, max_bytes);
                let txs = proposal::prepare(machine.state(), &offers, commit.as_ref(), at);
                let size: u64 = txs.iter().map(|tx| framed_len(tx.len())).sum();
                assert!(size <= max_bytes, "{size} bytes within {max_bytes}");
                for one in [&machine, &twin] {
                    let verdict = proposal::check(one.state(), &txs, HEIGHT);
                    assert_eq!(verdict, Ok(()), "round {round}, {max_bytes} bytes, {cells:?}");
                }
                empty += u32::from(txs.is_empty());
                with_votes += u32::from(txs.first().is_some_and(|tx| tx[0] == VOTE_SET_MARK));
                cases += 1;
            }
        }
    }
    assert_eq!(fingerprint(&mut machine), before, "proposals change nothing");
    assert_eq!(cases, empty + with_votes, "a block without votes is empty");
    assert!(empty > 100 && with_votes > 100, "{cases} proposals: {empty} empty, {with_votes} with votes");
    println!("{cases} proposals: {empty} empty, {with_votes} with votes");
}

/// Bytes that people send: nonsense of all sizes, and the votes themselves.
fn offers(dice: &mut Dice, votes: &[u8]) -> Vec<Vec<u8>> {
    let mut offers: Vec<Vec<u8>> = (0..dice.below(12))
        .map(|_| {
            let len = dice.below(300);
            (0..len).map(|_| u8::try_from(dice.below(256)).unwrap()).collect()
        })
        .collect();
    offers.extend([Vec::new(), vec![VOTE_SET_MARK], votes.to_vec(), vec![0x0a, 0]]);
    offers
}

#[test]
fn orc_14_orc_20_votes_that_are_missing_doubled_a_users_or_not_first_are_refused_where_votes_are_carried() {
    let (machine, committee) = chain(4);
    let good = committee.prepared(&committee.good()).unwrap();
    let check = |txs: &[Vec<u8>], height| proposal::check(machine.state(), txs, height).is_ok();
    assert!(check(std::slice::from_ref(&good), HEIGHT));
    assert!(check(&[], HEIGHT), "an empty block moves nothing");
    let other = b"\x0a\x00".to_vec();
    assert!(check(&[good.clone(), other.clone()], HEIGHT));
    assert!(!check(std::slice::from_ref(&other), HEIGHT), "missing");
    assert!(!check(&[good.clone(), good.clone()], HEIGHT), "doubled");
    assert!(!check(&[other.clone(), good.clone()], HEIGHT), "not first");
    assert!(!check(&[vec![VOTE_SET_MARK]], HEIGHT), "an empty commit");
    let signature = committee.vote(1, GOOD).extension_signature;
    let at = good.windows(signature.len()).position(|part| part == signature).unwrap();
    let mut forged = good.clone();
    forged[at] ^= 1;
    assert!(!check(&[forged], HEIGHT), "a signature that nobody made");
    // Votes began to be extended at height 1: the block at 2 is the first to carry them.
    for (height, carried) in [(0, false), (1, false), (2, true), (3, true)] {
        assert_eq!(proposal::carries_votes(machine.state(), height), carried, "height {height}");
        if !carried {
            assert!(check(std::slice::from_ref(&other), height), "height {height} goes without votes");
            assert!(!check(std::slice::from_ref(&good), height), "votes do not belong at {height}");
        }
    }
}
