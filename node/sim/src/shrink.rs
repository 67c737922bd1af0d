//! From a story that fails to a small one that fails in the same way.

use std::collections::BTreeSet;

use crate::counts::Failure;
use crate::run::simulate;
use crate::script::Item;
use crate::story::Story;

/// What is left of a story, and how it fails.
#[derive(Clone, Debug)]
pub struct Small {
    /// The story; its text is the line that tells it again.
    pub story: Story,
    /// How it fails.
    pub failure: Failure,
    /// Parts that the first failure had.
    pub before: usize,
    /// Stories that were told to find it.
    pub runs: u64,
}

/// Leave out blocks after the failure, then halves, quarters and so on of all parts, as long as the same law is
/// broken; tells at most `most` stories.
pub fn shrink(story: &Story, failure: Failure, most: u64) -> Small {
    let mut small = Small { story: story.clone(), before: failure.told.len(), failure, runs: 0 };
    small.story.blocks = small.failure.height.clamp(1, story.blocks);
    let all: Vec<Item> = small.failure.told.iter().map(|(item, _)| *item).collect();
    if !small.holds(&BTreeSet::new()) {
        small.holds(&all.into_iter().collect());
        small.halve(most);
    }
    small
}

impl Small {
    /// Tell the story with these parts only; when it fails in the same way, it is the story from now on.
    fn holds(&mut self, only: &BTreeSet<Item>) -> bool {
        let story = Story { only: Some(only.clone()), ..self.story.clone() };
        self.runs += 1;
        let Err(failure) = simulate(&story) else { return false };
        if law(&failure.reason) != law(&self.failure.reason) {
            return false;
        }
        self.story = Story { blocks: failure.height.max(1), ..story };
        self.failure = failure;
        true
    }

    fn halve(&mut self, most: u64) {
        let mut size = self.failure.told.len().div_ceil(2);
        while size > 0 && self.runs < most {
            let mut start = 0;
            let mut shorter = false;
            while start < self.failure.told.len() && self.runs < most {
                let told = self.failure.told.iter().enumerate();
                let outside = |at: &usize| *at < start || *at >= start + size;
                let left = told.filter(|(at, _)| outside(at)).map(|(_, (item, _))| *item).collect();
                if self.holds(&left) {
                    shorter = true;
                } else {
                    start += size;
                }
            }
            if size == 1 && !shorter {
                return;
            }
            size = if shorter { size.min(self.failure.told.len()) } else { size / 2 };
        }
    }
}

/// What of a reason is the same when numbers and names differ: its first words.
fn law(reason: &str) -> String {
    let words =
        reason.split(' ').filter(|word| !word.chars().any(|c| c.is_ascii_digit()) || word.starts_with("I-"));
    words.take(4).collect::<Vec<_>>().join(" ")
}
