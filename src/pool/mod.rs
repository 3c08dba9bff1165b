//! The pool: bounded admission in front of a bounded number of threads.
//!
//! [`gate`] decides who may enter, wait and run, and sees no thread; [`executor`] has the threads and runs what the
//! gate hands out. Work is anything that implements [`Work`]: the pool knows nothing of transforms or JavaScript.

pub mod gate;
pub mod priority_queue;

#[cfg(not(feature = "loom"))]
mod deadline;
#[cfg(not(feature = "loom"))]
mod executor;
#[cfg(not(feature = "loom"))]
mod named;
#[cfg(not(feature = "loom"))]
mod panic;
#[cfg(not(feature = "loom"))]
mod permit;
#[cfg(not(feature = "loom"))]
mod stats;

#[cfg(not(feature = "loom"))]
pub use {
    executor::{Full, Pool, Room, Tally, Work},
    named::{Mismatch, Wanted, close, open},
    panic::catch_panic,
    permit::{Errand, Permit, Requeued},
    stats::{Stats, TransformStats},
};

pub use priority_queue::Priority;

use std::time::Duration;

/// What a pool may hold and use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Tasks that may run at once.
    pub threads: usize,
    /// Tasks that may be admitted and not yet started.
    pub max_queue: usize,
    /// Input bytes that tasks admitted and not yet finished may hold.
    pub max_queue_bytes: usize,
    /// How long a task may wait to start.
    pub max_wait: Option<Duration>,
}

impl Default for Options {
    /// As many threads as the process may use (cgroups and CPU affinity count), a queue of 1024 tasks and 256 MiB,
    /// and no limit to waiting.
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            max_queue: 1024,
            max_queue_bytes: 256 << 20,
            max_wait: None,
        }
    }
}
