//! The LZ4 frame format.

pub mod compress;
pub mod decompress;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
