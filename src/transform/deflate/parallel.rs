//! Deflate (RFC 1951) on several cores: the data is split into blocks that threads compress independently and that,
//! concatenated, form one deflate stream.

use super::backend::Backend;
use super::join::{self, Part};
use super::tuning::{History, Tuning};
use super::zlib_rs::WINDOW;
use super::{libdeflate, zlib_rs};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::memory;
use std::ops::Range;

/// Level of zlib-rs if the output of libdeflate cannot be joined.
const FALLBACK_LEVEL: i32 = 6;
/// Bytes of a block that show, with the history before them, whether it pays to compress the history again.
const SAMPLE: usize = 4 << 10;
/// Fewest bytes that the sample has to save. Data that is compressed already may save a few.
const GAIN: usize = SAMPLE / 8;

/// Part of a deflate stream.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// The data before the segment, of which only the last 32 KiB are used, and the data to compress.
    pub plain: &'a [u8],
    /// Where the data to compress starts.
    pub start: usize,
    /// Whether the segment ends the stream.
    pub last: bool,
}

/// A range of the plain data, and the length of the data before it that it may refer to.
struct Block<'a> {
    plain: &'a [u8],
    history: usize,
    last: bool,
}

impl<'a> Block<'a> {
    fn data(&self) -> &'a [u8] {
        &self.plain[self.history..]
    }

    fn compress(&self, tuning: Tuning, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        let level = match tuning.backend {
            Backend::ZlibRs(level) => return self.compress_by_zlib_rs(level, out, cancel),
            Backend::Libdeflate(level) => level,
        };
        let refers = tuning.history == History::Window && self.history > 0 && self.start_shrinks()?;
        if refers && self.compress_by_libdeflate(level, out)? {
            return Ok(());
        }
        let alone = Block { plain: self.data(), history: 0, ..*self };
        if alone.compress_by_libdeflate(level, out)? {
            return Ok(());
        }
        self.compress_by_zlib_rs(FALLBACK_LEVEL, out, cancel)
    }

    /// Whether the start of the data compresses after its history, to which only the start refers. Data that does not compress by
    /// itself may repeat the history.
    fn start_shrinks(&self) -> Result<bool> {
        let start = &self.plain[..self.plain.len().min(self.history + SAMPLE)];
        libdeflate::with_compressed(start, 1, |packed| Ok(packed.len() + GAIN < start.len()))
    }

    fn compress_by_zlib_rs(&self, level: i32, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        zlib_rs::compress(&self.plain[..self.history], self.data(), self.last, level, out, cancel)
    }

    /// Returns false, and appends nothing, if the output cannot be joined.
    fn compress_by_libdeflate(&self, level: u8, out: &mut Vec<u8>) -> Result<bool> {
        if self.history == 0 && self.last {
            return libdeflate::compress(self.plain, level, out).map(|()| true);
        }
        let part = Part { history: self.history, data: self.data(), last: self.last };
        libdeflate::with_compressed(self.plain, level, |packed| join::append(packed, part, out))
    }
}

impl<'a> Segment<'a> {
    fn block(&self, range: Range<usize>) -> Block<'a> {
        let history = range.start.min(WINDOW);
        let last = self.last && range.end == self.plain.len();
        Block { plain: &self.plain[range.start - history..range.end], history, last }
    }

    /// Compresses the segment in blocks of even size, in parallel, and appends the result to `out`.
    ///
    /// # Errors
    /// Of kind `Cancelled`; of kind `Resources` without memory; of kind `Panic` if a compressor fails.
    pub fn compress(&self, tuning: Tuning, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let Segment { plain, start, .. } = *self;
        let len = plain.len() - start;
        let count = len.div_ceil(tuning.block).max(1);
        if count == 1 {
            return self.block(start..plain.len()).compress(tuning, out, cancel);
        }
        let size = len.div_ceil(count);
        // In groups, to bound the memory for results.
        let group = size * rayon::current_num_threads() * 4;
        for first in (start..plain.len()).step_by(group) {
            let starts: Vec<usize> = (first..plain.len().min(first + group)).step_by(size).collect();
            let mut results: Vec<Result<Vec<u8>>> = starts.iter().map(|_| Ok(Vec::new())).collect();
            // Not nested: a job that waits would steal unrelated jobs meanwhile.
            rayon::scope(|scope| {
                for (result, from) in results.iter_mut().zip(starts) {
                    scope.spawn(move |_| {
                        let mut bytes = Vec::new();
                        let block = self.block(from..plain.len().min(from + size));
                        *result = block.compress(tuning, &mut bytes, cancel).map(|()| bytes);
                    });
                }
            });
            for result in results {
                memory::append(out, &result?)?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transform::testing::{inflate, noise, prose};

    #[test]
    fn blocks_join_into_one_stream() {
        let cancel = Cancel::new();
        let backends = (0..=9).flat_map(|level| [Backend::Libdeflate(level), Backend::ZlibRs(level.into())]);
        for backend in backends {
            let tuning = Tuning { backend, history: History::Window, block: 30_000 };
            for data in [prose(400_001), noise(150_000), vec![0; 200_000], prose(30_000), Vec::new()] {
                let mut out = Vec::new();
                let cut = data.len() / 3;
                let first = Segment { plain: &data[..cut], start: 0, last: false };
                first.compress(tuning, &mut out, &cancel).unwrap();
                Segment { plain: &data, start: cut, last: true }.compress(tuning, &mut out, &cancel).unwrap();
                assert!(inflate(&out, data.len()) == data, "{backend:?}");
            }
        }
    }

    #[test]
    fn noise_that_repeats_the_history_is_found() {
        let data = noise(16_000).repeat(40);
        let tuning = Tuning { backend: Backend::Libdeflate(6), history: History::Window, block: 100_000 };
        let mut out = Vec::new();
        Segment { plain: &data, start: 0, last: true }.compress(tuning, &mut out, &Cancel::new()).unwrap();
        assert!(out.len() < 40_000, "{}", out.len());
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        let segment = Segment { plain: b"data", start: 0, last: true };
        let tuning = Tuning { backend: Backend::Libdeflate(6), history: History::None, block: 1000 };
        let stopped = segment.compress(tuning, &mut Vec::new(), &cancel);
        assert_eq!(stopped.unwrap_err().kind, Kind::Cancelled);
    }
}
