//! Zstandard (RFC 8878) by several cores: the data is cut into segments that any thread may compress, and which one after
//! the other are one frame.
//!
//! A segment refers to the data before it, which its compressor is given as a dictionary. What that cannot know is the state
//! in which a decoder comes to the segment: its three repeat offsets and its last entropy tables. So a segment begins with a
//! preamble made here, three matches that set the offsets, and the dictionary says that they are what they will be. The
//! dictionary's entropy tables are for symbols that hardly occur, so that no block makes use of them, which is checked.

use super::error::failed;
use super::format::{Tables, blocks_of, write_match, write_raw};
use crate::error::Result;
use crate::transform::memory;
use std::ops::Range;
use zstd_safe::{CCtx, compress_bound};

const OFFSETS: usize = 3;
/// The shortest match that there is.
const MATCH: usize = 3;
/// So much of the data before a segment is searched for the matches of its preamble.
const SEARCHED: usize = 64 << 10;
const TABLE_BITS: u32 = 15;

/// Appends the blocks of `data[from..]`, which refer to what comes before it in `data`. Only where that is nothing may they
/// be the first of a frame.
///
/// # Errors
/// When zstd fails, as it does for want of memory.
pub fn compress(context: &mut CCtx<'_>, level: i32, data: &[u8], from: usize, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    let mut bytes = Vec::new();
    let mut begin = 0;
    if from > 0 {
        let preamble = Preamble::find(data, from);
        preamble.write(data, out);
        begin = preamble.end;
        if begin == data.len() {
            return Ok(());
        }
        bytes = dictionary(preamble.offsets());
    }
    begin += bytes.len();
    // One after the other in memory, which is how zstd is fastest.
    memory::append(&mut bytes, data)?;
    let (before, rest) = bytes.split_at(begin);
    let mut packed = Vec::new();
    memory::reserve(&mut packed, compress_bound(rest.len()))?;
    context.compress_using_dict(&mut packed, rest, before, level).map_err(failed)?;
    let mut tables = Tables::default();
    if blocks_of(&packed).all(|block| tables.has_all_of(block)) {
        blocks_of(&packed).for_each(|block| block.write(out));
    } else {
        // What hardly occurs may be large.
        out.truncate(start);
        write_raw(&data[from..], out);
    }
    Ok(())
}

/// Bytes, most of them as they are, that set a decoder's repeat offsets.
struct Preamble {
    from: usize,
    /// Where a match is, and how far back what it repeats.
    matches: Vec<(usize, usize)>,
    end: usize,
}

impl Preamble {
    /// Looks for three matches from `from` on. Where there are none it is all that is left.
    fn find(data: &[u8], from: usize) -> Self {
        let mut table = vec![0_u32; 1 << TABLE_BITS];
        let mut matches = Vec::with_capacity(OFFSETS);
        let base = from.saturating_sub(SEARCHED);
        let mut at = base;
        let mut free = from;
        while matches.len() < OFFSETS && at + MATCH <= data.len() {
            let bytes = &data[at..at + MATCH];
            // Positions count from one: zero is none.
            let place = &mut table[hash(bytes)];
            let found = (*place as usize).checked_sub(1).map(|found| base + found);
            let found = found.filter(|found| &data[*found..found + MATCH] == bytes);
            *place = u32::try_from(at - base + 1).expect("a segment is small");
            if let Some(found) = found.filter(|_| at >= free) {
                matches.push((at, at - found));
                free = at + MATCH;
            }
            at += 1;
        }
        let end = if matches.len() == OFFSETS { free } else { data.len() };
        Preamble { from, matches, end }
    }

    fn write(&self, data: &[u8], out: &mut Vec<u8>) {
        let mut at = self.from;
        for (place, offset) in &self.matches {
            write_raw(&data[at..*place], out);
            write_match(*offset, out);
            at = place + MATCH;
        }
        write_raw(&data[at..self.end], out);
    }

    /// The latest first, as a decoder keeps them.
    fn offsets(&self) -> impl Iterator<Item = usize> {
        self.matches.iter().rev().map(|(_, offset)| *offset)
    }
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

/// The beginning of a dictionary (RFC 8878, section 5): repeat offsets, and tables that are of no use. Its content follows.
fn dictionary(offsets: impl Iterator<Item = usize>) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];
    const ID: [u8; 4] = [1, 0, 0, 0];
    let mut out = [MAGIC, ID].concat();
    literals_table(&mut out);
    // Offsets of a GiB, matches of 16 and 64 KiB, literals of 32 and 64 KiB: not in one block, and nothing else besides.
    for symbols in [30..32, 50..52, 34..36] {
        out.extend(sequence_table(symbols));
    }
    for offset in offsets {
        out.extend(u32::try_from(offset).expect("a window is smaller").to_le_bytes());
    }
    out
}

