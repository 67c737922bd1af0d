//! Proposals: what we make is accepted, what is wrong about oracle votes or order is not.

use app::oracle::{decode_vote_set, VOTE_SET_MARK};
use prost::Message;
use proto::ballast::oracle::v1::VoteSet;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, RequestVerifyVoteExtension};

use crate::engine::Engine;

fn started() -> Engine {
    let mut engine = Engine::in_memory(&["alice"]);
    engine.block(&[]);
    engine
}

fn packed(set: &VoteSet) -> prost::bytes::Bytes {
    let mut bytes = vec![VOTE_SET_MARK];
    bytes.extend(set.encode_to_vec());
    bytes.into()
}

#[test]
fn prices_come_from_the_votes_of_the_block_before() {
    let mut engine = started();
    engine.block(&[]);
    let request = proto::dydxprotocol::prices::QueryMarketPriceRequest { id: 0 };
    let answer = engine.host.query(RequestQuery {
        path: "/dydxprotocol.prices.Query/MarketPrice".into(),
        data: request.encode_to_vec().into(),
        ..RequestQuery::default()
    });
    let price = proto::dydxprotocol::prices::QueryMarketPriceResponse::decode(answer.value).unwrap();
    assert_eq!(price.market_price.unwrap().price, 2_868_819_524);
}

/// One change to the votes that a proposer carries.
type Damage = (&'static str, fn(&mut VoteSet));

const DAMAGES: &[Damage] = &[
    ("a vote is missing", |set| drop(set.votes.pop())),
    ("a vote is doubled", |set| set.votes.push(set.votes[0].clone())),
    ("two votes change places", |set| set.votes.swap(0, 1)),
    ("power is altered", |set| set.votes[1].power += 1),
    ("an unknown validator votes", |set| set.votes[2].validator_address = vec![9; 20]),
    ("a signature is altered", |set| set.votes[0].extension_signature[5] ^= 1),
    ("a signature is missing", |set| set.votes[0].extension_signature.clear()),
    ("a signature of another is used", |set| {
        set.votes[0].extension_signature = set.votes[1].extension_signature.clone();
    }),
    ("an extension is altered", |set| set.votes[3].vote_extension.push(0)),
    ("an extension is emptied", |set| set.votes[3].vote_extension.clear()),
    ("an absent vote carries an extension", |set| set.votes[1].block_id_flag = 1),
    ("a nil vote carries an extension", |set| set.votes[1].block_id_flag = 3),
    ("an absent vote carries a signature", |set| {
        set.votes[1].block_id_flag = 1;
        set.votes[1].vote_extension.clear();
    }),
    ("the round is another", |set| set.round = 1),
    ("only half of the power is for the block", |set| {
        for vote in set.votes.iter_mut().take(2) {
            vote.block_id_flag = 1;
            vote.vote_extension.clear();
            vote.extension_signature.clear();
        }
    }),
];

#[test]
fn whatever_is_wrong_with_the_carried_votes_the_proposal_is_refused() {
    let engine = started();
    let good = engine.host.prepare_proposal(engine.prepare(&[]));
    assert!(engine.process(&good.txs));
    for (name, damage) in DAMAGES {
        let mut set = decode_vote_set(&good.txs[0]).unwrap();
        damage(&mut set);
        assert!(!engine.process(&[packed(&set)]), "{name} is accepted");
    }
    assert!(!engine.process(&[b"x".to_vec().into()]), "votes may be missing from an empty block only");
    assert_eq!(
        [0; 4].map(|_| engine.process(&[])),
        [false, false, true, true],
        "others have their turn first"
    );
    assert!(!engine.process(&[good.txs[0].clone(), good.txs[0].clone()]), "votes come once");
    let mut trailing = good.txs[0].to_vec();
    trailing.extend([0x78, 1]);
    assert!(!engine.process(&[trailing.into()]), "unknown fields are refused");
    println!("{} kinds of damage refused", DAMAGES.len() + 3);
}

#[test]
fn three_of_four_votes_suffice_and_bad_late_votes_are_pruned_not_carried() {
    let mut engine = started();
    // A late, unverified precommit with garbage reached the proposer.
    engine.commit.votes[2].vote_extension = vec![0xff; 40].into();
    let proposal = engine.host.prepare_proposal(engine.prepare(&[]));
    let set = decode_vote_set(&proposal.txs[0]).unwrap();
    assert_eq!(set.votes[2].block_id_flag, 1);
    assert!(engine.process(&proposal.txs));
    engine.block(&[]);
}

#[test]
fn the_first_block_carries_no_votes() {
    let engine = Engine::in_memory(&["alice"]);
    let proposal = engine.host.prepare_proposal(engine.prepare(&[]));
    assert!(proposal.txs.is_empty());
    assert!(engine.process(&[]));
    assert!(!engine.process(&[vec![VOTE_SET_MARK].into()]));
}

#[test]
fn vote_extensions_are_judged_by_form_and_size_alone() {
    let engine = started();
    let verify = |bytes: &[u8]| {
        let vote_extension = bytes.to_vec().into();
        let request = RequestVerifyVoteExtension { vote_extension, ..Default::default() };
        engine.host.verify_vote_extension(request).status == 1
    };
    let ours = engine.extension();
    assert!(verify(&ours) && verify(&[]));
    assert!(verify(&[0, 1, 2, 6, 1, 4]), "one more for market 0, two more for market 7");
    assert!(!verify(&[0, 1, 2, 0, 1, 4]), "neighbours are one run");
    assert!(!verify(&[0, 2, 2]), "a difference is missing");
    assert!(!verify(&[0xff; 8]) && !verify(&vec![0; 4096]));
}
