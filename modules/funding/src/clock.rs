//! When samples and ticks are due: fixed moments of a grid over block time.
//!
//! A moment that no block falls on is missed, not made up: one late block takes one sample and one tick, and
//! the next moment is the first of the grid after it. A missed sample counts as zero, a missed tick is an hour
//! without funding.

use types::Time;

use crate::params::Params;

/// First moment after `now` that is `offset_seconds` past a multiple of `period_seconds` since the epoch.
fn next(now: Time, period_seconds: u32, offset_seconds: u32) -> Time {
    let (period, offset) = (i64::from(period_seconds.max(1)), i64::from(offset_seconds));
    let into = now.seconds().saturating_sub(offset).checked_rem_euclid(period).unwrap_or_default();
    Time::from_unix(now.seconds().saturating_sub(into), 0).plus_seconds(period)
}

/// The first moment of the measuring grid after `now`. Each moment of the sampling grid is one of this grid.
pub fn next_measure(params: &Params, now: Time) -> Time {
    let period = params.measure_seconds();
    next(now, period, params.sample_offset_seconds.checked_rem(period).unwrap_or_default())
}

/// The first moment of the sampling grid after `now`.
pub fn next_sample(params: &Params, now: Time) -> Time {
    next(now, params.sample_seconds, params.sample_offset_seconds)
}

/// The first moment of the tick grid after `now`.
pub fn next_tick(params: &Params, now: Time) -> Time {
    next(now, params.tick_seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fall_on_half_minutes_and_ticks_on_full_hours() {
        let params = Params::default();
        for (now, sample, tick) in [
            (0, 30, 3_600),
            (29, 30, 3_600),
            (30, 90, 3_600),
            (31, 90, 3_600),
            (89, 90, 3_600),
            (3_599, 3_630, 3_600),
            (3_600, 3_630, 7_200),
            (-1, 30, 0),
        ] {
            let now = Time::from_unix(now, 999_999_999);
            assert_eq!(next_sample(&params, now), Time::from_unix(sample, 0));
            assert_eq!(next_measure(&params, now), Time::from_unix(sample, 0));
            assert_eq!(next_tick(&params, now), Time::from_unix(tick, 0));
        }
    }

    #[test]
    fn a_faster_grid_has_its_own_moments() {
        let params =
            Params { tick_seconds: 60, sample_seconds: 5, sample_offset_seconds: 2, measures_per_sample: 5 };
        assert_eq!(next_sample(&params, Time::from_unix(100, 5)), Time::from_unix(102, 0));
        assert_eq!(next_sample(&params, Time::from_unix(102, 0)), Time::from_unix(107, 0));
        assert_eq!(next_tick(&params, Time::from_unix(100, 5)), Time::from_unix(120, 0));
        assert_eq!(next_measure(&params, Time::from_unix(100, 5)), Time::from_unix(101, 0));
        let params = Params { measures_per_sample: 15, ..Params::default() };
        for (now, measure) in [(0, 2), (1, 2), (2, 6), (29, 30), (30, 34)] {
            assert_eq!(next_measure(&params, Time::from_unix(now, 0)), Time::from_unix(measure, 0));
        }
    }
}
