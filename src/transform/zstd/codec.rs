//! Zstandard (RFC 8878). Unlike node:zlib, which stops after the first frame, decompression reads all frames, as the RFC
//! says and as parallel compressors need.

use super::error::{corrupt, failed, out_of_memory};
use super::parallel as zstd_parallel;
use super::parallel::Parallel;
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::memory;
use crate::transform::output_limit::{Growth, max_output};
use crate::transform::value::Value;
use std::sync::Arc;
use zeroize::Zeroizing;
use zstd_safe::get_frame_content_size;
use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, CDict, CParameter, DCtx, DDict, FRAMEHEADERSIZE_MAX, InBuffer, OutBuffer, SafeResult};

type Dictionary = Option<Arc<Zeroizing<Vec<u8>>>>;

/// From this level on a block of 128 KiB, which no call can be interrupted in, takes longer than 10 ms.
const SLOW: i32 = 10;
const SLOW_BLOCK: u32 = 32 << 10;

#[derive(Clone)]
pub struct Compress {
    pub(super) level: i32,
    dictionary: Dictionary,
    pub(super) checksum: bool,
}

pub struct Decompress {
    dictionary: Dictionary,
    max_output: u64,
}

/// `zstdCompress({ level, dictionary, checksum })`
pub fn compress(args: &Args) -> BuildResult {
    let options = args.options(0, &["level", "dictionary", "checksum"])?;
    let levels = i64::from(zstd_safe::min_c_level())..=i64::from(zstd_safe::max_c_level());
    let level = options.integer("level", levels)?.unwrap_or(3);
    let level = i32::try_from(level).expect("within zstd's own bounds");
    let dictionary = dictionary(options.bytes("dictionary")?);
    if let Some(dictionary) = &dictionary {
        // The fastest level says as well whether it is usable; the higher ones would take their time, on the event loop.
        CDict::try_create(dictionary, 1).ok_or_else(unusable)?;
    }
    Ok(Box::new(Compress { level, dictionary, checksum: options.boolean("checksum")?.unwrap_or(false) }))
}

/// `zstdDecompress({ dictionary, maxOutput })`
pub fn decompress(args: &Args) -> BuildResult {
    let options = args.options(0, &["dictionary", "maxOutput"])?;
    let dictionary = dictionary(options.bytes("dictionary")?);
    if let Some(dictionary) = &dictionary {
        DDict::try_create(dictionary).ok_or_else(unusable)?;
    }
    Ok(Box::new(Decompress { dictionary, max_output: max_output(&options)? }))
}

fn unusable() -> ArgumentError {
    ArgumentError::Value("The property 'options.dictionary' is not a usable zstd dictionary".into())
}

/// An empty one is none.
fn dictionary(bytes: Option<Zeroizing<Vec<u8>>>) -> Dictionary {
    bytes.filter(|bytes| !bytes.is_empty()).map(Arc::new)
}

impl Transform for Compress {
    fn name(&self) -> &'static str {
        "zstdCompress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        let len = Some(input.len() as u64);
        if self.is_divisible() && input.len() > zstd_parallel::SEGMENT {
            return run_stream(Box::new(Parallel::new(self.clone().into(), len)), Value::Bytes(input), cancel);
        }
        let mut fold = self.begin(len)?;
        let mut out = Vec::new();
        fold.feed(&input, ZSTD_EndDirective::ZSTD_e_end, &mut out, cancel)?;
        Ok(out.into())
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        if self.is_divisible() {
            return Some(Box::new(Parallel::new(self.clone().into(), None)));
        }
        let begun: Box<dyn StreamTransform> = match self.begin(None) {
            Ok(fold) => Box::new(fold),
            Err(error) => Box::new(Unusable(error)),
        };
        Some(begun)
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Compress {
    #[cfg(all(test, not(feature = "loom")))]
    pub(super) fn plain(level: i32) -> Self {
        Compress { level, dictionary: None, checksum: false }
    }

    /// Whether several threads may share the work. A dictionary of the user's would be out of their sight.
    fn is_divisible(&self) -> bool {
        self.level <= zstd_parallel::MOST && self.dictionary.is_none()
    }

    pub(super) fn begin(&self, len: Option<u64>) -> Result<Compressing> {
        let mut context = CCtx::try_create().ok_or_else(out_of_memory)?;
        let set = |done: SafeResult| done.map(|_| ()).map_err(failed);
        set(context.set_parameter(CParameter::CompressionLevel(self.level)))?;
        set(context.set_parameter(CParameter::ChecksumFlag(self.checksum)))?;
        if self.level >= SLOW {
            set(context.set_parameter(CParameter::MaxBlockSize(SLOW_BLOCK)))?;
        }
        if let Some(dictionary) = &self.dictionary {
            set(context.load_dictionary(dictionary))?;
        }
        set(context.set_pledged_src_size(len))?;
        Ok(Compressing { context, level: self.level })
    }
}

/// A fold whose context could not be made says so when it is used.
struct Unusable(Error);

impl StreamTransform for Unusable {
    fn push(&mut self, _: &[u8], _: &mut Vec<u8>, _: &Cancel) -> Result<()> {
        Err(self.0.clone())
    }

