//! The LZ4 frame format.

pub mod codec;
pub mod frame;
