//! Reads JSON from a file in pieces, without a tree of values: only the forms that a heap snapshot contains.

use crate::error::{Error, Kind, Result};
use std::io::{ErrorKind, Read};

/// Size of a piece, in bytes.
const PIECE: usize = 256 << 10;
/// Maximum number of columns of a table.
pub const ROW: usize = 16;

pub struct Scanner<R> {
    source: R,
    piece: Box<[u8]>,
    at: usize,
    end: usize,
    /// File offset of the piece.
    offset: u64,
}

impl<R: Read> Scanner<R> {
    /// Creates a scanner of a source that begins at `offset` in its file.
    pub fn new(source: R, offset: u64) -> Self {
        Scanner { source, piece: vec![0; PIECE].into_boxed_slice(), at: 0, end: 0, offset }
    }

    /// Returns the file offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset + self.at as u64
    }

    pub fn invalid(&self, expected: &str) -> Error {
        Error::invalid_data(format!("Not a heap snapshot: expected {expected}")).at(self.offset())
    }

    /// Reads the next piece. Returns false at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        self.offset += self.end as u64;
        (self.at, self.end) = (0, 0);
        loop {
            match self.source.read(&mut self.piece) {
                Ok(count) => {
                    self.end = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::new(Kind::Resources, format!("The heap snapshot cannot be read: {error}")));
                }
            }
        }
    }

    /// Returns the next byte without consuming it.
    #[inline]
    fn peek(&mut self) -> Result<u8> {
        match self.piece[..self.end].get(self.at) {
            Some(byte) => Ok(*byte),
            None => self.peek_next_piece(),
        }
    }

    #[cold]
    fn peek_next_piece(&mut self) -> Result<u8> {
        if self.fill()? { Ok(self.piece[0]) } else { Err(self.invalid("more data, the file is cut short")) }
    }

    fn take(&mut self) -> Result<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    /// Skips white space. Returns the next byte without consuming it.
    pub fn peek_token(&mut self) -> Result<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    pub fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek_token()? != byte {
            return Err(self.invalid(&format!("'{}'", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    /// Consumes a comma or the `end` of a list. Returns whether it was a comma.
    pub fn comma_or(&mut self, end: u8) -> Result<bool> {
        match self.peek_token()? {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.invalid(&format!("',' or '{}'", char::from(end)))),
        }
    }

    /// Reads an integer. A negative one becomes 0.
    fn number(&mut self) -> Result<u64> {
        let is_negative = self.peek_token()? == b'-';
        self.at += usize::from(is_negative);
        let (mut number, mut digits) = (0_u64, 0_usize);
        loop {
            let piece = &self.piece[self.at..self.end];
            let count = piece.iter().take_while(|byte| byte.is_ascii_digit()).count();
            for digit in &piece[..count] {
                number = number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            }
            digits += count;
            self.at += count;
            if self.at < self.end {
                break;
            }
            self.peek()?;
        }
        if digits == 0 {
            return Err(self.invalid("a number"));
        }
        Ok(if is_negative { 0 } else { number })
    }

    /// Calls `each` with every row of an array, of `width` integers per row.
    pub fn rows(&mut self, width: usize, each: &mut dyn FnMut(&[u64]) -> Option<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.peek_token()? == b']' {
            return self.expect(b']');
        }
        let mut row = [0; ROW];
        let row = &mut row[..width];
        loop {
            for (column, number) in row.iter_mut().enumerate() {
                if column > 0 {
                    self.expect(b',')?;
                }
                *number = self.number()?;
            }
            each(row).ok_or_else(|| self.invalid("an index of a node or edge"))?;
            if !self.comma_or(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads a string into `text`, up to about `limit` bytes: the last escaped character may exceed them.
    pub fn string(&mut self, limit: usize, text: &mut Vec<u8>) -> Result<()> {
        text.clear();
        self.expect(b'"')?;
        loop {
            self.peek()?;
            let piece = &self.piece[self.at..self.end];
            let plain = memchr::memchr2(b'"', b'\\', piece).unwrap_or(piece.len());
            text.extend_from_slice(&piece[..plain.min(limit.saturating_sub(text.len()))]);
            self.at += plain;
            if self.at == self.end {
                continue;
            }
            if self.take()? == b'"' {
                return Ok(());
            }
            let escaped = self.escape()?;
            if text.len() < limit {
                text.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// Reads an escaped character. Half a surrogate pair becomes a replacement character.
    fn escape(&mut self) -> Result<char> {
        Ok(match self.take()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let mut code = 0;
                for _ in 0..4 {
                    let digit = char::from(self.take()?).to_digit(16).ok_or_else(|| self.invalid("a hex digit"))?;
                    code = code * 16 + digit;
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            byte => char::from(byte),
        })
    }

    /// Skips any value. Copies its first `limit` bytes to `copy`.
    pub fn value(&mut self, limit: usize, copy: &mut Vec<u8>) -> Result<()> {
        copy.clear();
        let mut depth = 0_usize;
        let mut is_text = false;
        self.peek_token()?;
        loop {
            let byte = self.peek()?;
            if !is_text && depth == 0 && matches!(byte, b',' | b'}' | b']') {
                return Ok(());
            }
            self.at += 1;
            if copy.len() < limit {
                copy.push(byte);
            }
            match byte {
                b'"' => is_text = !is_text,
                b'\\' if is_text => {
                    let escaped = self.take()?;
                    if copy.len() < limit {
                        copy.push(escaped);
                    }
                }
                b'{' | b'[' if !is_text => depth += 1,
                b'}' | b']' if !is_text => depth -= 1,
                _ => {}
            }
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    /// Returns one byte per read.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn rows(text: &str, width: usize) -> Result<Vec<Vec<u64>>> {
        let mut rows = Vec::new();
        let mut each = |row: &[u64]| {
            rows.push(row.to_vec());
            Some(())
        };
        Scanner::new(Drops(text.as_bytes()), 0).rows(width, &mut each)?;
        Ok(rows)
    }

    fn string(text: &str, limit: usize) -> Result<String> {
        let mut bytes = Vec::new();
        Scanner::new(Drops(text.as_bytes()), 0).string(limit, &mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn rows_have_a_width() {
        assert_eq!(rows(" [ 1,2\n,30,4 ] ", 2).unwrap(), [[1, 2], [30, 4]]);
        assert_eq!(rows("[]", 3).unwrap(), Vec::<Vec<u64>>::new());
        assert_eq!(rows("[-5,99999999999999999999]", 2).unwrap(), [[0, u64::MAX]]);
        for text in ["[1,2,3]", "[1,]", "[1 2]", "[1.5,2]", "[1,2", "1,2]", "[a,2]", ""] {
            assert!(rows(text, 2).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_has_the_offset_of_the_fault() {
        let error = rows("[1,2,\"3\"]", 1).unwrap_err();
        assert_eq!(error.located_message(), "Not a heap snapshot at byte 5: expected a number");
        let refused = Scanner::new("[7]".as_bytes(), 0).rows(1, &mut |_| None).unwrap_err();
        assert_eq!(refused.message, "Not a heap snapshot: expected an index of a node or edge");
    }

    #[test]
    fn strings_are_unescaped_and_cut() {
        assert_eq!(string(r#""a\n\"\u0041\ud800é""#, 99).unwrap(), "a\n\"A\u{fffd}é");
        assert_eq!(string(r#""abcdef""#, 3).unwrap(), "abc");
        assert!(string(r#""abc"#, 9).is_err());
        assert!(string(r#""\uzzzz""#, 9).is_err());
    }

    #[test]
    fn values_are_skipped() {
        let text = r#"{"a":[1,"]}\"",{}]} ,"b"  ,-1.5e3]"#;
        let mut scanner = Scanner::new(Drops(text.as_bytes()), 0);
        let mut copy = Vec::new();
        scanner.value(99, &mut copy).unwrap();
        assert_eq!(copy, br#"{"a":[1,"]}\"",{}]} "#);
        scanner.expect(b',').unwrap();
        scanner.value(2, &mut copy).unwrap();
        assert_eq!(copy, b"\"b");
        assert!(scanner.comma_or(b']').unwrap());
        scanner.value(99, &mut copy).unwrap();
        assert_eq!(copy, b"-1.5e3");
        assert!(!scanner.comma_or(b']').unwrap());
    }
}
