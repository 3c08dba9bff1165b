//! Zstandard (RFC 8878).

pub mod codec;
pub mod error;
pub mod format;
pub mod parallel;
pub mod segment;
