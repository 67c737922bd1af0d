//! Whoever wants to hear of each block once it is permanent.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use app::BlockInput;
use tree::View;

use crate::host::{Host, LastBlock};

/// A block that is permanent, with all that there is to know of it.
#[derive(Debug)]
pub struct Committed {
    /// What it was made of.
    pub input: BlockInput,
    /// What became of it.
    pub block: LastBlock,
    /// The state after it.
    pub view: View,
}

/// Somebody who hears of blocks.
pub trait Follower: Send + Sync {
    /// A block is permanent. Called between blocks, one after the other: it must return at once, and whoever
    /// cannot keep up leaves blocks out.
    fn committed(&self, block: Arc<Committed>);
}

/// All of them.
#[derive(Default)]
pub(crate) struct Followers(Mutex<Vec<Weak<dyn Follower>>>);

impl Followers {
    /// Tell all of a block, and forget those that are gone. Without any, the block is not even put together.
    pub(crate) fn tell(&self, block: impl FnOnce() -> Committed) {
        let mut followers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| follower.strong_count() > 0);
        if followers.is_empty() {
            return;
        }
        let block = Arc::new(block());
        for follower in followers.iter().filter_map(Weak::upgrade) {
            follower.committed(block.clone());
        }
    }
}

impl Host {
    /// Tell `follower` of every block from now on, for as long as somebody else holds it.
    pub fn follow(&self, follower: &Arc<impl Follower + 'static>) {
        let weak = Arc::downgrade(follower);
        self.shared.followers.0.lock().unwrap_or_else(PoisonError::into_inner).push(weak);
    }
}
