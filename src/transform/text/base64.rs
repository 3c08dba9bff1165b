//! Base64 (RFC 4648). Decoding accepts both alphabets, with or without padding and line breaks, as `Buffer.from` does. Anything
//! else is an error with its offset.

use super::detect_encoding::{START, check_start};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::memory;
use crate::transform::value::Value;
use base64_simd::{STANDARD, STANDARD_NO_PAD};

/// Bytes of input between two polls of the cancel flag.
const STEP: usize = 1 << 20;
/// Most bytes to decode together. A block with anything but digits is decoded byte by byte.
const BLOCK: usize = 4 << 10;

struct Encode;
struct Decode;

/// `text.base64Encode()`
pub fn encode(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Encode))
}

/// `text.base64Decode()`
pub fn decode(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Decode))
}

impl Transform for Encode {
    fn name(&self) -> &'static str {
        "text.base64Encode"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::<Encoding>::default(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::<Encoding>::default())
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Transform for Decode {
    fn name(&self) -> &'static str {
        "text.base64Decode"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::<Decoding>::default(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::<Decoding>::default())
    }
}

/// Holds up to two bytes until the third arrives.
#[derive(Default)]
struct Encoding {
    held: Vec<u8>,
}

/// Appends `bytes` as base64, padded if their number is not a multiple of three.
fn append(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    memory::reserve(out, STANDARD.encoded_length(bytes.len()))?;
    STANDARD.encode_append(bytes, out);
    Ok(())
}

impl StreamTransform for Encoding {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        if !self.held.is_empty() {
            let (missing, rest) = chunk.split_at(chunk.len().min(3 - self.held.len()));
            self.held.extend_from_slice(missing);
            if self.held.len() < 3 {
                return Ok(());
            }
            append(&std::mem::take(&mut self.held), out)?;
            chunk = rest;
        }
        let (groups, rest) = chunk.split_at(chunk.len() / 3 * 3);
        for step in groups.chunks(STEP / 3 * 3) {
            cancel.check()?;
            append(step, out)?;
        }
        self.held.extend_from_slice(rest);
        Ok(())
    }

    fn finish(self: Box<Self>, mut out: Vec<u8>, _: &Cancel) -> Result<Value> {
        append(&self.held, &mut out)?;
        Ok(Value::Text(String::from_utf8(out).expect("ASCII")))
    }
}

/// Returns the value of a digit of either alphabet.
fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Returns `text` with the digits of the URL-safe alphabet replaced by the standard ones.
fn standard(text: &[u8]) -> Vec<u8> {
    let replaced = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        _ => *byte,
    };
    text.iter().map(replaced).collect()
}

#[derive(Default)]
struct Decoding {
    /// The first bytes, until there are enough to recognize another encoding.
    start: Vec<u8>,
    has_begun: bool,
    /// The bits of up to three digits that await the rest of their group.
    word: u32,
    digits: u32,
    padding: u32,
    taken: u64,
}

impl Decoding {
    fn begin(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.has_begun = true;
        let start = std::mem::take(&mut self.start);
        check_start(&start)?;
        self.decode(&start, out, cancel)
    }

    fn decode(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for mut step in chunk.chunks(STEP) {
            cancel.check()?;
            memory::reserve(out, step.len() / 4 * 3 + 3)?;
            while !step.is_empty() {
                let block = &step[..step.len().min(BLOCK)];
                // Most likely digits alone up to the end of a line.
                let len = memchr::memchr3(b'\n', b' ', b'=', block).map_or(block.len(), |end| end.max(1));
                let (run, later) = step.split_at(len);
                self.decode_run(run, out)?;
                step = later;
            }
        }
        Ok(())
    }

    fn decode_run(&mut self, run: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let (begun, rest) = run.split_at(run.len().min((4 - self.digits as usize) % 4));
        self.decode_each(begun, out)?;
        let (groups, end) = rest.split_at(rest.len() / 4 * 4);
        // Appends nothing if it fails.
        let mut decoded = |groups: &[u8]| STANDARD_NO_PAD.decode_append(groups, out).is_ok();
        if self.digits + self.padding > 0 || !decoded(groups) && !decoded(&standard(groups)) {
            return self.decode_each(rest, out);
        }
        self.taken += groups.len() as u64;
        self.decode_each(end, out)
    }

