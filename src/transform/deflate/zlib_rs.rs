//! Deflate blocks by zlib-rs, which can take up where other data ended: slower than libdeflate, but each block may refer
//! to what came before it, and no step takes long.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use zlib_rs::{Deflate, DeflateError, DeflateFlush, Status};

/// How far back deflate can refer.
pub const WINDOW: usize = 32 << 10;
/// Input between two looks at the token: about 1 ms on ordinary data.
const STEP: usize = 16 << 10;
/// About how many bytes a compressor allocates. It panics if it cannot.
const STATE: usize = 300 << 10;

/// Appends the block as part of a stream that ends on a byte, and with it if it is the last. `before` is the data ahead
/// of it, as much as there is; only the last 32 KiB count.
///
/// # Errors
/// Of kind `Cancelled`, and of kind `Unsupported` without memory; of kind `Panic` should the compressor itself fail.
pub fn compress(before: &[u8], data: &[u8], last: bool, level: i32, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
    memory::check(STATE)?;
    let mut deflate = Deflate::new(level, false, 15);
    if level > 0 && !before.is_empty() {
        deflate.set_dictionary(&before[before.len().saturating_sub(WINDOW)..]).map_err(broken)?;
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
        let (before, taken, made) = (out.len(), deflate.total_in(), deflate.total_out());
        let room = (input.len() / 2).max(4096);
        memory::zeros(out, room)?;
        let status = deflate.compress(input, &mut out[before..], flush).map_err(broken)?;
        let made = usize::try_from(deflate.total_out() - made).unwrap_or(room);
        let taken = usize::try_from(deflate.total_in() - taken).unwrap_or(input.len());
        out.truncate(before + made);
        input = &input[taken..];
        // Room left over means that nothing is pending.
        if status == Status::StreamEnd || (input.is_empty() && made < room && flush != DeflateFlush::Finish) {
            return Ok(());
        }
    }
}

fn broken(error: DeflateError) -> Error {
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
    fn what_came_before_helps() {
        let data = noise(20_000);
        let cancel = Cancel::new();
        let packed = |before: &[u8]| {
            let mut out = Vec::new();
            compress(before, &data, true, 6, &mut out, &cancel).unwrap();
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
