//! Decodes the escapes of long strings, for which V8 would hold the event loop.

use super::swar::{BLOCK, string_stops};

/// Bytes that are copied at a time.
const COPIED: usize = 16;
/// Length of `\uXXXX`.
const UNIT: usize = 6;

/// Appends the characters of a string from `at` on, to its closing quote or for about `length` bytes of text; no character is
/// divided. Returns the offset where it stopped; `None` if the text is not a string in JSON.
///
/// The output is generalized UTF-8: each escaped surrogate is encoded alone, even in a pair.
pub fn unescape(text: &[u8], at: usize, length: usize, out: &mut Vec<u8>) -> Option<usize> {
    let end = at.saturating_add(length).min(text.len());
    let to = out.len();
    // Decoding makes no text longer. The last block may start just before the end.
    out.resize(to + end.saturating_sub(at) + 2 * BLOCK, 0);
    let (at, to) = decode(text, at, end, out, to)?;
    out.truncate(to);
    let rest = text.get(at..)?;
    let rest = &rest[..rest.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count()];
    out.extend_from_slice(rest);
    Some(at + rest.len())
}

/// Writes decoded text at `to`. Returns the offsets where the text and the output stopped.
fn decode(text: &[u8], mut at: usize, end: usize, out: &mut [u8], mut to: usize) -> Option<(usize, usize)> {
    while at < end {
        // A copy may read beyond its block.
        let Some(block) = text.get(at..at + BLOCK + COPIED).and_then(<[u8]>::first_chunk) else {
            match text[at] {
                b'"' => break,
                b'\\' | 0..0x20 => (at, to) = escape(text, at, out, to)?,
                other => {
                    out[to] = other;
                    (at, to) = (at + 1, to + 1);
                }
            }
            continue;
        };
        let start = at;
        let mut stops = string_stops(block);
        if stops == 0 {
            out.get_mut(to..to + BLOCK)?.copy_from_slice(block);
            (at, to) = (at + BLOCK, to + BLOCK);
            continue;
        }
        loop {
            let stop = start + stops.trailing_zeros() as usize;
            while at < stop {
                // A copy of fixed length needs no call of `memcpy`.
                let bytes = text.get(at..)?.first_chunk::<COPIED>()?;
                out.get_mut(to..to + COPIED)?.copy_from_slice(bytes);
                (at, to) = (at + COPIED, to + COPIED);
            }
            to -= at - stop;
            at = stop;
            if stop == start + BLOCK {
                break;
            }
            if text[at] == b'"' {
                return Some((at, to));
            }
            (at, to) = escape(text, at, out, to)?;
            if at >= start + BLOCK {
                break;
            }
            stops &= u64::MAX << (at - start);
        }
    }
    Some((at, to))
}

/// Decodes the escape at `at`. Returns the offsets after it and after its character; `None` if it is invalid.
#[inline]
fn escape(text: &[u8], at: usize, out: &mut [u8], to: usize) -> Option<(usize, usize)> {
    if text[at] != b'\\' {
        return None;
    }
    match SIMPLE[usize::from(*text.get(at + 1)?)] {
        0 => escape_unit(text, at, out, to),
        character => {
            out[to] = character;
            Some((at + 2, to + 1))
        }
    }
}

/// Decodes `\uXXXX`; returns the same as `escape`.
#[inline(never)]
fn escape_unit(text: &[u8], at: usize, out: &mut [u8], to: usize) -> Option<(usize, usize)> {
    let unit = unit(text.get(at + 1..at + UNIT)?)?;
    Some((at + UNIT, to + write_unit(unit, &mut out[to..])))
}

/// Decoded character by the character after the backslash; 0 for `u` and for invalid escapes.
const SIMPLE: [u8; 256] = {
    let mut simple = [0; 256];
    let escapes = *b"\"\"\\\\//b\x08f\x0cn\nr\rt\t";
    let mut at = 0;
    while at < escapes.len() {
        simple[escapes[at] as usize] = escapes[at + 1];
        at += 2;
    }
    simple
};

/// Returns the UTF-16 code unit of `uXXXX`.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"u")?.iter();
    let unit =
        digits.map(|&digit| char::from(digit).to_digit(16)).try_fold(0, |unit, digit| Some(unit << 4 | digit?))?;
    u16::try_from(unit).ok()
}

/// Writes a code unit as UTF-8, even if it is a surrogate. Returns the length.
fn write_unit(unit: u16, out: &mut [u8]) -> usize {
    let [high, low] = unit.to_be_bytes();
    let last = 0x80 | low & 0x3f;
    match unit {
        0..0x80 => {
            out[0] = low;
            1
        }
        0x80..0x800 => {
            out[..2].copy_from_slice(&[0xc0 | high << 2 | low >> 6, last]);
            2
        }
        _ => {
            out[..3].copy_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0xf) << 2 | low >> 6, last]);
            3
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes a string in parts.
    fn decoded(text: &[u8], length: usize) -> Option<Vec<u8>> {
        let (mut at, mut out) = (1, Vec::new());
        loop {
            let before = out.len();
            at = unescape(text, at, length, &mut out)?;
            if *text.get(at)? == b'"' {
                return Some(out);
            }
            assert!(out.len() - before < length + 2 * BLOCK);
        }
    }

    proptest! {
        #[test]
        fn parts_are_the_string_that_serde_reads(text in "([ -~é\u{4e2d}\u{1f600}]|[\\\\\"\n\r\t\u{8}\u{c}\u{1}]|[a-z]{9}){0,90}", length in 1_usize..99) {
            let json = serde_json::to_string(&text).unwrap() + &" ".repeat(length);
            prop_assert_eq!(decoded(json.as_bytes(), length).unwrap(), text.into_bytes());
        }

        #[test]
        fn text_is_refused_if_serde_refuses_it(text in r#""([\\"u0-9a-f/]|[a-z]{9}|\\u00[0-9A-F]{2}|[\x1f-\x21]|é){0,40}"#, length in 1_usize..99) {
            let mut known = serde_json::Deserializer::from_str(&text).into_iter::<String>();
            let known = known.next().unwrap().ok().map(String::into_bytes);
            prop_assert_eq!(decoded(text.as_bytes(), length), known);
        }
    }

    #[test]
    fn surrogates_are_characters() {
        let text = br#""\ud83d\uDE00 \udc00\u00e9\u4e2D""#;
        assert_eq!(decoded(text, 99).unwrap(), b"\xed\xa0\xbd\xed\xb8\x80 \xed\xb0\x80\xc3\xa9\xe4\xb8\xad");
    }
}
