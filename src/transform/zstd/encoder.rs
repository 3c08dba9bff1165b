//! The serial encoder: compresses a stream on one thread, in steps that can be cancelled.

use super::dictionary::Dictionary;
use super::error::{failed, out_of_memory};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::StreamTransform;
use crate::transform::memory;
use crate::transform::value::Value;
use zstd_safe::zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_continue, ZSTD_e_end, ZSTD_e_flush};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, SafeResult};

/// From this level on, a block of 128 KiB, which cannot be interrupted, takes longer than 10 ms.
const SLOW_LEVEL: i32 = 10;
const SLOW_BLOCK: u32 = 32 << 10;

#[derive(Clone)]
pub struct EncoderParams {
    pub level: i32,
    pub dictionary: Dictionary,
    pub checksum: bool,
}

impl EncoderParams {
    /// Starts an encoder; `len` is the length of the whole input, if known.
    ///
    /// # Errors
    /// When zstd fails, for example for lack of memory.
    pub fn start(&self, len: Option<u64>) -> Result<Encoder> {
        let mut context = CCtx::try_create().ok_or_else(out_of_memory)?;
        let set = |result: SafeResult| result.map(|_| ()).map_err(failed);
        set(context.set_parameter(CParameter::CompressionLevel(self.level)))?;
        set(context.set_parameter(CParameter::ChecksumFlag(self.checksum)))?;
        if self.level >= SLOW_LEVEL {
            set(context.set_parameter(CParameter::MaxBlockSize(SLOW_BLOCK)))?;
        }
        if let Some(dictionary) = &self.dictionary {
            set(context.load_dictionary(dictionary))?;
        }
        set(context.set_pledged_src_size(len))?;
        let step = if self.level < SLOW_LEVEL { 256 << 10 } else { SLOW_BLOCK as usize };
        Ok(Encoder { context, step })
    }
}

pub struct Encoder {
    context: CCtx<'static>,
    /// Bytes of input between two polls of the cancel flag.
    step: usize,
}

impl Encoder {
    /// Compresses the input, then flushes or ends the frame if `end` requests it.
    ///
    /// # Errors
    /// Of kind `Cancelled`, and when zstd fails.
    pub fn feed(&mut self, input: &[u8], end: ZSTD_EndDirective, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut rest = input;
        while rest.len() > self.step {
            let (now, later) = rest.split_at(self.step);
            self.feed_step(now, ZSTD_e_continue, out, cancel)?;
            rest = later;
        }
        if rest.is_empty() && end == ZSTD_e_continue { Ok(()) } else { self.feed_step(rest, end, out, cancel) }
    }

    fn feed_step(&mut self, step: &[u8], end: ZSTD_EndDirective, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut input = InBuffer::around(step);
        loop {
            cancel.check()?;
            memory::reserve(out, (step.len() / 2).max(4096))?;
            let written = out.len();
            let (pending, full) = {
                let mut output = OutBuffer::around_pos(out, written);
                let pending = self.context.compress_stream2(&mut output, &mut input, end).map_err(failed)?;
                (pending, output.pos() == output.capacity())
            };
            let done = if end == ZSTD_e_continue { input.pos() == step.len() && !full } else { pending == 0 };
            if done {
                return Ok(());
            }
        }
    }
}

impl StreamTransform for Encoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.feed(chunk, ZSTD_e_continue, out, cancel)
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.feed(&[], ZSTD_e_flush, out, cancel)
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.feed(&[], ZSTD_e_end, &mut out, cancel)?;
        Ok(out.into())
    }
}
