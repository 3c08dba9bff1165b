//! gzip, zlib and raw deflate compression (RFC 1951). Large inputs are compressed in blocks on several cores.

use super::parallel::Segment;
use super::tuning::{Tuner, Tuning, for_flush};
use super::wrapper::{Checksum, Wrapper};
use super::zlib_rs::WINDOW;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, STEP, StreamTransform, Transform};
use crate::transform::memory;
use crate::transform::value::Value;

pub struct Deflate {
    name: &'static str,
    wrapper: Wrapper,
    level: u8,
}

/// `gzip({ level })`
pub fn gzip(args: &Args) -> BuildResult {
    build(args, "gzip", Wrapper::Gzip)
}

/// `deflate({ level })`: with a zlib wrapper, as in Node.
pub fn deflate(args: &Args) -> BuildResult {
    build(args, "deflate", Wrapper::Zlib)
}

/// `deflateRaw({ level })`
pub fn deflate_raw(args: &Args) -> BuildResult {
    build(args, "deflateRaw", Wrapper::Raw)
}

fn build(args: &Args, name: &'static str, wrapper: Wrapper) -> BuildResult {
    let level = args.options(0, &["level"])?.integer("level", 0..=9)?.unwrap_or(6);
    Ok(Box::new(Deflate { name, wrapper, level: u8::try_from(level).expect("0 to 9") }))
}

impl Transform for Deflate {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let plain = input.into_bytes()?;
        cancel.check()?;
        let mut out = self.wrapper.header(self.level).to_vec();
        let mut tuner = Tuner::new(self.level);
        let mut start = 0;
        loop {
            let end = plain.len().min(start + SPAN * rayon::current_num_threads());
            let tuning = tuner.tune(&plain[start..end], cancel)?;
            let before = out.len();
            let last = end == plain.len();
            Segment { plain: &plain[..end], start, last }.compress(tuning, &mut out, cancel)?;
            if last {
                break;
            }
            tuner.compressed(end - start, out.len() - before);
            start = end;
        }
        let mut checksum = self.wrapper.checksum();
        for step in plain.chunks(STEP) {
            cancel.check()?;
            checksum.update(step);
        }
        checksum.write_trailer(&mut out)?;
        out.shrink_to_fit();
        Ok(out.into())
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(Encoder {
            wrapper: self.wrapper,
            level: self.level,
            checksum: self.wrapper.checksum(),
            buffer: Vec::new(),
            history: 0,
            started: false,
            tuner: Tuner::new(self.level),
        }))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

/// Plain bytes per thread that are compressed in the same way.
const SPAN: usize = 4 << 20;
/// Largest flushed segment that is compressed with the data before it as dictionary.
const SHORT: usize = 64 << 10;

/// Buffers one block per core, then compresses them in parallel.
struct Encoder {
    wrapper: Wrapper,
    level: u8,
    checksum: Checksum,
    /// `history` bytes that are already compressed, then pending input.
    buffer: Vec<u8>,
    history: usize,
    /// Whether the header is written.
    started: bool,
    tuner: Tuner,
}

impl Encoder {
    fn compress(&mut self, last: bool, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let data = &self.buffer[self.history..];
        let (len, before) = (data.len(), out.len());
        let tuning = self.tuner.tune(data, cancel)?;
        self.compress_with(tuning, last, out, cancel)?;
        self.tuner.compressed(len, out.len() - before);
        Ok(())
    }

    fn compress_with(&mut self, tuning: Tuning, last: bool, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        if !self.started {
            self.started = true;
            out.extend_from_slice(self.wrapper.header(self.level));
        }
        Segment { plain: &self.buffer, start: self.history, last }.compress(tuning, out, cancel)?;
        self.buffer.drain(..self.buffer.len().saturating_sub(WINDOW));
        self.history = self.buffer.len();
        Ok(())
    }
}

impl StreamTransform for Encoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while !chunk.is_empty() {
            cancel.check()?;
            let batch = self.tuner.block() * rayon::current_num_threads().clamp(1, 16);
            let missing = (self.history + batch).saturating_sub(self.buffer.len());
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            self.checksum.update(now);
            memory::append(&mut self.buffer, now)?;
            chunk = later;
            // Only if more input follows: the last block has to be marked as such.
            if !chunk.is_empty() {
                self.compress(false, out, cancel)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let len = self.buffer.len() - self.history;
        if len == 0 && self.started {
            return Ok(());
        }
        // A segment ends on a byte boundary, so a decoder can read all of it. Short data compresses best with a dictionary.
        if len > SHORT {
            self.compress(false, out, cancel)
        } else {
            self.compress_with(for_flush(self.level), false, out, cancel)
        }
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        self.compress(true, &mut out, cancel)?;
        self.checksum.write_trailer(&mut out)?;
        Ok(out.into())
    }
}
