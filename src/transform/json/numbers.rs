//! Converts the elements of a list of floating-point numbers, which JavaScript then copies in a fraction of the time of parsing them.

use super::swar::space;

/// Bytes of a list in which a number with a fraction or an exponent is looked for.
const SAMPLE: usize = 4 << 10;

/// Appends the elements of a list as `f64` in native byte order, rounded as JavaScript does it, if all are numbers. Returns false, and
/// appends nothing, for other elements, and if the first numbers are integers, which JavaScript parses faster.
pub fn append_doubles(items: &[u8], out: &mut Vec<u8>) -> bool {
    let sample = &items[..items.len().min(SAMPLE)];
    let is_of_integers = |byte: &u8| is_number(*byte) || matches!(byte, b',' | b' ' | b'\n' | b'\r' | b'\t');
    if !matches!(sample.iter().find(|byte| !is_of_integers(byte)), Some(b'.' | b'e' | b'E')) {
        return false;
    }
    let start = out.len();
    let mut at = space(items, 0);
    while at < items.len() {
        let parsed = if is_number(items[at]) { fast_float2::parse_partial(&items[at..]).ok() } else { None };
        let Some((double, length)): Option<(f64, usize)> = parsed else {
            out.truncate(start);
            return false;
        };
        out.extend_from_slice(&double.to_ne_bytes());
        let comma = space(items, at + length);
        at = if comma < items.len() { space(items, comma + 1) } else { comma };
    }
    true
}

/// Returns whether a value that starts with this byte is a number. Integers consist of such bytes.
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
    fn numbers_are_rounded_like_those_of_javascript() {
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
        assert!(doubles("0.5,-0").unwrap()[1].is_sign_negative());
    }

    #[test]
    fn integers_and_other_values_are_not_converted() {
        for items in
            ["", " ", "1", "-1,17 , 0", "\"1.5\"", "0.5,null", "1,true", "0.5,[1]", "1.5,2,{}", "true", "\".\""]
        {
            assert_eq!(doubles(items), None, "{items}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(
            numbers in proptest::collection::vec("-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", 1..20)
        ) {
            let items = format!("0.5,{}", numbers.join(" , "));
            let expected = numbers.iter().map(|number| number.parse::<f64>().unwrap().to_bits());
            let found = doubles(&items).unwrap();
            prop_assert_eq!(found[1..].iter().map(|double| double.to_bits()).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
