//! Base64 (RFC 4648). What is decoded may be of either alphabet, padded or not, in lines or not, as `Buffer.from` takes it; what
//! is none is an error with its place.

use super::detect_encoding::{START, check_start};
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{Fold, Transform, run_fold};
use crate::transform::crypto::text_encoding::{STANDARD, base64};
use crate::transform::memory;
use crate::transform::value::Value;

type Built = std::result::Result<Box<dyn Transform>, ArgumentError>;

/// Between two looks at the token.
const STEP: usize = 1 << 20;

struct Encode;
struct Decode;

/// `text.base64Encode()`
pub fn encode(args: &Args) -> Built {
    args.options(0, &[])?;
    Ok(Box::new(Encode))
}

/// `text.base64Decode()`
pub fn decode(args: &Args) -> Built {
    args.options(0, &[])?;
    Ok(Box::new(Decode))
}

impl Transform for Encode {
    fn name(&self) -> &'static str {
        "text.base64Encode"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_fold(Box::<Encoding>::default(), input, cancel)
    }

    fn fold(&self) -> Option<Box<dyn Fold>> {
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
        run_fold(Box::<Decoding>::default(), input, cancel)
    }

    fn fold(&self) -> Option<Box<dyn Fold>> {
        Some(Box::<Decoding>::default())
    }
}

/// Up to two bytes wait for the third.
#[derive(Default)]
struct Encoding {
    held: Vec<u8>,
}

impl Fold for Encoding {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while !self.held.is_empty() && self.held.len() < 3 && !chunk.is_empty() {
            self.held.push(chunk[0]);
            chunk = &chunk[1..];
        }
        if self.held.len() == 3 {
            memory::append(out, base64(&std::mem::take(&mut self.held), STANDARD, true).as_bytes())?;
        }
        let (groups, rest) = chunk.split_at(chunk.len() / 3 * 3);
        for step in groups.chunks(STEP / 3 * 3) {
            cancel.check()?;
            memory::append(out, base64(step, STANDARD, true).as_bytes())?;
        }
        self.held.extend_from_slice(rest);
        Ok(())
    }

    fn finish(self: Box<Self>, mut out: Vec<u8>, _: &Cancel) -> Result<Value> {
        memory::append(&mut out, base64(&self.held, STANDARD, true).as_bytes())?;
        Ok(Value::Text(String::from_utf8(out).expect("ASCII")))
    }
}

const BAD: u8 = 255;
const SPACE: u8 = 254;
const PADDING: u8 = 253;

/// What each byte stands for.
const DIGITS: [u8; 256] = {
    let mut digits = [BAD; 256];
    let mut value = 0;
    while value < 64 {
        digits[STANDARD[value as usize] as usize] = value;
        value += 1;
    }
    digits[b'-' as usize] = 62;
    digits[b'_' as usize] = 63;
    digits[b'=' as usize] = PADDING;
    digits[b' ' as usize] = SPACE;
    digits[b'\t' as usize] = SPACE;
    digits[b'\r' as usize] = SPACE;
    digits[b'\n' as usize] = SPACE;
    digits
};

#[derive(Default)]
struct Decoding {
    /// The first bytes, until there are enough to recognize another encoding.
    start: Vec<u8>,
    has_begun: bool,
    /// The bits of up to three digits.
    word: u32,
    digits: u32,
    padding: u32,
    taken: u64,
}

impl Decoding {
    fn take(&mut self, byte: u8, at: u64, out: &mut Vec<u8>) -> Result<()> {
        match DIGITS[usize::from(byte)] {
            SPACE => {}
            PADDING if self.digits + self.padding >= 2 && self.digits + self.padding < 4 => self.padding += 1,
            digit if digit < 64 && self.padding == 0 => {
                self.word = self.word << 6 | u32::from(digit);
                self.digits += 1;
                if self.digits == 4 {
                    out.extend_from_slice(&self.word.to_be_bytes()[1..]);
                    (self.word, self.digits) = (0, 0);
                }
            }
            _ => {
                let what =
                    if byte.is_ascii_graphic() { format!("'{}'", char::from(byte)) } else { format!("byte {byte}") };
                return Err(Error::invalid_data(format!("The base64 text has {what} where it may not stand")).at(at));
            }
        }
        Ok(())
    }
}

impl Decoding {
    fn begin(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        self.has_begun = true;
        let start = std::mem::take(&mut self.start);
        check_start(&start)?;
        self.decode(&start, out, cancel)
    }

    fn decode(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            memory::reserve(out, step.len() / 4 * 3 + 3)?;
            let mut rest = step;
            while let Some((group, later)) = rest.split_first_chunk::<4>() {
                let [a, b, c, d] = group.map(|byte| DIGITS[usize::from(byte)]);
                // Anything but four digits goes the slow way.
                if self.digits > 0 || self.padding > 0 || (a | b | c | d) >= 64 {
                    for (place, byte) in (0..).zip(group) {
                        self.take(*byte, self.taken + place, out)?;
                    }
                } else {
                    let word = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
                    out.extend_from_slice(&word.to_be_bytes()[1..]);
                }
                self.taken += 4;
                rest = later;
            }
            for byte in rest {
                self.take(*byte, self.taken, out)?;
                self.taken += 1;
            }
        }
        Ok(())
    }
}

impl Fold for Decoding {
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
        let complete = self.padding == 0 || self.digits + self.padding == 4;
        let unused = match self.digits {
            2 => self.word & 15,
            3 => self.word & 3,
            _ => 0,
        };
        if complete && unused != 0 {
            let message =
                "The base64 text ends with bits that belong to no byte: it is truncated or was not encoded correctly";
            return Err(Error::invalid_data(message).at(self.taken));
        }
        match self.digits {
            0 => {}
            2 if complete => out.push(u8::try_from(self.word >> 4 & 255).expect("a byte")),
            3 if complete => out.extend_from_slice(&(self.word >> 2).to_be_bytes()[2..]),
            _ => return Err(Error::invalid_data("The base64 text ends in the middle of a byte").at(self.taken)),
        }
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
    fn those_of_the_rfc() {
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
    fn comes_back_wherever_it_is_cut() {
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
    fn what_is_none_is_told_with_its_place() {
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
