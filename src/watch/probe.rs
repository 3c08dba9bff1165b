//! The operating system's figures of a thread.

#[cfg(target_os = "linux")]
pub use super::linux::Thread;
#[cfg(not(target_os = "linux"))]
pub use super::other::Thread;
pub use super::usage::{Sources, Usage};
