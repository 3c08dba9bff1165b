//! A watched event loop: what its thread, the watchdog and interrupts share.

use super::begun::Begun;
use super::capture::{Captured, Errors};
use super::garbage::Garbage;
use super::report::{self, Report};
use super::runtime::{Interrupts, Runtime};
use crate::node::completion::{Outcome, Port};
use crate::sync::Mutex;
use crate::watch::cause::{Capture, Cause, cause};
use crate::watch::heart::{Heart, Iteration};
use crate::watch::holds::Holds;
use crate::watch::probe::{Sources, Thread};
use crate::watch::vigil::{Findings, Order, Reading, SAMPLES, Settings, Vigil};
use crate::watch::{Nanos, now, watchdog};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Maximum lateness of a stack that still shows the moment of its request.
const ON_TIME: Nanos = 5_000_000;
/// Most blocks that wait for JavaScript, which takes them in the next iteration.
const BLOCKS: usize = 8;
/// How long a report waits for its stack.
const REPORT_WAIT: Nanos = 100_000_000;
/// Time between looks while a report waits.
const REPORT_LOOK: Nanos = 5_000_000;

/// The environment of a watched loop.
pub struct Subject {
    pub port: Arc<Port>,
    /// Listener of the blocks.
    pub subscriber: u32,
    /// `threadId` of `node:worker_threads`.
    pub thread_id: u32,
}

/// A stack that was captured.
pub struct Sample {
    iteration: u64,
    /// How long the block had lasted at the request.
    pub age: Nanos,
    pub lateness: Nanos,
    pub captured: Captured,
}

pub struct Block {
    pub findings: Findings,
    pub ended: Nanos,
    pub cause: Cause,
    pub samples: Vec<Sample>,
    /// Count of the requests that had begun before the block.
    pub begun: f64,
}

/// The loop and V8's instance, which the watchdog may use while they exist.
struct Target {
    event_loop: *mut c_void,
    isolate: *mut c_void,
}

// SAFETY: the pointers are used as documented thread-safe: `uv_metrics_idle_time` and `RequestInterrupt` may be called from any
// thread, while the loop and the isolate exist. `WatchedLoop::end` removes them before.
unsafe impl Send for Target {}

pub struct WatchedLoop {
    runtime: &'static Runtime,
    /// `None` once the environment ends.
    target: Mutex<Option<Target>>,
    /// Address of the loop, for its own thread.
    event_loop: usize,
    subject: Subject,
    errors: Errors,
    begun: Begun,
    /// Count of the requests that had begun before the current iteration.
    begun_before: Mutex<f64>,
    heart: Heart,
    vigil: Mutex<Vigil>,
    thread: Thread,
    holds: Mutex<Holds>,
    samples: Mutex<Vec<Sample>>,
    blocks: Mutex<VecDeque<Block>>,
    report: Mutex<Option<Report>>,
    /// The figures when the current announced block began.
    announced: Mutex<Option<Reading>>,
    /// Whether an interrupt is pending.
    is_requested: AtomicBool,
    pub garbage: Garbage,
    is_paused: AtomicBool,
    starved: AtomicU64,
}

/// Statistics of a loop.
pub struct Stats {
    pub hold: crate::metrics::Summary,
    pub delay: crate::metrics::Summary,
    pub utilization: f64,
    pub starved: Nanos,
    pub collected: Nanos,
    pub looks: u64,
}

