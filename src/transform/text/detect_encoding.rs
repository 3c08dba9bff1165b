//! Detects UTF-16 and UTF-32 by a byte order mark, or by the NUL bytes of ASCII in them.

use crate::error::{Error, Result};
use crate::transform::bytes::Bytes;
use crate::transform::value::Value;

/// Bytes of a text that are enough to recognize its encoding.
pub const START: usize = 4;
pub const BOM: &[u8] = b"\xef\xbb\xbf";

/// The most and the fewest bytes to examine in text that may contain NUL.
const SAMPLE: usize = 64;
const SHORTEST: usize = 8;

/// Returns the encoding whose byte order mark starts a text.
fn marked(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32BE"),
        [0xff, 0xfe, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] => Some("UTF-16BE"),
        _ => None,
    }
}

/// Returns the encoding of a text by its first character, if that is ASCII and not NUL.
fn unmarked(text: &[u8]) -> Option<&'static str> {
    match *text {
        [0, 0, 0, last, ..] if last != 0 => Some("UTF-32BE"),
        [first, 0, 0, 0, ..] if first != 0 => Some("UTF-32LE"),
        [0, second, ..] if second != 0 => Some("UTF-16BE"),
        [first, 0, ..] if first != 0 => Some("UTF-16LE"),
        _ => None,
    }
}

/// Checks the first [`START`] bytes, or all of a shorter text, if NUL is invalid in it.
///
/// # Errors
/// For a text that starts like UTF-16 or UTF-32.
pub fn check_start(start: &[u8]) -> Result<()> {
    check_mark(start)?;
    match unmarked(start) {
        Some(encoding) => Err(has_nul(encoding).at(u64::from(start[0] != 0))),
        None => Ok(()),
    }
}

/// Checks the first [`START`] bytes, or all of a shorter text, if NUL is valid in it.
///
/// # Errors
/// For a text that starts with the byte order mark of UTF-16 or UTF-32.
pub fn check_mark(start: &[u8]) -> Result<()> {
    match marked(start) {
        Some(encoding) => Err(has_mark(encoding).at(0)),
        None => Ok(()),
    }
}

/// Checks a text in which NUL is valid. It is refused if its first bytes all have the pattern of ASCII in UTF-16 or UTF-32.
///
/// # Errors
/// For invalid UTF-8, and for text that looks like another encoding.
pub fn check(bytes: &[u8]) -> Result<()> {
    if simdutf8::basic::from_utf8(bytes).is_err()
        && let Err(error) = std::str::from_utf8(bytes)
    {
        return Err(not_utf8(bytes, error.valid_up_to()));
    }
    let sample = &bytes[..bytes.len().min(SAMPLE) / START * START];
    let Some(encoding) = unmarked(sample).filter(|_| sample.len() >= SHORTEST) else { return Ok(()) };
    let width = if encoding.starts_with("UTF-32") { 4 } else { 2 };
    if sample.chunks_exact(width).all(|unit| unmarked(unit) == Some(encoding)) {
        return Err(has_nul(encoding).at(u64::from(sample[0] != 0)));
    }
    Ok(())
}

/// Returns the error for bytes that are not valid UTF-8 at `offset`.
pub fn not_utf8(bytes: &[u8], offset: usize) -> Error {
    match (marked(bytes), unmarked(bytes)) {
        (Some(encoding), _) => has_mark(encoding),
        (None, Some(encoding)) => has_nul(encoding),
        (None, None) => Error::invalid_data("The input is not valid UTF-8"),
    }
    .at(offset as u64)
}

/// Returns the UTF-8 bytes of an input. Only bytes that do not come from a string can be in another encoding.
///
/// # Errors
/// As [`check`].
pub fn text(input: Value) -> Result<Bytes> {
    let bytes = match input {
        Value::Text(text) | Value::Json(text) => return Ok(text.into_bytes().into()),
        other => other.into_bytes()?,
    };
    if matches!(bytes, Bytes::OfString(_)) { Ok(bytes) } else { check(&bytes).map(|()| bytes) }
}

/// Converts bytes to a string.
///
/// # Errors
/// For invalid UTF-8, and if memory runs out.
pub fn into_string(bytes: Bytes) -> Result<String> {
    String::from_utf8(bytes.into_owned()?).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn has_mark(encoding: &str) -> Error {
    Error::invalid_data(format!(
        "The input is not valid UTF-8: it starts with the byte order mark of {encoding}. Convert it to UTF-8 first"
    ))
}

/// Returns the error for text whose NUL bytes suggest `encoding`.
pub fn has_nul(encoding: &str) -> Error {
    Error::invalid_data(format!(
        "The input is not valid UTF-8: its NUL bytes suggest {encoding}. Convert it to UTF-8 first"
    ))
}

/// Returns the encoding that the NUL bytes of `bytes`, at `offset` of the input, suggest; `None` if they are few or irregular.
pub fn by_nul(bytes: &[u8], offset: u64) -> Option<&'static str> {
    let nuls = || memchr::memchr_iter(0, bytes).map(|index| (offset + index as u64) % 2);
    let (count, odd) = (nuls().count(), nuls().sum::<u64>());
    if count < 2 {
        None
    } else if odd == 0 {
        Some("UTF-16BE")
    } else if odd == count as u64 {
        Some("UTF-16LE")
    } else {
        None
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn encoded(text: &str, encoding: &str) -> Vec<u8> {
        match encoding {
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "UTF-32LE" => text.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect(),
            _ => text.chars().flat_map(|it| u32::from(it).to_be_bytes()).collect(),
        }
    }

    #[test]
    fn each_encoding_is_detected_with_and_without_a_mark() {
        for encoding in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
            for text in ["\u{feff}", "\u{feff}a", "\u{feff}日本", "{}", "a,b\n1,2\n", "\"日本\"", "a é ü"] {
                let bytes = encoded(text, encoding);
                let error = check_start(&bytes[..bytes.len().min(START)]).unwrap_err();
                assert!(error.message.contains(encoding), "{text:?} in {encoding}: {error}");
                if text.starts_with('\u{feff}') || text.len() > 6 && text.is_ascii() {
                    let error = check(&bytes).unwrap_err();
                    assert!(error.message.contains(encoding), "{text:?} in {encoding}: {error}");
                }
            }
        }
    }

    #[test]
    fn utf8_is_not_mistaken_for_another_encoding() {
        for text in ["", "a", "ab", "日本", "\u{feff}a", "\0", "\0\0", "ÿþ", "a,b"] {
            assert_eq!(check_start(&text.as_bytes()[..text.len().min(START)]), Ok(()), "{text:?}");
        }
        for text in ["a\0b\0", "a\0bc\0d\0e\0", "\0a\0b\0", "a\0b\0c\0dd", "\0\0\0\0\0\0\0\0", "one\0two\0"] {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text:?}");
        }
        assert_eq!(check(b"a\xff").unwrap_err().message, "The input is not valid UTF-8");
    }

    #[test]
    fn nul_bytes_determine_the_byte_order() {
        for (bytes, offset, encoding) in [
            (&b"a\0b\0"[..], 0, Some("UTF-16LE")),
            (b"a\0b\0", 1, Some("UTF-16BE")),
            (b"\0a\0b", 6, Some("UTF-16BE")),
            (b"a\0b", 0, None),
            (b"\0\0", 0, None),
        ] {
            assert_eq!(by_nul(bytes, offset), encoding);
        }
    }
}
