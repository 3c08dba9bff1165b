//! The watch over one event loop: when to look again, when to capture a stack, and how a block was spent.
//!
//! Pure policy: times, figures and iterations are parameters.

use super::Nanos;
use super::cause::Shares;
use super::usage::Usage;

/// Most stacks of one block: at the threshold, twice the threshold, four times, …
pub const SAMPLES: usize = 8;
/// Looks within the time of a threshold: the figures of a block are off by a quarter of it at most, unless the watchdog is late.
const LOOKS: u64 = 2;
/// Shortest time between two looks.
const SHORTEST: Nanos = 1_000_000;
/// A shorter hold begins again at the next look: it is not worth a sample.
const NEGLIGIBLE: Nanos = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Duration from which on an iteration counts as a block.
    pub threshold: Nanos,
    /// Duration after which a block is reported while it lasts.
    pub fatal: Option<Nanos>,
    /// Duration after which it is reported and the process ends.
    pub last: Option<Nanos>,
}

/// Figures of a thread at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    pub at: Nanos,
    pub usage: Usage,
    /// How long the watchdog itself has overslept, in all.
    pub overslept: Nanos,
    /// Time in garbage collections within this iteration.
    pub gc: Nanos,
}

impl Reading {
    /// Returns these figures as they would be if they had grown as from `begin` to `end`.
    fn plus(&self, begin: &Reading, end: &Reading) -> Reading {
        let plus = |of: fn(&Reading) -> Nanos| of(self) + of(end).saturating_sub(of(begin));
        let cpu = self.usage.cpu.map(|_| plus(|it| it.usage.cpu.unwrap_or(0)));
        let usage = Usage { cpu, waited: plus(|it| it.usage.waited), throttled: plus(|it| it.usage.throttled) };
        Reading { at: plus(|it| it.at), usage, overslept: plus(|it| it.overslept), gc: self.gc }
    }
}

/// The next action after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Rest,
    /// Capture a stack.
    Capture,
    /// Report the block, which has become fatal.
    Report {
        is_last: bool,
    },
}

#[derive(Debug)]
pub struct Vigil {
    settings: Settings,
    iteration: u64,
    /// The last look.
    seen: Option<Seen>,
    /// The figures at the last look.
    previous: Option<Reading>,
    /// The figures nearest to the beginning of the current iteration, once it is seen to hold the thread.
    baseline: Option<Reading>,
    /// How long the iteration had held the thread at each request for a stack.
    requested: Vec<Nanos>,
    /// The durations up to this have been reported.
    reported: Nanos,
    system_call: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Nanos,
    iteration: u64,
    held: Nanos,
}

/// How a block was spent, and the stacks that were requested.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    pub shares: Shares,
    /// How long the block had lasted at each request for a stack.
    pub requested: Vec<Nanos>,
    /// The system call in which the thread waited.
    pub system_call: Option<&'static str>,
}

