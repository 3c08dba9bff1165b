//! The LZ4 frame format, version 1.6.x of its specification.

use super::frame::Decoder;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::memory;
use crate::transform::output_limit::max_output;
use crate::transform::value::Value;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use std::io::Write;

/// Between two looks at the token: about 1 ms.
const STEP: usize = 256 << 10;

pub struct Compress;

pub struct Decompress {
    max_output: u64,
}

/// `lz4Compress()`
pub fn compress(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Compress))
}

/// `lz4Decompress({ maxOutput })`
pub fn decompress(args: &Args) -> BuildResult {
    Ok(Box::new(Decompress { max_output: max_output(&args.options(0, &["maxOutput"])?)? }))
}

impl Transform for Compress {
    fn name(&self) -> &'static str {
        "lz4Compress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        run_stream(begin(input.len()), Value::Bytes(input), cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(begin(usize::MAX))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

fn begin(len: usize) -> Box<dyn StreamTransform> {
    // The block is also the buffer: none larger than the input needs.
    let size = if len <= 64 << 10 { BlockSize::Max64KB } else { BlockSize::Max256KB };
    let info = FrameInfo::new().block_size(size).block_mode(BlockMode::Linked).content_checksum(true);
    Box::new(Compressing(FrameEncoder::with_frame_info(info, Vec::new())))
}

struct Compressing(FrameEncoder<Vec<u8>>);

impl Compressing {
    /// Moves what is compressed to `out`.
    fn hand_over(&mut self, out: &mut Vec<u8>) -> Result<()> {
        memory::reserve(out, self.0.get_ref().len())?;
        out.append(self.0.get_mut());
        Ok(())
    }
}

impl StreamTransform for Compressing {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            self.0.write_all(step).map_err(failed)?;
            self.hand_over(out)?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        self.0.flush().map_err(failed)?;
        self.hand_over(out)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        self.0.try_finish().map_err(failed)?;
        self.hand_over(&mut out)?;
        Ok(out.into())
    }
}

/// Writing to memory does not fail; if it did it would be a bug.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Panic, format!("The lz4 compressor failed: {error}"))
}

impl Transform for Decompress {
    fn name(&self) -> &'static str {
        "lz4Decompress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::new(Decoder::new(self.max_output)), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(Decoder::new(self.max_output)))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{
        args, cuts, cuts_through, fails, noise, options, prose, refuses_flips, refuses_truncation, stops, whole,
    };

    fn plain() -> Box<dyn Transform> {
        decompress(&Args::default()).unwrap()
    }

    fn packed(input: &[u8]) -> Vec<u8> {
        whole(&Compress, input).unwrap()
    }

    fn limited(limit: u32) -> Box<dyn Transform> {
        decompress(&args([options([("maxOutput", Arg::Number(limit.into()))])])).unwrap()
    }

    #[test]
    fn comes_back_and_cuts_do_not_matter() {
        for input in [Vec::new(), b"a".to_vec(), prose(4000), prose(1_000_000), noise(500_000), vec![0; 1_000_000]] {
            assert!(whole(&*plain(), &packed(&input)).unwrap() == input);
            cuts_through(&Compress, &input, |packed| whole(&*plain(), &packed).unwrap());
            cuts(&*plain(), &packed(&input));
        }
    }

    #[test]
    fn reads_every_kind_of_frame() {
        let input = prose(700_000);
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
                for sums in [false, true] {
                    let info = FrameInfo::new().block_mode(mode).block_size(size);
                    let info = info.block_checksums(sums).content_checksum(!sums);
                    let info = info.content_size(sums.then_some(input.len() as u64));
                    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                    encoder.write_all(&input).unwrap();
                    assert!(whole(&*plain(), &encoder.finish().unwrap()).unwrap() == input);
                }
            }
        }
    }

    #[test]
    fn truncated_or_flipped_is_refused() {
        let input = prose(400);
        refuses_truncation(&*plain(), &packed(&input));
        refuses_flips(&*plain(), &packed(&input), &input);
    }

    #[test]
    fn reads_all_frames() {
        let (one, two) = (packed(b"one "), packed(b"two"));
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let stream = [&skipped[..], &one, &skipped, &two, &[0; 5]].concat();
        assert_eq!(whole(&*plain(), &stream).unwrap(), b"one two");
        cuts(&*plain(), &stream);
        for tail in [&b"garbage"[..], &two[..two.len() - 1], &two[..2], &skipped[..9]] {
            assert_eq!(fails(&*plain(), &[&one, tail].concat()).kind, Kind::InvalidData);
        }
    }

    #[test]
    fn the_limit_is_exact() {
        for len in [2, 1000, 2_000_000] {
            let stream = packed(&prose(len as usize));
            whole(&*limited(len), &stream).unwrap();
            assert_eq!(fails(&*limited(len - 1), &stream).kind, Kind::OutputLimit);
        }
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&Compress, &prose(100_000));
        stops(&*plain(), &packed(&prose(100_000)));
    }
}
