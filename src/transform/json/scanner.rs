//! Checks the syntax of JSON (RFC 8259, as `JSON.parse` accepts it) in one pass, without recursion and without building values. A
//! visitor receives the structure.

use super::swar::{controls, non_digits, quotes, space};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::STEP;
use std::ops::Range;

/// A value that contains others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    List,
    Object,
}

/// Receives the parts of a document in order, by their offsets. The rest of the document may still be invalid.
pub trait Visitor {
    /// A list or an object starts with the bracket at this offset.
    fn open(&mut self, _at: usize, _container: Container) {}
    /// The name of a member, with its quotes.
    fn key(&mut self, _range: Range<usize>) {}
    /// A string at this offset. Returns the offset after the string; `None` if the visitor did not scan it or found it invalid.
    fn long_string(&mut self, _at: usize) -> Option<usize> {
        None
    }
    /// A string with its quotes, a number, `true`, `false` or `null`.
    fn scalar(&mut self, _range: Range<usize>) {}
    /// A comma between two elements or members of the innermost container.
    fn comma(&mut self, _at: usize) {}
    /// An element of a list starts at this offset. The visitor may scan integers from here on itself, each with the comma after it.
    /// Returns the offset of the first element that it has not scanned.
    fn integers(&mut self, at: usize) -> usize {
        at
    }
    /// The innermost container ends with the bracket at this offset.
    fn close(&mut self, _at: usize) {}
}

/// Ignores the structure: only the syntax is checked.
pub struct SyntaxOnly;

impl Visitor for SyntaxOnly {}

/// Scans a document, which must be valid UTF-8.
///
/// # Errors
/// For invalid JSON and nesting deeper than `max_depth`, with the offset; of kind `Cancelled`.
pub fn scan(text: &[u8], max_depth: usize, visitor: &mut impl Visitor, cancel: &Cancel) -> Result<()> {
    Scanner { text, max_depth, visitor, cancel, polled: 0, open: Vec::new() }.scan()
}

pub const UNLIMITED_DEPTH: usize = usize::MAX;

struct Scanner<'a, V> {
    text: &'a [u8],
    max_depth: usize,
    visitor: &'a mut V,
    cancel: &'a Cancel,
    polled: usize,
    open: Vec<Container>,
}

