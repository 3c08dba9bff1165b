//! Zstandard decompression. Reads all frames, as RFC 8878 requires and parallel compressors rely on; node:zlib stops after
//! the first.

use super::dictionary::{self, Dictionary};
use super::error::{corrupt, failed, or_failing, out_of_memory};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::output_limit::{OutputLimiter, max_output};
use crate::transform::value::Value;
use std::sync::Arc;
use zstd_safe::{DCtx, DDict, FRAMEHEADERSIZE_MAX, InBuffer, OutBuffer, get_frame_content_size};

struct Decompress {
    dictionary: Dictionary,
    max_output: u64,
}

/// `zstdDecompress({ dictionary, maxOutput })`
pub fn decompress(args: &Args) -> BuildResult {
    let options = args.options(0, &["dictionary", "maxOutput"])?;
    let dictionary = dictionary::read(&options, |bytes| DDict::try_create(bytes).is_some())?;
    Ok(Box::new(Decompress { dictionary, max_output: max_output(&options)? }))
}

impl Transform for Decompress {
    fn name(&self) -> &'static str {
        "zstdDecompress"
    }

    fn accepts_text(&self) -> bool {
        false
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Decompress { dictionary: self.dictionary.clone(), max_output: self.max_output.min(max_output) }))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::new(self.start()?), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(or_failing(self.start()))
    }
}

impl Decompress {
    fn start(&self) -> Result<Decoder> {
        let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
        if let Some(dictionary) = &self.dictionary {
            context.load_dictionary(dictionary).map_err(failed)?;
        }
        let limiter = OutputLimiter::new(self.max_output);
        Ok(Decoder { context, limiter, state: State::Start, frame: Frame::default(), consumed: 0 })
    }
}

struct Decoder {
    context: DCtx<'static>,
    limiter: OutputLimiter,
    state: State,
    frame: Frame,
    /// Bytes of input.
    consumed: u64,
}

/// Compares the output of the current frame with the content size in its header. When streaming, zstd does not check the
/// size if an empty block ends the frame.
#[derive(Default)]
struct Frame {
    /// The first bytes of the frame, at most as many as the largest header has.
    header: Vec<u8>,
    produced: u64,
}

impl Frame {
    fn add(&mut self, consumed: &[u8], produced: usize) {
        let missing = FRAMEHEADERSIZE_MAX as usize - self.header.len();
        self.header.extend_from_slice(&consumed[..missing.min(consumed.len())]);
        self.produced += produced as u64;
    }

    fn has_declared_size(&self) -> bool {
        get_frame_content_size(&self.header).is_ok_and(|size| size.is_none_or(|size| size == self.produced))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first frame.
    Start,
    InFrame,
    /// After a frame, where another may start.
    BetweenFrames,
    /// After a zero byte where a frame might start: padding, ignored as in gzip.
    Padding,
}

impl StreamTransform for Decoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut input = InBuffer::around(chunk);
        let mut pending = false;
        while pending || input.pos() < chunk.len() {
            if self.state == State::BetweenFrames && chunk[input.pos()] == 0 {
                self.state = State::Padding;
            }
            if self.state == State::Padding {
                return Ok(());
            }
            self.state = State::InFrame;
            let (start, written) = (input.pos(), out.len());
            let (context, offset) = (&mut self.context, self.consumed);
            let step = self.limiter.step(chunk.len() - start, out, cancel, |buffer| {
                let mut output = OutBuffer::around(buffer);
                let hint =
                    context.decompress_stream(&mut output, &mut input).map_err(|code| corrupt(code).at(offset))?;
                Ok((output.pos(), hint))
            })?;
            self.consumed += (input.pos() - start) as u64;
            self.frame.add(&chunk[start..input.pos()], out.len() - written);
            let has_ended = step.outcome == 0;
            if has_ended {
                if !std::mem::take(&mut self.frame).has_declared_size() {
                    return Err(
                        Error::invalid_data("The zstd data is corrupt: incorrect content size").at(self.consumed)
                    );
                }
                self.state = State::BetweenFrames;
            }
            pending = step.full && !has_ended;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match self.state {
            State::Start | State::InFrame => {
                Err(Error::invalid_data("The zstd data ends too early: unexpected end of file").at(self.consumed))
            }
            State::BetweenFrames | State::Padding => Ok(out.into()),
        }
    }
}
