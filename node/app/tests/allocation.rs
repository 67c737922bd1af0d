//! What is read from strangers takes memory in proportion to its size, whatever it says about itself.

use std::alloc::System;

use app::msg::Transaction;
use app::{oracle, Genesis, GenesisValidator, Machine};
use stats_alloc::{Region, StatsAlloc, INSTRUMENTED_SYSTEM};
use types::Time;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Of a large transaction.
const SIZE: usize = 32_768;

const TYPES: [&str; 14] = [
    "/cosmos.bank.v1beta1.MsgSend",
    "/cosmos.bank.v1beta1.MsgMultiSend",
    "/dydxprotocol.sending.MsgDepositToSubaccount",
    "/dydxprotocol.sending.MsgWithdrawFromSubaccount",
    "/dydxprotocol.sending.MsgCreateTransfer",
    "/dydxprotocol.clob.MsgPlaceOrder",
    "/dydxprotocol.clob.MsgCancelOrder",
    "/dydxprotocol.clob.MsgUpdateLeverage",
    "/dydxprotocol.clob.MsgBatchCancel",
    "/ballast.clob.v1.MsgPlaceOrder",
    "/ballast.clob.v1.MsgBatch",
    "/ballast.perpetuals.v1.MsgSetOpenInterestCap",
    "/ballast.perpetuals.v1.MsgSetWithdrawalMargin",
    "",
];

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 127 {
        out.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A field of bytes.
fn field(number: usize, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len()), bytes.to_vec()].concat()
}

/// As many of `item` as fit.
fn many(item: &[u8], size: usize) -> Vec<u8> {
    item.repeat(size / item.len().max(1))
}

/// Content that grows when it is read: each field, empty or holding an empty one, as often as fits; and lengths that
/// are not there.
fn contents() -> Vec<Vec<u8>> {
    let size = SIZE - 512;
    let mut out = vec![many(&[0xff], size), [varint(1 << 3 | 2), varint(1 << 40), vec![0; 9]].concat()];
    for number in 1..=4 {
        let empty = field(number, &[]);
        for inner in 1..=3 {
            out.push(many(&field(number, &field(inner, &[])), size));
            out.push(field(number, &many(&field(inner, &[]), size)));
            // Coins and the like: two levels down.
            out.push(field(number, &many(&field(inner, &field(2, b"1")), size)));
        }
        out.push(many(&empty, size));
        // Numbers, one for each byte: a packed list.
        out.push(field(number, &many(&[1], size)));
        out.push(many(&[varint(number << 3), vec![1]].concat(), size));
    }
    out
}

fn transactions(content: &[u8]) -> Vec<Vec<u8>> {
    let mut out = vec![content.to_vec(), field(1, content), field(2, content), field(3, content)];
    for name in TYPES {
        let message = [field(1, name.as_bytes()), field(2, content)].concat();
        let signer = field(1, &field(2, &field(1, &[8, 1])));
        let auth = field(2, &[signer, field(2, &[])].concat());
        out.push([field(1, &field(1, &message)), auth, field(3, &[7; 64])].concat());
    }
    out
}

/// Everything that was allocated meanwhile, whatever was given back.
fn allocated(f: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    f();
    let change = region.change();
    change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or_default()
}

#[test]
fn tx_01_no_transaction_or_vote_takes_more_memory_than_a_small_multiple_of_its_size() {
    let mut genesis = Genesis::from_json(include_bytes!("../../../genesis/devnet.json")).unwrap();
    genesis.chain_id = "allocation-1".into();
    genesis.extensions_from = 1;
    let key = |seed: u8| ed25519_consensus::SigningKey::from([seed; 32]).verification_key().to_bytes();
    genesis.validators =
        [1, 2, 3, 4].map(|seed| GenesisValidator { public_key: key(seed), power: 10 }).into();
    genesis.time = Time::from_unix(1_767_225_600, 0);
    let machine = Machine::from_genesis(&genesis).unwrap();
    let limits = accounts::Limits::default();
    let (mut cases, mut worst) = (0, (0, 0));
    let mut see = |size: usize, spent: usize| {
        cases += 1;
        let spent = spent.saturating_sub(4_096);
        if spent * worst.1.max(1) > worst.0 * size {
            worst = (spent, size);
        }
        assert!(spent <= 16 * size, "{spent} bytes for {size}");
    };
    for content in contents() {
        for tx in transactions(&content) {
            let spent = allocated(|| {
                drop(Transaction::decode(&tx, &limits, machine.chain()));
            });
            see(tx.len(), spent);
        }
        let short = &content[..content.len().min(oracle::MAX_EXTENSION_BYTES)];
        for extension in [short, &content] {
            let spent = allocated(|| drop(oracle::decode(extension)));
            assert!(spent <= 64 * oracle::MAX_EXTENSION_BYTES, "{spent} bytes for an extension");
        }
    }
    println!("{cases} inputs: at most {} bytes for {}", worst.0, worst.1);
    // Four validators' votes take what four take, whatever a proposer sends.
    for content in contents() {
        let set = [&[oracle::VOTE_SET_MARK][..], &content].concat();
        let spent = allocated(|| {
            let refused = app::proposal::check(machine.state(), &[&set], 9);
            assert!(refused.is_err());
        });
        assert!(spent < 1 << 20, "{spent} bytes for votes of {}", set.len());
    }
}
