//! A market that does not exist: correlated random prices from a seed, and a crash when it is asked for.
//!
//! A price is `start * level * noise`. The noise of a market is what all markets share plus its own part; both
//! are pulled back to zero, so that a devnet may run for days. The level is 1 in calm times and a function of
//! time alone in a crash. Everything is integer arithmetic: a seed gives the same prices on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Listed, Prices};

/// Parts of one: noise and levels are in parts per billion.
const ONE: i64 = 1_000_000_000;
/// Largest shared step of half a second: a sixth of a per mille.
const SHARED: i64 = 170_000;
/// Largest own step of half a second.
const OWN: i64 = 130_000;
/// Steps within which about two thirds of the noise are pulled back.
const MEMORY: i64 = 2_000;
/// Stream of the noise that all markets share; no market has this number.
const SHARED_STREAM: u64 = u64::MAX;

/// What the market lives through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// Small moves around the start.
    #[default]
    Calm,
    /// After 75 s all markets lose 35 % within a minute; meanwhile each has a gap of 8 to 15 % from one step to
    /// the next, market 0 at once and the largest. Within the five minutes that follow they win back two fifths
    /// of what is lost.
    Crash,
}

/// Times of the crash, in milliseconds.
const CRASH_FROM: u64 = 75_000;
const CRASH_TO: u64 = 135_000;
const RECOVERED: u64 = 435_000;
/// The market whose gap begins the crash.
const LEADER: u32 = 0;
/// What all markets lose together.
const COMMON_LOSS: i64 = 350_000_000;
/// Share of the loss that comes back.
const RECOVERY_PERCENT: i64 = 40;

/// Prices as a function of seed and step.
#[derive(Clone, Debug)]
pub struct Model {
    scenario: Scenario,
    step_millis: u64,
    step: u64,
    shared: Noise,
    markets: Vec<Walk>,
}

#[derive(Clone, Debug)]
struct Walk {
    listed: Listed,
    noise: Noise,
    /// When its gap comes (milliseconds) and how much of the price is left after it.
    gap: (u64, i64),
}

#[derive(Clone, Debug)]
struct Noise {
    random: ChaCha8Rng,
    largest: i64,
    value: i64,
}

impl Noise {
    fn new(seed: u64, stream: u64, largest: i64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { random, largest, value: 0 }
    }

    fn step(&mut self) {
        let push = self.random.gen_range(-self.largest..=self.largest);
        self.value += push + self.random.gen_range(-self.largest..=self.largest) - self.value / MEMORY;
    }
}

impl Model {
    /// Prices of `markets`, one step each `step_millis` milliseconds of the chain's time.
    pub fn new(seed: u64, scenario: Scenario, markets: &[Listed], step_millis: u64) -> Self {
        let walk = |listed: &Listed| {
            let mut noise = Noise::new(seed, listed.market.into(), OWN);
            let when = noise.random.gen_range(CRASH_FROM + 2_000..CRASH_FROM + 40_000);
            let lost = noise.random.gen_range(80..=150);
            let (when, lost) = if listed.market == LEADER { (CRASH_FROM, 150) } else { (when, lost) };
            Walk { listed: listed.clone(), noise, gap: (when, ONE - lost * (ONE / 1_000)) }
        };
        Self {
            scenario,
            step_millis,
            step: 0,
            shared: Noise::new(seed, SHARED_STREAM, SHARED),
            markets: markets.iter().map(walk).collect(),
        }
    }

    /// Prices at `step`, the start being 0. Steps only go forward: an earlier one answers with the latest.
    pub fn at(&mut self, step: u64) -> Prices {
        while self.step < step {
            self.step += 1;
            self.shared.step();
            self.markets.iter_mut().for_each(|walk| walk.noise.step());
        }
        let time = self.step.saturating_mul(self.step_millis);
        let price = |walk: &Walk| {
            let noise = ONE + self.shared.value + walk.noise.value;
            let level = match self.scenario {
                Scenario::Calm => ONE,
                Scenario::Crash => crash_level(time, walk.gap),
            };
            let price = scale(scale(walk.listed.price, noise), level);
            (walk.listed.market, price.max(1))
        };
        self.markets.iter().map(price).collect()
    }
}

