//! Zstandard (RFC 8878) on several cores: the data is split into segments that threads compress independently and that,
//! concatenated, form one frame.
//!
//! A segment refers to the data before it, which its compressor receives as a dictionary. The compressor cannot know the
//! state of a decoder at the start of the segment: the three repeat offsets and the last entropy tables. So each segment
//! begins with a preamble of three matches that set the offsets, and the dictionary declares the same offsets. The
//! dictionary's entropy tables encode symbols that hardly occur, so that no block reuses them, which is checked.

use super::error::failed;
use super::format::{EntropyTables, blocks_of, write_match, write_raw};
use crate::error::Result;
use crate::transform::memory;
use std::ops::Range;
use zstd_safe::{CCtx, compress_bound};

const OFFSETS: usize = 3;
/// Length of the shortest match.
const MATCH: usize = 3;
/// Bytes before a segment that are searched for the matches of its preamble.
const SEARCHED: usize = 64 << 10;
const TABLE_BITS: u32 = 15;

/// Appends the blocks of `data[from..]`, which refer to `data[..from]`. They may start a frame only if `from` is 0.
///
/// # Errors
/// When zstd fails, for example for lack of memory.
pub fn compress(context: &mut CCtx<'_>, level: i32, data: &[u8], from: usize, out: &mut Vec<u8>) -> Result<()> {
    let written = out.len();
    let mut bytes = Vec::new();
    let mut start = 0;
    if from > 0 {
        let preamble = Preamble::find(data, from);
        preamble.write(data, out);
        start = preamble.end;
        if start == data.len() {
            return Ok(());
        }
        bytes = dictionary(preamble.offsets());
    }
    start += bytes.len();
    // Contiguous in memory, where zstd is fastest.
    memory::append(&mut bytes, data)?;
    let (before, rest) = bytes.split_at(start);
    let mut packed = Vec::new();
    memory::reserve(&mut packed, compress_bound(rest.len()))?;
    context.compress_using_dict(&mut packed, rest, before, level).map_err(failed)?;
    let mut tables = EntropyTables::default();
    if blocks_of(&packed).all(|block| tables.add(block)) {
        blocks_of(&packed).for_each(|block| block.write(out));
    } else {
        // Rare, so the size of raw blocks does not matter.
        out.truncate(written);
        write_raw(&data[from..], out);
    }
    Ok(())
}

/// The start of a segment, mostly raw bytes, whose matches set a decoder's repeat offsets.
struct Preamble {
    from: usize,
    /// Position and offset of each match.
    matches: Vec<(usize, usize)>,
    end: usize,
}

impl Preamble {
    /// Finds three matches from `from` on. Extends to the end of the data if there are fewer.
    fn find(data: &[u8], from: usize) -> Self {
        let mut table = vec![0_u32; 1 << TABLE_BITS];
        let mut matches = Vec::with_capacity(OFFSETS);
        let base = from.saturating_sub(SEARCHED);
        let mut at = base;
        let mut free = from;
        while matches.len() < OFFSETS && at + MATCH <= data.len() {
            let bytes = &data[at..at + MATCH];
            // Positions count from 1; 0 marks an empty slot.
            let slot = &mut table[hash(bytes)];
            let found = (*slot as usize).checked_sub(1).map(|found| base + found);
            let found = found.filter(|found| &data[*found..found + MATCH] == bytes);
            *slot = u32::try_from(at - base + 1).expect("a segment is small");
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
        for (position, offset) in &self.matches {
            write_raw(&data[at..*position], out);
            write_match(*offset, out);
            at = position + MATCH;
        }
        write_raw(&data[at..self.end], out);
    }

    /// Returns the offsets, the latest first, as a decoder keeps them.
    fn offsets(&self) -> impl Iterator<Item = usize> {
        self.matches.iter().rev().map(|(_, offset)| *offset)
    }
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

/// Returns the head of a dictionary (RFC 8878, section 5): repeat offsets, and tables that no block uses. The content follows.
fn dictionary(offsets: impl Iterator<Item = usize>) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];
    const ID: [u8; 4] = [1, 0, 0, 0];
    let mut out = [MAGIC, ID].concat();
    literals_table(&mut out);
    // Offsets of 1 GiB, matches of 16 and 64 KiB, literal runs of 32 and 64 KiB: blocks hardly consist of these alone.
    for symbols in [30..32, 50..52, 34..36] {
        out.extend(sequence_table(symbols));
    }
    for offset in offsets {
        out.extend(u32::try_from(offset).expect("smaller than a window").to_le_bytes());
    }
    out
}

/// Appends a Huffman tree of two control characters as 4-bit weights; the last weight is implied.
fn literals_table(out: &mut Vec<u8>) {
    const CHARACTER: usize = 0x1c;
    let mut weights = [0; CHARACTER + 1];
    weights[CHARACTER] = 1;
    out.push(u8::try_from(127 + weights.len()).expect("few weights"));
    out.extend(weights.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
}

/// Returns a distribution of two equally likely symbols; all others are impossible (RFC 8878, section 4.1.1).
fn sequence_table(symbols: Range<u32>) -> Vec<u8> {
    const LOG: u32 = 5;
    let mut bits = Bits::default();
    bits.push(LOG - 5, 4);
    // The first impossible symbol: its probability plus one. Then how many more follow, three at a time.
    bits.push(1, LOG);
    let following = symbols.start - 1;
    (0..following / 3).for_each(|_| bits.push(3, 2));
    bits.push(following % 3, 2);
    // 16 of the 32 slots, plus one. Then 16 of the 16 left, where the largest values are encoded with 14 added.
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

    /// Inputs that stress the preamble and the tables: runs, short periods, few symbols, no repetition.
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
    fn zstd_accepts_the_dictionary() {
        let bytes = [dictionary([1, 2, 3].into_iter()), noise(100)].concat();
        assert!(CDict::try_create(&bytes, 3).is_some());
        let offset_too_far = [dictionary([1, 2, 101].into_iter()), noise(100)].concat();
        assert!(CDict::try_create(&offset_too_far, 3).is_none(), "zstd parses it as a dictionary");
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
    fn segments_cost_little() {
        let data = prose(2_000_000);
        let (one, several) = (joined(3, &data, data.len()).len(), joined(3, &data, 500_000).len());
        assert!(several < one + one / 50, "{several} of {one}");
        let zeros = joined(3, &vec![0; 1_000_000], 250_000).len();
        assert!(zeros < 500, "{zeros}");
    }
}
