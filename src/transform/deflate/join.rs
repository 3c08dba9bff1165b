//! Joins parts of complete deflate streams (RFC 1951) into one stream.
//!
//! This lets a fast compressor that only writes whole streams work on several cores, and in short steps. A scan of all
//! symbols, without decompressing them, is many times faster than compression, and finds two positions. One is the bit that
//! marks the last block of a stream: with that bit cleared and an empty stored block appended, which ends on a byte
//! boundary, another stream may follow. The other is where the symbols for a given position in the data begin. If a stream
//! consists of a history and a part, removing the symbols of the history leaves the part, compressed with the history as its
//! dictionary.

use super::bit_writer::{BitWriter, LENGTHS, Match, distance_extra};
use super::huffman::{Bits, Code};
use super::skip::Steps;
use crate::error::Result;
use crate::transform::memory;
use std::ops::Range;

/// The part of a stream to append to another.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Length of the plain data before the part. The other stream ends with the same data.
    pub history: usize,
    /// Plain data of the part.
    pub data: &'a [u8],
    /// Whether the part ends the other stream.
    pub last: bool,
}

/// Maximum number of bytes that a joint adds: a match and an empty block.
const JOINT: usize = 16;

/// Appends the part to `out`, which ends on a byte boundary before and after. Returns false, and appends nothing, if `stream`
/// is malformed, has another length, or stores data after the history uncompressed, for which a history saves nothing.
///
/// # Errors
/// Of kind `Resources` without memory.
pub fn append(stream: &mut [u8], part: Part<'_>, out: &mut Vec<u8>) -> Result<bool> {
    let Some(scan) = scan(stream, part.history) else { return Ok(false) };
    if scan.plain_len != part.history + part.data.len() || scan.end.div_ceil(8) != stream.len() {
        return Ok(false);
    }
    if !part.last {
        stream[scan.last_bit / 8] &= !(1 << (scan.last_bit % 8));
    }
    memory::reserve(out, stream.len() + JOINT)?;
    let mut writer = BitWriter::new(out);
    if let Some(rest) = scan.start.rest {
        writer.write_match_block(rest, &part.data[..rest.len]);
    }
    writer.copy(stream, scan.start.codes);
    writer.copy(stream, scan.start.symbols..scan.end);
    if part.last {
        writer.pad();
    } else {
        writer.write_empty_block();
    }
    Ok(true)
}

/// Result of scanning a stream.
#[derive(Debug, PartialEq, Eq)]
struct StreamScan {
    start: Start,
    /// Position of the bit that marks the last block.
    last_bit: usize,
    /// Position of the first bit after the stream.
    end: usize,
    /// Length of the decompressed data.
    plain_len: usize,
}

/// Where the data after the history starts.
#[derive(Debug, PartialEq, Eq)]
struct Start {
    /// The end of a match that starts in the history.
    rest: Option<Match>,
    /// Bits of the header and the codes of the block in which the history ends; empty if it ends with a block.
    codes: Range<usize>,
    /// Position of the first symbol after the history and `rest`, or of the next block.
    symbols: usize,
}

/// Scans a stream; returns `None` if it is malformed, or stores data after the history. Does not check distances.
fn scan(stream: &[u8], history: usize) -> Option<StreamScan> {
    let mut bits = Bits::new(stream);
    let (mut literals, mut distances, mut steps) = (Code::new(), Code::new(), Steps::new());
    let mut start = None;
    let mut plain_len = 0;
    loop {
        bits.refill()?;
        let header = bits.position();
        if start.is_none() && plain_len == history {
            start = Some(Start { rest: None, codes: 0..0, symbols: header });
        }
        let last = bits.take(1) == 1;
        let stored = match bits.take(2) {
            0 => true,
            1 => {
                literals.set(&FIXED)?;
                distances.set(&[5; 30])?;
                false
            }
            2 => {
                read_codes(&mut bits, &mut literals, &mut distances)?;
                false
            }
            _ => return None,
        };
        if stored {
            plain_len += skip_stored(&mut bits, stream)?;
            if history > 0 && plain_len > history {
                return None;
            }
        } else {
            if start.is_none() {
                let codes = header..bits.position();
                let skipped = skip_symbols(&mut bits, &literals, &distances, history - plain_len)?;
                plain_len += skipped.plain_len;
                if !skipped.ended {
                    let rest = Match { len: plain_len - history, ..skipped.last_match };
                    start = Some(Start { rest: (rest.len > 0).then_some(rest), codes, symbols: bits.position() });
                }
            }
            if start.is_some() {
                steps.set(&literals, &distances);
                plain_len += skip_block(&mut bits, &literals, &distances, &steps)?;
            }
        }
        if bits.position() > stream.len() * 8 {
            return None;
        }
        if last {
            return Some(StreamScan { start: start?, last_bit: header, end: bits.position(), plain_len });
        }
    }
}

