//! Digests as text, spelled as Node's `Buffer.toString(encoding)` spells them (RFC 4648).

use crate::args::{Args, ArgumentError};
use crate::transform::value::Value;

/// How a digest leaves: as bytes, or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Bytes,
    Hex,
    Base64,
    /// Without padding, as in Node.
    Base64Url,
}

pub const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Encoding {
    /// The `encoding` option, which is the only one of the argument; bytes without it.
    pub fn of(args: &Args, index: usize) -> Result<Self, ArgumentError> {
        let options = args.options(index, &["encoding"])?;
        Ok(match options.one_of("encoding", &["hex", "base64", "base64url"])? {
            Some("hex") => Encoding::Hex,
            Some("base64") => Encoding::Base64,
            Some(_) => Encoding::Base64Url,
            None => Encoding::Bytes,
        })
    }

    pub fn encode(self, bytes: Vec<u8>) -> Value {
        match self {
            Encoding::Bytes => bytes.into(),
            Encoding::Hex => Value::Text(hex(&bytes)),
            Encoding::Base64 => Value::Text(base64(&bytes, STANDARD, true)),
            Encoding::Base64Url => Value::Text(base64(&bytes, URL_SAFE, false)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub fn base64(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            if digit <= group.len() {
                text.push(char::from(alphabet[(bits >> (18 - 6 * digit) & 63) as usize]));
            } else if padded {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn text(encoding: Encoding, bytes: &[u8]) -> String {
        match encoding.encode(bytes.to_vec()) {
            Value::Text(text) => text,
            _ => panic!("not text"),
        }
    }

    #[test]
    fn spells_as_rfc_4648_does() {
        let plain = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let base64 = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (plain, base64) in plain.into_iter().zip(base64) {
            assert_eq!(text(Encoding::Base64, plain.as_bytes()), base64);
            assert_eq!(text(Encoding::Base64Url, plain.as_bytes()), base64.trim_end_matches('='));
        }
        assert_eq!(text(Encoding::Base64, &[0xfb, 0xff, 0xbf]), "+/+/");
        assert_eq!(text(Encoding::Base64Url, &[0xfb, 0xff, 0xbf]), "-_-_");
        assert_eq!(text(Encoding::Hex, &[0x00, 0x9f, 0xff]), "009fff");
    }
}
