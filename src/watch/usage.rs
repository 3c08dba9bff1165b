//! The kernel's figures of a thread.

use super::Nanos;

/// Time of a thread since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time on a core; `None` if unknown.
    pub cpu: Option<Nanos>,
    /// Time ready to run, without a core.
    pub waited: Nanos,
    /// Time in which the processor quota of its control groups was used up.
    pub throttled: Nanos,
}

/// The figures that a `Thread` has here.
#[expect(clippy::struct_excessive_bools, reason = "each is a figure")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sources {
    pub cpu: bool,
    pub run_queue: bool,
    pub throttling: bool,
    pub system_call: bool,
}
