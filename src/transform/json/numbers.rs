//! Converts lists of numbers to binary form, which JavaScript copies in a fraction of the time that parsing takes.

use super::swar::{eight_digits, non_digits, space};

/// Converts integers of at most seven digits, each followed by a comma, without white space, in about `length` bytes of text. Returns
/// the offset of the first element that is not converted.
pub fn append_integers(text: &[u8], start: usize, length: usize, integers: &mut Vec<i32>) -> usize {
    let mut at = start;
    while at - start < length {
        let is_negative = text.get(at) == Some(&b'-');
        let first = at + usize::from(is_negative);
        let Some(eight) = text.get(first..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*eight);
        let bits = non_digits(word).trailing_zeros() & !7;
        // The scanner handles minus zero and refuses leading zeros.
        if bits == 0
            || bits == u64::BITS
            || eight[bits as usize / 8] != b','
            || (eight[0] == b'0' && (bits > 8 || is_negative))
        {
            break;
        }
        let value = eight_digits(word << (u64::BITS - bits)).cast_signed();
        integers.push(if is_negative { -value } else { value });
        at = first + bits as usize / 8 + 1;
    }
    at
}

/// Bytes at the start of a list that are searched for a fraction or an exponent.
const SAMPLE: usize = 4 << 10;
/// Maximum bytes of doubles for each byte of text, as of UTF-16: a list of very short numbers stays text.
const MAX_GROWTH: usize = 2;

/// Appends the elements of a list as `f64` in native byte order, rounded as in JavaScript. Appends nothing and returns false if an
/// element is not a number, if the first `SAMPLE` bytes hold only integers, which JavaScript parses faster, or if the doubles are too
/// long.
pub fn append_doubles(items: &[u8], out: &mut Vec<u8>) -> bool {
    let sample = &items[..items.len().min(SAMPLE)];
    let is_of_integers = |byte: &u8| is_number(*byte) || matches!(byte, b',' | b' ' | b'\n' | b'\r' | b'\t');
    if !matches!(sample.iter().find(|byte| !is_of_integers(byte)), Some(b'.' | b'e' | b'E')) {
        return false;
    }
    let start = out.len();
    // The last element has no comma.
    let is_complete = append_numbers(items, out, start + MAX_GROWTH * (items.len() + 1));
    if !is_complete {
        out.truncate(start);
    }
    is_complete
}

/// Appends the elements of a list as `f64`, up to the first one that is not a number, or that makes `out` longer than `max_length`.
/// Returns whether it has appended all elements.
fn append_numbers(items: &[u8], out: &mut Vec<u8>, max_length: usize) -> bool {
    let mut at = space(items, 0);
    while at < items.len() {
        let parsed = if is_number(items[at]) { fast_float2::parse_partial(&items[at..]).ok() } else { None };
        let Some((double, length)): Option<(f64, usize)> = parsed else { return false };
        if out.len() + size_of::<f64>() > max_length {
            return false;
        }
        out.extend_from_slice(&double.to_ne_bytes());
        let comma = space(items, at + length);
        at = if comma < items.len() { space(items, comma + 1) } else { comma };
    }
    true
}

/// Returns whether a number can start with this byte. Integers consist of such bytes.
fn is_number(byte: u8) -> bool {
    matches!(byte, b'-' | b'0'..=b'9')
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubles(items: &str) -> Option<Vec<f64>> {
        let mut out = vec![7; 8];
        if append_doubles(items.as_bytes(), &mut out) {
            return Some(out[8..].as_chunks().0.iter().map(|double| f64::from_ne_bytes(*double)).collect());
        }
        assert_eq!(out, [7; 8], "{items}");
        None
    }

    #[test]
    fn integers_are_converted_up_to_the_first_other_element() {
        for (text, end, expected) in [
            ("1,-2,1234567,0,99,-7654321,12345678,5,        ", 27, vec![1, -2, 1_234_567, 0, 99, -7_654_321]),
            ("7,0.5,6,      ", 2, vec![7]),
            ("7,-0,6,       ", 2, vec![7]),
            ("7,01,6,       ", 2, vec![7]),
            ("7,1e2,6,      ", 2, vec![7]),
            ("7,,6,         ", 2, vec![7]),
            ("7,6 ,5,       ", 2, vec![7]),
            ("7, 6,5,       ", 2, vec![7]),
            ("7,\"6\",5,     ", 2, vec![7]),
            ("7,6]          ", 2, vec![7]),
            ("1,2,3", 0, vec![]),
        ] {
            let mut integers = Vec::new();
            assert_eq!(append_integers(text.as_bytes(), 0, 100, &mut integers), end, "{text}");
            assert_eq!(integers, expected, "{text}");
        }
        let mut integers = vec![9];
        assert_eq!(append_integers("1,22,333,4444,55555,".as_bytes(), 2, 5, &mut integers), 9);
        assert_eq!(integers, [9, 22, 333]);
    }

    #[test]
    fn numbers_are_rounded_as_in_javascript() {
        for (items, expected) in [
            ("1.0", vec![1.0]),
            (" 1, 0.5 ,\n-2 , 30", vec![1.0, 0.5, -2.0, 30.0]),
            ("1e400,-1E+400,5e-324,1e-400", vec![f64::INFINITY, f64::NEG_INFINITY, 5e-324, 0.0]),
            (
                "0.1,9007199254740993,123456789012345678901234567890",
                vec![0.1, 9_007_199_254_740_992.0, 1.234_567_890_123_456_8e29],
            ),
        ] {
            assert_eq!(doubles(items), Some(expected), "{items}");
        }
        assert!(doubles("0.5,-0 ").unwrap()[1].is_sign_negative());
    }

    #[test]
    fn lists_of_integers_or_other_values_do_not_become_doubles() {
        for items in [
            "",
            " ",
            "1",
            "-1,17 , 0",
            "0.5,1,2,3",
            "\"1.5\"",
            "0.5,null",
            "1,true",
            "0.5,[1]",
            "1.5,2,{}",
            "true",
            "\".\"",
        ] {
            assert_eq!(doubles(items), None, "{items}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(
            numbers in proptest::collection::vec("-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", 1..20)
        ) {
            let items = format!("0.5, {} ", numbers.join(" , "));
            let expected = numbers.iter().map(|number| number.parse::<f64>().unwrap().to_bits());
            let found = doubles(&items).unwrap();
            prop_assert_eq!(found[1..].iter().map(|double| double.to_bits()).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
