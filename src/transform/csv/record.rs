//! A record of CSV and the values of its fields.

use crate::args::quoted;
use crate::error::Error;
use std::borrow::Cow;

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    Unquoted,
    Quoted,
    /// Quoted, with doubled quotes in it.
    Escaped,
}

/// The offsets of a field in its record, without its quotes.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub start: usize,
    pub end: usize,
    pub quoting: Quoting,
}

impl Field {
    /// Returns an empty unquoted field.
    pub fn at(start: usize) -> Self {
        Field { start, end: start, quoting: Quoting::Unquoted }
    }
}

pub struct Record<'a> {
    pub text: &'a str,
    pub fields: &'a [Field],
    /// The number of its first line, from 1.
    pub line: u64,
    /// Its offset in the input.
    pub offset: u64,
    pub quote: u8,
}

impl<'a> Record<'a> {
    /// Returns the value of a field.
    pub fn field(&self, column: usize) -> Cow<'a, str> {
        let Field { start, end, quoting } = self.fields[column];
        let text = &self.text[start..end];
        if quoting != Quoting::Escaped {
            return Cow::Borrowed(text);
        }
        let quote = char::from(self.quote);
        Cow::Owned(text.replace(&format!("{quote}{quote}"), quote.encode_utf8(&mut [0; 4])))
    }

    /// Returns whether a field is empty and not quoted.
    pub fn is_null(&self, column: usize) -> bool {
        let Field { start, end, quoting } = self.fields[column];
        start == end && quoting == Quoting::Unquoted
    }

    /// Returns the error for a field of the column `name`.
    pub fn invalid(&self, column: usize, name: &str, problem: &str) -> Error {
        let start = self.fields[column].start;
        let line = self.line + line_breaks(&self.text.as_bytes()[..start]);
        Error::invalid_data(format!("The field in line {line} of the column {} {problem}", quoted(name)))
            .at(self.offset + start as u64)
    }

    /// Returns the error for a field that is not of its column's type.
    fn wrong_type(&self, column: usize, name: &str, problem: &str) -> Error {
        self.invalid(column, name, &format!("{problem}. Received {}", quoted(&self.field(column))))
    }

    /// Parses a number; `None` for an empty field.
    pub fn number(&self, column: usize, name: &str) -> Result<Option<f64>, Error> {
        let text = self.field(column);
        if text.is_empty() {
            return Ok(None);
        }
        match number(text.trim_matches([' ', '\t'])) {
            Ok(number) => Ok(Some(number)),
            Err(NumberError::Malformed) => Err(self.wrong_type(column, name, "is not a number")),
            Err(NumberError::Rounded) => Err(self.wrong_type(
                column,
                name,
                "has more digits than a number can hold: give the column the type 'string'",
            )),
            Err(NumberError::TooLarge) => Err(self.wrong_type(column, name, "is too large for a number")),
        }
    }

    /// Parses `true`, `false`, `1` or `0`, ignoring case.
    pub fn boolean(&self, column: usize, name: &str) -> Result<bool, Error> {
        let text = self.field(column);
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("true") || is("1") {
            Ok(true)
        } else if is("false") || is("0") {
            Ok(false)
        } else {
            Err(self.wrong_type(column, name, "is not a boolean: expected true, false, 1 or 0"))
        }
    }
}

/// Counts line breaks: LF, CR and CRLF.
pub fn line_breaks(text: &[u8]) -> u64 {
    let ends = |index: usize| text[index] == b'\n' || text.get(index + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\n', b'\r', text).filter(|index| ends(*index)).count() as u64
}

/// The reason why a field is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberError {
    Malformed,
    /// A double would change its digits.
    Rounded,
    TooLarge,
}

/// 2^53: not every larger integer is a double.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;
/// Any number with this many significant digits survives conversion to a double and back.
const EXACT_DIGITS: usize = 15;
/// No double has more significant digits.
const MAX_DIGITS: usize = 767;

