//! ICS-23 proofs that a store has a pair or lacks a key, and that the application hash has the store's root.
//!
//! A proof is two operations. The first, `ics23:jmt`, leads from the pair to the store's root under
//! [`store_spec`]; the second, `ics23:simple`, leads from the store's name and root to the application hash
//! under [`ics23::tendermint_spec`]. ICS-23 has no proof about a tree without pairs: for an empty store the
//! first operation names no neighbour, and the second one, which shows that the store's root is
//! [`EMPTY`](crate::EMPTY), is the proof.

use ics23::commitment_proof::Proof as Body;
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, HostFunctionsManager, InnerOp, InnerSpec, LeafOp, LengthOp,
    NonExistenceProof, ProofSpec,
};
use prost::Message;

use crate::hash::{self, Hash};
use crate::node::{goes_right, Kind, Leaf, Node};
use crate::past::{Place, Then};
use crate::Error;

/// Type of the first operation.
pub const STORE_OP: &str = "ics23:jmt";

/// Type of the second operation.
pub const SIMPLE_OP: &str = "ics23:simple";

/// An answer and its proof against the application hash of a height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Height whose state this speaks of; the block header after it carries the application hash.
    pub height: u64,
    /// The value, or `None` when the key is absent.
    pub value: Option<Vec<u8>>,
    /// From the key to the store's root, and from there to the application hash.
    pub ops: [Op; 2],
    /// Application hash of that height.
    pub app_hash: Hash,
}

/// One operation of a proof, with the fields of Tendermint's `ProofOp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// [`STORE_OP`] or [`SIMPLE_OP`].
    pub kind: &'static str,
    /// Key in the store, then name of the store.
    pub key: Vec<u8>,
    /// An encoded `cosmos.ics23.v1.CommitmentProof`.
    pub data: Vec<u8>,
}

impl Op {
    pub(crate) fn new(kind: &'static str, key: &[u8], body: Body) -> Self {
        Self { kind, key: key.to_vec(), data: CommitmentProof { proof: Some(body) }.encode_to_vec() }
    }
}

/// What a verifier must know about a store's tree: equal to the `jmt` crate's specification.
pub fn store_spec() -> ProofSpec {
    ProofSpec {
        leaf_spec: Some(leaf_op()),
        inner_spec: Some(InnerSpec {
            child_order: vec![0, 1],
            child_size: 32,
            min_prefix_length: 16,
            max_prefix_length: 16,
            empty_child: hash::EMPTY.to_vec(),
            hash: HashOp::Sha256.into(),
        }),
        min_depth: 0,
        max_depth: 64,
        prehash_key_before_comparison: true,
    }
}

/// Checks that `ops` prove that `store` has `value` at `key` (or has no `key`) in a state with this
/// application hash.
pub fn verify(
    app_hash: &Hash,
    store: &str,
    key: &[u8],
    value: Option<&[u8]>,
    ops: &[Op; 2],
) -> Result<(), Error> {
    let [first, second] = ops;
    let decode =
        |op: &Op, what| CommitmentProof::decode(op.data.as_slice()).map_err(|_| Error::Unproven(what));
    let inner = decode(first, "first operation")?;
    let outer = decode(second, "second operation")?;
    let root = match &outer.proof {
        Some(Body::Exist(exist)) => exist.value.clone(),
        _ => return Err(Error::Unproven("second operation")),
    };
    let app_hash = app_hash.to_vec();
    let spec = ics23::tendermint_spec();
    if !ics23::verify_membership::<HostFunctionsManager>(&outer, &spec, &app_hash, store.as_bytes(), &root) {
        return Err(Error::Unproven("root of the store"));
    }
    let spec = store_spec();
    let shown = match value {
        Some(value) => {
            let value = hash::committed(value);
            ics23::verify_membership::<HostFunctionsManager>(&inner, &spec, &root, key, value)
        }
        None if root == hash::EMPTY => true,
        None => ics23::verify_non_membership::<HostFunctionsManager>(&inner, &spec, &root, key),
    };
    shown.then_some(()).ok_or(Error::Unproven("pair"))
}

