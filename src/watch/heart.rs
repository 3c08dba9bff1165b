//! The current iteration of an event loop, as its thread publishes it.
//!
//! A sequence lock: the thread of the loop writes without waiting, and a reader that meets a write gets `None`.

use super::Nanos;
use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// An iteration of an event loop, from one start of its poll phase to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iteration {
    /// Counts iterations since the watch began.
    pub number: u64,
    pub began: Nanos,
    /// The loop's idle time, since it was made, when the iteration began.
    pub idle: Nanos,
    /// Time of this iteration in which blocks were announced, up to `expected_since`.
    pub expected: Nanos,
    /// Time since which a block is announced.
    pub expected_since: Option<Nanos>,
}

impl Iteration {
    /// Returns how long the iteration has held the thread, without the time that the loop was idle.
    #[must_use]
    pub fn held(&self, now: Nanos, idle: Nanos) -> Nanos {
        now.saturating_sub(self.began).saturating_sub(idle.saturating_sub(self.idle))
    }

    /// Returns how long the iteration has held the thread unannounced.
    #[must_use]
    pub fn unannounced(&self, now: Nanos, idle: Nanos) -> Nanos {
        let current = self.expected_since.map_or(0, |since| now.saturating_sub(since));
        self.held(now, idle).saturating_sub(self.expected + current)
    }
}

/// Value of a time that is absent.
const NONE: u64 = u64::MAX;

#[derive(Debug)]
pub struct Heart {
    /// Twice the number of the iteration, plus one during a write.
    version: AtomicU64,
    began: AtomicU64,
    idle: AtomicU64,
    expected: AtomicU64,
    expected_since: AtomicU64,
}

impl Heart {
    #[must_use]
    pub fn new(now: Nanos, idle: Nanos) -> Self {
        Heart {
            version: AtomicU64::new(0),
            began: AtomicU64::new(now),
            idle: AtomicU64::new(idle),
            expected: AtomicU64::new(0),
            expected_since: AtomicU64::new(NONE),
        }
    }

    /// Begins an iteration. A block that is announced stays announced. Only the thread of the loop may call this.
    pub fn beat(&self, now: Nanos, idle: Nanos) {
        let is_expected = self.expected_since.load(Ordering::Relaxed) != NONE;
        self.write(|| {
            self.began.store(now, Ordering::Relaxed);
            self.idle.store(idle, Ordering::Relaxed);
            self.expected.store(0, Ordering::Relaxed);
            self.expected_since.store(if is_expected { now } else { NONE }, Ordering::Relaxed);
        });
    }

    /// Announces a block. Only the thread of the loop may call this.
    pub fn begin_expected(&self, now: Nanos) {
        self.expected_since.store(now, Ordering::Release);
    }

    /// Ends the announcement. Only the thread of the loop may call this.
    pub fn end_expected(&self, now: Nanos) {
        let since = self.expected_since.load(Ordering::Relaxed);
        if since == NONE {
            return;
        }
        let expected = self.expected.load(Ordering::Relaxed) + now.saturating_sub(since);
        // In this order a reader counts the time twice at worst, so it does not report an announced block.
        self.expected.store(expected, Ordering::Release);
        self.expected_since.store(NONE, Ordering::Release);
    }

    /// Returns the current iteration, or `None` if the next one began during the read.
    pub fn iteration(&self) -> Option<Iteration> {
        let version = self.version.load(Ordering::Acquire);
        let expected_since = self.expected_since.load(Ordering::Acquire);
        let iteration = Iteration {
            number: version / 2,
            began: self.began.load(Ordering::Relaxed),
            idle: self.idle.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            expected_since: (expected_since != NONE).then_some(expected_since),
        };
        fence(Ordering::Acquire);
        let is_unchanged = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        is_unchanged.then_some(iteration)
    }

    fn write(&self, store: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        store();
        self.version.store(version + 2, Ordering::Release);
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn idle_and_announced_time_do_not_count() {
        let heart = Heart::new(1000, 400);
        let held = |now, idle| heart.iteration().map(|it| (it.held(now, idle), it.unannounced(now, idle)));
        assert_eq!(held(1500, 700), Some((200, 200)));
        heart.begin_expected(1500);
        assert_eq!(held(1900, 700), Some((600, 200)));
        heart.end_expected(1900);
        heart.end_expected(2500);
        assert_eq!(held(2000, 700), Some((700, 300)));
        heart.beat(3000, 700);
        assert_eq!(held(3100, 700), Some((100, 100)));
    }

    #[test]
    fn an_announcement_continues_in_the_next_iteration() {
        let heart = Heart::new(0, 0);
        heart.begin_expected(10);
        heart.beat(100, 0);
        assert_eq!(heart.iteration().map(|it| it.unannounced(500, 0)), Some(0));
        heart.end_expected(500);
        assert_eq!(heart.iteration().map(|it| (it.number, it.unannounced(600, 0))), Some((1, 100)));
    }

    #[test]
    fn clocks_that_disagree_do_not_underflow() {
        let iteration = Iteration { number: 0, began: 100, idle: 50, expected: 10, expected_since: Some(200) };
        assert_eq!((iteration.held(90, 40), iteration.unannounced(90, 40)), (0, 0));
        assert_eq!(iteration.held(150, 120), 0);
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests {
    use super::*;
    use crate::sync::Arc;

    /// A reader never mixes fields of two iterations.
    #[test]
    fn an_iteration_is_read_whole() {
        loom::model(|| {
            let heart = Arc::new(Heart::new(0, 0));
            let writer = heart.clone();
            let thread = loom::thread::spawn(move || {
                writer.beat(10, 1);
                writer.beat(20, 2);
            });
            if let Some(it) = heart.iteration() {
                assert_eq!((it.began, it.idle), (it.number * 10, it.number));
            }
            thread.join().expect("the writer does not panic");
        });
    }
}