impl<V: Visitor> Scanner<'_, V> {
    fn scan(&mut self) -> Result<()> {
        let mut at = space(self.text, 0);
        loop {
            at = match self.text.get(at) {
                Some(b'[') => {
                    self.enter(at, Container::List)?;
                    at = space(self.text, at + 1);
                    if self.text.get(at) != Some(&b']') {
                        continue;
                    }
                    self.leave(at)
                }
                Some(b'{') => {
                    self.enter(at, Container::Object)?;
                    at = space(self.text, at + 1);
                    if self.text.get(at) != Some(&b'}') {
                        at = self.key(at, "expected a name in quotes or '}'")?;
                        continue;
                    }
                    self.leave(at)
                }
                found => {
                    let scanned = if found == Some(&b'"') { self.visitor.long_string(at) } else { None };
                    match scanned {
                        Some(end) => end,
                        None => {
                            let end = scalar(self.text, at)?;
                            self.visitor.scalar(at..end);
                            end
                        }
                    }
                }
            };
            match self.after_value(at)? {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }

    /// Returns the offset of the next value, after one that ended before `at`; `None` at the end.
    fn after_value(&mut self, mut at: usize) -> Result<Option<usize>> {
        loop {
            at = space(self.text, at);
            let found = self.text.get(at);
            match self.open.last() {
                None if found.is_none() => return Ok(None),
                None => return Err(self.syntax_error(at, "expected the end after the value")),
                Some(Container::List) => match found {
                    Some(b',') => {
                        self.comma(at)?;
                        let next = space(self.text, at + 1);
                        return self.integers(next).map(Some);
                    }
                    Some(b']') => at = self.leave(at),
                    _ => return Err(self.syntax_error(at, "expected ',' or ']'")),
                },
                Some(Container::Object) => match found {
                    Some(b',') => {
                        self.comma(at)?;
                        let name = space(self.text, at + 1);
                        return self.key(name, "expected a name in quotes").map(Some);
                    }
                    Some(b'}') => at = self.leave(at),
                    _ => return Err(self.syntax_error(at, "expected ',' or '}'")),
                },
            }
        }
    }

    fn enter(&mut self, at: usize, container: Container) -> Result<()> {
        if self.open.len() >= self.max_depth {
            let message = format!("The JSON is nested deeper than {} levels", self.max_depth);
            return Err(Error::invalid_data(message).at(at as u64));
        }
        self.open.push(container);
        self.visitor.open(at, container);
        Ok(())
    }

    fn leave(&mut self, at: usize) -> usize {
        self.open.pop();
        self.visitor.close(at);
        at + 1
    }

    fn comma(&mut self, at: usize) -> Result<()> {
        self.poll(at)?;
        self.visitor.comma(at);
        Ok(())
    }

    fn poll(&mut self, at: usize) -> Result<()> {
        if at - self.polled >= STEP {
            self.polled = at;
            self.cancel.check()?;
        }
        Ok(())
    }

    /// Lets the visitor scan integers itself. Returns the offset of the next element.
    #[inline]
    fn integers(&mut self, mut at: usize) -> Result<usize> {
        loop {
            let next = self.visitor.integers(at);
            if next == at {
                return Ok(at);
            }
            at = space(self.text, next);
            self.poll(at)?;
        }
    }

    /// Scans the name of a member and its colon. Returns the offset of the value.
    fn key(&mut self, at: usize, expected: &str) -> Result<usize> {
        if self.text.get(at) != Some(&b'"') {
            return Err(self.syntax_error(at, expected));
        }
        let end = string(self.text, at)?;
        self.visitor.key(at..end);
        let colon = space(self.text, end);
        if self.text.get(colon) != Some(&b':') {
            return Err(self.syntax_error(colon, "expected ':'"));
        }
        Ok(space(self.text, colon + 1))
    }

    #[cold]
    fn syntax_error(&self, at: usize, expected: &str) -> Error {
        syntax_error(self.text, at, expected)
    }
}

/// Returns the offset after the scalar at `at`.
#[inline]
fn scalar(text: &[u8], at: usize) -> Result<usize> {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(b'-' | b'0'..=b'9') => number(text, at),
        Some(b't') => literal(text, at, b"true"),
        Some(b'f') => literal(text, at, b"false"),
        Some(b'n') => literal(text, at, b"null"),
        _ => Err(syntax_error(text, at, "expected a value")),
    }
}

fn literal(text: &[u8], at: usize, expected: &[u8]) -> Result<usize> {
    if text[at..].starts_with(expected) {
        return Ok(at + expected.len());
    }
    let matching = text[at..].iter().zip(expected).take_while(|(a, b)| a == b).count();
    Err(syntax_error(text, at + matching, "expected a value"))
}

/// Returns the offset after the string whose opening quote is at `at`.
#[inline]
fn string(text: &[u8], at: usize) -> Result<usize> {
    let mut at = at + 1;
    loop {
        while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*eight);
            let stops = quotes(word) | controls(word);
            if stops != 0 {
                at += stops.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(text, at)?,
            Some(0..0x20) => return Err(syntax_error(text, at, "expected no control character in a string")),
            Some(_) => at += 1,
            None => return Err(syntax_error(text, at, "expected the end of a string")),
        }
    }
}

/// Returns the offset after the escape at `at`.
fn escape(text: &[u8], at: usize) -> Result<usize> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match (at + 2..at + 6).find(|&digit| !text.get(digit).is_some_and(u8::is_ascii_hexdigit)) {
            Some(invalid) => Err(syntax_error(text, invalid, "expected four hexadecimal digits")),
            None => Ok(at + 6),
        },
        _ => Err(syntax_error(text, at + 1, "expected a valid escape")),
    }
}

