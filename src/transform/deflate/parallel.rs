//! Deflate (RFC 1951) on several cores: the data is split into blocks that threads compress independently and that,
//! concatenated, form one deflate stream.

use super::join::make_joinable;
use super::tuning::{Backend, Tuning};
use super::{libdeflate, zlib_rs};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::memory;

/// Level of zlib-rs if the output of libdeflate cannot be joined.
const FALLBACK_LEVEL: i32 = 6;

/// Part of a deflate stream.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// The data right before the segment; only the last 32 KiB count.
    pub history: &'a [u8],
    /// The data to compress.
    pub data: &'a [u8],
    /// Whether the segment ends the stream.
    pub last: bool,
}

impl<'a> Segment<'a> {
    fn block(&self, from: usize, to: usize) -> Segment<'a> {
        let history = if from == 0 { self.history } else { &self.data[..from] };
        Segment { history, data: &self.data[from..to], last: self.last && to == self.data.len() }
    }

    /// Compresses the segment as one block.
    fn compress_block(&self, backend: Backend, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        let Segment { history, data, last } = *self;
        match backend {
            Backend::ZlibRs(level) => zlib_rs::compress(history, data, last, level, out, cancel),
            Backend::Libdeflate(level) if last => libdeflate::compress(data, level, out),
            Backend::Libdeflate(level) => {
                let mut packed = Vec::new();
                libdeflate::compress(data, level, &mut packed)?;
                if make_joinable(&mut packed, data.len()) {
                    return memory::append(out, &packed);
                }
                zlib_rs::compress(history, data, last, FALLBACK_LEVEL, out, cancel)
            }
        }
    }

    /// Compresses the segment in blocks of even size, in parallel, and appends the result to `out`.
    ///
    /// # Errors
    /// Of kind `Cancelled`; of kind `Resources` without memory; of kind `Panic` if a compressor fails.
    pub fn compress(&self, tuning: Tuning, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let len = self.data.len();
        let count = len.div_ceil(tuning.block).max(1);
        if count == 1 {
            return self.compress_block(tuning.backend, out, cancel);
        }
        let size = len.div_ceil(count);
        // In groups, to bound the memory for results.
        let group = size * rayon::current_num_threads() * 4;
        for first in (0..len).step_by(group) {
            let starts: Vec<usize> = (first..len.min(first + group)).step_by(size).collect();
            let mut results: Vec<Result<Vec<u8>>> = starts.iter().map(|_| Ok(Vec::new())).collect();
            // Not nested: a job that waits would steal unrelated jobs meanwhile.
            rayon::scope(|scope| {
                for (result, from) in results.iter_mut().zip(starts) {
                    scope.spawn(move |_| {
                        let mut bytes = Vec::new();
                        let block = self.block(from, len.min(from + size));
                        *result = block.compress_block(tuning.backend, &mut bytes, cancel).map(|()| bytes);
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
            let tuning = Tuning { backend, block: 30_000 };
            for data in [prose(400_001), noise(150_000), vec![0; 200_000], prose(30_000), Vec::new()] {
                let mut out = Vec::new();
                let (first, second) = data.split_at(data.len() / 3);
                Segment { history: &[], data: first, last: false }.compress(tuning, &mut out, &cancel).unwrap();
                Segment { history: first, data: second, last: true }.compress(tuning, &mut out, &cancel).unwrap();
                assert!(inflate(&out, data.len()) == data, "{backend:?}");
            }
        }
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        let segment = Segment { history: &[], data: b"data", last: true };
        let stopped = segment.compress(Tuning::for_stream(6, b"data"), &mut Vec::new(), &cancel);
        assert_eq!(stopped.unwrap_err().kind, Kind::Cancelled);
    }
}
