//! Digests as text, spelled as Node's `Buffer.toString(encoding)` spells them (RFC 4648).

use crate::args::{Args, ArgumentError};
use crate::transform::value::Value;
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};

/// Form of a digest: bytes, or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Bytes,
    Hex,
    Base64,
    /// Without padding, as in Node.
    Base64Url,
}

impl Encoding {
    /// Reads the `encoding` option, the only one of the argument. Without it a digest stays bytes.
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
            Encoding::Base64 => Value::Text(STANDARD.encode_to_string(bytes)),
            Encoding::Base64Url => Value::Text(URL_SAFE_NO_PAD.encode_to_string(bytes)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
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
