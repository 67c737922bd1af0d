//! Everybody who sends transactions.

use scenario::{Dice, World};

use crate::crowd::Crowd;
use crate::market::Market;

/// The agents of one story.
#[derive(Clone, Debug)]
pub(crate) struct Agents {
    crowd: Crowd,
    arrived: bool,
}

impl Agents {
    /// Agents as the seed wants them.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self { crowd: Crowd::new(dice), arrived: false }
    }

    /// Names of those who have coins at genesis.
    pub(crate) fn people(&self) -> Vec<&str> {
        self.crowd.people.iter().map(String::as_str).collect()
    }

    /// The transactions that are sent before the next block, in order of arrival. What they do must follow from
    /// the world and the dice alone. Not each of them gets into the next block, nor into any.
    pub(crate) fn act(&mut self, world: &mut World, market: &Market, dice: &mut Dice) -> Vec<Vec<u8>> {
        if std::mem::replace(&mut self.arrived, true) {
            self.crowd.act(world, market, dice);
        } else {
            self.crowd.arrive(world, dice);
        }
        world.take_waiting()
    }
}