    fn decode_each(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        for &byte in bytes {
            match (byte, digit(byte)) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => {}
                (b'=', _) if (2..4).contains(&(self.digits + self.padding)) => self.padding += 1,
                (_, Some(digit)) if self.padding == 0 => {
                    self.word = self.word << 6 | u32::from(digit);
                    self.digits += 1;
                    if self.digits == 4 {
                        out.extend_from_slice(&self.word.to_be_bytes()[1..]);
                        (self.word, self.digits) = (0, 0);
                    }
                }
                _ => return Err(misplaced(byte).at(self.taken)),
            }
            self.taken += 1;
        }
        Ok(())
    }
}

fn misplaced(byte: u8) -> Error {
    let found = if byte.is_ascii_graphic() { format!("'{}'", char::from(byte)) } else { format!("byte {byte}") };
    Error::invalid_data(format!("The base64 text has an unexpected {found}"))
}

impl StreamTransform for Decoding {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        if !self.has_begun {
            let (start, rest) = chunk.split_at(chunk.len().min(START - self.start.len()));
            self.start.extend_from_slice(start);
            if self.start.len() < START {
                return Ok(());
            }
            self.begin(out, cancel)?;
            chunk = rest;
        }
        self.decode(chunk, out, cancel)
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        if !self.has_begun {
            self.begin(&mut out, cancel)?;
        }
        if self.digits == 1 || self.padding > 0 && self.digits + self.padding < 4 {
            return Err(Error::invalid_data("The base64 text ends in the middle of a byte").at(self.taken));
        }
        let unused = self.digits * 6 % 8;
        if self.word & ((1 << unused) - 1) != 0 {
            let message =
                "The base64 text ends with bits that belong to no byte: it is truncated or was not encoded correctly";
            return Err(Error::invalid_data(message).at(self.taken));
        }
        out.extend_from_slice(&(self.word >> unused).to_be_bytes()[4 - self.digits as usize * 3 / 4..]);
        Ok(out.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{args, cuts, fails, noise, stops, whole};

    fn both() -> (Box<dyn Transform>, Box<dyn Transform>) {
        (encode(&args([])).unwrap(), decode(&args([])).unwrap())
    }

    #[test]
    fn matches_the_vectors_of_rfc_4648() {
        let (encode, decode) = both();
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(whole(&*encode, plain.as_bytes()).unwrap(), text.as_bytes());
            for text in [text, text.trim_end_matches('='), &text.chars().flat_map(|it| [it, '\n']).collect::<String>()]
            {
                assert_eq!(whole(&*decode, text.as_bytes()).unwrap(), plain.as_bytes(), "{text}");
            }
        }
    }

    #[test]
    fn round_trips_at_all_chunk_boundaries() {
        let (encode, decode) = both();
        for len in [1, 2, 3, 1000, 70_001] {
            let plain = noise(len);
            let text = whole(&*encode, &plain).unwrap();
            cuts(&*encode, &plain);
            cuts(&*decode, &text);
            assert!(whole(&*decode, &text).unwrap() == plain);
        }
        assert_eq!(whole(&*decode, b"-_-_").unwrap(), whole(&*decode, b"+/+/").unwrap());
    }

    #[test]
    fn invalid_text_is_reported_with_its_offset() {
        let (_, decode) = both();
        for (text, offset) in
            [("Zm9v!Zm9v", 4), ("Zg==Zg==", 4), ("Z", 1), ("Zg=", 3), ("=Zg=", 0), ("Zm9v\u{e9}", 4), ("Zm8==", 4)]
        {
            let error = fails(&*decode, text.as_bytes());
            assert_eq!(error.offset, Some(offset), "{text}: {error}");
        }
    }

    #[test]
    fn stops_when_cancelled() {
        let (encode, decode) = both();
        stops(&*encode, &noise(2 << 20));
        stops(&*decode, &vec![b'A'; 2 << 20]);
    }
}
