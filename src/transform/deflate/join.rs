//! Joins complete deflate streams (RFC 1951) into one.
//!
//! A fast compressor that only makes whole streams can still work on several cores: the block that ends a stream has one
//! bit that says so. Finding it takes a walk over the stream, symbol by symbol but without making what they stand for,
//! which is many times faster than compressing was. With that bit cleared and an empty stored block behind it, which
//! ends on a byte, the next stream may follow.

use super::huffman::{Bits, Code};

/// What a walk over a stream found.
#[derive(Debug, PartialEq, Eq)]
pub struct Walk {
    /// The bit that says that the last block is the last.
    pub last: usize,
    /// The first bit after the stream.
    pub end: usize,
    /// How many bytes it decompresses to.
    pub plain: usize,
}

/// Behind the last symbol: the header of a stored block of length 0 goes in the bits left, then come its lengths.
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// Makes a complete stream one that another may follow. Says no, and changes nothing, unless the stream decompresses to
/// so many bytes and ends in its last byte.
pub fn reopen(stream: &mut Vec<u8>, plain: usize) -> bool {
    let Some(walk) = walk(stream) else { return false };
    if walk.plain != plain || walk.end.div_ceil(8) != stream.len() {
        return false;
    }
    stream[walk.last / 8] &= !(1 << (walk.last % 8));
    let used = walk.end % 8;
    if used > 0 {
        // What fills the byte up is nobody's.
        stream[walk.end / 8] &= (1 << used) - 1;
    }
    if used == 0 || used > 5 {
        stream.push(0);
    }
    stream.extend_from_slice(&EMPTY);
    true
}

/// Walks over a stream; `None` if it is not one. Distances are not looked at.
pub fn walk(stream: &[u8]) -> Option<Walk> {
    let mut bits = Bits::new(stream);
    let (mut literals, mut distances) = (Code::new(), Code::new());
    let mut plain = 0;
    loop {
        bits.refill()?;
        let at = bits.position();
        let last = bits.take(1) == 1;
        plain += match bits.take(2) {
            0 => stored(&mut bits, stream)?,
            1 => {
                literals.set(&FIXED)?;
                distances.set(&[5; 30])?;
                symbols(&mut bits, &literals, &distances)?
            }
            2 => {
                read_codes(&mut bits, &mut literals, &mut distances)?;
                symbols(&mut bits, &literals, &distances)?
            }
            _ => return None,
        };
        if bits.position() > stream.len() * 8 {
            return None;
        }
        if last {
            return Some(Walk { last: at, end: bits.position(), plain });
        }
    }
}

fn stored(bits: &mut Bits<'_>, stream: &[u8]) -> Option<usize> {
    let at = bits.position().div_ceil(8);
    let &[a, b, c, d] = stream.get(at..)?.first_chunk()?;
    let len = u16::from_le_bytes([a, b]);
    if len != !u16::from_le_bytes([c, d]) {
        return None;
    }
    bits.jump(at + 4 + usize::from(len));
    Some(len.into())
}

/// The code lengths that everybody knows.
const FIXED: [u8; 288] = {
    let mut lengths = [8; 288];
    let mut n = 144;
    while n < 280 {
        lengths[n] = if n < 256 { 9 } else { 7 };
        n += 1;
    }
    lengths
};

/// Of the symbols from 257 on: the shortest match, and how many bits that lengthen it follow.
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

