//! Locks and atomics of shared state: the real ones, or those of loom, which explores every interleaving.

#[cfg(not(feature = "loom"))]
pub use parking_lot::{Mutex, MutexGuard};
#[cfg(not(feature = "loom"))]
pub use std::sync::{Arc, atomic};

#[cfg(feature = "loom")]
pub use loom::sync::{Arc, MutexGuard, atomic};

/// loom's mutex with the interface of `parking_lot`'s, without poisoning.
#[cfg(feature = "loom")]
#[derive(Debug)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(feature = "loom")]
impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
