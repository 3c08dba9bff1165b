//! Writes bits, and short blocks with fixed codes, in deflate's order (RFC 1951).

use super::huffman::Bits;
use std::ops::Range;

/// A match, as deflate encodes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Match {
    pub len: usize,
    /// Symbol of the distance.
    pub distance: u16,
    /// Extra bits of the distance.
    pub distance_extra: u32,
}

/// The shortest match of each symbol, and the number of extra bits for its length; indexed by symbol - 257.
pub const LENGTHS: [(u16, u8); 29] = {
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

/// Appends bits to bytes.
pub struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    buffer: u64,
    /// Number of bits in `buffer`.
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        BitWriter { out, buffer: 0, count: 0 }
    }

    /// Writes up to 16 bits, the lowest first.
    #[inline]
    fn write(&mut self, bits: u32, count: u32) {
        self.buffer |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 48 {
            self.out.extend_from_slice(&self.buffer.to_le_bytes()[..6]);
            self.buffer >>= 48;
            self.count -= 48;
        }
    }

    /// Writes a code, its highest bit first.
    fn write_code(&mut self, code: u32, count: u32) {
        self.write(code.reverse_bits() >> (32 - count), count);
    }

    /// Copies a range of the bits of a stream.
    pub fn copy(&mut self, stream: &[u8], range: Range<usize>) {
        if self.count == 0 && range.start == 0 {
            self.out.extend_from_slice(&stream[..range.end / 8]);
            return self.copy_bits(stream, range.end & !7..range.end);
        }
        self.copy_bits(stream, range);
    }

    fn copy_bits(&mut self, stream: &[u8], range: Range<usize>) {
        let mut bits = Bits::at(stream, range.start);
        let mut left = range.len();
        while left > 0 {
            // Pads with zeros beyond the end of the stream, which are not written.
            let _ = bits.refill();
            for _ in 0..3 {
                #[expect(clippy::cast_possible_truncation, reason = "up to 16")]
                let count = left.min(16) as u32;
                self.write(bits.take(count), count);
                left -= count as usize;
            }
        }
    }

    /// Writes the end of a match, which represents `plain`, as a block with fixed codes: as literals if it is too short for a match.
    pub fn write_match_block(&mut self, rest: Match, plain: &[u8]) {
        self.write(FIXED_BLOCK, 3);
        match plain {
            [_] | [_, _] => plain.iter().for_each(|byte| self.write_literal(*byte)),
            _ => self.write_match(rest),
        }
        self.write_code(0, 7);
    }

    fn write_literal(&mut self, byte: u8) {
        let code = u32::from(byte);
        if byte < 144 { self.write_code(0x30 + code, 8) } else { self.write_code(0x190 + code - 144, 9) }
    }

    fn write_match(&mut self, it: Match) {
        let nth = LENGTHS.iter().rposition(|(shortest, _)| usize::from(*shortest) <= it.len).expect("3 or longer");
        let (shortest, extra) = LENGTHS[nth];
        #[expect(clippy::cast_possible_truncation, reason = "up to 258")]
        let (nth, beyond) = (nth as u32, (it.len - usize::from(shortest)) as u32);
        if nth < 23 {
            self.write_code(nth + 1, 7);
        } else {
            self.write_code(0xc0 + nth - 23, 8);
        }
        self.write(beyond, extra.into());
        self.write_code(it.distance.into(), 5);
        self.write(it.distance_extra, distance_extra(it.distance));
    }

    /// Writes an empty stored block, which ends on a byte boundary.
    pub fn write_empty_block(mut self) {
        self.write(0, 3);
        self.pad();
        self.out.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }

    /// Pads the last byte with zeros.
    pub fn pad(&mut self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.buffer.to_le_bytes()[..bytes]);
        (self.buffer, self.count) = (0, 0);
    }
}

/// Header of a block with fixed codes that is not the last.
const FIXED_BLOCK: u32 = 0b010;

/// Returns the number of extra bits for a distance.
pub fn distance_extra(symbol: u16) -> u32 {
    u32::from(symbol / 2).saturating_sub(1)
}
