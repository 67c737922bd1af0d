//! Volumes of a rolling window, in buckets of an hour.
//!
//! A bucket counts until its end is a whole window ago. A user's total is kept, and buckets that the window has
//! left are taken off it when the user is next touched or read: nobody else's block pays for them. Rows that
//! nobody touches again are swept, a few each block, by the hour they belong to.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;
use store::{fault, Read, State};
use types::{Address, Time};

use crate::state::{now, params, BUILDERS, DUE, GLOBAL, GLOBAL_HOURS, HOURS, USERS};

/// Seconds of a bucket.
pub const HOUR_SECONDS: i64 = 3_600;

/// Buckets that a block sweeps at most.
pub const SWEPT_PER_BLOCK: u32 = 64;

/// What somebody traded, in quote quantums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Volume {
    /// As a maker.
    pub maker: QuoteQuantums,
    /// As a taker.
    pub taker: QuoteQuantums,
}

impl Volume {
    /// Nothing.
    pub const NONE: Self = Self { maker: QuoteQuantums::ZERO, taker: QuoteQuantums::ZERO };

    /// Both together.
    pub fn total(&self) -> QuoteQuantums {
        self.maker + self.taker
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.maker.is_zero() && self.taker.is_zero()
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { maker: self.maker + other.maker, taker: self.taker + other.taker }
    }

    /// **Invariant:** a total is the sum of its buckets (I3), so that taking one off leaves no less than zero.
    fn less(self, bucket: Self) -> Self {
        let left = Self { maker: self.maker - bucket.maker, taker: self.taker - bucket.taker };
        if left.maker.is_negative() || left.taker.is_negative() {
            fault("a bucket of volume exceeds the total that holds it");
        }
        left
    }
}

/// Sum of a user's buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Total {
    /// The sum.
    pub volume: Volume,
    /// Hour of the oldest bucket in it.
    pub oldest: u32,
}

/// What a builder brought and earned since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Builder {
    /// Fills.
    pub fills: u64,
    /// Their quote quantums.
    pub quote: QuoteQuantums,
    /// Builder fees, in quote quantums.
    pub fees: QuoteQuantums,
}

/// Hours between 1970 and `time`, of which the last is running; the number of its bucket.
pub fn hour_of(time: Time) -> u32 {
    bucket(time.seconds())
}

/// F4: the oldest bucket that counts at `time`: its end is less than a window ago.
pub fn first_counted(time: Time, window_seconds: u32) -> u32 {
    bucket(time.seconds().saturating_sub(window_seconds.into()))
}

fn bucket(seconds: i64) -> u32 {
    let hour = seconds.checked_div_euclid(HOUR_SECONDS).unwrap_or_default();
    u32::try_from(hour.max(0)).unwrap_or(u32::MAX)
}

/// The oldest bucket that counts at the last block's time.
pub fn first(state: &dyn Read) -> u32 {
    first_counted(now(state), params(state).window_seconds)
}

/// What `user` traded within the window that ends at the last block's time.
pub fn volume(state: &dyn Read, user: &Address) -> Volume {
    volume_since(state, user, first(state))
}

/// What everybody traded within the window, each fill once.
pub fn global(state: &dyn Read) -> QuoteQuantums {
    GLOBAL.get(state).unwrap_or_default()
}

/// What `builder` brought and earned since the start.
pub fn builder(state: &dyn Read, builder: &Address) -> Builder {
    BUILDERS.get(state, builder).unwrap_or_default()
}

/// What `user` traded from the bucket `first` on.
pub(crate) fn volume_since(state: &dyn Read, user: &Address, first: u32) -> Volume {
    counted(state, user, &USERS.get(state, user).unwrap_or_default(), first)
}

/// The same of a user whose row is `total`.
pub(crate) fn counted(state: &dyn Read, user: &Address, total: &Total, first: u32) -> Volume {
    let mut volume = total.volume;
    if total.oldest >= first {
        return volume;
    }
    let mut next = HOURS.first(state, user);
    while let Some((key, bucket)) = next.filter(|((_, hour), _)| *hour < first) {
        volume = volume.less(bucket);
        next = HOURS.next_after(state, user, &key);
    }
    volume
}

/// Take the buckets before `first` off the total of `user`, and forget them. At most one for each hour of a
/// window that the user traded in, each once.
pub(crate) fn expire(state: &mut dyn State, user: &Address, first: u32) {
    let Some(mut total) = USERS.get(state.as_read(), user) else { return };
    if total.oldest >= first {
        return;
    }
    while let Some(((_, hour), bucket)) = HOURS.first(state.as_read(), user) {
        total.oldest = hour;
        if hour >= first {
            USERS.set(state, user, &total);
            return;
        }
        total.volume = total.volume.less(bucket);
        HOURS.remove(state, &(*user, hour));
        DUE.remove(state, &(hour, *user));
    }
    if !total.volume.is_zero() {
        fault("a total of volume has no buckets");
    }
    USERS.remove(state, user);
}

/// These users will be counted in the bucket `hour` soon.
pub(crate) fn look_ahead(state: &dyn Read, users: &[Address], hour: u32) {
    USERS.look_ahead(state, users);
    let keys: Vec<_> = users.iter().map(|user| (*user, hour)).collect();
    HOURS.look_ahead(state, &keys);
}

/// Count `more` for `user` in the bucket `hour`, which is the present one; the window begins at `first`. Returns
/// the new total.
pub(crate) fn add(state: &mut dyn State, user: &Address, more: Volume, (first, hour): (u32, u32)) -> Total {
    let mut total = USERS.get(state.as_read(), user);
    if total.is_some_and(|total| total.oldest < first) {
        expire(state, user, first);
        total = USERS.get(state.as_read(), user);
    }
    let oldest = total.map_or(hour, |total| total.oldest.min(hour));
    let volume = total.unwrap_or_default().volume.plus(more);
    let total = Total { volume, oldest };
    USERS.set(state, user, &total);
    let key = (*user, hour);
    match HOURS.get(state.as_read(), &key) {
        Some(bucket) => HOURS.set(state, &key, &bucket.plus(more)),
        None => {
            HOURS.set(state, &key, &more);
            DUE.set(state, &(hour, *user), &true);
        }
    }
    total
}

/// Count `more` for everybody in the bucket `hour`.
pub(crate) fn add_global(state: &mut dyn State, more: QuoteQuantums, hour: u32) {
    let sum = global(state.as_read()) + more;
    GLOBAL.set(state, &sum);
    let bucket = GLOBAL_HOURS.get(state.as_read(), &hour).unwrap_or_default();
    GLOBAL_HOURS.set(state, &hour, &(bucket + more));
}

/// Take what the window has left off the volume of everybody, all of it; and sweep a few buckets of users who
/// have not traded since.
pub(crate) fn sweep(state: &mut dyn State, first: u32) {
    while let Some((hour, bucket)) = GLOBAL_HOURS.first(state.as_read(), &()) {
        if hour >= first {
            break;
        }
        let left = global(state.as_read()) - bucket;
        if left.is_negative() {
            fault("a bucket of everybody's volume exceeds the total");
        }
        GLOBAL.set(state, &left);
        GLOBAL_HOURS.remove(state, &hour);
    }
    for _ in 0..SWEPT_PER_BLOCK {
        match DUE.first(state.as_read(), &()) {
            Some(((hour, user), _)) if hour < first => sweep_one(state, &user, hour),
            _ => return,
        }
    }
}

/// Take one bucket off its user's total.
fn sweep_one(state: &mut dyn State, user: &Address, hour: u32) {
    expire(state, user, hour.saturating_add(1));
}
