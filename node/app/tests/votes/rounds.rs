//! Proposers who withhold the votes that belong into their blocks.

use app::proposal::{self, Patience};
use app::{oracle, BlockInput, Machine};
use num::Price;
use tendermint_proto::v0_38::abci::{ExtendedCommitInfo, ExtendedVoteInfo, Validator as Named};
use types::{Event, MarketId, Time};

use super::{chain, Committee, Dice, CHAIN, HEIGHT};

/// One height after the other, in rounds: one proposes, each votes for what it accepts.
struct Network {
    machine: Machine,
    committee: Committee,
    memory: Vec<Patience>,
    /// Whose proposals are always empty.
    empty_handed: Vec<usize>,
    /// Whether those do it on purpose, and vote for it.
    malice: bool,
    /// Who signs, but says no price.
    mute: Option<usize>,
    height: u64,
    time: Time,
    told: Vec<Event>,
}

impl Network {
    fn new(size: u8, empty_handed: &[usize]) -> Self {
        let (machine, committee) = chain(size);
        let time = machine.last_block().1;
        let memory = vec![Patience::default(); usize::from(size)];
        let (nobody, height) = (Vec::new(), HEIGHT - 1);
        let mut network = Self {
            machine,
            committee,
            memory,
            empty_handed: nobody,
            malice: true,
            mute: None,
            height,
            time,
            told: Vec::new(),
        };
        // The blocks so far came without votes.
        assert_eq!(network.block(|| false), (1, true));
        network.empty_handed = empty_handed.into();
        network
    }

    /// The votes for the last block.
    fn commit(&self) -> ExtendedCommitInfo {
        let prices = [(MarketId(0), Price::new(2_868_819_524 + self.height))].into();
        let state = self.machine.state();
        let base = |market| prices::base(state, market, self.height);
        let extension = oracle::extension(&prices, self.height, base);
        let height = i64::try_from(self.height).unwrap();
        let vote = |(at, key): (usize, &ed25519_consensus::SigningKey)| {
            let extension = if self.mute == Some(at) { Vec::new() } else { extension.clone() };
            let message = oracle::sign_bytes(CHAIN, height, 0, &extension);
            let address = self.committee.validators[at].address.to_vec().into();
            ExtendedVoteInfo {
                validator: Some(Named { address, power: 10 }),
                vote_extension: extension.into(),
                extension_signature: key.sign(&message).to_bytes().to_vec().into(),
                block_id_flag: 2,
            }
        };
        ExtendedCommitInfo { round: 0, votes: self.committee.keys.iter().enumerate().map(vote).collect() }
    }

    /// Decide a block; answers the rounds that it took and whether it carries votes. `missed` says whether a
    /// validator does not get to see a proposal in time.
    fn block(&mut self, mut missed: impl FnMut() -> bool) -> (usize, bool) {
        let (height, commit, size) = (self.height + 1, self.commit(), self.memory.len());
        for round in 0.. {
            let proposer = (usize::try_from(height).unwrap() + round) % size;
            let state = self.machine.state();
            let txs = if self.empty_handed.contains(&proposer) {
                Vec::new()
            } else {
                proposal::prepare(state, &[[]; 0], Some(&commit), (height, 1 << 20))
            };
            assert_eq!(proposal::check(state, &txs, height), Ok(()));
            let accepting = (0..size).filter(|validator| {
                let faulty = self.malice && self.empty_handed.contains(validator);
                faulty || (!missed() && self.memory[*validator].admits(state, height, txs.is_empty()))
            });
            if accepting.count() * 3 <= size * 2 {
                assert!(round < 50, "no block comes at height {height}");
                continue;
            }
            let voted = !txs.is_empty();
            self.time = self.time.plus_seconds(1);
            let input = BlockInput { height, time: self.time, votes: true, txs };
            let outcome = self.machine.execute(&input).unwrap();
            self.told.extend(outcome.events.into_iter().filter(|event| event.kind == "validator_silent"));
            self.machine.take_changes();
            self.height = height;
            return (round + 1, voted);
        }
        unreachable!("rounds do not end")
    }
}