/// A Huffman tree of two control characters, by its weights, four bits each: the last one goes without saying.
fn literals_table(out: &mut Vec<u8>) {
    const CHARACTER: usize = 0x1c;
    let mut weights = [0; CHARACTER + 1];
    weights[CHARACTER] = 1;
    out.push(u8::try_from(127 + weights.len()).expect("few weights"));
    out.extend(weights.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
}

/// A distribution of two symbols that are equally likely, all others being impossible (RFC 8878, section 4.1.1).
fn sequence_table(symbols: Range<u32>) -> Vec<u8> {
    const LOG: u32 = 5;
    let mut bits = Bits::default();
    bits.push(LOG - 5, 4);
    // The first of the impossible: its likelihood plus one. How many follow it, by threes.
    bits.push(1, LOG);
    let following = symbols.start - 1;
    (0..following / 3).for_each(|_| bits.push(3, 2));
    bits.push(following % 3, 2);
    // Sixteen of the 32, plus one. Then sixteen of the 16 that are left, where what is most of it has 14 more.
    bits.push(17, LOG);
    bits.push(17 + 14, LOG);
    bits.bytes()
}

#[derive(Default)]
struct Bits {
    word: u128,
    len: u32,
}

impl Bits {
    fn push(&mut self, value: u32, len: u32) {
        self.word |= u128::from(value) << self.len;
        self.len += len;
    }

    fn bytes(&self) -> Vec<u8> {
        self.word.to_le_bytes()[..self.len.div_ceil(8) as usize].to_vec()
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{noise, prose};
    use crate::transform::zstd::format::{write_end, write_frame_header};
    use zstd_safe::{CDict, DCtx};

    const WINDOW: usize = 2 << 20;

    fn joined(level: i32, data: &[u8], segment: usize) -> Vec<u8> {
        let mut out = Vec::new();
        write_frame_header(WINDOW, None, false, &mut out);
        let mut context = CCtx::create();
        for from in (0..data.len()).step_by(segment) {
            let to = data.len().min(from + segment);
            let base = from.saturating_sub(segment);
            compress(&mut context, level, &data[base..to], from - base, &mut out).unwrap();
        }
        write_end(&mut out);
        out
    }

    fn plain(frame: &[u8], len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len + 1);
        DCtx::create().decompress(&mut out, frame).unwrap();
        out
    }

    /// All that the preamble and the tables could get wrong: runs, short periods, few symbols, nothing that repeats.
    fn inputs() -> Vec<Vec<u8>> {
        let numbers = (0..40_000_u32).flat_map(|number| number.wrapping_mul(number).to_be_bytes()).collect();
        let two = noise(200_000).iter().map(|byte| 0x1c + (byte & 1)).collect();
        let periods = |len: usize| noise(len).repeat(300_000 / len);
        vec![
            prose(400_000),
            noise(200_000),
            vec![0; 400_000],
            numbers,
            two,
            periods(4),
            periods(8),
            periods(1001),
            prose(10),
        ]
    }

    #[test]
    fn the_dictionary_is_one() {
        let bytes = [dictionary([1, 2, 3].into_iter()), noise(100)].concat();
        assert!(CDict::try_create(&bytes, 3).is_some());
        let offset_too_far = [dictionary([1, 2, 101].into_iter()), noise(100)].concat();
        assert!(CDict::try_create(&offset_too_far, 3).is_none(), "so it is read as a dictionary");
    }

    #[test]
    fn segments_join_into_one_frame() {
        for level in [-5, 1, 3, 5, 6, 8, 12] {
            for (index, data) in inputs().iter().enumerate() {
                for segment in [150_000, 70_001] {
                    assert!(plain(&joined(level, data, segment), data.len()) == *data, "{level} {index} {segment}");
                }
            }
        }
    }

    #[test]
    fn cuts_cost_little() {
        let data = prose(2_000_000);
        let (one, many) = (joined(3, &data, data.len()).len(), joined(3, &data, 500_000).len());
        assert!(many < one + one / 50, "{many} of {one}");
        let zeros = joined(3, &vec![0; 1_000_000], 250_000).len();
        assert!(zeros < 500, "{zeros}");
    }
}
