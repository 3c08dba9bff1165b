//! Watches event loops: how long each iteration holds its thread, which ones block, and why.
//!
//! The thread of a loop publishes its iterations ([`heart`]). One watchdog thread for the process ([`watchdog`]) asks the policy
//! ([`vigil`]) of each watched thread when to look next and when to capture a stack. The kernel's figures of a thread
//! ([`probe`]) give the [`cause`].

pub mod cause;
pub mod heart;
pub mod holds;
pub mod probe;
pub mod usage;
pub mod vigil;
#[cfg(not(feature = "loom"))]
pub mod watchdog;

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

/// Nanoseconds of a monotonic clock.
pub type Nanos = u64;

/// Returns the current time of the monotonic clock, in nanoseconds since the first call.
#[must_use]
pub fn now() -> Nanos {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
