//! The pool: bounded admission in front of a bounded number of threads.
//!
//! [`gate`] decides which task may enter, wait and run, and starts no thread; `executor` runs the jobs that the gate
//! releases. Work is anything that implements [`Work`]: the pool knows neither transforms nor JavaScript.

mod ages;
pub mod gate;
pub mod priority_queue;
mod waiters;

#[cfg(not(feature = "loom"))]
mod core;
#[cfg(not(feature = "loom"))]
mod deadline;
#[cfg(not(feature = "loom"))]
mod deadlock;
#[cfg(not(feature = "loom"))]
mod executor;
#[cfg(not(feature = "loom"))]
pub mod functions;
#[cfg(not(feature = "loom"))]
mod named;
mod options;
#[cfg(not(feature = "loom"))]
mod panic;
#[cfg(not(feature = "loom"))]
mod permit;
#[cfg(not(feature = "loom"))]
mod stats;

#[cfg(not(feature = "loom"))]
pub use {
    self::core::{AdmitError, ExternalTask, Permit, Pool, Reservation, WaitKind, Waited, Work},
    deadlock::{Nested, Report as BlockedReport, Wait},
    named::{Requested, close, open},
    panic::catch_panic,
    permit::Requeued,
    stats::{Stats, Tally, TransformStats},
};

pub use options::Options;
pub use priority_queue::Priority;
