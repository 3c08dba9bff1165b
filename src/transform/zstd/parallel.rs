//! Zstandard streams: compressed by one thread while they are short, repetitive or flushed, else by several into one frame.

use super::encoder::{Encoder, EncoderParams};
use super::error::out_of_memory;
use super::format::{write_end, write_frame_header};
use super::segment;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::StreamTransform;
use crate::transform::memory;
use crate::transform::value::Value;
use xxhash_rust::xxh64::Xxh64;
use zstd_safe::CCtx;
use zstd_safe::zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_continue, ZSTD_e_end, ZSTD_e_flush};

/// How far back matches reach: holds a segment and the data before it.
const WINDOW: usize = 2 << 20;
/// Data that shrinks to less than a tenth is compressed as fast by one thread, and better.
const REPETITIVE: usize = 10;

/// Bytes compressed by one call, which cannot be interrupted: some milliseconds.
pub const SEGMENT: usize = 1 << 20;
/// Above this level a segment would have to refer to more data than it holds, and take longer than one thread's share.
pub const MAX_LEVEL: i32 = 6;

/// Returns how much of the data before it a segment refers to: enough to keep the output within 1 % of one thread's.
fn history_size(level: i32) -> usize {
    if level < 3 { 512 << 10 } else { 1 << 20 }
}

/// Returns how much history pays off for a short segment, such as a flushed event.
fn useful_history(len: usize) -> usize {
    (2 * len).max(64 << 10)
}

pub struct ParallelEncoder {
    params: EncoderParams,
    /// Length of the whole input, if known.
    len: Option<u64>,
    history_size: usize,
    mode: Mode,
    checksum: Xxh64,
    contexts: Vec<CCtx<'static>>,
    /// `history` bytes that are already compressed, then pending input.
    buffer: Vec<u8>,
    history: usize,
}

enum Mode {
    /// Nothing is compressed yet.
    Undecided,
    Serial(Encoder),
    Parallel,
}

impl ParallelEncoder {
    pub fn new(params: EncoderParams, len: Option<u64>) -> Self {
        ParallelEncoder {
            history_size: history_size(params.level),
            params,
            len,
            mode: Mode::Undecided,
            checksum: Xxh64::new(0),
            contexts: Vec::new(),
            buffer: Vec::new(),
            history: 0,
        }
    }

    /// Hands the stream, from its beginning, to the serial encoder.
    fn switch_to_serial(
        &mut self,
        len: Option<u64>,
        end: ZSTD_EndDirective,
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<()> {
        let mut encoder = self.params.start(len)?;
        encoder.feed(&std::mem::take(&mut self.buffer), end, out, cancel)?;
        self.contexts = Vec::new();
        self.mode = Mode::Serial(encoder);
        Ok(())
    }

    /// Compresses the pending input as segments, one per thread.
    fn compress_segments(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let starts: Vec<usize> = (self.history..self.buffer.len()).step_by(SEGMENT).collect();
        while self.contexts.len() < starts.len() {
            self.contexts.push(CCtx::try_create().ok_or_else(out_of_memory)?);
        }
        let mut results: Vec<Result<Vec<u8>>> = starts.iter().map(|_| Ok(Vec::new())).collect();
        let (buffer, history_size, level) = (&self.buffer[..], self.history_size, self.params.level);
        rayon::scope(|scope| {
            for ((result, context), start) in results.iter_mut().zip(&mut self.contexts).zip(starts) {
                scope.spawn(move |_| {
                    let end = buffer.len().min(start + SEGMENT);
                    let base = start.saturating_sub(history_size.min(useful_history(end - start)));
                    let mut blocks = Vec::new();
                    let done = cancel.check().and_then(|()| {
                        segment::compress(context, level, &buffer[base..end], start - base, &mut blocks)
                    });
                    *result = done.map(|()| blocks);
                });
            }
        });
        for result in results {
            memory::append(out, &result?)?;
        }
        Ok(())
    }

    /// Compresses the pending input; the first call decides the mode.
    fn compress_pending(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let written = out.len();
        let is_first = matches!(self.mode, Mode::Undecided);
        if is_first {
            write_frame_header(WINDOW, self.len, self.params.checksum, out);
        }
        self.compress_segments(out, cancel)?;
        if is_first && (out.len() - written) * REPETITIVE < self.buffer.len() {
            out.truncate(written);
            return self.switch_to_serial(self.len, ZSTD_e_continue, out, cancel);
        }
        self.mode = Mode::Parallel;
        if self.params.checksum {
            self.checksum.update(&self.buffer[self.history..]);
        }
        self.buffer.drain(..self.buffer.len().saturating_sub(self.history_size));
        self.history = self.buffer.len();
        Ok(())
    }
}

impl StreamTransform for ParallelEncoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let batch = SEGMENT * rayon::current_num_threads().clamp(1, 16);
        while !chunk.is_empty() {
            if let Mode::Serial(encoder) = &mut self.mode {
                return encoder.feed(chunk, ZSTD_e_continue, out, cancel);
            }
            cancel.check()?;
            let missing = self.history + batch - self.buffer.len();
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            memory::append(&mut self.buffer, now)?;
            chunk = later;
            // Only if more input follows: a stream that ends here is short.
            if !chunk.is_empty() {
                self.compress_pending(out, cancel)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        match &mut self.mode {
            // Flushed events are small and similar to each other.
            Mode::Undecided => self.switch_to_serial(self.len, ZSTD_e_flush, out, cancel),
            Mode::Serial(encoder) => encoder.feed(&[], ZSTD_e_flush, out, cancel),
            Mode::Parallel => self.compress_pending(out, cancel),
        }
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match &mut self.mode {
            Mode::Undecided if self.buffer.len() <= SEGMENT => {
                let len = self.buffer.len() as u64;
                self.switch_to_serial(Some(len), ZSTD_e_end, &mut out, cancel)?;
                return Ok(out.into());
            }
            Mode::Serial(_) => {}
            Mode::Undecided | Mode::Parallel => self.compress_pending(&mut out, cancel)?,
        }
        if let Mode::Serial(encoder) = &mut self.mode {
            encoder.feed(&[], ZSTD_e_end, &mut out, cancel)?;
            return Ok(out.into());
        }
        memory::reserve(&mut out, 16)?;
        write_end(&mut out);
        if self.params.checksum {
            out.extend_from_slice(&self.checksum.digest().to_le_bytes()[..4]);
        }
        Ok(out.into())
    }
}
