//! V8's garbage collections on the thread of a watched loop.

use super::runtime::{COLLECTIONS, Collections, MAJOR, Runtime};
use crate::watch::{Nanos, now};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

#[derive(Default)]
pub struct Garbage {
    /// When the current collection began.
    began: AtomicU64,
    /// The thread's time on a core when the current collection began.
    began_on_core: AtomicU64,
    /// Time in this iteration.
    current: AtomicU64,
    total: AtomicU64,
    /// Those since [`Garbage::take`].
    recent: Recent,
    /// Whether a major collection has ended in this iteration.
    has_major: AtomicBool,
}

#[derive(Default)]
struct Recent {
    time: AtomicU64,
    longest: AtomicU64,
    majors: AtomicU32,
}

/// Collections of some time. Durations leave out the time in which the thread had no core, if the system reports it.
pub struct Collected {
    pub time: Nanos,
    pub longest: Nanos,
    /// Number of major collections.
    pub majors: u32,
}

impl Garbage {
    /// Starts to observe the collections of this thread's isolate, until [`Garbage::end`], which the caller must call before it moves or
    /// drops this.
    pub fn start(&self, runtime: &Runtime, isolate: *mut c_void) {
        if let Some(collections) = collections(runtime) {
            // SAFETY: the isolate of this thread; `self` stays in place until `end` removes the callbacks.
            unsafe {
                (collections.add_prologue)(isolate, begins, self.data(), COLLECTIONS);
                (collections.add_epilogue)(isolate, ends, self.data(), COLLECTIONS);
            }
        }
    }

    pub fn end(&self, runtime: &Runtime, isolate: *mut c_void) {
        if let Some(collections) = collections(runtime) {
            // SAFETY: the isolate of this thread, and the callbacks that `start` added, removed once.
            unsafe {
                (collections.remove_prologue)(isolate, begins, self.data());
                (collections.remove_epilogue)(isolate, ends, self.data());
            }
        }
    }

    /// Returns the time in this iteration.
    pub fn current(&self) -> Nanos {
        self.current.load(Ordering::Relaxed)
    }

    pub fn total(&self) -> Nanos {
        self.total.load(Ordering::Relaxed)
    }

    /// Begins an iteration. Returns whether a major collection ended in the previous one.
    pub fn begin_iteration(&self) -> bool {
        self.current.store(0, Ordering::Relaxed);
        self.has_major.swap(false, Ordering::Relaxed)
    }

    /// Returns the collections since the last call, or `None` if this Node.js does not show them.
    pub fn take(&self, runtime: &Runtime) -> Option<Collected> {
        collections(runtime)?;
        let Recent { time, longest, majors } = &self.recent;
        Some(Collected {
            time: time.swap(0, Ordering::Relaxed),
            longest: longest.swap(0, Ordering::Relaxed),
            majors: majors.swap(0, Ordering::Relaxed),
        })
    }

    /// Leaves a time out of this iteration.
    pub fn exclude(&self, time: Nanos) {
        self.current.fetch_sub(time.min(self.current()), Ordering::Relaxed);
    }

    fn end_collection(&self, kind: c_int) {
        let time = now().saturating_sub(self.began.load(Ordering::Relaxed));
        self.current.fetch_add(time, Ordering::Relaxed);
        self.total.fetch_add(time, Ordering::Relaxed);
        let own = on_core().map_or(time, |on_core| on_core.saturating_sub(self.began_on_core.load(Ordering::Relaxed)));
        self.recent.time.fetch_add(own, Ordering::Relaxed);
        self.recent.longest.fetch_max(own, Ordering::Relaxed);
        if kind == MAJOR {
            self.recent.majors.fetch_add(1, Ordering::Relaxed);
            self.has_major.store(true, Ordering::Relaxed);
        }
    }

    fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

/// Returns the time of this thread on a core, or `None` if the system does not report it.
#[cfg(target_os = "linux")]
fn on_core() -> Option<Nanos> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call, which writes to it and keeps no pointer.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if result != 0 {
        return None;
    }
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    Some(seconds * 1_000_000_000 + nanos)
}

#[cfg(not(target_os = "linux"))]
fn on_core() -> Option<Nanos> {
    None
}

fn collections(runtime: &Runtime) -> Option<Collections> {
    runtime.interrupts.and_then(|interrupts| interrupts.collections)
}

// SAFETY: V8 calls this on the thread of the isolate, between `start` and `end`, with the pointer of `start`.
unsafe extern "C" fn begins(_: *mut c_void, _: c_int, _: c_int, data: *mut c_void) {
    // SAFETY: as above, so the value exists.
    let garbage = unsafe { &*data.cast::<Garbage>() };
    garbage.began.store(now(), Ordering::Relaxed);
    garbage.began_on_core.store(on_core().unwrap_or(0), Ordering::Relaxed);
}

// SAFETY: as for `begins`.
unsafe extern "C" fn ends(_: *mut c_void, kind: c_int, _: c_int, data: *mut c_void) {
    // SAFETY: as above, so the value exists.
    let garbage = unsafe { &*data.cast::<Garbage>() };
    // A panic must not unwind into C++.
    let _ = catch_unwind(AssertUnwindSafe(|| garbage.end_collection(kind)));
}
