//! Brotli (RFC 7932).

use super::contract::{BuildResult, StreamTransform, Transform, run_stream};
use super::memory;
use super::output_limit::{OutputLimiter, max_output};
use super::value::Value;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use brotli::enc::StandardAlloc;
use brotli::enc::encode::{BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use std::sync::Arc;

/// The default of node:zlib: compresses best, slowly. 4 or 5 suit compression on the fly.
const DEFAULT_QUALITY: i64 = 11;
const DEFAULT_WINDOW: i64 = 22;

pub struct Compress {
    quality: u32,
    window: u32,
}

pub struct Decompress {
    max_output: u64,
}

/// `brotliCompress({ quality, window })`
pub fn compress(args: &Args) -> BuildResult {
    let options = args.options(0, &["quality", "window"])?;
    let quality = options.integer("quality", 0..=11)?.unwrap_or(DEFAULT_QUALITY);
    let window = options.integer("window", 10..=24)?.unwrap_or(DEFAULT_WINDOW);
    let small = |value: i64| u32::try_from(value).expect("checked above");
    Ok(Box::new(Compress { quality: small(quality), window: small(window) }))
}

/// `brotliDecompress({ maxOutput })`
pub fn decompress(args: &Args) -> BuildResult {
    Ok(Box::new(Decompress { max_output: max_output(&args.options(0, &["maxOutput"])?)? }))
}

impl Transform for Compress {
    fn name(&self) -> &'static str {
        "brotliCompress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        run_stream(self.start(input.len()), Value::Bytes(input), cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start(0))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Compress {
    /// Estimates the bytes an encoder allocates: mostly a ring buffer of two windows and, from quality 10 on, a tree of eight
    /// bytes per byte of the window.
    fn memory(&self, len: usize) -> usize {
        const TABLES: usize = 1 << 20;
        let window = 1 << self.window;
        let used = if len == 0 { window } else { len.next_power_of_two().min(window) };
        TABLES + used * 2 + if self.quality >= 10 { window * 8 } else { 0 }
    }

    /// Starts an encoder; `len` is the length of the input, or 0 if unknown.
    fn start(&self, len: usize) -> Box<dyn StreamTransform> {
        let mut state = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
        state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_QUALITY, self.quality);
        state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGWIN, self.window);
        let hint = u32::try_from(len).unwrap_or(u32::MAX);
        state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_SIZE_HINT, hint);
        if self.quality >= 9 {
            // The smallest block, since compressing one cannot be interrupted. At quality 10 and 11 it still takes tens of
            // milliseconds.
            state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGBLOCK, 16);
        }
        Box::new(Encoder { state, quality: self.quality, memory: self.memory(len) })
    }
}

struct Encoder {
    state: Box<BrotliEncoderStateStruct<StandardAlloc>>,
    quality: u32,
    /// Estimate of the bytes that the encoder will allocate without a check; 0 once checked.
    memory: usize,
}

impl Encoder {
    fn feed(
        &mut self,
        input: &[u8],
        operation: BrotliEncoderOperation,
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<()> {
        memory::check(std::mem::take(&mut self.memory))?;
        let (mut remaining, mut consumed) = (input.len(), 0);
        loop {
            cancel.check()?;
            let start = out.len();
            let mut free = (input.len() / 2).max(4096);
            memory::zeros(out, free)?;
            let mut written = 0;
            let succeeded = self.state.compress_stream(
                operation,
                &mut remaining,
                input,
                &mut consumed,
                &mut free,
                &mut out[start..],
                &mut written,
                &mut None,
                &mut |_, _, _, _| (),
            );
            out.truncate(start + written);
            if !succeeded {
                return Err(Error::new(Kind::Panic, "The brotli compressor failed"));
            }
            let finishing = operation == BrotliEncoderOperation::BROTLI_OPERATION_FINISH;
            if remaining == 0 && !self.state.has_more_output() && (!finishing || self.state.is_finished()) {
                return Ok(());
            }
        }
    }
}

impl StreamTransform for Encoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let step = if self.quality < 5 { 256 << 10 } else { 16 << 10 };
        for step in chunk.chunks(step) {
            self.feed(step, BrotliEncoderOperation::BROTLI_OPERATION_PROCESS, out, cancel)?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.feed(&[], BrotliEncoderOperation::BROTLI_OPERATION_FLUSH, out, cancel)
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.feed(&[], BrotliEncoderOperation::BROTLI_OPERATION_FINISH, &mut out, cancel)?;
        Ok(out.into())
    }
}

impl Transform for Decompress {
    fn name(&self) -> &'static str {
        "brotliDecompress"
    }

    fn accepts_text(&self) -> bool {
        false
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Decompress { max_output: self.max_output.min(max_output) }))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.start(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start())
    }
}

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