impl Vigil {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let requested = Vec::with_capacity(SAMPLES);
        Vigil {
            settings,
            iteration: 0,
            seen: None,
            previous: None,
            baseline: None,
            requested,
            reported: 0,
            system_call: None,
        }
    }

    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Returns how long an iteration has held the thread at the time `at`: `held`, but at most the value of the last look plus the time
    /// since then. libuv does not count a wait for events as idle if a signal interrupts it, which would make `held` too long.
    #[must_use]
    pub fn held(&self, iteration: u64, held: Nanos, at: Nanos) -> Nanos {
        match self.seen {
            Some(seen) if seen.iteration == iteration => held.min(seen.held + at.saturating_sub(seen.at)),
            _ => held,
        }
    }

    /// Returns [`Vigil::held`], and records it as the last look.
    pub fn see(&mut self, iteration: u64, held: Nanos, at: Nanos) -> Nanos {
        let held = self.held(iteration, held, at);
        self.seen = Some(Seen { at, iteration, held });
        held
    }

    /// Looks at an iteration that has held the thread for `held`.
    pub fn look(&mut self, iteration: u64, held: Nanos, reading: Reading) -> Order {
        if iteration != self.iteration || held < NEGLIGIBLE {
            self.begin(iteration);
        }
        let previous = self.previous.replace(reading);
        if held < NEGLIGIBLE {
            return Order::Rest;
        }
        self.baseline = self.baseline.or(near_beginning(previous, reading.at, held)).or(Some(reading));
        if held >= self.next_report() {
            self.reported = held;
            return Order::Report { is_last: self.settings.last.is_some_and(|last| held >= last) };
        }
        if held >= self.next_sample() {
            self.requested.push(held);
            return Order::Capture;
        }
        Order::Rest
    }

    /// Returns whether the iteration counts as a block.
    #[must_use]
    pub fn is_block(&self, held: Nanos) -> bool {
        held >= self.settings.threshold
    }

    /// Records the system call in which the thread waits, or `None` if it runs.
    pub fn in_system_call(&mut self, name: Option<&'static str>) {
        self.system_call = name.or(self.system_call);
    }

    /// Returns the time until the next look.
    #[must_use]
    pub fn next_look(&self, held: Nanos) -> Nanos {
        let due = self.next_sample().min(self.next_report()).saturating_sub(held);
        due.min(self.settings.threshold / LOOKS).max(SHORTEST)
    }

    /// Returns the findings on a block that has ended or still lasts.
    pub fn findings(&mut self, iteration: u64, duration: Nanos, end: Reading) -> Findings {
        if iteration != self.iteration {
            self.begin(iteration);
        }
        let Some(baseline) = self.baseline.or(near_beginning(self.previous, end.at, duration)) else {
            let shares = Shares { duration, gc: end.gc.min(duration), ..Shares::default() };
            return Findings { shares, ..Findings::default() };
        };
        let measured = end.at.saturating_sub(baseline.at).max(1);
        // The figures may cover only the end of the block, so they are scaled to its duration.
        let scaled = |nanos: Nanos, rest: Nanos| {
            let whole = u128::from(nanos) * u128::from(duration.max(measured)) / u128::from(measured);
            Nanos::try_from(whole).unwrap_or(Nanos::MAX).min(rest)
        };
        let cpu = end.usage.cpu.zip(baseline.usage.cpu).map(|(end, begin)| scaled(end.saturating_sub(begin), duration));
        let rest = duration - cpu.unwrap_or(0);
        let waited = end.usage.waited.saturating_sub(baseline.usage.waited);
        let throttled = end.usage.throttled.saturating_sub(baseline.usage.throttled);
        let starved = if cpu.is_some() { scaled(waited.max(throttled), rest) } else { 0 };
        let suspended = self.suspended(end.overslept.saturating_sub(baseline.overslept), rest - starved);
        let shares = Shares { duration, cpu, starved, suspended, gc: end.gc.min(duration) };
        Findings { shares, requested: self.requested.clone(), system_call: self.system_call }
    }

    /// Returns the time in which the process was stopped. `rest`: time that was neither on a core nor starved.
    fn suspended(&self, overslept: Nanos, rest: Nanos) -> Nanos {
        // The watchdog was asleep when the process stopped: its sleep, as planned, may be a part of the stop.
        let planned = self.settings.threshold / LOOKS;
        if overslept >= planned && rest <= overslept + planned { rest } else { overslept.min(rest) }
    }

    /// Leaves the time between two readings out of the figures: it was announced.
    pub fn exclude(&mut self, begin: &Reading, end: &Reading) {
        for reading in [&mut self.previous, &mut self.baseline].into_iter().flatten() {
            *reading = if reading.at < begin.at { reading.plus(begin, end) } else { *end };
        }
    }

    fn begin(&mut self, iteration: u64) {
        self.iteration = iteration;
        self.baseline = None;
        self.requested.clear();
        self.reported = 0;
        self.system_call = None;
    }

    fn next_report(&self) -> Nanos {
        let limits = [self.settings.fatal, self.settings.last].into_iter().flatten();
        limits.filter(|limit| *limit > self.reported).min().unwrap_or(Nanos::MAX)
    }

    fn next_sample(&self) -> Nanos {
        let count = self.requested.len();
        if count >= SAMPLES { Nanos::MAX } else { self.settings.threshold.saturating_mul(1 << count) }
    }
}

