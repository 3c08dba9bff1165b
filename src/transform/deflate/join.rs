//! Joins complete deflate streams (RFC 1951) into one.
//!
//! This lets a fast compressor that only writes whole streams work on several cores. One bit marks the last block of a
//! stream. Finding it requires a scan of all symbols, without decompressing them, which is many times faster than
//! compression. With that bit cleared and an empty stored block appended, which ends on a byte boundary, another stream may
//! follow.

use super::huffman::{Bits, Code};

/// Result of scanning a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamScan {
    /// Position of the bit that marks the last block.
    pub last_bit: usize,
    /// Position of the first bit after the stream.
    pub end: usize,
    /// Length of the decompressed data.
    pub plain_len: usize,
}

/// Lengths of an empty stored block. Its header precedes them in the remaining bits of the last byte.
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// Changes a complete stream so that another may follow. Returns false, and changes nothing, unless the stream decompresses
/// to `plain_len` bytes and ends in its last byte.
pub fn make_joinable(stream: &mut Vec<u8>, plain_len: usize) -> bool {
    let Some(scan) = scan(stream) else { return false };
    if scan.plain_len != plain_len || scan.end.div_ceil(8) != stream.len() {
        return false;
    }
    stream[scan.last_bit / 8] &= !(1 << (scan.last_bit % 8));
    let used = scan.end % 8;
    if used > 0 {
        // Clear the padding bits.
        stream[scan.end / 8] &= (1 << used) - 1;
    }
    if used == 0 || used > 5 {
        stream.push(0);
    }
    stream.extend_from_slice(&EMPTY);
    true
}

/// Scans a stream; returns `None` if it is malformed. Does not check distances.
pub fn scan(stream: &[u8]) -> Option<StreamScan> {
    let mut bits = Bits::new(stream);
    let (mut literals, mut distances) = (Code::new(), Code::new());
    let mut plain_len = 0;
    loop {
        bits.refill()?;
        let last_bit = bits.position();
        let last = bits.take(1) == 1;
        plain_len += match bits.take(2) {
            0 => skip_stored(&mut bits, stream)?,
            1 => {
                literals.set(&FIXED)?;
                distances.set(&[5; 30])?;
                skip_symbols(&mut bits, &literals, &distances)?
            }
            2 => {
                read_codes(&mut bits, &mut literals, &mut distances)?;
                skip_symbols(&mut bits, &literals, &distances)?
            }
            _ => return None,
        };
        if bits.position() > stream.len() * 8 {
            return None;
        }
        if last {
            return Some(StreamScan { last_bit, end: bits.position(), plain_len });
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

/// Indexed by symbol - 257: the shortest match, and the number of extra bits for its length.
const LENGTHS: [(u16, u8); 29] = {
    let mut table = [(0, 0); 29];
    let (mut n, mut base) = (0, 3u16);
    while n < 28 {
        let extra = if n < 8 { 0 } else { n / 4 - 1 };
        #[expect(clippy::cast_possible_truncation, reason = "up to 5")]
        let entry = (base, extra as u8);
        table[n] = entry;
        base += 1 << extra;
        n += 1;
    }
    table[28] = (258, 0);
    table
};

/// Skips the symbols of a block; returns the length of the data they represent.
fn skip_symbols(bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Option<usize> {
    let mut plain_len = 0;
    loop {
        bits.refill()?;
        let symbol = literals.read(bits)?;
        if symbol < 256 {
            plain_len += 1;
            continue;
        }
        let Some(nth) = symbol.checked_sub(257) else { return Some(plain_len) };
        let &(shortest, extra) = LENGTHS.get(usize::from(nth))?;
        plain_len += usize::from(shortest) + bits.take(extra.into()) as usize;
        let distance = distances.read(bits)?;
        if distance > 29 {
            return None;
        }
        bits.skip(u32::from(distance / 2).saturating_sub(1));
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

    /// Checks the scan of a stream, and that `after` can follow the stream once it is joinable.
    fn check(stream: &[u8], plain: &[u8], after: &[u8]) {
        let scan = scan(stream).unwrap();
        assert_eq!((scan.plain_len, scan.end.div_ceil(8)), (plain.len(), stream.len()));
        let mut joined = stream.to_vec();
        assert!(make_joinable(&mut joined, plain.len()));
        assert!(joined.len() - stream.len() <= 5);
        joined.extend_from_slice(&libdeflate(after, 6));
        assert!(inflate(&joined, plain.len() + after.len()) == [plain, after].concat());
    }

    #[test]
    fn streams_of_all_kinds_join() {
        let inputs = [
            Vec::new(),
            b"a".to_vec(),
            prose(900),
            prose(700_000),
            noise(200_000),
            vec![b'x'; 300_000],
            prose(3000).repeat(100),
            [prose(100_000), noise(100_000), vec![0; 100_000]].concat(),
        ];
        for input in &inputs {
            for level in 0..=12 {
                check(&libdeflate(input, level), input, b"after that");
                check(&zlib(input, level.min(9)), input, b"after that");
            }
        }
    }

    #[test]
    fn tables_match_the_rfc() {
        assert_eq!((LENGTHS[0], LENGTHS[8], LENGTHS[27], LENGTHS[28]), ((3, 0), (11, 1), (227, 5), (258, 0)));
        assert_eq!((FIXED[143], FIXED[144], FIXED[256], FIXED[280]), (8, 9, 7, 8));
    }

    #[test]
    fn another_length_or_tail_is_rejected() {
        let stream = libdeflate(&prose(5000), 6);
        for (mut stream, len) in [(stream.clone(), 4999), ([&stream[..], &[0]].concat(), 5000), (Vec::new(), 0)] {
            let before = stream.clone();
            assert!(!make_joinable(&mut stream, len));
            assert_eq!(stream, before);
        }
    }

    #[test]
    fn truncated_streams_are_rejected() {
        for stream in [libdeflate(&prose(3000), 6), zlib(&noise(300), 6), libdeflate(b"ab", 1)] {
            for len in 0..stream.len() {
                assert_eq!(scan(&stream[..len]), None, "{len} bytes of {}", stream.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_joins(
            input in proptest::collection::vec(any::<u8>().prop_map(|byte| byte & byte >> 3), 0..3000),
            times in 1..40usize,
            level in 0..=12,
        ) {
            let input = input.repeat(times);
            check(&libdeflate(&input, level), &input, b"x");
            check(&zlib(&input, level.min(9)), &input, b"x");
        }

        #[test]
        fn garbage_terminates(stream in proptest::collection::vec(any::<u8>(), 0..2000)) {
            scan(&stream);
        }

        #[test]
        fn corruption_terminates(at in 0..4000usize, bit in 0..8u32, level in 0..=9) {
            let mut stream = libdeflate(&prose(20_000), level);
            let at = at % stream.len();
            stream[at] ^= 1 << bit;
            scan(&stream);
        }
    }
}