    fn finish(self: Box<Self>, _: Vec<u8>, _: &Cancel) -> Result<Value> {
        Err(self.0)
    }
}

pub struct Compressing {
    context: CCtx<'static>,
    level: i32,
}

impl Compressing {
    fn step(&self) -> usize {
        if self.level < SLOW { 256 << 10 } else { SLOW_BLOCK as usize }
    }

    pub(super) fn feed(
        &mut self,
        input: &[u8],
        end: ZSTD_EndDirective,
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<()> {
        let ends = end != ZSTD_EndDirective::ZSTD_e_continue;
        let mut steps = input.chunks(self.step()).peekable();
        // Nothing is left to say but the end.
        let nothing = ends && steps.peek().is_none();
        while let Some(step) = steps.next() {
            let last = ends && steps.peek().is_none();
            let how = if last { end } else { ZSTD_EndDirective::ZSTD_e_continue };
            self.step_through(step, how, out, cancel)?;
        }
        if nothing { self.step_through(&[], end, out, cancel) } else { Ok(()) }
    }

    fn step_through(&mut self, step: &[u8], how: ZSTD_EndDirective, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let ends = how != ZSTD_EndDirective::ZSTD_e_continue;
        let mut input = InBuffer::around(step);
        loop {
            cancel.check()?;
            let room = (step.len() / 2).max(4096);
            memory::reserve(out, room)?;
            let before = out.len();
            let (left, full) = {
                let mut output = OutBuffer::around_pos(out, before);
                let left = self.context.compress_stream2(&mut output, &mut input, how).map_err(failed)?;
                (left, output.pos() == output.capacity())
            };
            let done = if ends { left == 0 } else { input.pos() == step.len() && !full };
            if done {
                return Ok(());
            }
        }
    }
}

impl StreamTransform for Compressing {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.feed(chunk, ZSTD_EndDirective::ZSTD_e_continue, out, cancel)
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.feed(&[], ZSTD_EndDirective::ZSTD_e_flush, out, cancel)
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.feed(&[], ZSTD_EndDirective::ZSTD_e_end, &mut out, cancel)?;
        Ok(out.into())
    }
}

impl Transform for Decompress {
    fn name(&self) -> &'static str {
        "zstdDecompress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::new(self.begin()?), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        let begun: Box<dyn StreamTransform> = match self.begin() {
            Ok(fold) => Box::new(fold),
            Err(error) => Box::new(Unusable(error)),
        };
        Some(begun)
    }
}

impl Decompress {
    fn begin(&self) -> Result<Decompressing> {
        let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
        if let Some(dictionary) = &self.dictionary {
            context.load_dictionary(dictionary).map_err(failed)?;
        }
        let growth = Growth::new(self.max_output);
        Ok(Decompressing { context, growth, place: Place::Start, frame: Frame::default(), taken: 0 })
    }
}

struct Decompressing {
    context: DCtx<'static>,
    growth: Growth,
    place: Place,
    frame: Frame,
    /// Bytes of input so far.
    taken: u64,
}

/// The frame under way. That it makes as much as it says is seen to here: chunk by chunk zstd does not look when an empty block
/// comes last.
#[derive(Default)]
struct Frame {
    /// Where it says so, as far as it has come.
    head: Vec<u8>,
    made: u64,
}

impl Frame {
    fn add(&mut self, taken: &[u8], made: usize) {
        let missing = FRAMEHEADERSIZE_MAX as usize - self.head.len();
        self.head.extend_from_slice(&taken[..missing.min(taken.len())]);
        self.made += made as u64;
    }

