//! Counts of requests that JavaScript keeps and native code reads: without a call, they cost JavaScript a nanosecond.

use crate::node::napi_raw::{self, Pinned};
use crate::sync::Mutex;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result, sys};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Counts of requests up to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Beginnings and ends.
    pub events: f64,
    pub beginnings: f64,
}

/// The counts in an `ArrayBuffer`. For the environment's thread only.
pub struct Events {
    env: sys::napi_env,
    /// Null after [`Events::release`].
    counts: AtomicPtr<[f64; 3]>,
    buffer: Mutex<Option<Pinned>>,
}

// SAFETY: the environment is only a name; the methods read the memory and use the pin on the environment's thread.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    pub fn new(env: &Env, buffer: &Unknown) -> Result<Self> {
        let (pinned, data, length) = napi_raw::pin_array_buffer(env, buffer)?;
        #[expect(clippy::cast_ptr_alignment, reason = "checked below")]
        let counts = data.cast_mut().cast::<[f64; 3]>();
        if length < size_of::<[f64; 3]>() || !counts.is_aligned() {
            napi_raw::unpin(env, pinned);
            return Err(napi_raw::misuse("a buffer without three numbers"));
        }
        Ok(Events { env: env.raw(), counts: AtomicPtr::new(counts), buffer: Mutex::new(Some(pinned)) })
    }

    /// Returns the counts up to now, or zeros after [`Events::release`].
    pub fn counts(&self) -> Counts {
        let counts = self.counts.load(Ordering::Relaxed);
        if counts.is_null() {
            return Counts::default();
        }
        // SAFETY: `new` has checked size and alignment. The pin keeps the buffer, which `lib/` never detaches, until `release`. Only
        // JavaScript on this thread writes to it.
        let [events, beginnings, _] = unsafe { counts.read() };
        Counts { events, beginnings }
    }

    /// Returns the counts up to now, and marks their events as those of the last stack, for JavaScript.
    pub fn mark(&self) -> Counts {
        let counts = self.counts.load(Ordering::Relaxed);
        if !counts.is_null() {
            // SAFETY: as in `counts`. No JavaScript runs on this thread meanwhile.
            unsafe { (*counts)[2] = (*counts)[0] };
        }
        self.counts()
    }

    pub fn release(&self) {
        self.counts.store(ptr::null_mut(), Ordering::Relaxed);
        if let Some(pinned) = self.buffer.lock().take() {
            napi_raw::unpin(&Env::from_raw(self.env), pinned);
        }
    }
}