/// Where values come from: by state key.
pub(crate) type Values<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// A step of a descent: the place that was not taken, and whether the other, right one was.
struct Step {
    sibling: Place,
    node: Node,
    went_right: bool,
}

/// The value of `key` in a tree as it was, and the proof of that answer against the root of then. `None` if
/// a value is not there that the tree says is.
pub(crate) fn prove(then: &Then, key: &[u8], values: Values) -> Option<(Option<Vec<u8>>, Body)> {
    let at = hash::sha256(key);
    let (found, steps) = descend(then, &at);
    if let Some(leaf) = found.as_ref().filter(|leaf| leaf.at == at) {
        return Some((Some(values(&leaf.key)?), Body::Exist(existence(leaf, &steps, values)?)));
    }
    let near = |right: bool| -> Option<Option<ExistenceProof>> {
        let beyond = found.clone().filter(|leaf| (leaf.at > at) == right);
        let Some(leaf) = beyond.or_else(|| neighbour(then, &steps, right)) else { return Some(None) };
        existence(&leaf, &descend(then, &leaf.at).1, values).map(Some)
    };
    let absent = NonExistenceProof { key: key.to_vec(), left: near(false)?, right: near(true)? };
    Some((None, Body::Nonexist(absent)))
}

/// The pair at the end of the way to `at`, if there is one, and the way, from the top.
fn descend(then: &Then, at: &Hash) -> (Option<Leaf>, Vec<Step>) {
    let mut steps = Vec::new();
    let mut place = then.top();
    loop {
        match then.node(&place).kind {
            Kind::Empty => return (None, steps),
            Kind::Leaf => return (then.leaf(&place), steps),
            Kind::Inner => {
                let (left, right) = then.below(&place);
                let went_right = goes_right(at, steps.len());
                let (next, sibling) = if went_right { (right, left) } else { (left, right) };
                steps.push(Step { node: then.node(&sibling), sibling, went_right });
                place = next;
            }
        }
    }
}

/// The nearest pair beside the way, on its right or on its left.
fn neighbour(then: &Then, steps: &[Step], right: bool) -> Option<Leaf> {
    let beside = |step: &&Step| step.went_right != right && step.node.kind != Kind::Empty;
    let mut place = steps.iter().rev().find(beside)?.sibling.clone();
    loop {
        match then.node(&place).kind {
            Kind::Empty => return None,
            Kind::Leaf => return then.leaf(&place),
            Kind::Inner => {
                let (left, right_half) = then.below(&place);
                let (near, far) = if right { (left, right_half) } else { (right_half, left) };
                place = if then.node(&near).kind == Kind::Empty { far } else { near };
            }
        }
    }
}

fn existence(leaf: &Leaf, steps: &[Step], values: Values) -> Option<ExistenceProof> {
    Some(ExistenceProof {
        key: leaf.store_key().to_vec(),
        value: hash::committed(&values(&leaf.key)?).to_vec(),
        leaf: Some(leaf_op()),
        path: steps.iter().rev().map(inner_op).collect(),
    })
}

fn leaf_op() -> LeafOp {
    LeafOp {
        hash: HashOp::Sha256.into(),
        prehash_key: HashOp::Sha256.into(),
        prehash_value: HashOp::Sha256.into(),
        length: LengthOp::NoPrefix.into(),
        prefix: hash::LEAF.to_vec(),
    }
}

fn inner_op(step: &Step) -> InnerOp {
    let mut prefix = hash::INNER.to_vec();
    let mut suffix = Vec::new();
    if step.went_right {
        prefix.extend(step.node.hash);
    } else {
        suffix.extend(step.node.hash);
    }
    InnerOp { hash: HashOp::Sha256.into(), prefix, suffix }
}