/// Skips a stored block; returns its length.
fn skip_stored(bits: &mut Bits<'_>, stream: &[u8]) -> Option<usize> {
    let start = bits.position().div_ceil(8);
    let &[a, b, c, d] = stream.get(start..)?.first_chunk()?;
    let len = u16::from_le_bytes([a, b]);
    if len != !u16::from_le_bytes([c, d]) {
        return None;
    }
    bits.jump(start + 4 + usize::from(len));
    Some(len.into())
}

/// Code lengths of a block with fixed codes.
const FIXED: [u8; 288] = {
    let mut lengths = [8; 288];
    let mut n = 144;
    while n < 280 {
        lengths[n] = if n < 256 { 9 } else { 7 };
        n += 1;
    }
    lengths
};

/// Result of skipping symbols.
struct Skipped {
    /// Length of the data they represent.
    plain_len: usize,
    /// Whether they ended the block.
    ended: bool,
    last_match: Match,
}

/// Skips symbols to the end of the block, or until they represent at least `limit` bytes.
fn skip_symbols(bits: &mut Bits<'_>, literals: &Code, distances: &Code, limit: usize) -> Option<Skipped> {
    let mut plain_len = 0;
    let mut last_match = Match::default();
    while plain_len < limit {
        bits.refill()?;
        let symbol = literals.read(bits)?;
        if symbol < 256 {
            plain_len += 1;
            continue;
        }
        let Some(nth) = symbol.checked_sub(257) else { return Some(Skipped { plain_len, ended: true, last_match }) };
        let &(shortest, extra) = LENGTHS.get(usize::from(nth))?;
        let len = usize::from(shortest) + bits.take(extra.into()) as usize;
        let distance = distances.read(bits)?;
        if distance > 29 {
            return None;
        }
        last_match = Match { len, distance, distance_extra: bits.take(distance_extra(distance)) };
        plain_len += len;
    }
    Some(Skipped { plain_len, ended: false, last_match })
}

/// Skips symbols to the end of the block; returns the length of the data they represent.
fn skip_block(bits: &mut Bits<'_>, literals: &Code, distances: &Code, steps: &Steps) -> Option<usize> {
    let mut plain_len = 0;
    loop {
        plain_len += steps.skip(bits, distances)?;
        let skipped = skip_symbols(bits, literals, distances, 1)?;
        plain_len += skipped.plain_len;
        if skipped.ended {
            return Some(plain_len);
        }
    }
}

