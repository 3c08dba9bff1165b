//! Reading bits, and the prefix codes that deflate (RFC 1951) writes in them.

/// Codes of up to this many bits are looked up in one step. Longer ones are rare by their nature.
const QUICK: u32 = 10;
const LONGEST: usize = 15;
/// Enough for any one symbol of a length code with its distance: 15 + 5 + 15 + 13 bits.
const REFILLED: u32 = 56;

/// Bits in deflate's order: from the lowest of each byte on.
pub struct Bits<'a> {
    data: &'a [u8],
    /// The first byte that is not in `held` as a whole.
    next: usize,
    held: u64,
    /// How many bits of `held` count. What lies above them is either zero or what follows anyway.
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Bits { data, next: 0, held: 0, count: 0 }
    }

    /// Holds at least 56 bits afterwards; the first few beyond the end of the data are zeros, then there is `None`.
    #[inline]
    pub fn refill(&mut self) -> Option<()> {
        if let Some(word) = self.data.get(self.next..).and_then(<[u8]>::first_chunk) {
            self.held |= u64::from_le_bytes(*word) << self.count;
            self.next += ((63 - self.count) >> 3) as usize;
            self.count |= REFILLED;
            return Some(());
        }
        while self.count < REFILLED {
            let byte = self.data.get(self.next).copied().unwrap_or(0);
            self.held |= u64::from(byte) << self.count;
            self.next += 1;
            self.count += 8;
        }
        (self.next <= self.data.len() + 8).then_some(())
    }

    /// Takes up to 16 bits of those that [`Self::refill`] got.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count);
        bits
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are wanted")]
    fn peek(&self) -> u32 {
        self.held as u32
    }

    #[inline]
    pub fn skip(&mut self, count: u32) {
        self.held >>= count;
        self.count = self.count.saturating_sub(count);
    }

    /// The place of the next bit, counted from the start. It may lie beyond the end.
    pub fn position(&self) -> usize {
        (self.next * 8).saturating_sub(self.count as usize)
    }

    /// Goes on at this byte.
    pub fn jump(&mut self, byte: usize) {
        *self = Bits { next: byte, ..Bits::new(self.data) };
    }
}

/// A canonical prefix code, made once and remade for each block.
pub struct Code {
    /// By the next bits: the symbol and, in the lower 4 bits, the length of its code; 0 if that is longer or there is none.
    quick: [u16; 1 << QUICK],
    /// How many codes there are of each length.
    counts: [u16; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; 288],
}

impl Code {
    pub fn new() -> Self {
        Code { quick: [0; 1 << QUICK], counts: [0; LONGEST + 1], symbols: [0; 288] }
    }

    /// Makes the code whose symbols have these lengths. A set that has more codes than there can be is refused; one that
    /// has fewer is taken, as deflate allows for distances.
    pub fn set(&mut self, lengths: &[u8]) -> Option<()> {
        self.counts = [0; LONGEST + 1];
        for &length in lengths {
            *self.counts.get_mut(usize::from(length))? += 1;
        }
        self.counts[0] = 0;
        // Where the codes of each length begin, among the codes and among the symbols.
        let (mut codes, mut places) = ([0u32; LONGEST + 1], [0usize; LONGEST + 1]);
        let (mut code, mut place) = (0, 0);
        for length in 1..=LONGEST {
            code <<= 1;
            (codes[length], places[length]) = (code, place);
            code += u32::from(self.counts[length]);
            place += usize::from(self.counts[length]);
            if code > 1 << length {
                return None;
            }
        }
        self.quick.fill(0);
        for (symbol, &length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let at = usize::from(length);
            *self.symbols.get_mut(places[at])? = symbol;
            places[at] += 1;
            let code = codes[at];
            codes[at] += 1;
            let bits = u32::from(length);
            if bits <= QUICK {
                // Codes come with their first bit lowest, so the table wants them mirrored.
                let first = (code << (32 - bits)).reverse_bits() as usize;
                let entry = symbol << 4 | u16::from(length);
                for slot in self.quick.iter_mut().skip(first).step_by(1 << bits) {
                    *slot = entry;
                }
            }
        }
        Some(())
    }

    /// Takes one symbol of the refilled `bits`.
    #[inline]
    pub fn read(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let entry = self.quick[(bits.peek() & ((1 << QUICK) - 1)) as usize];
        if entry == 0 {
            return self.read_slowly(bits);
        }
        bits.skip(u32::from(entry & 15));
        Some(entry >> 4)
    }

    /// Bit by bit: of each length, the codes follow one another, and so do their symbols.
    #[cold]
    fn read_slowly(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut place) = (0u32, 0u32, 0usize);
        for &count in &self.counts[1..] {
            code = code << 1 | bits.take(1);
            let count = u32::from(count);
            // Never below `first`, or a shorter code would have been it.
            let nth = code.checked_sub(first)?;
            if nth < count {
                return self.symbols.get(place + nth as usize).copied();
            }
            place += count as usize;
            first = (first + count) << 1;
        }
        None
    }
}
