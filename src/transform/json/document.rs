//! What all transforms of JSON do with their input first: it is UTF-8, not nested too deeply, and JSON (RFC 8259).

use super::scanner::{ANY_DEPTH, Nothing, read};
use super::swar::string_end;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::bytes::Bytes;
use crate::transform::text::detect_encoding as text_encoding;
use crate::transform::text::detect_encoding::{BOM, START, not_utf8};
use crate::transform::value::Value;
use serde_json::Value as Json;
use std::panic::resume_unwind;
use std::thread;

/// Deeper nesting than this is refused: what works through it calls itself for each level, and a thread's stack has an end.
pub const MAX_DEPTH: usize = 512;

/// Up to here any thread's stack is enough for those who do much at each level.
const SHALLOW: usize = 64;
const DEEP_STACK: usize = 64 << 20;

/// The bytes of an input, which are text.
pub fn text(input: Value) -> Result<Bytes> {
    let bytes = match input {
        Value::Text(text) | Value::Json(text) => text.into_bytes().into(),
        other => {
            let bytes = other.into_bytes()?;
            utf8(&bytes, 0)?;
            bytes
        }
    };
    check_start(&bytes[..bytes.len().min(START)])?;
    Ok(bytes)
}

/// Checks that bytes, which start `at` bytes into the input, are UTF-8.
pub fn utf8(bytes: &[u8], at: u64) -> Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) if at == 0 => Err(not_utf8(bytes, error.valid_up_to())),
        Err(error) => Err(not_utf8(&[], error.valid_up_to()).at(at + error.valid_up_to() as u64)),
    }
}

/// Checks the first [`START`] bytes of a text, or the whole: JSON contains no NUL, and no byte order mark.
pub fn check_start(start: &[u8]) -> Result<()> {
    if start.starts_with(BOM) {
        let message = "The input begins with a byte order mark (U+FEFF), which is not JSON: remove it";
        return Err(Error::invalid_data(message).at(0));
    }
    text_encoding::check_start(start)
}

/// Parses the document in `text`, which starts `at` bytes into the input. Returns its depth too.
pub fn parse_with_depth(text: &[u8], at: u64) -> Result<(Json, usize)> {
    let depth = depth(text, at)?;
    parse_shallow(text, at).map(|json| (json, depth))
}

/// The same of one that is known to be nested no deeper than [`MAX_DEPTH`].
pub fn parse_shallow(text: &[u8], at: u64) -> Result<Json> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let parsed = serde::Deserialize::deserialize(&mut deserializer);
    let ended = parsed.and_then(|json| deserializer.end().map(|()| json));
    ended.map_err(|error| invalid(text, at, &error))
}

/// Does what calls itself many times for each level, as validators do: with a stack of its own if there are many levels.
pub fn at_depth<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    if depth <= SHALLOW {
        return Ok(work());
    }
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, work);
        let started =
            started.map_err(|_| Error::new(Kind::Unsupported, "The system gives no stack for nested JSON"))?;
        Ok(started.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// What is wrong with a text that serde does not take: as all that read JSON here say it, or what serde alone cannot hold.
pub fn invalid(text: &[u8], at: u64, error: &serde_json::Error) -> Error {
    let never = Cancel::new();
    match read(text, ANY_DEPTH, &mut Nothing, &never) {
        Err(invalid) => {
            let place = invalid.offset.unwrap_or_default();
            invalid.at(at + place)
        }
        Ok(()) => beyond(text, at, error),
    }
}

/// JSON that has no place in a document of Rust: half of a surrogate pair, or a number that no double comes near.
fn beyond(text: &[u8], at: u64, error: &serde_json::Error) -> Error {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text).nth(line - 2).map_or(0, |place| place + 1),
    };
    let place =
        if error.is_eof() { text.len() } else { (line_start + error.column().saturating_sub(1)).min(text.len()) };
    let reason = if error.to_string().starts_with("number out of range") {
        "a number that is too large for a double"
    } else {
        "half of a surrogate pair, which is no text"
    };
    Error::invalid_data(format!("The input has {reason}")).at(at + place as u64)
}

/// How deep lists and objects are nested, without looking at anything else.
fn depth(text: &[u8], at: u64) -> Result<usize> {
    let (mut depth, mut deepest, mut place) = (0_usize, 0, 0);
    while let Some(found) = text[place..].iter().position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}')) {
        place += found;
        match text[place] {
            b'"' => place = string_end(text, place),
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let message = format!("The JSON is nested deeper than {MAX_DEPTH} levels");
                    return Err(Error::invalid_data(message).at(at + place as u64));
                }
                deepest = deepest.max(depth);
                place += 1;
            }
            _ => {
                depth = depth.saturating_sub(1);
                place += 1;
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
    fn places_are_in_bytes() {
        for (text, offset) in [("{\"é\": }", 7), ("[1,\n2,\n x]", 8), ("", 0), ("[1", 2), ("nul", 3), ("1 2", 2)] {
            let error = parse(text.as_bytes(), 100).unwrap_err();
            assert_eq!(error.offset, Some(100 + offset), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_json_is_not_called_none() {
        for (text, offset, reason) in [("[1, 1e400]", 8, "too large"), (r#"["\ud800"]"#, 8, "surrogate")] {
            let error = parse(text.as_bytes(), 0).unwrap_err();
            assert!(error.message.contains(reason), "{error}");
            assert_eq!(error.offset, Some(offset), "{error}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes(), 0).is_ok());
        let error = parse(nested(MAX_DEPTH + 1).as_bytes(), 0).unwrap_err();
        assert_eq!(error.offset, Some(MAX_DEPTH as u64));
        assert!(parse(nested(5_000_000).as_bytes(), 0).is_err());
        assert!(parse(br#"["[[[[", "\"[[", "\\"]"#, 0).is_ok());
    }
}