/// Parses a JSON number, also with a plus or with a point at its start or end, or `NaN`, `Infinity` or `-Infinity`. Refuses a
/// number whose digits the nearest double would silently change.
fn number(text: &str) -> Result<f64, NumberError> {
    let Some(number) = decimal(text) else { return special(text).ok_or(NumberError::Malformed) };
    if number.is_infinite() {
        return Err(NumberError::TooLarge);
    }
    if number.abs() >= FIRST_INEXACT && !keeps_digits(text.trim_start_matches(['+', '-']), number.abs()) {
        return Err(NumberError::Rounded);
    }
    Ok(number)
}

/// Returns whether a double of 2^53 or more keeps the digits of the text it was parsed from: they are all of its digits, or the
/// fewest that identify it, as JavaScript writes them. With an exponent, only the digits of the mantissa count.
fn keeps_digits(text: &str, number: f64) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(index) => (&text[..index], true),
        None => (text, false),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    // Display writes the fewest digits, then zeros up to the point.
    let fewest = number.to_string();
    if !exponent {
        return fraction.is_empty() && (whole == fewest || whole == format!("{number:.0}"));
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_matches('0');
    match digits.len() {
        0..=EXACT_DIGITS => true,
        len @ ..=MAX_DIGITS => {
            let written = format!("{number:.*e}", len - 1);
            let rounded = written.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit);
            digits == fewest.trim_end_matches('0') || rounded.eq(digits.bytes())
        }
        _ => false,
    }
}

/// Returns the double nearest to a number in decimal notation.
fn decimal(text: &str) -> Option<f64> {
    let (digits, rest) = digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    let is_whole = digits == "0" || !digits.is_empty() && !digits.starts_with('0');
    if is_whole && rest.is_empty() {
        return text.parse().ok();
    }
    let rest = match rest.strip_prefix('.') {
        None if is_whole => rest,
        None => return None,
        Some(fraction) => {
            let (decimals, rest) = self::digits(fraction);
            let has_digits = is_whole || digits.is_empty() && !decimals.is_empty();
            if !has_digits {
                return None;
            }
            rest
        }
    };
    let has_end = match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let (exponent, rest) = self::digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
            !exponent.is_empty() && rest.is_empty()
        }
    };
    if has_end { text.parse().ok() } else { None }
}

fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Splits a text after its leading digits.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_json_and_a_few_more_are_parsed() {
        for (text, expected) in [
            ("0", 0.0),
            ("-12", -12.0),
            ("+7", 7.0),
            (".5", 0.5),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("5.e1", 50.0),
            ("0.1", 0.1),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("2.5e+1", 25.0),
            ("9007199254740991", 9_007_199_254_740_991.0),
            ("9007199254740992", 9_007_199_254_740_992.0),
            ("-9007199254740994.000", -9_007_199_254_740_994.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("100000000000000000000", 1e20),
            // As String(double) and its zero-padded forms write them.
            ("1152921504606847000", 1_152_921_504_606_846_976.0),
            ("-1152921504606847000.0", -1_152_921_504_606_846_976.0),
            ("9223372036854776000", 9_223_372_036_854_775_808.0),
            ("18446744073709552000", 18_446_744_073_709_551_616.0),
            ("1700000000123456800", 1_700_000_000_123_456_768.0),
            ("100000000000000000000000", 1e23),
            ("179769313486231570000e288", f64::MAX),
            ("1e23", 1e23),
            ("6.02214076e23", 6.022_140_76e23),
            ("1.7976931348623157e308", f64::MAX),
            ("9.007199254740992E15", 9_007_199_254_740_992.0),
            ("123456789012345000000e0", 123_456_789_012_345e6),
            ("0.1000000000000000055511151231257827", 0.1),
            ("3.14159265358979323846", std::f64::consts::PI),
            ("1e-400", 0.0),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text).map(f64::to_bits), Ok(expected.to_bits()), "{text}");
        }
        assert_eq!(number("-0").unwrap().to_bits(), (-0.0_f64).to_bits());
        assert!(number("NaN").unwrap().is_nan());
        let malformed = "|.|+|-|-.|e1|.e1|1e|1e+|01|-01|00|01.5|1.2.3|1 2|0x1|inf|nan|infinity|+Infinity|-NaN|1_000|1,5|١|1f|--1|+-1";
        for text in malformed.split('|') {
            assert_eq!(number(text), Err(NumberError::Malformed), "{text}");
        }
    }

    #[test]
    fn numbers_that_a_double_would_change_are_refused() {
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "+9007199254740993",
            "9007199254740993.0",
            "9007199254740992.5",
            "9007199254740991.75",
            "18446744073709551615",
            "18446744073709551000",
            "1700000000123456789",
            "1152921504606847001",
            "1152921504606847000.5",
            "123456789012345678901234567890",
            "100000000000000000000001",
            "9007199254740993e0",
            "9.007199254740993e15",
            "0.9007199254740993E16",
            "9007199254740993000e-3",
            "1.23456789012345678901234567890e40",
        ] {
            assert_eq!(number(text), Err(NumberError::Rounded), "{text}");
        }
        assert_eq!(number(&format!("9.{}1e20", "0".repeat(100_000))), Err(NumberError::Rounded));
        for text in ["1e309", "-1e400", "1e99999999999", &"9".repeat(400)] {
            assert_eq!(number(text), Err(NumberError::TooLarge), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_double_written_exactly_is_parsed(bits in any::<u64>(), digits in 0..40_usize) {
            let expected = f64::from_bits(bits);
            prop_assume!(expected.is_finite());
            for text in [format!("{expected}"), format!("{expected:e}"), format!("{expected:.digits$}"), format!("{expected:.0}")] {
                // Small numbers are rounded after the point; large ones have no digits there.
                if let Ok(parsed) = number(&text) {
                    prop_assert_eq!(parsed.to_bits(), text.parse::<f64>().unwrap().to_bits());
                }
            }
            prop_assert_eq!(number(&format!("{expected:e}")).map(f64::to_bits), Ok(bits));
            let exact = format!("{expected:.*e}", digits + 16);
            prop_assert_eq!(number(&exact).map(f64::to_bits), Ok(bits), "{}", exact);
        }

        #[test]
        fn every_large_double_written_in_the_fewest_digits_is_parsed(bits in any::<u64>(), exponent in 0..971_u64) {
            for fraction in [0, 1, bits & ((1 << 52) - 1), (1 << 52) - 1] {
                let expected = f64::from_bits(((1023 + 53 + exponent) << 52) | fraction);
                for text in [format!("{expected}"), format!("{expected}.00"), format!("{expected:e}")] {
                    prop_assert_eq!(number(&text).map(f64::to_bits), Ok(expected.to_bits()), "{}", text);
                }
            }
        }

        #[test]
        fn integers_are_parsed_exactly_or_refused(integer in any::<i128>(), shift in 0..127_u32) {
            let integer = integer >> shift;
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "compared with its source")]
            let is_exact = integer as f64 as i128 == integer && integer != i128::MAX;
            #[expect(clippy::cast_precision_loss, reason = "compared with its source")]
            let is_written = (integer as f64).to_string() == integer.to_string();
            prop_assert_eq!(number(&integer.to_string()).is_ok(), is_exact || is_written, "{}", integer);
        }
    }

    #[test]
    fn line_breaks_are_lf_cr_and_crlf() {
        for (text, count) in [("", 0), ("a\nb", 1), ("\r\n", 1), ("\r\r\n\n", 3), ("\n\r", 2), ("\r", 1)] {
            assert_eq!(line_breaks(text.as_bytes()), count, "{text:?}");
        }
    }
}
