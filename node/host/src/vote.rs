//! Our oracle vote, within bounds that no source can break: whoever prices come from answers on a thread of its
//! own, and when it does not within its time, the vote is empty and the block goes on.

use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use num::Price;
use types::MarketId;

use crate::host::PriceSource;

/// Markets that an answer may name; all of a longer one is thrown away.
const MOST_PRICES: usize = 4_096;

type Answer = (u64, Option<BTreeMap<MarketId, Price>>);

/// A source on its own thread. At most one question is under way: while it is, every vote is empty at once.
pub(crate) struct Voter {
    line: Mutex<Line>,
    patience: Duration,
    silent: AtomicBool,
    /// Votes that were empty because the source did not answer in time, or nonsense.
    missed: AtomicU64,
}

struct Line {
    ask: SyncSender<(u64, u64)>,
    answers: Receiver<Answer>,
    asked: u64,
    answered: u64,
}

impl Voter {
    pub(crate) fn new(source: Arc<dyn PriceSource>, patience: Duration) -> Self {
        let (ask, questions) = sync_channel::<(u64, u64)>(1);
        let (reply, answers) = sync_channel::<Answer>(1);
        // When no thread can be had, the line is dead and every vote empty.
        let _thread = std::thread::Builder::new().name("prices".into()).spawn(move || {
            for (question, height) in questions {
                let prices = catch_unwind(AssertUnwindSafe(|| source.prices(height))).ok();
                let prices = prices.filter(|prices| prices.len() <= MOST_PRICES);
                if reply.send((question, prices)).is_err() {
                    return;
                }
            }
        });
        Self {
            line: Mutex::new(Line { ask, answers, asked: 0, answered: 0 }),
            patience,
            silent: AtomicBool::new(false),
            missed: AtomicU64::new(0),
        }
    }

    /// What the source says for the vote at `height`; nothing when it does not say it in time.
    pub(crate) fn prices(&self, height: u64) -> Option<BTreeMap<MarketId, Price>> {
        let prices = self.line.lock().unwrap_or_else(PoisonError::into_inner).ask(height, self.patience);
        let silent = prices.is_err();
        if silent {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        if self.silent.swap(silent, Ordering::Relaxed) != silent {
            match &prices {
                Ok(_) => tracing::info!(missed = self.missed(), "prices are there again"),
                Err(reason) => tracing::warn!(reason, "no prices: our votes are empty until there are"),
            }
        }
        prices.ok()
    }

    /// Votes that were empty for want of an answer, since the start.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl Line {
    fn ask(&mut self, height: u64, patience: Duration) -> Result<BTreeMap<MarketId, Price>, &'static str> {
        // Late answers are of the past: they only show that the source is free again.
        while let Ok((answered, _)) = self.answers.try_recv() {
            self.answered = answered;
        }
        if self.answered < self.asked {
            return Err("the source still works on an earlier question");
        }
        self.asked = self.asked.saturating_add(1);
        match self.ask.try_send((self.asked, height)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err("the source takes no question"),
            Err(TrySendError::Disconnected(_)) => return Err("the source has no thread"),
        }
        let end = Instant::now() + patience;
        loop {
            match self.answers.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((answered, prices)) => {
                    self.answered = answered;
                    if answered == self.asked {
                        return prices.ok_or("the source broke, or said far too much");
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err("the source did not answer in time"),
                Err(RecvTimeoutError::Disconnected) => return Err("the source has no thread"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;

    use super::*;

    /// A source that does what it is told to.
    #[derive(Default)]
    struct Odd {
        mood: Mutex<Mood>,
        moved: Condvar,
    }

    #[derive(Clone, Copy, Default, PartialEq)]
    enum Mood {
        #[default]
        Fine,
        Hangs,
        Breaks,
        Floods,
    }

    impl Odd {
        fn set(&self, mood: Mood) {
            *self.mood.lock().unwrap() = mood;
            self.moved.notify_all();
        }
    }

    struct Shared(Arc<Odd>);

    impl PriceSource for Shared {
        fn prices(&self, _: u64) -> BTreeMap<MarketId, Price> {
            let mut guard = self.0.mood.lock().unwrap();
            while *guard == Mood::Hangs {
                guard = self.0.moved.wait(guard).unwrap();
            }
            let mood = *guard;
            drop(guard);
            assert!(mood != Mood::Breaks, "broken on purpose");
            let markets = if mood == Mood::Floods { 700_000 } else { 3 };
            (0..markets).map(|market| (MarketId(market), Price::new(7))).collect()
        }
    }

    fn odd() -> (Arc<Odd>, Voter) {
        let odd = Arc::new(Odd::default());
        let voter = Voter::new(Arc::new(Shared(odd.clone())), Duration::from_secs(20));
        (odd, voter)
    }

    #[test]
    fn orc_07_a_source_that_hangs_costs_its_time_once_and_votes_again_when_it_is_back() {
        let (odd, mut voter) = odd();
        let good = voter.prices(9);
        assert!(good.is_some());
        odd.set(Mood::Hangs);
        voter.patience = Duration::from_millis(20);
        for _ in 0..50 {
            assert!(voter.prices(9).is_none());
        }
        assert_eq!(voter.missed(), 50);
        voter.patience = Duration::from_secs(20);
        odd.set(Mood::Fine);
        while voter.line.lock().unwrap().answers.try_recv().map(|late| late.0) != Ok(2) {
            std::thread::yield_now();
        }
        voter.line.lock().unwrap().answered = 2;
        assert_eq!(voter.prices(9), good, "the late answer is not taken for the new one");
    }

    #[test]
    fn orc_07_a_source_that_breaks_or_says_far_too_much_votes_for_nothing_and_lives_on() {
        let (odd, voter) = odd();
        let good = voter.prices(9);
        for mood in [Mood::Breaks, Mood::Floods, Mood::Breaks] {
            odd.set(mood);
            assert!(voter.prices(9).is_none());
            odd.set(Mood::Fine);
            assert_eq!(voter.prices(9), good);
        }
        assert_eq!(voter.missed(), 3);
    }
}
