//! Deflate (RFC 1951) by several cores: the data is cut into blocks that any thread may compress, and which one after
//! the other are one deflate stream.

use super::tuning::{Effort, Engine};
use super::{join as splice, libdeflate, zlib_rs as primed};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::memory;

/// What zlib-rs does instead, should libdeflate's output not be what it should be.
const INSTEAD: i32 = 6;

/// Part of a deflate stream.
#[derive(Clone, Copy)]
pub struct Stretch<'a> {
    /// The data just before, as much as there is.
    pub before: &'a [u8],
    /// What to compress.
    pub data: &'a [u8],
    /// Whether the stream ends with it.
    pub last: bool,
}

impl<'a> Stretch<'a> {
    fn block(&self, from: usize, to: usize) -> Stretch<'a> {
        let before = if from == 0 { self.before } else { &self.data[..from] };
        Stretch { before, data: &self.data[from..to], last: self.last && to == self.data.len() }
    }

    /// Appends it as one block.
    fn compress_one(&self, engine: Engine, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        let Stretch { before, data, last } = *self;
        match engine {
            Engine::ZlibRs(level) => primed::compress(before, data, last, level, out, cancel),
            Engine::Libdeflate(level) if last => libdeflate::compress(data, level, out),
            Engine::Libdeflate(level) => {
                let mut packed = Vec::new();
                libdeflate::compress(data, level, &mut packed)?;
                if splice::reopen(&mut packed, data.len()) {
                    return memory::append(out, &packed);
                }
                primed::compress(before, data, last, INSTEAD, out, cancel)
            }
        }
    }

    /// Deflates the stretch in blocks of even size, side by side, and appends it to `out`.
    ///
    /// # Errors
    /// Of kind `Cancelled`, and of kind `Unsupported` without memory; of kind `Panic` should a compressor fail.
    pub fn compress(&self, effort: Effort, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let len = self.data.len();
        let count = len.div_ceil(effort.block).max(1);
        if count == 1 {
            return self.compress_one(effort.engine, out, cancel);
        }
        let size = len.div_ceil(count);
        // A bounded group at a time, so that memory stays bounded too.
        let group = size * rayon::current_num_threads() * 4;
        for first in (0..len).step_by(group) {
            let starts: Vec<usize> = (first..len.min(first + group)).step_by(size).collect();
            let mut made: Vec<Result<Vec<u8>>> = starts.iter().map(|_| Ok(Vec::new())).collect();
            // Flat, so that only this thread waits for others: a part that waited would take up other jobs meanwhile.
            rayon::scope(|scope| {
                for (packed, from) in made.iter_mut().zip(starts) {
                    scope.spawn(move |_| {
                        let mut bytes = Vec::new();
                        let block = self.block(from, len.min(from + size));
                        *packed = block.compress_one(effort.engine, &mut bytes, cancel).map(|()| bytes);
                    });
                }
            });
            for packed in made {
                memory::append(out, &packed?)?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transform::testing::{noise, prose};
    use zlib_rs::{Inflate, InflateFlush, Status};

    fn inflate(stream: &[u8], len: usize) -> Vec<u8> {
        let mut plain = vec![0; len + 1];
        let mut inflate = Inflate::new(false, 15);
        let status = inflate.decompress(stream, &mut plain, InflateFlush::Finish).unwrap();
        assert_eq!((status, inflate.total_in()), (Status::StreamEnd, stream.len() as u64));
        plain.truncate(usize::try_from(inflate.total_out()).unwrap());
        plain
    }

    #[test]
    fn blocks_join_into_one_stream() {
        let cancel = Cancel::new();
        let engines = (0..=9).flat_map(|level| [Engine::Libdeflate(level), Engine::ZlibRs(level.into())]);
        for engine in engines {
            let effort = Effort { engine, block: 30_000 };
            for data in [prose(400_001), noise(150_000), vec![0; 200_000], prose(30_000), Vec::new()] {
                let mut out = Vec::new();
                let (first, second) = data.split_at(data.len() / 3);
                Stretch { before: &[], data: first, last: false }.compress(effort, &mut out, &cancel).unwrap();
                Stretch { before: first, data: second, last: true }.compress(effort, &mut out, &cancel).unwrap();
                assert!(inflate(&out, data.len()) == data, "{engine:?}");
            }
        }
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        let stretch = Stretch { before: &[], data: b"data", last: true };
        let stopped = stretch.compress(Effort::begin(6, b"data"), &mut Vec::new(), &cancel);
        assert_eq!(stopped.unwrap_err().kind, Kind::Cancelled);
    }
}
