//! Reads bits and prefix codes of deflate (RFC 1951).

/// Longest code in bits that one table lookup decodes. Longer codes are rare.
pub const QUICK: u32 = 10;
const LONGEST: usize = 15;
/// Bits after a refill: enough for a length and its distance, 15 + 5 + 15 + 13 bits.
const REFILLED: u32 = 56;

/// A bit reader in deflate's order: the lowest bit of each byte first.
#[derive(Clone, Copy)]
pub struct Bits<'a> {
    data: &'a [u8],
    /// Index of the first byte that is not entirely in `buffer`.
    next: usize,
    buffer: u64,
    /// Number of valid bits in `buffer`. Those above are zero or equal the next bits of the data.
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Bits { data, next: 0, buffer: 0, count: 0 }
    }

    /// Starts at a bit position.
    pub fn at(data: &'a [u8], position: usize) -> Self {
        let mut bits = Bits { next: position / 8, ..Bits::new(data) };
        for _ in 0..position % 8 {
            // Pads with zeros beyond the end of the data.
            let _ = bits.refill();
            bits.skip(1);
        }
        bits
    }

    /// Buffers at least 56 bits. Pads a few bytes beyond the end of the data with zeros, then returns `None`.
    #[inline]
    pub fn refill(&mut self) -> Option<()> {
        if let Some(word) = self.data.get(self.next..).and_then(<[u8]>::first_chunk) {
            self.buffer |= u64::from_le_bytes(*word) << self.count;
            self.next += ((63 - self.count) >> 3) as usize;
            self.count |= REFILLED;
            return Some(());
        }
        while self.count < REFILLED {
            let byte = self.data.get(self.next).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << self.count;
            self.next += 1;
            self.count += 8;
        }
        (self.next <= self.data.len() + 8).then_some(())
    }

    /// Consumes up to 16 of the bits that [`Self::refill`] buffered.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count);
        bits
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are wanted")]
    pub fn peek(&self) -> u32 {
        self.buffer as u32
    }

    /// Returns the next bits as the index of a table for [`QUICK`] bits.
    #[inline]
    pub fn index(&self) -> usize {
        (self.peek() & ((1 << QUICK) - 1)) as usize
    }

    #[inline]
    pub fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.count = self.count.saturating_sub(count);
    }

    /// Returns the position of the next bit, which may lie beyond the end of the data.
    pub fn position(&self) -> usize {
        (self.next * 8).saturating_sub(self.count as usize)
    }

    /// Continues at a byte.
    pub fn jump(&mut self, byte: usize) {
        *self = Bits { next: byte, ..Bits::new(self.data) };
    }
}

/// A canonical prefix code, reused for each block.
pub struct Code {
    /// Indexed by the next bits: the symbol and, in the lower 4 bits, the length of its code; 0 for longer or invalid codes.
    quick: [u16; 1 << QUICK],
    /// Number of codes of each length.
    counts: [u16; LONGEST + 1],
    /// Symbols in the order of their codes.
    symbols: [u16; 288],
}

impl Code {
    pub fn new() -> Self {
        Code { quick: [0; 1 << QUICK], counts: [0; LONGEST + 1], symbols: [0; 288] }
    }

    /// Sets the code from the lengths of its symbols. Rejects an oversubscribed set; accepts an incomplete one, which deflate
    /// allows for distances.
    pub fn set(&mut self, lengths: &[u8]) -> Option<()> {
        self.counts = [0; LONGEST + 1];
        for &length in lengths {
            *self.counts.get_mut(usize::from(length))? += 1;
        }
        self.counts[0] = 0;
        // First code of each length, and its index among the symbols.
        let (mut codes, mut indices) = ([0u32; LONGEST + 1], [0usize; LONGEST + 1]);
        let (mut code, mut index) = (0, 0);
        for length in 1..=LONGEST {
            code <<= 1;
            (codes[length], indices[length]) = (code, index);
            code += u32::from(self.counts[length]);
            index += usize::from(self.counts[length]);
            if code > 1 << length {
                return None;
            }
        }
        self.quick.fill(0);
        for (symbol, &length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let at = usize::from(length);
            *self.symbols.get_mut(indices[at])? = symbol;
            indices[at] += 1;
            let code = codes[at];
            codes[at] += 1;
            let bits = u32::from(length);
            if bits <= QUICK {
                // Codes start at the lowest bit, so the table is indexed by the reversed code.
                let first = (code << (32 - bits)).reverse_bits() as usize;
                let entry = symbol << 4 | u16::from(length);
                for slot in self.quick.iter_mut().skip(first).step_by(1 << bits) {
                    *slot = entry;
                }
            }
        }
        Some(())
    }

    /// Returns the symbol at the start of the given bits, and the length of its code, unless that is longer than [`QUICK`].
    pub fn quick(&self, bits: usize) -> Option<(u16, u32)> {
        let entry = *self.quick.get(bits)?;
        (entry > 0).then_some((entry >> 4, u32::from(entry & 15)))
    }

    /// Consumes one symbol of the refilled `bits`.
    #[inline]
    pub fn read(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let entry = self.quick[bits.index()];
        if entry == 0 {
            return self.read_slowly(bits);
        }
        bits.skip(u32::from(entry & 15));
        Some(entry >> 4)
    }

    /// Decodes bit by bit: the codes of each length are consecutive, and so are their symbols.
    #[cold]
    fn read_slowly(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0usize);
        for &count in &self.counts[1..] {
            code = code << 1 | bits.take(1);
            let count = u32::from(count);
            // Not below `first`: a shorter code would have matched.
            let nth = code.checked_sub(first)?;
            if nth < count {
                return self.symbols.get(index + nth as usize).copied();
            }
            index += count as usize;
            first = (first + count) << 1;
        }
        None
    }
}
