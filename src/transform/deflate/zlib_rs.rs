//! Deflate blocks by zlib-rs: slower than libdeflate, but each block may refer to the data before it, and every step is
//! short.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use zlib_rs::{Deflate, DeflateError, DeflateFlush, Status};

/// How far back deflate can refer.
pub const WINDOW: usize = 32 << 10;
/// Bytes between two polls of the cancel flag: about 1 ms on ordinary data.
const STEP: usize = 16 << 10;
/// Estimate of the bytes that a compressor allocates. It panics if it cannot.
const STATE: usize = 300 << 10;

/// Appends a block that ends on a byte boundary, or that ends the stream if `last`. `history` is the data right before it;
/// only the last 32 KiB count.
///
/// # Errors
/// Of kind `Cancelled`; of kind `Resources` without memory; of kind `Panic` if the compressor fails.
pub fn compress(history: &[u8], data: &[u8], last: bool, level: i32, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
    memory::check(STATE)?;
    let mut deflate = Deflate::new(level, false, 15);
    if level > 0 && !history.is_empty() {
        deflate.set_dictionary(&history[history.len().saturating_sub(WINDOW)..]).map_err(failed)?;
    }
    let end = if last { DeflateFlush::Finish } else { DeflateFlush::SyncFlush };
    for chunk in data.chunks(STEP) {
        cancel.check()?;
        feed(&mut deflate, chunk, DeflateFlush::NoFlush, out)?;
    }
    feed(&mut deflate, &[], end, out)
}

fn feed(deflate: &mut Deflate, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) -> Result<()> {
    loop {
        let (start, total_in, total_out) = (out.len(), deflate.total_in(), deflate.total_out());
        let size = (input.len() / 2).max(4096);
        memory::zeros(out, size)?;
        let status = deflate.compress(input, &mut out[start..], flush).map_err(failed)?;
        let written = usize::try_from(deflate.total_out() - total_out).unwrap_or(size);
        let consumed = usize::try_from(deflate.total_in() - total_in).unwrap_or(input.len());
        out.truncate(start + written);
        input = &input[consumed..];
        // If the buffer is not full, no output is pending.
        if status == Status::StreamEnd || (input.is_empty() && written < size && flush != DeflateFlush::Finish) {
            return Ok(());
        }
    }
}

fn failed(error: DeflateError) -> Error {
    if let DeflateError::MemError = error {
        return Error::out_of_memory("the tables of deflate");
    }
    Error::new(Kind::Panic, format!("The deflate compressor failed: {}", error.as_str()))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::noise;

    #[test]
    fn history_improves_compression() {
        let data = noise(20_000);
        let cancel = Cancel::new();
        let packed = |history: &[u8]| {
            let mut out = Vec::new();
            compress(history, &data, true, 6, &mut out, &cancel).unwrap();
            out.len()
        };
        assert!(packed(&data) * 10 < packed(&[]));
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(compress(&[], b"data", true, 6, &mut Vec::new(), &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}
