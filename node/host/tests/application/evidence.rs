//! What the engine tells about validators, and what it is told: the set and the rules are those of the genesis.

use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{Misbehavior, MisbehaviorType, Validator};

use crate::engine::Engine;

fn found(kind: i32, address: Vec<u8>, power: i64, height: i64) -> Misbehavior {
    Misbehavior {
        r#type: kind,
        validator: Some(Validator { address: address.into(), power }),
        height,
        time: Some(Timestamp { seconds: -1, nanos: i32::MAX }),
        total_voting_power: i64::MIN,
    }
}

#[test]
fn abci_23_evidence_of_any_kind_moves_nothing_and_stops_nothing() {
    let (mut engine, mut other) = (Engine::in_memory(&["alice"]), Engine::in_memory(&["alice"]));
    engine.block(&[]);
    other.block(&[]);
    let known = engine.vote().votes[0].validator.clone().unwrap().address.to_vec();
    let (twice, light) = (MisbehaviorType::DuplicateVote as i32, MisbehaviorType::LightClientAttack as i32);
    let double = found(twice, known.clone(), 10, 1);
    let rounds = [
        vec![double.clone()],
        vec![double.clone(), double],
        vec![found(light, known.clone(), 10, 1)],
        vec![found(twice, vec![9; 20], 10, 1), found(light, Vec::new(), -1, -1)],
        vec![found(77, known, i64::MAX, i64::MAX)],
        vec![Misbehavior::default()],
    ];
    for evidence in rounds {
        let (with, without) = (engine.block_with(&[], evidence), other.block(&[]));
        assert_eq!(with, without);
    }
}

#[test]
fn abci_22_abci_24_no_block_changes_the_validators_or_the_rules_of_the_engine() {
    let mut engine = Engine::in_memory(&["alice"]);
    for _ in 0..5 {
        let result = engine.block(&[]);
        assert!(result.validator_updates.is_empty() && result.consensus_param_updates.is_none());
    }
}