/// Order of the symbols of the code-length code.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Reads the codes at the start of a block with dynamic codes.
fn read_codes(bits: &mut Bits<'_>, literals: &mut Code, distances: &mut Code) -> Option<()> {
    let for_literals = 257 + bits.take(5) as usize;
    let for_distances = 1 + bits.take(5) as usize;
    let count = 4 + bits.take(4) as usize;
    let mut lengths = [0; 19];
    for &symbol in ORDER.iter().take(count) {
        bits.refill()?;
        *lengths.get_mut(symbol)? = u8::try_from(bits.take(3)).ok()?;
    }
    // `distances` temporarily holds the code-length code.
    distances.set(&lengths)?;
    let mut lengths = [0u8; 286 + 32 + 2];
    let lengths = lengths.get_mut(..for_literals + for_distances)?;
    let mut at = 0;
    while at < lengths.len() {
        bits.refill()?;
        let symbol = distances.read(bits)?;
        let (length, repeats) = match symbol {
            0..=15 => (u8::try_from(symbol).ok()?, 1),
            16 => (*lengths.get(at.checked_sub(1)?)?, 3 + bits.take(2) as usize),
            17 => (0, 3 + bits.take(3) as usize),
            _ => (0, 11 + bits.take(7) as usize),
        };
        lengths.get_mut(at..at + repeats)?.fill(length);
        at += repeats;
    }
    let (first, second) = lengths.split_at(for_literals);
    literals.set(first)?;
    distances.set(second)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{inflate, noise, prose};
    use libdeflater::{CompressionLvl, Compressor};
    use proptest::prelude::*;
    use zlib_rs::{Deflate, DeflateFlush, Status};

    fn libdeflate(plain: &[u8], level: i32) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
        let mut out = vec![0; compressor.deflate_compress_bound(plain.len())];
        let len = compressor.deflate_compress(plain, &mut out).unwrap();
        out.truncate(len);
        out
    }

    fn zlib(plain: &[u8], level: i32) -> Vec<u8> {
        let mut out = vec![0; plain.len() * 2 + 1000];
        let mut deflate = Deflate::new(level, false, 15);
        assert_eq!(deflate.compress(plain, &mut out, DeflateFlush::Finish).unwrap(), Status::StreamEnd);
        out.truncate(usize::try_from(deflate.total_out()).unwrap());
        out
    }

    fn has_stored_blocks(stream: &[u8]) -> bool {
        scan(stream, 0).is_some() && scan(stream, 1).is_none()
    }

    /// Splits the data in two at `cut`, and joins the first part, the second with the first as its history, and `after`.
    fn check(compress: fn(&[u8], i32) -> Vec<u8>, level: i32, plain: &[u8], cut: usize, after: &[u8]) {
        let mut out = Vec::new();
        let mut stream = compress(&plain[..cut], level);
        assert!(append(&mut stream, Part { history: 0, data: &plain[..cut], last: false }, &mut out).unwrap());
        assert!(out.len() - stream.len() <= 5);
        let history = cut.min(32 << 10);
        let mut stream = compress(&plain[cut - history..], level);
        let part = Part { history, data: &plain[cut..], last: false };
        if !append(&mut stream, part, &mut out).unwrap() {
            assert!(has_stored_blocks(&stream));
            return;
        }
        let len = out.len();
        let mut stream = compress(after, level);
        assert!(append(&mut stream, Part { history: 0, data: after, last: true }, &mut out).unwrap());
        assert_eq!(out.len() - len, stream.len());
        assert!(inflate(&out, plain.len() + after.len()) == [plain, after].concat());
    }

    #[test]
    fn streams_of_all_kinds_join() {
        let inputs = [
            Vec::new(),
            b"a".to_vec(),
            prose(900),
            prose(400_000),
            noise(100_000),
            vec![b'x'; 300_000],
            prose(3000).repeat(100),
            [prose(100_000), noise(100_000), vec![0; 100_000]].concat(),
        ];
        for input in &inputs {
            for level in 0..=12 {
                for cut in [0, 1, input.len() / 3, input.len()] {
                    let cut = cut.min(input.len());
                    check(libdeflate, level, input, cut, b"after that");
                    check(zlib, level.min(9), input, cut, b"after that");
                }
            }
        }
    }

    #[test]
    fn steps_skip_what_symbols_do() {
        for plain in [prose(100_000), prose(3000).repeat(20), vec![b'x'; 10_000], [prose(5000), noise(9)].concat()] {
            for level in 1..=12 {
                let stream = libdeflate(&plain, level);
                let steps = scan(&stream, 0).unwrap();
                // With a history the symbols are skipped one by one.
                let symbols = scan(&stream, plain.len() - 1).unwrap();
                let ends = [steps, symbols].map(|it| (it.last_bit, it.end, it.plain_len));
                assert_eq!(ends[0], ends[1]);
                assert_eq!(ends[0].2, plain.len());
            }
        }
    }

    #[test]
    fn a_history_improves_compression() {
        let data = noise(20_000);
        let mut out = Vec::new();
        let mut stream = libdeflate(&data.repeat(2), 6);
        assert!(append(&mut stream, Part { history: data.len(), data: &data, last: true }, &mut out).unwrap());
        assert!(out.len() < 1000, "{}", out.len());
    }

    #[test]
    fn tables_match_the_rfc() {
        assert_eq!((LENGTHS[0], LENGTHS[8], LENGTHS[27], LENGTHS[28]), ((3, 0), (11, 1), (227, 5), (258, 0)));
        assert_eq!((FIXED[143], FIXED[144], FIXED[256], FIXED[280]), (8, 9, 7, 8));
    }

    #[test]
    fn another_length_or_tail_is_rejected() {
        let plain = prose(5000);
        let stream = libdeflate(&plain, 6);
        for (mut stream, len) in [(stream.clone(), 4999), ([&stream[..], &[0]].concat(), 5000), (Vec::new(), 1)] {
            for history in [0, 1, len] {
                let mut out = b"before".to_vec();
                let part = Part { history, data: &plain[history..len], last: true };
                assert!(!append(&mut stream, part, &mut out).unwrap());
                assert_eq!(out, b"before");
            }
        }
    }

    #[test]
    fn truncated_streams_are_rejected() {
        for stream in [libdeflate(&prose(3000), 6), zlib(&noise(300), 6), libdeflate(b"ab", 1)] {
            for len in 0..stream.len() {
                assert_eq!(scan(&stream[..len], 0), None, "{len} bytes of {}", stream.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_joins(
            input in proptest::collection::vec(any::<u8>().prop_map(|byte| byte & byte >> 3), 0..3000),
            times in 1..40usize,
            cut in 0.0..=1.0,
            level in 0..=12,
        ) {
            let input = input.repeat(times);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let cut = (input.len() as f64 * cut) as usize;
            check(libdeflate, level, &input, cut, b"x");
            check(zlib, level.min(9), &input, cut, b"x");
        }

        #[test]
        fn garbage_terminates(stream in proptest::collection::vec(any::<u8>(), 0..2000), history in 0..3000usize) {
            scan(&stream, history);
        }

        #[test]
        fn corruption_terminates(at in 0..4000usize, bit in 0..8u32, level in 0..=9, history in 0..30_000usize) {
            let mut stream = libdeflate(&prose(20_000), level);
            let at = at % stream.len();
            stream[at] ^= 1 << bit;
            scan(&stream, history);
        }
    }
}
