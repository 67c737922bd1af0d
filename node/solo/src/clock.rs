//! Where block times come from.

use std::time::Duration;

use tendermint::Time;

/// Gives each block its time.
pub trait Clock: Send + Sync {
    /// Time of the block at `height`; later than `previous`, the time of the block before or of the genesis.
    fn block_time(&self, height: u64, previous: Time) -> Time;
}

/// The machine's clock; a block is at least a millisecond after the one before, whatever the machine says.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn block_time(&self, _: u64, previous: Time) -> Time {
        Time::now().max(after(previous, Duration::from_millis(1)))
    }
}

/// Time as a function of the height, so that a seeded run gives the same chain each time.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    /// Time of height 0.
    pub start: Time,
    /// Time between blocks; at least a millisecond counts.
    pub interval: Duration,
}

impl Clock for VirtualClock {
    fn block_time(&self, height: u64, previous: Time) -> Time {
        let blocks = u32::try_from(height).unwrap_or(u32::MAX);
        let time = after(self.start, self.interval.saturating_mul(blocks));
        time.max(after(previous, Duration::from_millis(1)))
    }
}

/// `time + duration`; `time` itself at the end of the calendar.
pub(crate) fn after(time: Time, duration: Duration) -> Time {
    time.checked_add(duration).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_times_only_go_forward() {
        let future = after(Time::now(), Duration::from_secs(3600));
        assert_eq!(SystemClock.block_time(5, future), after(future, Duration::from_millis(1)));
        let clock = VirtualClock { start: Time::unix_epoch(), interval: Duration::from_millis(500) };
        assert_eq!(
            clock.block_time(4, Time::unix_epoch()),
            after(Time::unix_epoch(), Duration::from_secs(2))
        );
        assert_eq!(clock.block_time(4, future), after(future, Duration::from_millis(1)));
    }
}
