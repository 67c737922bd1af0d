//! Parameters, with the bounds they must keep.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Error;

/// Longest tick: one day.
pub const MAX_TICK_SECONDS: u32 = 86_400;

/// Rhythm of funding, the same for all markets. How large rates may be is a parameter of `perpetuals`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Seconds from tick to tick; 1 to [`MAX_TICK_SECONDS`], a multiple of `sample_seconds`.
    pub tick_seconds: u32,
    /// Seconds from sample to sample; at least 1.
    pub sample_seconds: u32,
    /// Seconds by which samples lag the full period; less than `sample_seconds`.
    pub sample_offset_seconds: u32,
    /// How often a premium is measured for each sample; at least 1, and it divides `sample_seconds`.
    pub measures_per_sample: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { tick_seconds: 3_600, sample_seconds: 60, sample_offset_seconds: 30, measures_per_sample: 1 }
    }
}

impl Params {
    /// Refuse values outside their bounds.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_TICK_SECONDS).contains(&self.tick_seconds) {
            return Err(Error::Params("tick_seconds"));
        }
        if self.tick_seconds.checked_rem(self.sample_seconds) != Some(0) {
            return Err(Error::Params("sample_seconds"));
        }
        if self.sample_offset_seconds >= self.sample_seconds {
            return Err(Error::Params("sample_offset_seconds"));
        }
        if self.sample_seconds.checked_rem(self.measures_per_sample) != Some(0) {
            return Err(Error::Params("measures_per_sample"));
        }
        Ok(())
    }

    /// Seconds from measurement to measurement.
    pub fn measure_seconds(&self) -> u32 {
        self.sample_seconds.checked_div(self.measures_per_sample).unwrap_or(1).max(1)
    }

    /// How many samples a tick averages at least.
    pub fn samples_per_tick(&self) -> u32 {
        self.tick_seconds.checked_div(self.sample_seconds).unwrap_or(1)
    }
}
