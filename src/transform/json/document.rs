//! The input of JSON transforms: text, its encoding, depth and errors (RFC 8259).

use super::scanner::{SyntaxOnly, UNLIMITED_DEPTH, scan};
use super::swar::string_end;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::bytes::Bytes;
use crate::transform::text::detect_encoding::{self, BOM, START, not_utf8};
use crate::transform::value::Value;
use serde_json::Value as Json;
use std::panic::resume_unwind;
use std::thread;

/// Deeper nesting is refused: consumers recurse, and the stack of a thread is limited.
pub const MAX_DEPTH: usize = 512;

/// Any thread's stack is enough for this many levels.
const SHALLOW: usize = 64;
const DEEP_STACK: usize = 64 << 20;

/// Returns the bytes of an input and checks their encoding.
pub fn text(input: Value) -> Result<Bytes> {
    let bytes = detect_encoding::text(input)?;
    check_start(&bytes[..bytes.len().min(START)])?;
    Ok(bytes)
}

/// Returns the text of a record, which starts `at` bytes into the input, if it is UTF-8.
pub fn utf8(bytes: &[u8], at: u64) -> Result<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if at == 0 => Err(not_utf8(bytes, error.valid_up_to())),
        Err(error) => Err(not_utf8(&[], error.valid_up_to()).at(at + error.valid_up_to() as u64)),
    }
}

/// Checks the first [`START`] bytes, or all of a shorter text: JSON contains no NUL and no byte order mark.
pub fn check_start(start: &[u8]) -> Result<()> {
    if start.starts_with(BOM) {
        let message = "The input starts with a byte order mark (U+FEFF), which is not JSON: remove it";
        return Err(Error::invalid_data(message).at(0));
    }
    detect_encoding::check_start(start)
}

/// Parses a document that starts `at` bytes into the input, and returns its depth too.
pub fn parse_with_depth(text: &[u8], at: u64) -> Result<(Json, usize)> {
    let depth = depth(text, at)?;
    parse_shallow(text, at).map(|json| (json, depth))
}

/// Parses a document that is not nested deeper than [`MAX_DEPTH`].
pub fn parse_shallow(text: &[u8], at: u64) -> Result<Json> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let parsed = serde::Deserialize::deserialize(&mut deserializer);
    let ended = parsed.and_then(|json| deserializer.end().map(|()| json));
    ended.map_err(|error| invalid(text, at, &error))
}

/// Runs work that recurses, as validators do, on a larger stack if there are many levels.
pub fn at_depth<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    if depth <= SHALLOW {
        return Ok(work());
    }
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, work);
        let started = started
            .map_err(|_| Error::new(Kind::Resources, "Cannot allocate a stack to process deeply nested JSON"))?;
        Ok(started.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Returns the error for text that serde refuses: the syntax error of the scanner, or the limit of serde.
pub fn invalid(text: &[u8], at: u64, error: &serde_json::Error) -> Error {
    let never = Cancel::new();
    match scan(text, UNLIMITED_DEPTH, &mut SyntaxOnly, &never) {
        Err(invalid) => {
            let offset = invalid.offset.unwrap_or_default();
            invalid.at(at + offset)
        }
        Ok(()) => unrepresentable(text, at, error),
    }
}

/// Returns the error for valid JSON that Rust cannot represent: a lone surrogate, or a number that is too large for a double.
fn unrepresentable(text: &[u8], at: u64, error: &serde_json::Error) -> Error {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text).nth(line - 2).map_or(0, |index| index + 1),
    };
    let offset =
        if error.is_eof() { text.len() } else { (line_start + error.column().saturating_sub(1)).min(text.len()) };
    let reason = if error.to_string().starts_with("number out of range") {
        "a number that is too large for a double"
    } else {
        "a lone surrogate, which is not valid text"
    };
    Error::invalid_data(format!("The JSON has {reason}")).at(at + offset as u64)
}

/// Returns the levels of nesting, without checking the rest of the syntax.
fn depth(text: &[u8], at: u64) -> Result<usize> {
    let (mut depth, mut deepest, mut index) = (0_usize, 0, 0);
    while let Some(found) = text[index..].iter().position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}')) {
        index += found;
        match text[index] {
            b'"' => index = string_end(text, index),
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let message = format!("The JSON is nested deeper than {MAX_DEPTH} levels");
                    return Err(Error::invalid_data(message).at(at + index as u64));
                }
                deepest = deepest.max(depth);
                index += 1;
            }
            _ => {
                depth = depth.saturating_sub(1);
                index += 1;
            }
        }
    }
    Ok(deepest)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn parse(text: &[u8], at: u64) -> Result<Json> {
        parse_with_depth(text, at).map(|(json, _)| json)
    }

    #[test]
    fn offsets_count_bytes() {
        for (text, offset) in [("{\"é\": }", 7), ("[1,\n2,\n x]", 8), ("", 0), ("[1", 2), ("nul", 3), ("1 2", 2)] {
            let error = parse(text.as_bytes(), 100).unwrap_err();
            assert_eq!(error.offset, Some(100 + offset), "{text}: {error}");
        }
    }

    #[test]
    fn unrepresentable_json_is_not_called_invalid() {
        for (text, offset, reason) in [("[1, 1e400]", 8, "too large"), (r#"["\ud800"]"#, 8, "surrogate")] {
            let error = parse(text.as_bytes(), 0).unwrap_err();
            assert!(error.message.contains(reason), "{error}");
            assert_eq!(error.offset, Some(offset), "{error}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes(), 0).is_ok());
        let error = parse(nested(MAX_DEPTH + 1).as_bytes(), 0).unwrap_err();
        assert_eq!(error.offset, Some(MAX_DEPTH as u64));
        assert!(parse(nested(5_000_000).as_bytes(), 0).is_err());
        assert!(parse(br#"["[[[[", "\"[[", "\\"]"#, 0).is_ok());
    }
}
