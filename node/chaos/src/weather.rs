//! What the world does to bytes on their way from one node to another.

use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Whether anything moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does, as late as the weather says.
    #[default]
    Open,
    /// Nothing is read: the sender sees a full window, the receiver silence.
    Stalled,
    /// All is read and thrown away: the sender believes that it was sent. When this ends, the connections that
    /// lost bytes end too, as a stream with a hole must not go on.
    Swallowed,
    /// Connections end at once, and new ones as soon as they come.
    Cut,
}

/// Of the bytes in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Whether anything moves.
    pub mode: Mode,
    /// Milliseconds that every byte is late, up to 60,000.
    pub delay: u64,
    /// Up to so many milliseconds more, by chance; order is kept. Up to 60,000.
    pub jitter: u64,
    /// Bytes a second, 0 for any number.
    pub rate: u64,
}

/// When the bytes of one connection arrive in one direction.
#[derive(Debug)]
pub struct Pace {
    random: ChaCha8Rng,
    /// When the line is free for the next byte.
    free: Option<Instant>,
    /// When the byte before arrives.
    last: Option<Instant>,
}

impl Pace {
    /// Nothing has moved yet.
    pub fn new(random: ChaCha8Rng) -> Self {
        Self { random, free: None, last: None }
    }

    /// When `bytes` that were read at `now` arrive: never before those that were read earlier.
    pub fn due(&mut self, weather: Weather, bytes: usize, now: Instant) -> Instant {
        let mut sent = self.free.map_or(now, |free| free.max(now));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if let Some(micros) = bytes.saturating_mul(1_000_000).checked_div(weather.rate) {
            sent += Duration::from_micros(micros);
        }
        self.free = Some(sent);
        let late = weather.delay.saturating_add(self.random.gen_range(0..=weather.jitter));
        let due = sent + Duration::from_millis(late);
        let due = self.last.map_or(due, |last| last.max(due));
        self.last = Some(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn pace() -> Pace {
        Pace::new(ChaCha8Rng::seed_from_u64(7))
    }

    #[test]
    fn bytes_are_late_by_the_delay_and_what_the_line_still_carries() {
        let (mut pace, now) = (pace(), Instant::now());
        let millis = |due: Instant| (due - now).as_millis();
        let weather = Weather { delay: 500, rate: 1_000, ..Weather::default() };
        assert_eq!(millis(pace.due(weather, 100, now)), 600);
        assert_eq!(millis(pace.due(weather, 100, now)), 700);
        assert_eq!(millis(pace.due(Weather::default(), 100, now)), 700, "order is kept");
        let later = now + Duration::from_secs(9);
        assert_eq!(pace.due(Weather::default(), 1 << 30, later), later);
    }

    #[test]
    fn jitter_is_within_its_bounds_and_keeps_the_order() {
        let (mut pace, now) = (pace(), Instant::now());
        let weather = Weather { delay: 10, jitter: 90, ..Weather::default() };
        let mut seen = std::collections::BTreeSet::new();
        let mut last = now;
        for step in 0..200 {
            let read = now + Duration::from_millis(step * 5);
            let due = pace.due(weather, 1, read);
            assert!(due >= last && due >= read + Duration::from_millis(10));
            seen.insert(due - read);
            last = due;
        }
        assert!(seen.len() > 20, "it is by chance");
        assert!(last <= now + Duration::from_millis(199 * 5 + 100));
    }
}