#[test]
fn orc_11_fewer_than_a_third_who_withhold_the_votes_get_no_block_whatever_proposals_are_lost() {
    for (size, faulty) in [(4, vec![1]), (7, vec![2, 3]), (10, vec![0, 4, 5]), (10, vec![7, 8, 9])] {
        for late in [0, 10] {
            let mut network = Network::new(size, &faulty);
            let mut dice = Dice(u64::from(size) + 1);
            let (mut rounds, mut empty) = (0, 0);
            for _ in 0..40 {
                // Up to a tenth of the proposals are late somewhere.
                let (took, voted) = network.block(|| dice.below(100) < late);
                rounds += took;
                empty += usize::from(!voted);
            }
            assert!(rounds > 40, "somebody withheld");
            println!("{} of {size} withhold, {late} % late: 40 blocks in {rounds} rounds", faulty.len());
            assert_eq!(empty, 0, "blocks without votes: {faulty:?} of {size}, {late} % late");
            let price = prices::price(network.machine.state(), MarketId(0)).unwrap();
            assert!(price.updated_height + 1 >= network.height, "prices go on");
        }
    }
}

#[test]
fn orc_11_a_chain_on_which_nobody_can_carry_votes_goes_on_without_and_a_round_more_for_each_block() {
    for size in [1, 3, 4, 7, 10] {
        let everybody: Vec<usize> = (0..usize::from(size)).collect();
        let mut network = Network::new(size, &everybody);
        network.malice = false;
        let refusals = if size < 4 { 0 } else { (usize::from(size) - 1) / 3 + 1 };
        for block in 0..5 {
            let state = network.machine.state();
            let mut patience = Patience::default();
            let height = network.height + 1;
            let refused = (0..20).take_while(|_| !patience.admits(state, height, true)).count();
            assert_eq!(refused, if block == 0 { refusals } else { refusals.min(1) }, "{size}, {block}");
            // The next height starts anew; a proposal with votes is always taken.
            assert!(patience.admits(state, height, false));
            // Who has nothing better itself takes it from others.
            let mut helpless = Patience::default();
            helpless.proposed(state, height, true);
            assert!(helpless.admits(state, height, true));
            let rounds = if block == 0 { refusals + 1 } else { refusals.min(1) + 1 };
            assert_eq!(network.block(|| false), (rounds, false));
        }
    }
}

#[test]
fn an_empty_block_is_refused_only_where_votes_belong() {
    let network = Network::new(4, &[]);
    let state = network.machine.state();
    for (height, refused) in [(0, false), (1, false), (2, true), (9, true)] {
        assert_eq!(Patience::default().admits(state, height, true), !refused, "height {height}");
    }
}

#[test]
fn orc_24_who_signs_blocks_but_says_no_price_is_counted_told_and_forgiven_when_it_speaks() {
    let mut network = Network::new(7, &[]);
    let address = |network: &Network, at: usize| network.committee.validators[at].address;
    let silent = |network: &Network, at| prices::silent(network.machine.state(), address(network, at));
    network.block(|| false);
    let others = |network: &Network| (0..7).filter(|at| *at != 3).map(|at| silent(network, at)).sum::<u32>();
    network.mute = Some(3);
    for block in 0..205 {
        assert_eq!((silent(&network, 3), others(&network)), (block, 0));
        network.block(|| false);
    }
    let told: Vec<_> = network.told.iter().map(|event| event.attributes.clone()).collect();
    assert_eq!(told.len(), 2, "at 100 and at 200: {told:?}");
    network.mute = None;
    network.block(|| false);
    assert_eq!((silent(&network, 3), others(&network)), (0, 0));
    // A block without votes says nothing about anybody.
    network.empty_handed = (0..7).collect();
    network.malice = false;
    network.block(|| false);
    assert_eq!((silent(&network, 3), others(&network)), (0, 0));
}
