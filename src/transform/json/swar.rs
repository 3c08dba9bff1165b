//! Searches of JSON text eight bytes at a time (SIMD within a register).

const ONES: u64 = 0x0101_0101_0101_0101;

/// Marks the quotes and backslashes in eight bytes: the lowest set bit belongs to the first of them. A borrow may set bits above.
#[inline]
pub fn quotes(word: u64) -> u64 {
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    (is_zero(word ^ (ONES * u64::from(b'"'))) | is_zero(word ^ (ONES * u64::from(b'\\')))) & (ONES << 7)
}

/// Marks the control characters in eight bytes, as [`quotes`] does.
#[inline]
pub fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & (ONES << 7)
}

/// Bytes that [`string_stops`] examines.
pub const BLOCK: usize = 64;

/// Returns a bit for each byte, the lowest for the first, set if the byte is a quote, a backslash or a control character.
#[inline]
pub fn string_stops(block: &[u8; BLOCK]) -> u64 {
    const LOW: u64 = ONES * 0x7f;
    // Unlike in `quotes`, no carry reaches the next byte.
    let is_not = |word: u64, byte: u8| {
        let differs = word ^ (ONES * u64::from(byte));
        ((differs & LOW) + LOW) | differs
    };
    block.as_chunks::<8>().0.iter().rev().fold(0, |bits, eight| {
        let word = u64::from_le_bytes(*eight);
        let is_printable = ((word & LOW) + ONES * (0x80 - 0x20)) | word;
        let stops = !(is_not(word, b'"') & is_not(word, b'\\') & is_printable) & (ONES << 7);
        // Moves the highest bit of each byte to the highest byte.
        bits << 8 | (stops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

/// Marks the bytes that are not decimal digits, as [`quotes`] does.
#[inline]
pub fn non_digits(word: u64) -> u64 {
    let values = word ^ (ONES * u64::from(b'0'));
    (values.wrapping_add(ONES * (0x80 - 10)) | values) & (ONES << 7)
}

/// Returns the number whose decimal digits are the bytes of a word, the most significant in the lowest byte. A NUL byte is the digit 0.
#[inline]
pub fn eight_digits(word: u64) -> u32 {
    // Joins neighbours into numbers of two, four and then eight digits, in all lanes of the word at a time.
    let twos = (word & (ONES * 0x0f)).wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (twos & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    let eight = (fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32;
    u32::try_from(eight).unwrap_or_default()
}

/// Returns the offset after the string whose opening quote is at `start`, or the end of the text if it is not closed.
pub fn string_end(text: &[u8], start: usize) -> usize {
    string_tail(text, start + 1).unwrap_or(text.len())
}

/// Returns the offset after the closing quote of a string whose content includes `at`, if it is closed.
pub fn string_tail(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let ends = quotes(u64::from_le_bytes(*eight));
            if ends != 0 {
                at += ends.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Returns the offset after the white space at `at`.
#[inline]
pub fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_stops_a_string_has_a_bit() {
        for first in 0..=255_u8 {
            let mut byte = first;
            let block = [0; BLOCK].map(|_: u8| {
                byte = byte.wrapping_mul(77).wrapping_add(first | 1);
                if byte.is_multiple_of(3) { b'"' } else { byte }
            });
            let stops = block.map(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            assert_eq!(string_stops(&block), stops.iter().rev().fold(0, |bits, &stop| bits << 1 | u64::from(stop)));
        }
    }

    #[test]
    fn the_first_byte_that_is_not_a_digit_is_marked() {
        for index in 0..8 {
            for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
                let mut bytes = *b"09876543";
                bytes[index] = byte;
                bytes[7] = byte;
                assert_eq!(non_digits(u64::from_le_bytes(bytes)).trailing_zeros() as usize / 8, index, "{byte}");
            }
        }
        assert_eq!(non_digits(u64::from_le_bytes(*b"01234567")), 0);
    }

    #[test]
    fn eight_digits_become_a_number() {
        for (digits, number) in
            [(b"00000000", 0), (b"98765432", 98_765_432), (b"99999999", 99_999_999), (b"\0\0\0\0\0\x0012", 12)]
        {
            assert_eq!(eight_digits(u64::from_le_bytes(*digits)), number);
        }
    }
}
