//! What an operator may choose.

/// Choices of one node; none of them changes what a block does, as long as the release fits it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Lowest price of gas that this node's mempool takes, as amount per million gas and denomination. Any one
    /// of them suffices; none means that fees are optional.
    pub min_gas_prices: Vec<(String, u64)>,
    /// Heights whose views and proofs are kept.
    pub keep_heights: usize,
    /// Blocks from one snapshot for other nodes to the next; 0 for none.
    pub snapshot_interval: u64,
    /// Snapshots that are kept, at least one.
    pub keep_snapshots: usize,
    /// Bytes of memory that another node's snapshot may take before it is known to be the trusted state.
    pub max_restore_bytes: u64,
    /// Keys that transactions waiting in the mempool may have written before new ones are refused.
    pub max_pending_keys: usize,
    /// Check every conservation law over the whole state after each block.
    pub full_checks: bool,
    /// Budget of a vote extension in milliseconds; later prices do not make it into the vote.
    pub vote_budget_ms: u64,
    /// What the tables of the state hash their keys under. A secret one, as by default, keeps people from choosing
    /// keys that collide.
    pub state_seed: u64,
    /// Which upgrades this program can do.
    pub release: app::Release,
    /// Make no block after this one; 0 for no such height.
    pub halt_height: u64,
}

/// A number that others do not know.
fn secret() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_gas_prices: Vec::new(),
            keep_heights: 100,
            snapshot_interval: 0,
            keep_snapshots: 2,
            max_restore_bytes: 4 << 30,
            max_pending_keys: 200_000,
            full_checks: false,
            vote_budget_ms: 250,
            state_seed: secret(),
            release: app::Release::default(),
            halt_height: 0,
        }
    }
}
