//! Clocks and counters of the benchmark.

use std::alloc::System;
use std::hint::black_box;
use std::time::Instant;

use stats_alloc::{StatsAlloc, INSTRUMENTED_SYSTEM};
use types::Events;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations since the start.
pub(crate) fn allocations() -> u64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.allocations + stats.reallocations) as u64
}

/// Bytes that are allocated now.
pub(crate) fn live_bytes() -> u64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    (stats.bytes_allocated - stats.bytes_deallocated) as u64
}

/// Processor time of this thread as the kernel counts it, so that neighbours on the machine count less.
fn processor() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// Adds up time.
#[derive(Default)]
pub(crate) struct Meter {
    nanos: u64,
    /// Short stages go by this: the kernel counts in steps of milliseconds.
    wall: u64,
    allocations: u64,
}

impl Meter {
    pub(crate) fn measure<T>(&mut self, f: impl FnOnce() -> T) -> T {
        std::thread::yield_now();
        let before = allocations();
        let (processor_before, start) = (processor(), Instant::now());
        let result = black_box(f());
        self.wall += start.elapsed().as_nanos() as u64;
        // The kernel books time when it looks at the thread.
        std::thread::yield_now();
        self.nanos += processor() - processor_before;
        self.allocations += allocations() - before - 4;
        result
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.nanos
    }

    pub(crate) fn allocations(&self) -> u64 {
        self.allocations
    }

    pub(crate) fn wall(&self) -> u64 {
        self.wall
    }
}

/// Copy events to others that wait.
pub(crate) fn keep(events: &Events, told: &mut Events) {
    for event in events.iter() {
        let mut record = told.begin(event.kind);
        for (name, value) in event.attributes {
            record = record.with(name, value);
        }
    }
}
