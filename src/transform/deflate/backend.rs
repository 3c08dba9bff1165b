//! The compressors behind the levels of gzip and deflate.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// libdeflate at this level, in steps that cannot be interrupted.
    Libdeflate(u8),
    /// zlib-rs at this level.
    ZlibRs(i32),
}
