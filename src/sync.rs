//! Locks and atomics of shared state: the real ones, or those of loom, which explores every interleaving.

#[cfg(not(feature = "loom"))]
use std::sync::Mutex as RawMutex;
#[cfg(not(feature = "loom"))]
pub use std::sync::{Arc, MutexGuard, atomic};

#[cfg(feature = "loom")]
use loom::sync::Mutex as RawMutex;
#[cfg(feature = "loom")]
pub use loom::sync::{Arc, MutexGuard, atomic};

use std::sync::{PoisonError, TryLockError};

/// A mutex without poisoning. A waiting thread sleeps. With `parking_lot` it would yield first: with many threads on few cores, each
/// yield only switches to another waiting thread, while the thread that holds the lock waits for a core.
#[derive(Debug, Default)]
pub struct Mutex<T>(RawMutex<T>);

impl<T> Mutex<T> {
    #[cfg(not(feature = "loom"))]
    pub const fn new(value: T) -> Self {
        Mutex(RawMutex::new(value))
    }

    #[cfg(feature = "loom")]
    pub fn new(value: T) -> Self {
        Mutex(RawMutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
