//! A record of CSV and what its fields hold.

use crate::error::Error;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    Quoted,
    /// Quoted, with quotes that are written twice.
    Escaped,
}

/// A place in a record: what is between the quotes, if there are any.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

impl Field {
    /// An unquoted one that begins there.
    pub fn at(start: usize) -> Self {
        Field { start, end: start, form: Form::Plain }
    }
}

pub struct Record<'a> {
    pub text: &'a str,
    pub fields: &'a [Field],
    /// In which it begins, from 1.
    pub line: u64,
    /// Where it begins in the input.
    pub offset: u64,
    pub quote: u8,
}

impl<'a> Record<'a> {
    /// What a field says.
    pub fn field(&self, place: usize) -> Cow<'a, str> {
        let Field { start, end, form } = self.fields[place];
        let text = &self.text[start..end];
        if form != Form::Escaped {
            return Cow::Borrowed(text);
        }
        let quote = char::from(self.quote);
        Cow::Owned(text.replace(&format!("{quote}{quote}"), quote.encode_utf8(&mut [0; 4])))
    }

    /// Whether there is nothing, not even quotes.
    pub fn is_null(&self, place: usize) -> bool {
        let Field { start, end, form } = self.fields[place];
        start == end && form == Form::Plain
    }

    /// What is wrong with a field, of a column of that name.
    pub fn invalid(&self, place: usize, name: &str, is: &str) -> Error {
        let start = self.fields[place].start;
        let line = self.line + breaks(&self.text.as_bytes()[..start]);
        let name = shown(name);
        Error::invalid_data(format!("The field in line {line} of the column {name} {is}"))
            .at(self.offset + start as u64)
    }

    /// A number, or `None` for an empty field.
    pub fn number(&self, place: usize, name: &str) -> Result<Option<f64>, Error> {
        let text = self.field(place);
        if text.is_empty() {
            return Ok(None);
        }
        number(text.trim_matches([' ', '\t'])).map(Some).ok_or_else(|| self.invalid(place, name, "is no number"))
    }

    /// `true`, `false`, `1` or `0`, in letters of any case.
    pub fn boolean(&self, place: usize, name: &str) -> Result<bool, Error> {
        let text = self.field(place);
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("true") || is("1") {
            Ok(true)
        } else if is("false") || is("0") {
            Ok(false)
        } else {
            Err(self.invalid(place, name, "is no boolean: it must be true, false, 1 or 0"))
        }
    }
}

/// A name in an error message, which must not become as long as the input.
pub fn shown(name: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = name.chars().take(MOST).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// Line breaks: LF, CR and both together.
pub fn breaks(text: &[u8]) -> u64 {
    let ends = |place: usize| text[place] == b'\n' || text.get(place + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\n', b'\r', text).filter(|place| ends(*place)).count() as u64
}

/// What JSON calls a number, one that begins or ends with a point, one with a plus, `NaN`, `Infinity` and `-Infinity`.
fn number(text: &str) -> Option<f64> {
    let (digits, rest) = digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    let is_whole = digits == "0" || !digits.is_empty() && !digits.starts_with('0');
    if is_whole && rest.is_empty() {
        return text.parse().ok();
    }
    let rest = match rest.strip_prefix('.') {
        None if is_whole => rest,
        None => return named(text),
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

fn named(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The digits a text begins with, and what follows.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json_and_a_few_more() {
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
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("1e999", f64::INFINITY),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        assert_eq!(number("-0").unwrap().to_bits(), (-0.0_f64).to_bits());
        assert!(number("NaN").unwrap().is_nan());
        for text in [
            "",
            ".",
            "+",
            "-",
            "-.",
            "e1",
            ".e1",
            "1e",
            "1e+",
            "01",
            "-01",
            "00",
            "01.5",
            "1.2.3",
            "1 2",
            "0x1",
            "inf",
            "nan",
            "infinity",
            "+Infinity",
            "-NaN",
            "1_000",
            "1,5",
            "١",
            "1f",
            "--1",
            "+-1",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn line_breaks_are_of_three_kinds() {
        for (text, count) in [("", 0), ("a\nb", 1), ("\r\n", 1), ("\r\r\n\n", 3), ("\n\r", 2), ("\r", 1)] {
            assert_eq!(breaks(text.as_bytes()), count, "{text:?}");
        }
    }
}