/// The symbols of a block up to its end. How many bytes they stand for.
fn symbols(bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Option<usize> {
    let mut plain = 0;
    loop {
        bits.refill()?;
        let symbol = literals.read(bits)?;
        if symbol < 256 {
            plain += 1;
            continue;
        }
        let Some(nth) = symbol.checked_sub(257) else { return Some(plain) };
        let &(shortest, extra) = LENGTHS.get(usize::from(nth))?;
        plain += usize::from(shortest) + bits.take(extra.into()) as usize;
        let distance = distances.read(bits)?;
        if distance > 29 {
            return None;
        }
        bits.skip(u32::from(distance / 2).saturating_sub(1));
    }
}

/// The order in which the lengths of the code for lengths come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The codes at the head of a block that has its own.
fn read_codes(bits: &mut Bits<'_>, literals: &mut Code, distances: &mut Code) -> Option<()> {
    let for_literals = 257 + bits.take(5) as usize;
    let for_distances = 1 + bits.take(5) as usize;
    let given = 4 + bits.take(4) as usize;
    let mut lengths = [0; 19];
    for &symbol in ORDER.iter().take(given) {
        bits.refill()?;
        *lengths.get_mut(symbol)? = u8::try_from(bits.take(3)).ok()?;
    }
    // Only for a moment: the code for lengths.
    distances.set(&lengths)?;
    let mut lengths = [0u8; 286 + 32 + 2];
    let lengths = lengths.get_mut(..for_literals + for_distances)?;
    let mut at = 0;
    while at < lengths.len() {
        bits.refill()?;
        let symbol = distances.read(bits)?;
        let (value, times) = match symbol {
            0..=15 => (u8::try_from(symbol).ok()?, 1),
            16 => (*lengths.get(at.checked_sub(1)?)?, 3 + bits.take(2) as usize),
            17 => (0, 3 + bits.take(3) as usize),
            _ => (0, 11 + bits.take(7) as usize),
        };
        lengths.get_mut(at..at + times)?.fill(value);
        at += times;
    }
    let (first, second) = lengths.split_at(for_literals);
    literals.set(first)?;
    distances.set(second)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{noise, prose};
    use libdeflater::{CompressionLvl, Compressor};
    use proptest::prelude::*;
    use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

    fn libdeflate(plain: &[u8], level: i32) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
        let mut out = vec![0; compressor.deflate_compress_bound(plain.len())];
        let made = compressor.deflate_compress(plain, &mut out).unwrap();
        out.truncate(made);
        out
    }

    fn zlib(plain: &[u8], level: i32) -> Vec<u8> {
        let mut out = vec![0; plain.len() * 2 + 1000];
        let mut deflate = Deflate::new(level, false, 15);
        assert_eq!(deflate.compress(plain, &mut out, DeflateFlush::Finish).unwrap(), Status::StreamEnd);
        out.truncate(usize::try_from(deflate.total_out()).unwrap());
        out
    }

    /// What the stream decompresses to, and that it ends where it ends.
    fn inflate(stream: &[u8], len: usize) -> Vec<u8> {
        let mut plain = vec![0; len + 1];
        let mut inflate = Inflate::new(false, 15);
        let status = inflate.decompress(stream, &mut plain, InflateFlush::Finish).unwrap();
        assert_eq!((status, inflate.total_in()), (Status::StreamEnd, stream.len() as u64));
        plain.truncate(usize::try_from(inflate.total_out()).unwrap());
        plain
    }

    /// The walk agrees with what is known, and clearing the bit it found makes the stream go on.
    fn checks(stream: &[u8], plain: &[u8], after: &[u8]) {
        let found = walk(stream).unwrap();
        assert_eq!((found.plain, found.end.div_ceil(8)), (plain.len(), stream.len()));
        let mut spliced = stream.to_vec();
        assert!(reopen(&mut spliced, plain.len()));
        assert!(spliced.len() - stream.len() <= 5);
        spliced.extend_from_slice(&libdeflate(after, 6));
        assert!(inflate(&spliced, plain.len() + after.len()) == [plain, after].concat());
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
                checks(&libdeflate(input, level), input, b"after that");
                checks(&zlib(input, level.min(9)), input, b"after that");
            }
        }
    }

    #[test]
    fn tables_are_the_standards() {
        assert_eq!((LENGTHS[0], LENGTHS[8], LENGTHS[27], LENGTHS[28]), ((3, 0), (11, 1), (227, 5), (258, 0)));
        assert_eq!((FIXED[143], FIXED[144], FIXED[256], FIXED[280]), (8, 9, 7, 8));
    }

    #[test]
    fn another_length_or_tail_is_refused() {
        let stream = libdeflate(&prose(5000), 6);
        for (mut stream, len) in [(stream.clone(), 4999), ([&stream[..], &[0]].concat(), 5000), (Vec::new(), 0)] {
            let before = stream.clone();
            assert!(!reopen(&mut stream, len));
            assert_eq!(stream, before);
        }
    }

    #[test]
    fn truncated_is_refused() {
        for stream in [libdeflate(&prose(3000), 6), zlib(&noise(300), 6), libdeflate(b"ab", 1)] {
            for len in 0..stream.len() {
                assert_eq!(walk(&stream[..len]), None, "{len} bytes of {}", stream.len());
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
            checks(&libdeflate(&input, level), &input, b"x");
            checks(&zlib(&input, level.min(9)), &input, b"x");
        }

        #[test]
        fn garbage_ends(stream in proptest::collection::vec(any::<u8>(), 0..2000)) {
            walk(&stream);
        }

        #[test]
        fn damage_ends(at in 0..4000usize, bit in 0..8u32, level in 0..=9) {
            let mut stream = libdeflate(&prose(20_000), level);
            let at = at % stream.len();
            stream[at] ^= 1 << bit;
            walk(&stream);
        }
    }
}