impl Decompress {
    fn start(&self) -> Box<dyn StreamTransform> {
        // Strict: rejects the large windows that the RFC does not define, as node:zlib does.
        let state =
            BrotliState::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
        Box::new(Decoder {
            state: Box::new(state),
            limiter: OutputLimiter::new(self.max_output),
            consumed: 0,
            ended: false,
        })
    }
}

struct Decoder {
    state: Box<State>,
    limiter: OutputLimiter,
    /// Bytes of input.
    consumed: u64,
    /// Whether the stream has ended. Trailing data is ignored, as in node:zlib.
    ended: bool,
}

impl StreamTransform for Decoder {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let (mut rest, mut offset) = (chunk.len(), 0);
        let mut pending = false;
        while !self.ended && (pending || rest > 0) {
            let (state, consumed, start) = (&mut self.state, self.consumed, offset);
            let step = self.limiter.step(rest, out, cancel, |buffer| {
                let (mut free, mut len) = (buffer.len(), 0);
                let result =
                    BrotliDecompressStream(&mut rest, &mut offset, chunk, &mut free, &mut len, buffer, &mut 0, state);
                match result {
                    BrotliResult::ResultFailure => Err(corrupt(state).at(consumed + (offset - start) as u64)),
                    BrotliResult::ResultSuccess => Ok((len, true)),
                    BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok((len, false)),
                }
            })?;
            self.consumed += (offset - start) as u64;
            self.ended = step.outcome;
            pending = step.full;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        if self.ended {
            return Ok(out.into());
        }
        Err(Error::invalid_data("The brotli data ends too early: unexpected end of file").at(self.consumed))
    }
}

fn corrupt(state: &State) -> Error {
    let code = format!("{:?}", state.error_code);
    let problem = code.trim_start_matches("BROTLI_DECODER_ERROR_").to_lowercase().replace('_', " ");
    Error::invalid_data(format!("The brotli data is corrupt: {problem}"))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::testing::{
        args, cuts, cuts_through, fails, noise, options, prose, refuses_truncation, stops, whole,
    };
    use super::*;
    use crate::args::Arg;

    fn numbers<const N: usize>(fields: [(&str, u32); N]) -> Args {
        args([options(fields.map(|(name, value)| (name, Arg::Number(value.into()))))])
    }

    fn decoder() -> Box<dyn Transform> {
        decompress(&Args::default()).unwrap()
    }

    fn packed(input: &[u8]) -> Vec<u8> {
        whole(&*compress(&numbers([("quality", 5)])).unwrap(), input).unwrap()
    }

    #[test]
    fn all_qualities_round_trip() {
        let undo = decoder();
        for quality in 0..=11 {
            for window in [10, 16, 22, 24] {
                let transform = compress(&numbers([("quality", quality), ("window", window)])).unwrap();
                for input in [Vec::new(), b"a".to_vec(), prose(5000), prose(200_000), noise(100_000)] {
                    let packed = whole(&*transform, &input).unwrap();
                    assert!(whole(&*undo, &packed).unwrap() == input, "{quality} {window}");
                }
            }
        }
        assert_eq!(compress(&numbers([("quality", 12)])).err().unwrap().code(), "ERR_OUT_OF_RANGE");
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        let undo = decoder();
        for input in [Vec::new(), prose(3000), prose(600_000)] {
            for quality in [1, 5] {
                let transform = compress(&numbers([("quality", quality)])).unwrap();
                cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
            }
            cuts(&*undo, &packed(&input));
        }
    }

    #[test]
    fn truncation_is_rejected_and_trailing_data_ignored() {
        let mut stream = packed(&prose(3000));
        refuses_truncation(&*decoder(), &stream);
        stream.extend_from_slice(b"garbage");
        assert_eq!(whole(&*decoder(), &stream).unwrap(), prose(3000));
        cuts(&*decoder(), &stream);
    }

    #[test]
    fn corrupt_data_is_rejected_without_a_panic() {
        let input = noise(3000);
        for bytes in input.windows(40) {
            let _ = whole(&*decoder(), bytes);
        }
        let stream = packed(&prose(2000));
        for at in 0..stream.len() {
            let mut broken = stream.clone();
            broken[at] ^= 0x55;
            let _ = whole(&*decoder(), &broken);
        }
        let error = fails(&*decoder(), &[0xff; 10]);
        assert!(error.message.starts_with("The brotli data is corrupt: "), "{error}");
    }

    #[test]
    fn the_limit_is_exact() {
        for len in [2, 1000, 2_000_000] {
            let stream = packed(&prose(len as usize));
            whole(&*decompress(&numbers([("maxOutput", len)])).unwrap(), &stream).unwrap();
            let error = fails(&*decompress(&numbers([("maxOutput", len - 1)])).unwrap(), &stream);
            assert_eq!(error.kind, Kind::OutputLimit);
        }
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*compress(&Args::default()).unwrap(), &prose(100_000));
        stops(&*decoder(), &packed(&prose(100_000)));
    }
}
