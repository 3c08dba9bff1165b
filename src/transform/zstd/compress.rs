//! Zstandard compression.

use super::dictionary;
use super::encoder::EncoderParams;
use super::error::or_failing;
use super::parallel::{MAX_LEVEL, ParallelEncoder, SEGMENT};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::value::Value;
use zstd_safe::CDict;
use zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end;

struct Compress(EncoderParams);

/// `zstdCompress({ level, dictionary, checksum })`
pub fn compress(args: &Args) -> BuildResult {
    let options = args.options(0, &["level", "dictionary", "checksum"])?;
    let levels = i64::from(zstd_safe::min_c_level())..=i64::from(zstd_safe::max_c_level());
    let level = options.integer("level", levels)?.unwrap_or(3);
    let level = i32::try_from(level).expect("within zstd's own bounds");
    // Checked at the fastest level: this runs on the event loop.
    let dictionary = dictionary::read(&options, |bytes| CDict::try_create(bytes, 1).is_some())?;
    let checksum = options.boolean("checksum")?.unwrap_or(false);
    Ok(Box::new(Compress(EncoderParams { level, dictionary, checksum })))
}

impl Compress {
    /// True if several threads may share the work. Segments cannot refer to the user's dictionary.
    fn is_divisible(&self) -> bool {
        self.0.level <= MAX_LEVEL && self.0.dictionary.is_none()
    }
}

impl Transform for Compress {
    fn name(&self) -> &'static str {
        "zstdCompress"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        let len = Some(input.len() as u64);
        if self.is_divisible() && input.len() > SEGMENT {
            return run_stream(Box::new(ParallelEncoder::new(self.0.clone(), len)), Value::Bytes(input), cancel);
        }
        let mut out = Vec::new();
        self.0.start(len)?.feed(&input, ZSTD_e_end, &mut out, cancel)?;
        Ok(out.into())
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        if self.is_divisible() {
            return Some(Box::new(ParallelEncoder::new(self.0.clone(), None)));
        }
        Some(or_failing(self.0.start(None)))
    }

    fn can_fail(&self) -> bool {
        false
    }
}
