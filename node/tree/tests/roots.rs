//! Roots and proofs are those of the `jmt` and `ics23` crates.

mod support;

use store::Change;
use support::{apply, changes, put, remove, Jmt, Plain, Random, TABLE};
use tree::{verify, Store, Tree, EMPTY};

/// Root of a tree that is given these changes at once.
fn root_of(changes: &[Change]) -> [u8; 32] {
    Tree::default().apply(changes)
}

#[test]
fn the_specification_is_that_of_the_jmt_crate() {
    assert_eq!(tree::store_spec(), jmt::ics23_spec());
}

#[test]
fn random_histories_have_the_roots_of_the_jmt_crate() {
    let mut random = Random(1);
    for history in 0..240 {
        // Few possible keys make collisions, removals of all and paths that collapse; many make large trees.
        let (space, most) = [(1, 1), (2, 2), (3, 4), (12, 6), (60, 30), (800, 200)][history % 6];
        let (mut ours, mut theirs) = (Tree::default(), Jmt::default());
        assert_eq!(ours.root(), EMPTY);
        for _ in 0..12 {
            let changes = changes(&mut random, 0x10, space, most);
            assert_eq!(ours.apply(&changes), theirs.apply(&changes), "history {history}");
        }
    }
}

#[test]
fn large_histories_have_the_roots_of_the_jmt_crate() {
    for (seed, space, most) in [(2, 20_000, 8_000), (3, 5_000, 5_000), (4, 100_000, 3_000)] {
        let mut random = Random(seed);
        let (mut ours, mut theirs, mut plain) = (Tree::default(), Jmt::default(), Plain::new());
        for _ in 0..6 {
            let changes = changes(&mut random, 0x10, space, most);
            apply(&mut plain, &changes);
            assert_eq!(ours.apply(&changes), theirs.apply(&changes));
            assert_eq!(ours.len(), plain.len());
        }
        let all: Vec<_> = plain.into_iter().map(|(key, value)| (key, Some(value))).collect();
        assert_eq!(root_of(&all), ours.root(), "history leaves no trace in a root");
        let none: Vec<_> = all.into_iter().map(|(key, _)| (key, None)).collect();
        assert_eq!(ours.apply(&none), EMPTY);
        assert!(ours.is_empty());
    }
}

#[test]
fn blocks_taken_back_leave_the_tree_as_it_was() {
    for (seed, space, most) in [(5, 3, 3), (6, 40, 10), (7, 3_000, 400), (8, 1_000_000, 900)] {
        let mut random = Random(seed);
        let mut tree = Tree::default();
        let mut were = vec![(EMPTY, 0)];
        for _ in 0..40 {
            tree.apply(&changes(&mut random, 0x10, space, most));
            were.push((tree.root(), tree.len()));
            // A block that is tried and dropped leaves nothing behind.
            tree.apply(&changes(&mut random, 0x10, space, most));
            tree.undo();
            assert_eq!((tree.root(), tree.len()), *were.last().unwrap());
        }
        let changes = changes(&mut random, 0x10, space, most);
        let next = tree.apply(&changes);
        tree.undo();
        assert_eq!(tree.apply(&changes), next);
        tree.undo();
        tree.forget(3);
        for was in were.iter().rev().skip(1).take(3) {
            tree.undo();
            assert_eq!((tree.root(), tree.len()), *was);
        }
        let stays = tree.root();
        tree.undo();
        assert_eq!(tree.root(), stays, "what is forgotten cannot be taken back");
    }
}

#[test]
fn the_last_change_of_a_key_counts() {
    let twice = [put(b"\x10k", "first"), put(b"\x10other", "x"), put(b"\x10k", "second")];
    let once = [put(b"\x10k", "second"), put(b"\x10other", "x")];
    assert_eq!(root_of(&twice), root_of(&once));
    assert_eq!(root_of(&[put(b"\x10k", "first"), remove(b"\x10k")]), EMPTY);
    let mut many: Vec<_> =
        (0..500u32).map(|i| put([&[0x10], &i.to_be_bytes()[..]].concat(), "old")).collect();
    many.extend((0..500u32).map(|i| put([&[0x10], &i.to_be_bytes()[..]].concat(), "new")));
    assert_eq!(root_of(&many), root_of(&many[500..]));

    let committed = |changes: &[Change]| {
        let mut store = Store::in_memory(TABLE, 10);
        store.stage(1, changes);
        store.commit(&[]).unwrap();
        store.reader().latest()
    };
    let (twice, once) = (committed(&twice), committed(&once));
    assert_eq!(twice.app_hash(), once.app_hash());
    assert!(twice.pairs().eq(once.pairs()));
}