/// `price` times `parts` per billion, rounded down; nothing negative.
fn scale(price: u64, parts: i64) -> u64 {
    let parts = u128::try_from(parts).unwrap_or_default();
    u64::try_from(u128::from(price) * parts / u128::from(ONE.unsigned_abs())).unwrap_or(u64::MAX)
}

/// What is left of a price, in parts per billion.
fn crash_level(time: u64, (gap_at, gap_left): (u64, i64)) -> i64 {
    let between = |from: u64, to: u64, whole: i64| {
        let passed = i64::try_from(time.clamp(from, to) - from).unwrap_or(0);
        whole / 1_000 * passed / i64::try_from((to - from) / 1_000).unwrap_or(1)
    };
    let fallen = ONE - between(CRASH_FROM, CRASH_TO, COMMON_LOSS);
    let level = if time >= gap_at { fallen / 1_000 * (gap_left / 1_000) / 1_000 } else { fallen };
    let loss = ONE - level;
    level + between(CRASH_TO, RECOVERED, loss / 100 * RECOVERY_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Listed> {
        let market =
            |market: u32, price| Listed { market, ticker: format!("M{market}-USD"), exponent: -5, price };
        vec![market(0, 2_868_819_524), market(1, 1_811_985_252), market(7, 1_223_293_720)]
    }

    fn path(seed: u64, scenario: Scenario, steps: u64) -> Vec<Prices> {
        let mut model = Model::new(seed, scenario, &listed(), 500);
        (0..=steps).map(|step| model.at(step)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_prices_each_time_and_another_seed_others() {
        assert_eq!(path(1, Scenario::Crash, 500), path(1, Scenario::Crash, 500));
        assert_ne!(path(1, Scenario::Calm, 5), path(2, Scenario::Calm, 5));
        let mut jumped = Model::new(1, Scenario::Calm, &listed(), 500);
        assert_eq!(jumped.at(300), path(1, Scenario::Calm, 300)[300]);
    }

    #[test]
    fn a_markets_path_does_not_depend_on_which_others_are_listed() {
        let mut alone = Model::new(3, Scenario::Crash, &listed()[2..], 500);
        assert_eq!(alone.at(200)[&7], path(3, Scenario::Crash, 200)[200][&7]);
    }

    #[test]
    fn the_first_prices_are_those_listed() {
        let start: Prices = listed().iter().map(|listed| (listed.market, listed.price)).collect();
        assert_eq!(path(9, Scenario::Crash, 0)[0], start);
    }

    #[test]
    fn calm_prices_move_little_and_stay_around_the_start() {
        let path = path(4, Scenario::Calm, 20_000);
        for pair in path.windows(2) {
            for (market, price) in &pair[1] {
                let moved = price.abs_diff(pair[0][market]);
                assert!(moved * 1_000 < *price, "market {market} moved by {moved} at {price}");
            }
        }
        for listed in listed() {
            let last = path[20_000][&listed.market];
            assert!(last.abs_diff(listed.price) * 10 < listed.price, "{last}");
            assert_ne!(last, listed.price);
        }
    }

    #[test]
    fn a_crash_takes_a_third_and_more_then_recovers_in_part() {
        let path = path(5, Scenario::Crash, 900);
        for listed in listed() {
            let at = |step: usize| path[step][&listed.market];
            let of_start = |price: u64| price * 100 / listed.price;
            assert!((97..=103).contains(&of_start(at(149))), "{}", of_start(at(149)));
            assert!((50..=65).contains(&of_start(at(271))), "{}", of_start(at(271)));
            assert!(of_start(at(871)) >= of_start(at(271)) + 12);
            assert!(of_start(at(871)) <= 85);
            let gap = (150..271).map(|step| at(step) * 1_000 / at(step - 1)).min().unwrap();
            assert!((840..=955).contains(&gap), "{gap}");
        }
    }
}
