//! Deflate (RFC 1951) by several cores: the input is cut into blocks, each compressed on its own with the 32 KiB before
//! it as dictionary and ended on a byte boundary, so that the blocks one after the other are one deflate stream.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use rayon::prelude::*;
use zlib_rs::{Deflate, DeflateError, DeflateFlush, Status};

/// How far back deflate can refer.
pub const WINDOW: usize = 32 << 10;
/// What a streaming compressor gathers for each block.
pub const BLOCK: usize = 128 << 10;
const SMALLEST: usize = 64 << 10;
const LARGEST: usize = 256 << 10;

/// One piece of a deflate stream, which any thread may compress.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// The data just before, as much as there is up to [`WINDOW`]; more is ignored.
    pub dictionary: &'a [u8],
    /// What to compress.
    pub data: &'a [u8],
    /// Its place in the stream, from 0.
    pub index: usize,
    /// Whether the stream ends with it.
    pub last: bool,
}

impl Block<'_> {
    /// Deflates the block. Level 0 to 9 means zlib's.
    ///
    /// # Errors
    /// Of kind `Cancelled`; of kind `Panic` should the compressor itself fail.
    pub fn compress(&self, level: u8, cancel: &Cancel) -> Result<Vec<u8>> {
        let level = engine_level(level, self.index);
        let mut deflate = Deflate::new(level, false, 15);
        if level > 0 && !self.dictionary.is_empty() {
            let from = self.dictionary.len().saturating_sub(WINDOW);
            deflate.set_dictionary(&self.dictionary[from..]).map_err(broken)?;
        }
        let mut out = Vec::with_capacity(self.data.len() / 4 + 64);
        let mut steps = self.data.chunks(step(level)).peekable();
        while let Some(chunk) = steps.next() {
            cancel.check()?;
            if steps.peek().is_some() {
                feed(&mut deflate, chunk, DeflateFlush::NoFlush, &mut out)?;
            } else {
                feed(&mut deflate, chunk, self.end(), &mut out)?;
            }
        }
        if self.data.is_empty() {
            feed(&mut deflate, &[], self.end(), &mut out)?;
        }
        Ok(out)
    }

    fn end(&self) -> DeflateFlush {
        if self.last { DeflateFlush::Finish } else { DeflateFlush::SyncFlush }
    }
}

/// zlib-rs searches less hard than zlib at most levels. This is what gives at least zlib's ratio; where that lies
/// between two of its levels the blocks take turns. docs/codecs.md has the figures.
fn engine_level(level: u8, index: usize) -> i32 {
    match level {
        0 => 0,
        1 => 2,
        2 | 3 => 3,
        4 => 4,
        5 if matches!(index % 5, 0) => 7,
        5 => 6,
        6 if matches!(index % 5, 0 | 2 | 4) => 7,
        6 => 6,
        7 => 7,
        // Its 9 compresses less than its 8.
        _ => 8,
    }
}

/// Input between two looks at the token: about 1 ms on ordinary data.
fn step(level: i32) -> usize {
    if level < 8 { 64 << 10 } else { 16 << 10 }
}

fn feed(deflate: &mut Deflate, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) -> Result<()> {
    loop {
        let (before, taken, made) = (out.len(), deflate.total_in(), deflate.total_out());
        let room = (input.len() / 2).max(4096);
        out.resize(before + room, 0);
        let status = deflate.compress(input, &mut out[before..], flush).map_err(broken)?;
        let made = usize::try_from(deflate.total_out() - made).unwrap_or(room);
        let taken = usize::try_from(deflate.total_in() - taken).unwrap_or(input.len());
        out.truncate(before + made);
        input = &input[taken..];
        // Room left over means that nothing is pending.
        if status == Status::StreamEnd || (input.is_empty() && made < room && flush != DeflateFlush::Finish) {
            return Ok(());
        }
    }
}

fn broken(error: DeflateError) -> Error {
    Error::new(Kind::Panic, format!("The deflate compressor failed: {}", error.as_str()))
}

/// The block size for a whole input: one block for each core if that is not too small or too large.
#[must_use]
pub fn size_for(len: usize) -> usize {
    len.div_ceil(rayon::current_num_threads()).clamp(SMALLEST, LARGEST)
}

/// Deflates `data` as part of a stream, in blocks of `size` compressed side by side, and appends to `out`.
/// `before` is the data ahead of it and `index` the number of blocks ahead of it. Tells how many blocks it made.
///
/// # Errors
/// As [`Block::compress`].
pub fn compress_all(stretch: Block<'_>, size: usize, level: u8, out: &mut Vec<u8>, cancel: &Cancel) -> Result<usize> {
    let Block { dictionary, data, index, last } = stretch;
    let count = data.len().div_ceil(size).max(1);
    // A bounded group at a time, so that memory stays bounded too.
    let group = rayon::current_num_threads() * 4;
    for first in (0..count).step_by(group) {
        cancel.check()?;
        let block = |nth: usize| {
            let (from, to) = (nth * size, data.len().min((nth + 1) * size));
            let dictionary = if nth == 0 { dictionary } else { &data[..from] };
            Block { dictionary, data: &data[from..to], index: index + nth, last: last && nth + 1 == count }
        };
        let end = count.min(first + group);
        let made = if end - first == 1 {
            vec![block(first).compress(level, cancel)?]
        } else {
            let blocks = (first..end).into_par_iter().with_max_len(1);
            blocks.map(|nth| block(nth).compress(level, cancel)).collect::<Result<Vec<_>>>()?
        };
        for bytes in made {
            out.extend_from_slice(&bytes);
        }
    }
    Ok(count)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::testing::{noise, prose};
    use super::*;
    use zlib_rs::{Inflate, InflateFlush};

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
        for level in 0..=9 {
            for data in [prose(300_001), noise(150_000), vec![0; 200_000], Vec::new()] {
                let whole = Block { dictionary: &[], data: &data, index: 0, last: true };
                let mut out = Vec::new();
                compress_all(whole, 70_000, level, &mut out, &cancel).unwrap();
                assert!(inflate(&out, data.len()) == data, "level {level}");
            }
        }
    }

    #[test]
    fn a_dictionary_helps() {
        let data = noise(20_000);
        let alone = Block { dictionary: &[], data: &data, index: 0, last: true };
        let after = Block { dictionary: &data, ..alone };
        let cancel = Cancel::new();
        assert!(after.compress(6, &cancel).unwrap().len() * 10 < alone.compress(6, &cancel).unwrap().len());
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        let block = Block { dictionary: &[], data: b"data", index: 0, last: true };
        assert_eq!(block.compress(6, &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}