#[test]
fn present_and_absent_keys_are_proven_by_the_ics23_crate() {
    let mut random = Random(6);
    for pairs in [1, 2, 3, 5, 17, 100, 3_000] {
        let mut store = Store::in_memory(TABLE, 10);
        let mut block = support::block(&mut random, 4 * pairs, 3 * pairs);
        block.push(put(b"\x10one", "value"));
        block.push(put(b"\x10nothing", ""));
        let app_hash = store.stage(1, &block);
        store.commit(&[]).unwrap();
        let view = store.reader().latest();
        for (key, value) in view.pairs().take(100) {
            let name = TABLE.iter().find(|(byte, _)| *byte == key[0]).unwrap().1;
            let proof = view.prove(name, &key[1..]).unwrap();
            assert_eq!(proof.app_hash, app_hash);
            assert_eq!(proof.value.as_deref(), Some(&value[..]));
            verify(&app_hash, name, &key[1..], Some(value), &proof.ops).unwrap();
            assert!(verify(&app_hash, name, &key[1..], Some(b"another"), &proof.ops).is_err());
            assert!(verify(&app_hash, name, &key[1..], None, &proof.ops).is_err());
            assert!(verify(&[7; 32], name, &key[1..], Some(value), &proof.ops).is_err());
        }
        for _ in 0..100 {
            let key = random.bytes(9);
            for (_, name) in TABLE {
                let proof = view.prove(name, &key).unwrap();
                assert_eq!(proof.value, None);
                verify(&app_hash, name, &key, None, &proof.ops).unwrap();
                assert!(verify(&app_hash, name, &key, Some(b"x"), &proof.ops).is_err());
                assert!(verify(&[7; 32], name, &key, None, &proof.ops).is_err());
            }
        }
    }
}

#[test]
fn the_operations_verify_without_our_code() {
    use ics23::{CommitmentProof, HostFunctionsManager as H};
    use prost::Message;
    let mut store = Store::in_memory(TABLE, 10);
    let app_hash = store.stage(1, &[put(b"\x10a", "1"), put(b"\x10b", "2")]).to_vec();
    store.commit(&[]).unwrap();
    let reader = store.reader();
    let root = reader.latest().root("bank").unwrap().to_vec();
    let tendermint = ics23::tendermint_spec();
    for (key, value) in [(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", None)] {
        let [first, second] = reader.prove(1, "bank", key).unwrap().ops;
        assert_eq!((first.kind, second.kind), ("ics23:jmt", "ics23:simple"));
        assert_eq!((&first.key[..], &second.key[..]), (&key[..], &b"bank"[..]));
        let first = CommitmentProof::decode(&first.data[..]).unwrap();
        let second = CommitmentProof::decode(&second.data[..]).unwrap();
        assert!(ics23::verify_membership::<H>(&second, &tendermint, &app_hash, b"bank", &root));
        match value {
            Some(value) => {
                assert!(ics23::verify_membership::<H>(&first, &jmt::ics23_spec(), &root, key, value));
            }
            None => assert!(ics23::verify_non_membership::<H>(&first, &jmt::ics23_spec(), &root, key)),
        }
    }
}

#[test]
fn the_application_hash_of_few_stores_is_that_of_the_cosmos_multistore() {
    use sha2::{Digest, Sha256};
    let sha = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    let leaf = |name: &str, root: &[u8]| {
        let name = [&[name.len() as u8], name.as_bytes()].concat();
        sha(&[&[0], &name[..], &[32], &sha(root)].concat())
    };
    let inner = |l: [u8; 32], r: [u8; 32]| sha(&[&[1], &l[..], &r].concat());
    let [app, bank, clob] = ["app", "bank", "clob"].map(|name| leaf(name, &EMPTY));

    let hash = |table: tree::Table| Store::in_memory(table, 1).reader().latest().app_hash();
    assert_eq!(hash(&[]), sha(&[]));
    assert_eq!(hash(&[(1, "app")]), app);
    assert_eq!(hash(&[(2, "bank"), (1, "app")]), inner(app, bank), "names decide the order, not bytes");
    assert_eq!(hash(&[(3, "clob"), (2, "bank"), (1, "app")]), inner(inner(app, bank), clob));
}

#[test]
fn a_proof_names_what_it_cannot_answer() {
    let mut store = Store::in_memory(TABLE, 2);
    let reader = store.reader();
    let mut old = reader.latest();
    for height in 1..=4 {
        store.stage(height, &[put(b"\x10k", height.to_be_bytes())]);
        store.commit(&[]).unwrap();
        if height == 2 {
            old = reader.latest();
        }
    }
    let text = |result: Result<tree::Proof, tree::Error>| result.unwrap_err().to_string();
    assert_eq!(text(reader.prove(2, "bank", b"k")), "height 2 is not available: heights 3 to 4 are");
    assert_eq!(text(reader.prove(5, "bank", b"k")), "height 5 is not available: heights 3 to 4 are");
    assert_eq!(text(reader.prove(4, "nobank", b"k")), "there is no store \"nobank\"");
    assert_eq!(text(old.prove("bank", b"k")), "height 2 is not kept any more");
}
