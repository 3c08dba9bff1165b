//! The blocks that a Zstandard frame is made of (RFC 8878, section 3.1.1): enough to take a frame apart and to make one.

/// No block holds more.
const BLOCK: usize = 128 << 10;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const HEADER: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw = 0,
    /// One byte, many times.
    Repeated = 1,
    Compressed = 2,
}

#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    kind: Kind,
    /// As its header has it: what a repeated byte becomes, else what the body takes.
    size: usize,
    body: &'a [u8],
}

/// The header of a frame whose matches reach back `window` bytes, a power of two, and which holds `len` bytes.
pub fn write_frame_header(window: usize, len: Option<u64>, checksum: bool, out: &mut Vec<u8>) {
    let eight_bytes_of_len = if len.is_some() { 3 << 6 } else { 0 };
    let exponent = u8::try_from(window.ilog2() - 10).expect("less than 2^41");
    out.extend(MAGIC);
    out.extend([eight_bytes_of_len | u8::from(checksum) << 2, exponent << 3]);
    out.extend(len.into_iter().flat_map(u64::to_le_bytes));
}

/// The end of a frame: an empty block that is the last one.
pub fn write_end(out: &mut Vec<u8>) {
    write_header(Kind::Raw, 0, true, out);
}

/// Bytes as they are.
pub fn write_raw(data: &[u8], out: &mut Vec<u8>) {
    for body in data.chunks(BLOCK) {
        Block { kind: Kind::Raw, size: body.len(), body }.write(out);
    }
}

/// A block with one match of three bytes: no literals, and of each symbol one code that needs no table.
pub fn write_match(offset: usize, out: &mut Vec<u8>) {
    const LITERALS: u8 = 0;
    const MATCHES: u8 = 1;
    const ONE_CODE_EACH: u8 = 0b01_01_01_00;
    const NO_LITERALS: u8 = 0;
    const LENGTH_THREE: u8 = 0;
    // The first three values mean the repeat offsets. A bit more ends the bits, which are read backwards.
    let value = offset + 3;
    let code = value.ilog2();
    let bits = (value - (1 << code)) | (1 << code);
    let code = u8::try_from(code).expect("a bit of a word");
    let mut body = vec![LITERALS, MATCHES, ONE_CODE_EACH, NO_LITERALS, code, LENGTH_THREE];
    body.extend_from_slice(&bits.to_le_bytes()[..=usize::from(code) / 8]);
    Block { kind: Kind::Compressed, size: body.len(), body: &body }.write(out);
}

fn write_header(kind: Kind, size: usize, last: bool, out: &mut Vec<u8>) {
    let word = size << 3 | (kind as usize) << 1 | usize::from(last);
    out.extend_from_slice(&word.to_le_bytes()[..HEADER]);
}

impl Block<'_> {
    /// Appends it, as one that is not the last.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_header(self.kind, self.size, false, out);
        out.extend_from_slice(self.body);
    }
}

/// The blocks of a frame that zstd has made.
pub fn blocks_of(frame: &[u8]) -> impl Iterator<Item = Block<'_>> + Clone {
    let descriptor = frame[4];
    let single = descriptor & 0x20 != 0;
    let window = usize::from(!single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let len = [usize::from(single), 2, 4, 8][usize::from(descriptor >> 6)];
    let mut rest = &frame[5 + window + dictionary + len..];
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let word = little_endian(&rest[..HEADER]);
        ended = word & 1 != 0;
        let size = word >> 3;
        let (kind, taken) = match word >> 1 & 3 {
            0 => (Kind::Raw, size),
            1 => (Kind::Repeated, 1),
            _ => (Kind::Compressed, size),
        };
        let (body, later) = rest[HEADER..].split_at(taken);
        rest = later;
        Some(Block { kind, size, body })
    })
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | usize::from(*byte))
}

/// The entropy tables that blocks have set so far: that of the literals, and those of the sequences.
#[derive(Default)]
pub struct Tables {
    literals: bool,
    sequences: [bool; 3],
}

impl Tables {
    /// Takes note of a block's tables. False: it makes use of one that was not set.
    pub fn has_all_of(&mut self, block: Block<'_>) -> bool {
        const FROM_BEFORE: u8 = 3;
        if block.kind != Kind::Compressed {
            return true;
        }
        let body = block.body;
        let how = body[0] & 3;
        if how == FROM_BEFORE && !self.literals {
            return false;
        }
        self.literals |= how == 2;
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
            all &= *set || modes >> shift & 3 != FROM_BEFORE;
            *set = true;
        }
        all
    }
}

/// What the literals of a compressed block take, their header included.
fn literals_len(body: &[u8]) -> usize {
    let (how, format) = (body[0] & 3, body[0] >> 2 & 3);
    if how < 2 {
        let (header, shift) = [(1, 3), (2, 4), (1, 3), (3, 4)][usize::from(format)];
        let plain = little_endian(&body[..header]) >> shift;
        return header + if how == 0 { plain } else { 1 };
    }
    let (header, bits) = [(3, 10), (3, 10), (4, 14), (5, 18)][usize::from(format)];
    header + (little_endian(&body[..header]) >> (4 + bits))
}
