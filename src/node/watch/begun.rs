//! A count in memory that JavaScript and native code share: an increment needs no call, and costs JavaScript a nanosecond.

use crate::node::napi_raw::{self, Pinned};
use crate::sync::Mutex;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result, sys};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The count of the requests that have begun, in an `ArrayBuffer`. For the environment's thread only.
pub struct Begun {
    env: sys::napi_env,
    /// Null after [`Begun::release`].
    count: AtomicPtr<f64>,
    buffer: Mutex<Option<Pinned>>,
}

// SAFETY: the environment is only a name; the methods read the memory and use the pin on the environment's thread.
unsafe impl Send for Begun {}
// SAFETY: as above.
unsafe impl Sync for Begun {}

impl Begun {
    pub fn new(env: &Env, buffer: &Unknown) -> Result<Self> {
        let (pinned, data, length) = napi_raw::pin_array_buffer(env, buffer)?;
        #[expect(clippy::cast_ptr_alignment, reason = "checked below")]
        let count = data.cast_mut().cast::<f64>();
        if length < size_of::<f64>() || !count.is_aligned() {
            napi_raw::unpin(env, pinned);
            return Err(napi_raw::misuse("a buffer without a number"));
        }
        Ok(Begun { env: env.raw(), count: AtomicPtr::new(count), buffer: Mutex::new(Some(pinned)) })
    }

    /// Returns the count up to now, or zero after [`Begun::release`].
    pub fn count(&self) -> f64 {
        let count = self.count.load(Ordering::Relaxed);
        if count.is_null() {
            return 0.0;
        }
        // SAFETY: `new` has checked size and alignment. The pin keeps the buffer, which `lib/` never detaches, until `release`. Only
        // JavaScript on this thread writes to it.
        unsafe { count.read() }
    }

    pub fn release(&self) {
        self.count.store(ptr::null_mut(), Ordering::Relaxed);
        if let Some(pinned) = self.buffer.lock().take() {
            napi_raw::unpin(&Env::from_raw(self.env), pinned);
        }
    }
}
