//! Zstandard (RFC 8878).

pub mod compress;
pub mod decompress;
mod dictionary;
mod encoder;
mod error;
mod format;
mod parallel;
mod segment;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
