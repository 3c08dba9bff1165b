//! LZ4 compression into the frame format.

use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::memory;
use crate::transform::value::Value;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use std::io::Write;

/// Bytes between two polls of the cancel flag: about 1 ms.
const STEP: usize = 256 << 10;

struct Compress;

/// `lz4Compress()`
pub fn compress(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Compress))
}

impl Transform for Compress {
    fn name(&self) -> &'static str {
        "lz4Compress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        run_stream(start(input.len()), Value::Bytes(input), cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(start(usize::MAX))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

/// Starts an encoder for an input of `len` bytes; of unknown length for `usize::MAX`.
fn start(len: usize) -> Box<dyn StreamTransform> {
    // The encoder allocates a block as its buffer, so small inputs get small blocks.
    let size = if len <= 64 << 10 { BlockSize::Max64KB } else { BlockSize::Max256KB };
    let info = FrameInfo::new().block_size(size).block_mode(BlockMode::Linked).content_checksum(true);
    Box::new(Encoder(FrameEncoder::with_frame_info(info, Vec::new())))
}

struct Encoder(FrameEncoder<Vec<u8>>);

impl Encoder {
    /// Moves compressed bytes to `out`.
    fn drain_to(&mut self, out: &mut Vec<u8>) -> Result<()> {
        memory::reserve(out, self.0.get_ref().len())?;
        out.append(self.0.get_mut());
        Ok(())
    }
}

impl StreamTransform for Encoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            self.0.write_all(step).map_err(failed)?;
            self.drain_to(out)?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        self.0.flush().map_err(failed)?;
        self.drain_to(out)
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        self.0.try_finish().map_err(failed)?;
        self.drain_to(&mut out)?;
        Ok(out.into())
    }
}

/// Returns the error for a failed write: a bug, since writing to memory does not fail.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Panic, format!("The lz4 compressor failed: {error}"))
}
