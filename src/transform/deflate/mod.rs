//! gzip, zlib and raw deflate (RFC 1950 to 1952).

pub mod compress;
pub mod decompress;
mod huffman;
mod join;
mod libdeflate;
mod parallel;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
mod tuning;
mod wrapper;
mod zlib_rs;