impl WatchedLoop {
    /// Describes the loop of the calling thread.
    pub fn new(
        runtime: &'static Runtime,
        event_loop: *mut c_void,
        settings: Settings,
        subject: Subject,
        errors: Errors,
        begun: Begun,
    ) -> Arc<Self> {
        let isolate = runtime.interrupts.map_or(std::ptr::null_mut(), |interrupts| {
            // SAFETY: the function has no arguments.
            unsafe { (interrupts.current_isolate)() }
        });
        // SAFETY: the loop of this thread.
        let idle = unsafe { (runtime.idle_time)(event_loop) };
        Arc::new(WatchedLoop {
            runtime,
            target: Mutex::new(Some(Target { event_loop, isolate })),
            event_loop: event_loop as usize,
            subject,
            errors,
            begun_before: Mutex::new(begun.count()),
            begun,
            heart: Heart::new(now(), idle),
            vigil: Mutex::new(Vigil::new(settings)),
            thread: Thread::current(),
            holds: Mutex::new(Holds::new(now())),
            samples: Mutex::default(),
            blocks: Mutex::default(),
            report: Mutex::default(),
            announced: Mutex::default(),
            is_requested: AtomicBool::new(false),
            garbage: Garbage::default(),
            is_paused: AtomicBool::new(false),
            starved: AtomicU64::new(0),
        })
    }

    pub fn event_loop(&self) -> *mut c_void {
        self.event_loop as *mut c_void
    }

    pub fn sources(&self) -> Sources {
        self.thread.sources()
    }

    pub fn configure(&self, settings: Settings) {
        self.vigil.lock().configure(settings);
        watchdog::wake();
    }

    /// Begins an iteration, on the thread of the loop.
    pub fn beat(&self) {
        self.next_iteration();
    }

    /// Ends the iteration, which may be the last one: waits until its report is written.
    pub fn finish(&self) {
        if let Some(written) = self.next_iteration() {
            report::wait(&written);
        }
    }

    fn next_iteration(&self) -> Option<report::Written> {
        let mut written = None;
        // SAFETY: called on the thread of the loop, which therefore exists.
        let (now, idle) = (now(), unsafe { (self.runtime.idle_time)(self.event_loop()) });
        if let Some(iteration) = self.heart.iteration() {
            let unannounced = iteration.unannounced(now, idle);
            let held = self.vigil.lock().held(iteration.number, unannounced, now);
            self.holds.lock().record(iteration.held(now, idle).saturating_sub(unannounced - held));
            written = self.end_iteration(&iteration, now, held);
        }
        if self.garbage.begin_iteration() {
            self.subject.port.complete(self.subject.subscriber, Outcome::Watched);
        }
        *self.begun_before.lock() = self.begun.count();
        self.heart.beat(now, idle);
        written
    }

