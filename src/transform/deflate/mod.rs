//! gzip, zlib and raw deflate (RFC 1950 to 1952).

mod backend;
mod bit_writer;
pub mod compress;
pub mod decompress;
mod huffman;
mod join;
mod libdeflate;
mod parallel;
mod sample;
mod skip;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
mod tuning;
mod wrapper;
mod zlib_rs;
