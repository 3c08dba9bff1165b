//! Skips symbols of deflate (RFC 1951) by table lookups that cover a match or up to two literals, with their extra bits.

use super::bit_writer::{LENGTHS, distance_extra};
use super::huffman::{Bits, Code, QUICK};

/// Marks a step over the length of a match; its distance follows.
const MATCH: u32 = 1 << 31;

/// Steps over the symbols of a block, indexed by the next bits. A step of 0 leaves the symbol to the code tables: at the end of the
/// block, and for codes longer than [`QUICK`].
pub struct Steps {
    /// Fields from the lowest bit: bits to skip (8), extra bits (4), bits before the extra bits (4), plain length without the extra
    /// bits (15), `MATCH` (1).
    symbols: [u32; 1 << QUICK],
    /// Bits of distances, with their extra bits.
    distances: [u8; 1 << QUICK],
}

impl Steps {
    pub fn new() -> Self {
        Steps { symbols: [0; 1 << QUICK], distances: [0; 1 << QUICK] }
    }

    /// Sets the steps for a block with these codes.
    pub fn set(&mut self, literals: &Code, distances: &Code) {
        for (index, step) in self.symbols.iter_mut().enumerate() {
            *step = match literals.quick(index) {
                Some((..=255, bits)) => match literals.quick(index >> bits) {
                    Some((..=255, more)) if bits + more <= QUICK => 2 << 16 | (bits + more),
                    _ => 1 << 16 | bits,
                },
                Some((symbol, bits)) => match LENGTHS.get(usize::from(symbol).wrapping_sub(257)) {
                    Some(&(shortest, extra)) => {
                        let extra = u32::from(extra);
                        MATCH | u32::from(shortest) << 16 | bits << 12 | extra << 8 | (bits + extra)
                    }
                    None => 0,
                },
                None => 0,
            };
        }
        for (index, step) in self.distances.iter_mut().enumerate() {
            *step = match distances.quick(index) {
                Some((distance @ ..=29, bits)) => u8::try_from(bits + distance_extra(distance)).unwrap_or(0),
                _ => 0,
            };
        }
    }

    /// Skips symbols until one needs the tables of the codes. Returns the length of the data they represent, or `None` if the
    /// stream is malformed.
    pub fn skip(&self, bits: &mut Bits<'_>, distances: &Code) -> Option<usize> {
        let mut at = *bits;
        let mut plain_len = 0;
        loop {
            // A refill holds enough bits for one step over literals and one match.
            at.refill()?;
            let mut step = self.symbols[at.index()];
            if step & MATCH == 0 {
                at.skip(step & 0xff);
                plain_len += (step >> 16) as usize;
                let next = self.symbols[at.index()];
                if step == 0 || next == 0 {
                    *bits = at;
                    return Some(plain_len);
                }
                step = next;
            }
            let extra = at.peek() >> (step >> 12 & 15) & ((1 << (step >> 8 & 15)) - 1);
            plain_len += ((step & !MATCH) >> 16) as usize + extra as usize;
            at.skip(step & 0xff);
            if step & MATCH != 0 {
                let step = self.distances[at.index()];
                if step == 0 {
                    let distance = distances.read(&mut at).filter(|distance| *distance <= 29)?;
                    at.skip(distance_extra(distance));
                } else {
                    at.skip(step.into());
                }
            }
        }
    }
}
