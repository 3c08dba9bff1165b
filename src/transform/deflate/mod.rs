//! gzip, zlib and raw deflate (RFC 1950 to 1952).

pub mod compress;
pub mod decompress;
pub mod huffman;
pub mod join;
pub mod libdeflate;
pub mod parallel;
pub mod tuning;
pub mod wrapper;
pub mod zlib_rs;