    /// Forgets the current iteration. Its remainder counts as idle until [`WatchedLoop::resume`].
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Release);
    }

    pub fn resume(&self) {
        // SAFETY: called on the thread of the loop.
        self.heart.beat(now(), unsafe { (self.runtime.idle_time)(self.event_loop()) });
        self.is_paused.store(false, Ordering::Release);
        watchdog::wake();
    }

    /// Announces that a block begins.
    pub fn begin_expected(&self) {
        self.heart.begin_expected(now());
        *self.announced.lock() = Some(self.reading());
    }

    /// Ends the announcement. The figures of the block do not count.
    pub fn end_expected(&self) {
        let reading = self.reading();
        if let Some(begin) = self.announced.lock().take() {
            self.vigil.lock().exclude(&begin, &reading);
            self.garbage.exclude(reading.gc.saturating_sub(begin.gc));
        }
        self.heart.end_expected(now());
    }

    /// Ends the watch, on the thread of the loop: the loop and V8 are not used after this.
    pub fn end(&self) {
        let target = self.target.lock().take();
        if let Some(target) = target {
            self.garbage.end(self.runtime, target.isolate);
        }
        while let Some(block) = self.take_block() {
            self.discard(block.samples);
        }
        let samples = std::mem::take(&mut *self.samples.lock());
        self.discard(samples);
        self.errors.release();
        self.begun.release();
    }

    /// Returns the oldest block that JavaScript has not taken.
    pub fn take_block(&self) -> Option<Block> {
        self.blocks.lock().pop_front()
    }

    pub fn discard(&self, samples: Vec<Sample>) {
        for sample in samples {
            self.errors.discard(sample.captured);
        }
    }

    pub fn stats(&self) -> Stats {
        let holds = self.holds.lock();
        Stats {
            hold: holds.hold(),
            delay: holds.delay(now()),
            utilization: holds.utilization(now()),
            starved: self.starved.load(Ordering::Relaxed),
            collected: self.garbage.total(),
            looks: watchdog::looks(),
        }
    }

    /// Starts to observe garbage collections, until [`WatchedLoop::end`], which the caller must call before it drops the last reference.
    pub fn start(&self) {
        if let Some(target) = &*self.target.lock() {
            self.garbage.start(self.runtime, target.isolate);
        }
    }

    fn is_current(&self, iteration: u64) -> bool {
        self.heart.iteration().is_some_and(|it| it.number == iteration)
    }

    fn end_iteration(&self, iteration: &Iteration, now: Nanos, held: Nanos) -> Option<report::Written> {
        let mut vigil = self.vigil.lock();
        if !vigil.is_block(held) {
            return None;
        }
        let findings = vigil.findings(iteration.number, held, self.reading());
        drop(vigil);
        let written = match self.write_report(None, held) {
            Pending::Written(written) => Some(written),
            Pending::None | Pending::Waiting => None,
        };
        self.starved.fetch_add(findings.shares.starved, Ordering::Relaxed);
        let (samples, stale) = std::mem::take(&mut *self.samples.lock())
            .into_iter()
            .partition::<Vec<_>, _>(|sample| sample.iteration == iteration.number);
        self.discard(stale);
        let cause = cause(&findings.shares, first_capture(&findings.requested, &samples));
        let mut blocks = self.blocks.lock();
        if blocks.len() == BLOCKS {
            let oldest = blocks.pop_front();
            self.discard(oldest.map(|block| block.samples).unwrap_or_default());
        }
        let begun = *self.begun_before.lock();
        blocks.push_back(Block { findings, ended: now, cause, samples, begun });
        drop(blocks);
        self.subject.port.complete(self.subject.subscriber, Outcome::Watched);
        written
    }

    fn reading(&self) -> Reading {
        let (usage, overslept) = (self.thread.usage(), watchdog::overslept());
        Reading { at: now(), usage, overslept, gc: self.garbage.current() }
    }

    /// Answers an interrupt, on the thread of the loop.
    fn answer(&self, request: &Request) {
        if request.kind == RequestKind::Sample {
            self.is_requested.store(false, Ordering::Release);
        }
        let lateness = now().saturating_sub(request.at);
        if !self.is_current(request.iteration) {
            return;
        }
        match request.kind {
            RequestKind::Report => {
                let described = self.errors.report();
                if let Some(report) = &mut *self.report.lock() {
                    report.answer = described.map(|text| (text, lateness));
                }
            }
            RequestKind::Sample => {
                let Some(captured) = self.errors.capture() else { return };
                let sample = Sample { iteration: request.iteration, age: request.age, lateness, captured };
                let mut samples = self.samples.lock();
                if samples.len() < SAMPLES {
                    samples.push(sample);
                } else {
                    drop(samples);
                    self.errors.discard(sample.captured);
                }
            }
        }
    }

    /// Requests an interrupt. The caller must hold the lock of `target`, which keeps the isolate alive.
    fn request(self: &Arc<Self>, interrupts: Interrupts, target: &Target, request: Request) {
        let data = Box::into_raw(Box::new((Arc::downgrade(self), request)));
        // SAFETY: the isolate exists while the caller holds the lock of `target`. V8 calls `interrupted` at most once with `data`;
        // if the isolate ends before, the box is leaked, at most one for each kind: it holds memory, but no files and errors.
        unsafe { (interrupts.request)(target.isolate, interrupted, data.cast()) };
    }

    /// Writes the pending report once its stack has arrived, its block has ended, or `REPORT_WAIT` has passed. Must be called before the
    /// figures of that block are dropped. `iteration` is the current one, `None` at the end of a block.
    fn write_report(&self, iteration: Option<u64>, held: Nanos) -> Pending {
        let mut slot = self.report.lock();
        let Some(report) = slot.take() else { return Pending::None };
        let is_over = iteration != Some(report.iteration);
        if report.answer.is_none() && !is_over && now().saturating_sub(report.at) < REPORT_WAIT {
            *slot = Some(report);
            return Pending::Waiting;
        }
        drop(slot);
        let capture = capture_at(report.answer.as_ref().map(|(_, lateness)| *lateness));
        let findings = self.vigil.lock().findings(report.iteration, held.max(report.age), self.reading());
        let cause = cause(&findings.shares, Some(capture));
        let line = report::line(&report, capture, cause, findings.system_call, self.subject.thread_id);
        let written = report::write(line);
        if report.is_last && !is_over {
            report::wait(&written);
            std::process::abort();
        }
        Pending::Written(written)
    }
}

