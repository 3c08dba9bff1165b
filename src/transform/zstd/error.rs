//! Errors of zstd, which returns numbers.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::StreamTransform;
use crate::transform::value::Value;
use zstd_safe::get_error_name;

/// `ZSTD_error_memory_allocation`, as zstd's functions return it.
const NO_MEMORY: usize = 64_usize.wrapping_neg();

/// Returns the error for a code from a decompressor.
pub fn corrupt(code: usize) -> Error {
    match code {
        NO_MEMORY => out_of_memory(),
        _ => Error::invalid_data(format!("The zstd data is corrupt: {}", get_error_name(code))),
    }
}

/// Returns the error for a code that does not depend on the input.
pub fn failed(code: usize) -> Error {
    match code {
        NO_MEMORY => out_of_memory(),
        _ => Error::new(Kind::Panic, format!("zstd failed: {}", get_error_name(code))),
    }
}

pub fn out_of_memory() -> Error {
    Error::out_of_memory("the tables of zstd")
}

/// Returns the stream. If it could not be started, returns a stream that fails when used.
pub fn or_failing<S: StreamTransform + 'static>(started: Result<S>) -> Box<dyn StreamTransform> {
    match started {
        Ok(stream) => Box::new(stream),
        Err(error) => Box::new(Failing(error)),
    }
}

struct Failing(Error);

impl StreamTransform for Failing {
    fn push(&mut self, _: &[u8], _: &mut Vec<u8>, _: &Cancel) -> Result<()> {
        Err(self.0.clone())
    }

    fn finish(self: Box<Self>, _: Vec<u8>, _: &Cancel) -> Result<Value> {
        Err(self.0)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_is_neither_a_bug_nor_corrupt_data() {
        assert_eq!(get_error_name(NO_MEMORY), "Allocation error : not enough memory");
        for error in [failed(NO_MEMORY), corrupt(NO_MEMORY)] {
            assert_eq!(error, out_of_memory());
            assert_eq!(error.kind, Kind::Resources);
        }
    }
}