/// Returns the figures of the last look, if nearer than `now` to the beginning of the iteration, which began at `now - held`.
fn near_beginning(previous: Option<Reading>, now: Nanos, held: Nanos) -> Option<Reading> {
    previous.filter(|previous| now.saturating_sub(held).abs_diff(previous.at) < held)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn vigil() -> Vigil {
        Vigil::new(Settings { threshold: 100 * MS, fatal: Some(5000 * MS), last: None })
    }

    fn reading(at: Nanos, cpu: Nanos, waited: Nanos, overslept: Nanos) -> Reading {
        let usage = Usage { cpu: Some(cpu * MS), waited: waited * MS, throttled: 0 };
        Reading { at: at * MS, usage, overslept: overslept * MS, gc: 0 }
    }

    #[test]
    fn stacks_are_captured_at_doubling_ages() {
        let mut vigil = vigil();
        let mut held = 0;
        let mut ages = Vec::new();
        while held < 4000 * MS {
            if vigil.look(7, held, reading(0, 0, 0, 0)) == Order::Capture {
                ages.push(held / MS);
            }
            held += vigil.next_look(held);
        }
        assert_eq!(ages, [100, 200, 400, 800, 1600, 3200]);
        assert_eq!(vigil.look(8, 99 * MS, reading(0, 0, 0, 0)), Order::Rest);
        assert_eq!(vigil.next_look(99 * MS), MS);
        assert_eq!(vigil.look(8, 100 * MS, reading(0, 0, 0, 0)), Order::Capture);
    }

    #[test]
    fn at_most_eight_stacks_are_requested() {
        let mut vigil = Vigil::new(Settings { threshold: 10 * MS, fatal: None, last: None });
        let captures = (1..100).filter(|n| vigil.look(1, n * 100 * MS, reading(0, 0, 0, 0)) == Order::Capture);
        assert_eq!(captures.count(), SAMPLES);
    }

    #[test]
    fn a_fatal_block_is_reported_once() {
        let mut vigil = vigil();
        let orders = [4999, 5000, 5000, 9000].map(|held| vigil.look(1, held * MS, reading(0, 0, 0, 0)));
        assert_eq!(orders, [Order::Capture, Order::Report { is_last: false }, Order::Capture, Order::Capture]);
        assert_eq!(vigil.look(2, 5000 * MS, reading(0, 0, 0, 0)), Order::Report { is_last: false });
    }

    #[test]
    fn the_process_ends_at_its_own_limit() {
        let settings = Settings { threshold: 100 * MS, fatal: Some(200 * MS), last: Some(500 * MS) };
        let mut vigil = Vigil::new(settings);
        let mut reports = Vec::new();
        let mut held = 0;
        while held < 900 * MS {
            if let Order::Report { is_last } = vigil.look(1, held, reading(0, 0, 0, 0)) {
                reports.push((held / MS, is_last));
            }
            held += vigil.next_look(held);
        }
        assert_eq!(reports, [(200, false), (500, true)]);
        let mut vigil = Vigil::new(Settings { last: Some(200 * MS), ..settings });
        assert_eq!(vigil.look(1, 300 * MS, reading(0, 0, 0, 0)), Order::Report { is_last: true });
        assert_eq!(vigil.look(1, 301 * MS, reading(0, 0, 0, 0)), Order::Capture, "once");
    }

    #[test]
    fn an_announced_block_is_not_in_the_figures() {
        let mut vigil = vigil();
        vigil.look(1, 10 * MS, reading(10, 1010, 0, 0));
        vigil.exclude(&reading(20, 1020, 0, 0), &reading(920, 1920, 0, 0));
        let shares = vigil.findings(1, 220 * MS, reading(1120, 1920, 0, 0)).shares;
        assert_eq!(shares.cpu.map(|cpu| cpu / MS), Some(10));
        vigil.look(1, 20 * MS, reading(1200, 2000, 0, 0));
        vigil.exclude(&reading(1150, 1950, 0, 0), &reading(2000, 2700, 0, 0));
        assert_eq!(vigil.previous, Some(reading(2000, 2700, 0, 0)), "read within the announced block");
    }

    #[test]
    fn an_idle_loop_rests() {
        let mut vigil = vigil();
        assert_eq!(vigil.look(1, 5000, reading(0, 0, 0, 0)), Order::Rest);
        assert_eq!(vigil.next_look(5000), 50 * MS);
    }

    /// The watchdog was stopped together with the process, so that it sees the block late.
    #[test]
    fn the_figures_before_a_late_look_count() {
        let mut vigil = vigil();
        vigil.look(1, 0, reading(90, 1000, 10, 0));
        vigil.look(2, 301 * MS, reading(402, 1002, 11, 280));
        let shares = vigil.findings(2, 311 * MS, reading(412, 1012, 11, 280)).shares;
        assert_eq!(
            (shares.cpu, shares.starved, shares.suspended, shares.duration),
            (Some(12 * MS), MS, 298 * MS, 311 * MS)
        );
        let mut vigil = Vigil::new(vigil.settings());
        vigil.look(1, 0, reading(90, 1000, 10, 0));
        assert_eq!(vigil.findings(2, 311 * MS, reading(412, 1012, 11, 280)).shares, shares, "never seen");
    }

    /// The wait of 500 ms was idle until a signal interrupted it.
    #[test]
    fn an_interrupted_wait_is_no_block() {
        let mut vigil = vigil();
        assert_eq!(vigil.see(1, 0, 480 * MS), 0);
        assert_eq!(vigil.held(1, 505 * MS, 510 * MS), 30 * MS);
        assert_eq!(vigil.see(1, 505 * MS, 510 * MS), 30 * MS);
        assert_eq!(vigil.held(1, 545 * MS, 550 * MS), 70 * MS);
        assert_eq!(vigil.held(1, 5 * MS, 550 * MS), 5 * MS);
        assert_eq!(vigil.held(2, 300 * MS, 850 * MS), 300 * MS, "another iteration");
    }

    #[test]
    fn old_figures_do_not_count() {
        let mut vigil = vigil();
        vigil.look(1, 0, reading(90, 1000, 10, 0));
        vigil.look(2, 20 * MS, reading(9000, 5000, 700, 0));
        let shares = vigil.findings(2, 120 * MS, reading(9100, 5100, 700, 0)).shares;
        assert_eq!((shares.cpu, shares.starved), (Some(120 * MS), 0));
    }

    #[test]
    fn figures_are_scaled_to_the_whole_block() {
        let mut vigil = vigil();
        vigil.look(1, 20 * MS, reading(20, 1000, 10, 0));
        let findings = vigil.findings(1, 100 * MS, reading(100, 1040, 30, 0));
        let shares = Shares { duration: 100 * MS, cpu: Some(50 * MS), starved: 25 * MS, ..Shares::default() };
        assert_eq!(findings.shares, shares);
    }

    #[test]
    fn parts_never_exceed_the_block() {
        let mut vigil = vigil();
        vigil.look(1, 20 * MS, reading(20, 1000, 10, 5));
        let Shares { duration, cpu, starved, suspended, .. } =
            vigil.findings(1, 100 * MS, reading(60, 1060, 80, 500)).shares;
        assert_eq!(cpu.unwrap_or(0) + starved + suspended, duration);
        let stopped = vigil.findings(1, 100 * MS, reading(100, 1000, 10, 65)).shares;
        assert_eq!((stopped.cpu, stopped.starved, stopped.suspended), (Some(0), 0, 100 * MS));
        let both = vigil.findings(1, 200 * MS, reading(200, 1000, 10, 65)).shares;
        assert_eq!((both.cpu, both.starved, both.suspended), (Some(0), 0, 60 * MS), "a system call too");
    }

    #[test]
    fn a_block_that_was_never_seen_has_its_duration() {
        let mut vigil = vigil();
        vigil.look(1, 150 * MS, reading(150, 0, 0, 0));
        let unseen = vigil.findings(2, 100 * MS, reading(900, 50, 0, 0));
        let shares = Shares { duration: 100 * MS, ..Shares::default() };
        assert_eq!(unseen, Findings { shares, ..Findings::default() });
    }

    #[test]
    fn the_last_system_call_is_kept_while_the_thread_runs() {
        let mut vigil = vigil();
        vigil.look(1, 150 * MS, reading(150, 0, 0, 0));
        for name in [Some("read"), Some("epoll_pwait"), None] {
            vigil.in_system_call(name);
        }
        assert_eq!(vigil.findings(1, 200 * MS, reading(200, 0, 0, 0)).system_call, Some("epoll_pwait"));
    }
}