/// A report of a fatal block.
enum Pending {
    None,
    /// Its stack has not arrived.
    Waiting,
    Written(report::Written),
}

/// Returns when the first requested stack was captured, or `None` if no stack was requested.
fn first_capture(requested: &[Nanos], samples: &[Sample]) -> Option<Capture> {
    requested.first().map(|age| capture_of(samples.iter().find(|sample| sample.age == *age)))
}

/// Returns when a requested stack was captured.
pub fn capture_of(sample: Option<&Sample>) -> Capture {
    capture_at(sample.map(|sample| sample.lateness))
}

fn capture_at(lateness: Option<Nanos>) -> Capture {
    match lateness {
        Some(lateness) if lateness <= ON_TIME => Capture::OnTime,
        Some(_) => Capture::Late,
        None => Capture::None,
    }
}

impl watchdog::Watched for Arc<WatchedLoop> {
    fn look(&self) -> Nanos {
        if self.is_paused.load(Ordering::Acquire) {
            return Nanos::MAX;
        }
        let target = self.target.lock();
        let Some(open) = &*target else { return Nanos::MAX };
        // The thread is beginning an iteration.
        let Some(iteration) = self.heart.iteration() else { return 0 };
        let now = now();
        // SAFETY: the loop exists while `target` is locked and present; libuv documents the function as thread-safe.
        let held = iteration.unannounced(now, unsafe { (self.runtime.idle_time)(open.event_loop) });
        let held = self.vigil.lock().see(iteration.number, held, now);
        // Before the policy turns to this iteration.
        let pending = self.write_report(Some(iteration.number), held);
        let mut vigil = self.vigil.lock();
        let order = vigil.look(iteration.number, held, self.reading());
        if vigil.is_block(held) {
            vigil.in_system_call(self.thread.system_call());
        }
        let next = vigil.next_look(held);
        drop(vigil);
        let request = |kind| Request { kind, iteration: iteration.number, at: now, age: held };
        match (order, self.runtime.interrupts) {
            (Order::Capture, Some(interrupts)) if !self.is_requested.swap(true, Ordering::AcqRel) => {
                self.request(interrupts, open, request(RequestKind::Sample));
            }
            (Order::Report { is_last }, interrupts) => {
                let report = Report { iteration: iteration.number, at: now, age: held, is_last, answer: None };
                *self.report.lock() = Some(report);
                if let Some(interrupts) = interrupts {
                    self.request(interrupts, open, request(RequestKind::Report));
                }
                return REPORT_LOOK;
            }
            _ => {}
        }
        if matches!(pending, Pending::Waiting) { next.min(REPORT_LOOK) } else { next }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestKind {
    Sample,
    Report,
}

struct Request {
    kind: RequestKind,
    iteration: u64,
    at: Nanos,
    age: Nanos,
}

// SAFETY: V8 calls this once for each request, on the thread of the isolate, with the pointer that `request` passed.
unsafe extern "C" fn interrupted(_: *mut c_void, data: *mut c_void) {
    // SAFETY: the pointer that `Box::into_raw` returned in `request`, given back once.
    let boxed = unsafe { Box::from_raw(data.cast::<(Weak<WatchedLoop>, Request)>()) };
    let Some(watched) = boxed.0.upgrade() else { return };
    // A panic must not unwind into C++.
    let _ = catch_unwind(AssertUnwindSafe(|| watched.answer(&boxed.1)));
}
