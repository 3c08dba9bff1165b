//! The blocks of a Zstandard frame (RFC 8878, section 3.1.1): enough to take a frame apart and to make one.

/// Size limit of a block.
const MAX_BLOCK: usize = 128 << 10;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const HEADER: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockType {
    Raw = 0,
    /// One byte, repeated.
    Rle = 1,
    Compressed = 2,
}

#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    block_type: BlockType,
    /// Size in the header: of the output for `Rle`, else of the body.
    size: usize,
    body: &'a [u8],
}

/// Appends the header of a frame. Matches reach back up to `window` bytes, a power of two; `len` is the length of the
/// content, if known.
pub fn write_frame_header(window: usize, len: Option<u64>, checksum: bool, out: &mut Vec<u8>) {
    let eight_bytes_of_len = if len.is_some() { 3 << 6 } else { 0 };
    let exponent = u8::try_from(window.ilog2() - 10).expect("less than 2^41");
    out.extend(MAGIC);
    out.extend([eight_bytes_of_len | u8::from(checksum) << 2, exponent << 3]);
    out.extend(len.into_iter().flat_map(u64::to_le_bytes));
}

/// Appends the end of a frame: an empty last block.
pub fn write_end(out: &mut Vec<u8>) {
    write_header(BlockType::Raw, 0, true, out);
}

/// Appends bytes as raw blocks.
pub fn write_raw(data: &[u8], out: &mut Vec<u8>) {
    for body in data.chunks(MAX_BLOCK) {
        Block { block_type: BlockType::Raw, size: body.len(), body }.write(out);
    }
}

/// Appends a block with one match of three bytes: no literals, and RLE tables for the sequence.
pub fn write_match(offset: usize, out: &mut Vec<u8>) {
    const LITERALS: u8 = 0;
    const MATCHES: u8 = 1;
    const RLE_TABLES: u8 = 0b01_01_01_00;
    const NO_LITERALS: u8 = 0;
    const LENGTH_THREE: u8 = 0;
    // The first three values are the repeat offsets. The bit stream is read backwards and ends with an extra 1 bit.
    let value = offset + 3;
    let code = value.ilog2();
    let bits = (value - (1 << code)) | (1 << code);
    let code = u8::try_from(code).expect("less than the bits of a word");
    let mut body = vec![LITERALS, MATCHES, RLE_TABLES, NO_LITERALS, code, LENGTH_THREE];
    body.extend_from_slice(&bits.to_le_bytes()[..=usize::from(code) / 8]);
    Block { block_type: BlockType::Compressed, size: body.len(), body: &body }.write(out);
}

fn write_header(block_type: BlockType, size: usize, last: bool, out: &mut Vec<u8>) {
    let word = size << 3 | (block_type as usize) << 1 | usize::from(last);
    out.extend_from_slice(&word.to_le_bytes()[..HEADER]);
}

impl Block<'_> {
    /// Appends the block, not marked as the last one.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_header(self.block_type, self.size, false, out);
        out.extend_from_slice(self.body);
    }
}

/// Iterates over the blocks of a frame that zstd has made.
pub fn blocks_of(frame: &[u8]) -> impl Iterator<Item = Block<'_>> + Clone {
    let descriptor = frame[4];
    let single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let len = [usize::from(single_segment), 2, 4, 8][usize::from(descriptor >> 6)];
    let mut rest = &frame[5 + window + dictionary + len..];
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let word = little_endian(&rest[..HEADER]);
        ended = word & 1 != 0;
        let size = word >> 3;
        let (block_type, len) = match word >> 1 & 3 {
            0 => (BlockType::Raw, size),
            1 => (BlockType::Rle, 1),
            _ => (BlockType::Compressed, size),
        };
        let (body, later) = rest[HEADER..].split_at(len);
        rest = later;
        Some(Block { block_type, size, body })
    })
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | usize::from(*byte))
}

/// Tracks which entropy tables the blocks of a frame have set: that of literals, and those of sequences.
#[derive(Default)]
pub struct EntropyTables {
    literals: bool,
    sequences: [bool; 3],
}

impl EntropyTables {
    /// Adds the tables of a block; returns false if the block reuses a table that is not set.
    pub fn add(&mut self, block: Block<'_>) -> bool {
        const REUSED: u8 = 3;
        if block.block_type != BlockType::Compressed {
            return true;
        }
        let body = block.body;
        let literals_type = body[0] & 3;
        if literals_type == REUSED && !self.literals {
            return false;
        }
        self.literals |= literals_type == 2;
        let rest = &body[literals_len(body)..];
        let modes_at = match rest[0] {
            0 => return true,
            1..128 => 1,
            128..255 => 2,
            255 => 3,
        };
        let modes = rest[modes_at];
        let mut all = true;
        for (set, shift) in self.sequences.iter_mut().zip([6, 4, 2]) {
            all &= *set || modes >> shift & 3 != REUSED;
            *set = true;
        }
        all
    }
}

/// Returns the size of the literals section of a compressed block, header included.
fn literals_len(body: &[u8]) -> usize {
    let (literals_type, format) = (body[0] & 3, body[0] >> 2 & 3);
    if literals_type < 2 {
        let (header, shift) = [(1, 3), (2, 4), (1, 3), (3, 4)][usize::from(format)];
        let plain = little_endian(&body[..header]) >> shift;
        return header + if literals_type == 0 { plain } else { 1 };
    }
    let (header, bits) = [(3, 10), (3, 10), (4, 14), (5, 18)][usize::from(format)];
    header + (little_endian(&body[..header]) >> (4 + bits))
}
