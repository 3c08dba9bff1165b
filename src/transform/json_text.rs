//! What all transforms of JSON do with their input first: it is UTF-8, not nested too deeply, and JSON (RFC 8259).

use super::{Bytes, Value};
use crate::error::{Error, Result};
use serde_json::Value as Json;

/// Deeper nesting than this is refused: what works through it calls itself for each level, and a thread's stack has an end.
pub const MAX_DEPTH: usize = 512;

/// The bytes of an input, which are text.
pub fn text(input: Value) -> Result<Bytes> {
    let bytes = match input {
        Value::Text(text) | Value::Json(text) => return Ok(text.into_bytes().into()),
        Value::Bytes(bytes) => bytes,
    };
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Error::invalid_data("The input is no UTF-8 text").at(error.valid_up_to() as u64)),
    }
}

/// The document in `text`, which starts `at` bytes into the input.
pub fn parse(text: &[u8], at: u64) -> Result<Json> {
    check_depth(text, at)?;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let parsed = serde::Deserialize::deserialize(&mut deserializer);
    parsed.and_then(|json| deserializer.end().map(|()| json)).map_err(|error| invalid(text, at, &error))
}

/// The error of serde, with its place in bytes.
pub fn invalid(text: &[u8], at: u64, error: &serde_json::Error) -> Error {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text).nth(line - 2).map_or(0, |place| place + 1),
    };
    let place =
        if error.is_eof() { text.len() } else { (line_start + error.column().saturating_sub(1)).min(text.len()) };
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    Error::invalid_data(format!("The input is no JSON: {reason}")).at(at + place as u64)
}

/// How deep lists and objects are nested, without looking at anything else.
fn check_depth(text: &[u8], at: u64) -> Result<()> {
    let (mut depth, mut place) = (0_usize, 0);
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
                place += 1;
            }
            _ => {
                depth = depth.saturating_sub(1);
                place += 1;
            }
        }
    }
    Ok(())
}

/// What follows the string that begins at `place`.
pub fn string_end(text: &[u8], place: usize) -> usize {
    string_tail(text, place + 1).unwrap_or(text.len())
}

/// What follows the string that has begun before `at`, if its end is there.
pub fn string_tail(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..)?) {
        at += found;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
    None
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_bytes() {
        for (text, offset) in [("{\"é\": }", 7), ("[1,\n2,\n x]", 8), ("", 0), ("[1", 2), ("nul", 3), ("1 2", 2)] {
            let error = parse(text.as_bytes(), 100).unwrap_err();
            assert_eq!(error.offset, Some(100 + offset), "{text}: {error}");
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