    fn is_complete(&self) -> bool {
        get_frame_content_size(&self.head).is_ok_and(|said| said.is_none_or(|said| said == self.made))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything.
    Start,
    Inside,
    /// After a frame, where another may start.
    Between,
    /// After a zero where a frame might start: padding, which is ignored as gzip's is.
    Done,
}

impl StreamTransform for Decompressing {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut input = InBuffer::around(chunk);
        let mut pending = false;
        while pending || input.pos() < chunk.len() {
            if self.place == Place::Between && chunk[input.pos()] == 0 {
                self.place = Place::Done;
            }
            if self.place == Place::Done {
                return Ok(());
            }
            self.place = Place::Inside;
            let (from, before) = (input.pos(), out.len());
            let (context, at) = (&mut self.context, self.taken);
            let step = self.growth.step(chunk.len() - from, out, cancel, |room| {
                let mut output = OutBuffer::around(room);
                let left = context.decompress_stream(&mut output, &mut input).map_err(|code| corrupt(code).at(at))?;
                Ok((output.pos(), left))
            })?;
            self.taken += (input.pos() - from) as u64;
            self.frame.add(&chunk[from..input.pos()], out.len() - before);
            if step.found == 0 {
                if !std::mem::take(&mut self.frame).is_complete() {
                    return Err(Error::invalid_data("The zstd data is corrupt: incorrect content size").at(self.taken));
                }
                self.place = Place::Between;
            }
            pending = step.full && step.found != 0;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match self.place {
            Place::Start | Place::Inside => {
                Err(Error::invalid_data("The zstd data ends too early: unexpected end of file").at(self.taken))
            }
            Place::Between | Place::Done => Ok(out.into()),
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::testing::{
        args, cuts, cuts_through, fails, noise, options, prose, refuses_flips, refuses_truncation, stops, whole,
    };

    fn number(name: &str, value: i64) -> Args {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        args([options([(name, Arg::Number(value as f64))])])
    }

    fn plain() -> Box<dyn Transform> {
        decompress(&Args::default()).unwrap()
    }

    fn packed(input: &[u8]) -> Vec<u8> {
        whole(&*compress(&args([options([("checksum", Arg::Bool(true))])])).unwrap(), input).unwrap()
    }

    #[test]
    fn comes_back_at_all_levels() {
        let undo = plain();
        for level in [-131_072, -7, -1].into_iter().chain(0..=22) {
            let transform = compress(&number("level", level)).unwrap();
            for input in [Vec::new(), b"a".to_vec(), prose(5000), prose(300_000), noise(200_000)] {
                let packed = whole(&*transform, &input).unwrap();
                assert!(whole(&*undo, &packed).unwrap() == input, "level {level}");
            }
        }
        assert_eq!(compress(&number("level", 23)).err().unwrap().code(), "ERR_OUT_OF_RANGE");
    }

    #[test]
    fn cuts_do_not_matter() {
        let undo = plain();
        for input in [Vec::new(), prose(3000), prose(900_000)] {
            let transform = compress(&Args::default()).unwrap();
            cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
            cuts(&*undo, &packed(&input));
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
        let stream = [&skipped[..], &one, &skipped, &two, &skipped].concat();
        assert_eq!(whole(&*plain(), &stream).unwrap(), b"one two");
        cuts(&*plain(), &stream);
        assert_eq!(whole(&*plain(), &skipped).unwrap(), b"");
        assert_eq!(whole(&*plain(), &[&one[..], &[0; 9]].concat()).unwrap(), b"one ");
        for tail in [&b"garbage"[..], &two[..two.len() - 1], &two[..2], &skipped[..9]] {
            assert_eq!(fails(&*plain(), &[&one, tail].concat()).kind, Kind::InvalidData);
        }
    }

    #[test]
    fn the_limit_is_exact() {
        for len in [2, 1000, 2_000_000] {
            let stream = packed(&prose(len));
            let len = i64::try_from(len).unwrap();
            whole(&*decompress(&number("maxOutput", len)).unwrap(), &stream).unwrap();
            let error = fails(&*decompress(&number("maxOutput", len - 1)).unwrap(), &stream);
            assert_eq!(error.kind, Kind::OutputLimit);
        }
    }

    #[test]
    fn a_frame_has_as_much_as_it_says() {
        // 91 bytes, then an empty last block; and 300 bytes, of which three are there.
        let none = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 91, 1, 0, 0];
        let few = [0x28, 0xb5, 0x2f, 0xfd, 0x60, 44, 0, 24, 0, 0, b'a', b'b', b'c', 1, 0, 0];
        for frame in [&none[..], &few, &[&packed(b"one")[..], &none].concat(), &[&none[..], &packed(b"one")].concat()] {
            assert_eq!(fails(&*plain(), frame).kind, Kind::InvalidData);
        }
    }

    #[test]
    fn a_giant_window_is_refused() {
        // A window of 2 GiB, then an empty last block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
        let error = fails(&*plain(), &frame);
        assert_eq!(error.message, "The zstd data is corrupt: Frame requires too much memory for decoding");
    }

    #[test]
    fn dictionaries_are_shared_secrets() {
        let both = |bytes: Vec<u8>| args([options([("dictionary", Arg::Bytes(bytes.into()))])]);
        let (dictionary, input) = (noise(5000), noise(4000));
        let transform = compress(&both(dictionary.clone())).unwrap();
        let packed = whole(&*transform, &input).unwrap();
        assert!(packed.len() < 200, "{}", packed.len());
        let undo = decompress(&both(dictionary)).unwrap();
        assert!(whole(&*undo, &packed).unwrap() == input);
        cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
        assert_eq!(fails(&*plain(), &packed).kind, Kind::InvalidData);
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*compress(&Args::default()).unwrap(), &prose(100_000));
        stops(&*plain(), &packed(&prose(100_000)));
    }
}
