//! Options of a pool and their defaults.

use std::time::Duration;

/// Bounds of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Tasks that may run at the same time.
    pub threads: usize,
    /// Tasks that may be admitted and not yet started.
    pub max_queue: usize,
    /// Input bytes of the tasks that are admitted and not yet finished.
    pub max_queue_bytes: usize,
    /// How long a task may wait to start.
    pub max_wait: Option<Duration>,
    /// Output bytes of one task. The transforms enforce it.
    pub max_output: Option<u64>,
}

impl Default for Options {
    /// As many threads as the process may use (cgroups and CPU affinity count), a queue of 1024 tasks and 256 MiB,
    /// and no limit to waiting or output.
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            max_queue: 1024,
            max_queue_bytes: 256 << 20,
            max_wait: None,
            max_output: None,
        }
    }
}
