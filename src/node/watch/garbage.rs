//! The time of V8's garbage collections on the thread of a watched loop.

use super::runtime::{COLLECTIONS, Collections, Runtime};
use crate::watch::{Nanos, now};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Garbage {
    /// When the current collection began.
    began: AtomicU64,
    /// Time in this iteration.
    current: AtomicU64,
    total: AtomicU64,
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

    pub fn begin_iteration(&self) {
        self.current.store(0, Ordering::Relaxed);
    }

    /// Leaves a time out of this iteration.
    pub fn exclude(&self, time: Nanos) {
        self.current.fetch_sub(time.min(self.current()), Ordering::Relaxed);
    }

    fn end_collection(&self) {
        let time = now().saturating_sub(self.began.load(Ordering::Relaxed));
        self.current.fetch_add(time, Ordering::Relaxed);
        self.total.fetch_add(time, Ordering::Relaxed);
    }

    fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

fn collections(runtime: &Runtime) -> Option<Collections> {
    runtime.interrupts.and_then(|interrupts| interrupts.collections)
}

// SAFETY: V8 calls this on the thread of the isolate, between `start` and `end`, with the pointer of `start`.
unsafe extern "C" fn begins(_: *mut c_void, _: c_int, _: c_int, data: *mut c_void) {
    // SAFETY: as above, so the value exists.
    let garbage = unsafe { &*data.cast::<Garbage>() };
    garbage.began.store(now(), Ordering::Relaxed);
}

// SAFETY: as for `begins`.
unsafe extern "C" fn ends(_: *mut c_void, _: c_int, _: c_int, data: *mut c_void) {
    // SAFETY: as above, so the value exists.
    let garbage = unsafe { &*data.cast::<Garbage>() };
    // A panic must not unwind into C++.
    let _ = catch_unwind(AssertUnwindSafe(|| garbage.end_collection()));
}