/// Returns the offset after the number at `at`.
#[inline]
fn number(text: &[u8], mut at: usize) -> Result<usize> {
    if text[at] == b'-' {
        at += 1;
    }
    at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(text, at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// Returns the offset after one or more digits.
#[inline]
fn digits(text: &[u8], at: usize) -> Result<usize> {
    let mut end = at;
    while let Some(eight) = text.get(end..).and_then(<[u8]>::first_chunk) {
        let others = non_digits(u64::from_le_bytes(*eight));
        if others != 0 {
            end += others.trailing_zeros() as usize / 8;
            break;
        }
        end += 8;
    }
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    if end > at { Ok(end) } else { Err(syntax_error(text, at, "expected a digit")) }
}

/// Returns the error for `at`, with the character found there.
#[cold]
fn syntax_error(text: &[u8], at: usize, expected: &str) -> Error {
    let at = at.min(text.len());
    let rest = std::str::from_utf8(&text[at..text.len().min(at + 4)]);
    let rest =
        rest.unwrap_or_else(|error| std::str::from_utf8(&text[at..at + error.valid_up_to()]).unwrap_or_default());
    let found = match rest.chars().next() {
        None => "the end".to_string(),
        Some('\u{feff}') => "a byte order mark".to_string(),
        Some(found) if found == ' ' || found.is_ascii_graphic() || found.is_alphanumeric() => format!("'{found}'"),
        // Other characters may be invisible, or look like ASCII.
        Some(found) => format!("U+{:04X}", u32::from(found)),
    };
    Error::invalid_data(format!("Invalid JSON: {expected}, found {found}")).at(at as u64)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan_all(text: &[u8]) -> Result<()> {
        scan(text, UNLIMITED_DEPTH, &mut SyntaxOnly, &Cancel::new())
    }

    #[test]
    fn errors_have_a_reason_and_an_offset() {
        for (text, offset, message) in [
            ("", 0, "expected a value, found the end"),
            (" [1,]", 4, "expected a value, found ']'"),
            ("[1 2]", 3, "expected ',' or ']', found '2'"),
            ("{\"é\": }", 7, "expected a value, found '}'"),
            ("{\"a\" 1}", 5, "expected ':', found '1'"),
            ("[\u{a0}1]", 1, "expected a value, found U+00A0"),
            ("[1\u{202e}]", 2, "expected ',' or ']', found U+202E"),
            ("[é]", 1, "expected a value, found 'é'"),
            ("{a:1}", 1, "expected a name in quotes or '}', found 'a'"),
            ("{\"a\":1,}", 7, "expected a name in quotes, found '}'"),
            ("[\"a\nb\"]", 3, "expected no control character in a string, found U+000A"),
            ("\"\\x\"", 2, "expected a valid escape, found 'x'"),
            ("\"\\u12G4\"", 5, "expected four hexadecimal digits, found 'G'"),
            ("01", 1, "expected the end after the value, found '1'"),
            ("-", 1, "expected a digit, found the end"),
            ("1.e2", 2, "expected a digit, found 'e'"),
            ("nul", 3, "expected a value, found the end"),
            ("\u{feff}1", 0, "expected a value, found a byte order mark"),
            ("[\"abc", 5, "expected the end of a string, found the end"),
        ] {
            let error = scan_all(text.as_bytes()).unwrap_err();
            assert_eq!((error.offset, &*error.message), (Some(offset), &*format!("Invalid JSON: {message}")));
        }
    }

    #[test]
    fn nesting_does_not_recurse() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        scan_all(nested(5_000_000).as_bytes()).unwrap();
        let scan = |depth| scan(nested(depth).as_bytes(), 100, &mut SyntaxOnly, &Cancel::new());
        assert!(scan(100).is_ok());
        assert_eq!(scan(101).unwrap_err().offset, Some(100));
    }

    proptest! {
        #[test]
        fn accepts_what_serde_accepts(text in r#"([\[\]{},:"\\u0-9a-f.eE+\- \n]|true|false|null|"[a-z]{0,9}"|\\u[0-9a-f]{4}|é){0,24}"#) {
            let known: serde_json::Result<serde::de::IgnoredAny> = serde_json::from_str(&text);
            prop_assert_eq!(scan_all(text.as_bytes()).is_ok(), known.is_ok(), "{}", text);
        }

        #[test]
        fn accepts_all_that_serde_writes(text in proptest::collection::vec(any::<String>(), 0..9), number in any::<f64>()) {
            let json = serde_json::json!([{ "text": text, "number": number, "none": null }, true, [[]], {}]);
            prop_assert!(scan_all(json.to_string().as_bytes()).is_ok());
            prop_assert!(scan_all(serde_json::to_string_pretty(&json).unwrap().as_bytes()).is_ok());
        }
    }
}
