//! Splits a stream of JSON into records: the elements of a list, or consecutive documents as in NDJSON. The first byte selects the
//! format: `[` starts a list. Finds record boundaries only; the caller validates the records.

use super::document::{MAX_DEPTH, check_start};
use super::swar::string_tail;
use crate::error::{Error, Result};
use crate::transform::memory;
use crate::transform::text::detect_encoding::START;
use std::ops::Range;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Unknown,
    List,
    Documents,
    /// The list has ended.
    Ended,
}

/// The range of a complete record in the text.
#[derive(Debug)]
pub struct RecordSpan {
    pub range: Range<usize>,
    /// Levels of nesting.
    pub depth: usize,
}

#[derive(Default)]
pub struct Splitter {
    format: Format,
    has_begun: bool,
    text: Vec<u8>,
    /// Offset of the text in the input.
    base: u64,
    /// Start of the current record; `None` between records.
    start: Option<usize>,
    /// Offset of the next byte to scan.
    at: usize,
    depth: usize,
    /// Levels of nesting of the current record.
    deepest: usize,
    in_string: bool,
    /// The last token of the list was a comma.
    after_comma: bool,
    count: u64,
    found: Vec<RecordSpan>,
}

impl Splitter {
    /// Returns the bytes of the complete records.
    pub fn ready(&self) -> usize {
        self.found.last().map_or(0, |last| last.range.end)
    }

    /// Removes the complete records: the text, their ranges in it, and the offset of the text in the input.
    pub fn take(&mut self) -> (Vec<u8>, Vec<RecordSpan>, u64) {
        let keep = self.start.unwrap_or(self.at);
        let rest = self.text.split_off(keep);
        let text = std::mem::replace(&mut self.text, rest);
        let base = self.base;
        self.base += keep as u64;
        self.at -= keep;
        self.start = self.start.map(|_| 0);
        (text, std::mem::take(&mut self.found), base)
    }

    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        memory::append(&mut self.text, chunk)?;
        if self.text.len() < START && !self.has_begun { Ok(()) } else { self.check_and_scan() }
    }

    /// Scans the text, after the first call has checked its encoding.
    fn check_and_scan(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            check_start(&self.text[..self.text.len().min(START)])?;
        }
        self.scan()
    }

    /// Ends the input.
    pub fn finish(&mut self) -> Result<()> {
        self.check_and_scan()?;
        if self.format == Format::Documents && self.start.is_some() && !self.in_string && self.depth == 0 {
            self.close(self.text.len());
        }
        if self.start.is_some() || self.format == Format::List {
            return Err(
                Error::invalid_data("The JSON ends in the middle of a record").at(self.base + self.text.len() as u64)
            );
        }
        Ok(())
    }

    fn scan(&mut self) -> Result<()> {
        while self.at < self.text.len() {
            if self.in_string {
                let Some(end) = string_tail(&self.text, self.at) else {
                    // A final backslash escapes the next byte.
                    self.at = without_backslash(&self.text, self.at);
                    return Ok(());
                };
                (self.in_string, self.at) = (false, end);
                continue;
            }
            if self.start.is_none() {
                self.between(self.text[self.at])?;
                continue;
            }
            self.record()?;
        }
        Ok(())
    }

    /// Scans a byte between records.
    fn between(&mut self, byte: u8) -> Result<()> {
        let is_space = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        match (self.format, byte) {
            _ if is_space => self.at += 1,
            (Format::Unknown, b'[') => {
                self.format = Format::List;
                self.at += 1;
            }
            (Format::List, b']') if !self.after_comma => {
                self.format = Format::Ended;
                self.at += 1;
            }
            (Format::List, b',') if self.count > 0 && !self.after_comma => {
                self.after_comma = true;
                self.at += 1;
            }
            (Format::List, _) if self.count > 0 && !self.after_comma => {
                return Err(self.expected("a comma or the end of the list"));
            }
            (Format::List, b',' | b']') => return Err(self.expected("a record")),
            (Format::Ended, _) => return Err(self.expected("the end after the list")),
            _ => {
                if self.format == Format::Unknown {
                    self.format = Format::Documents;
                }
                self.after_comma = false;
                self.start = Some(self.at);
            }
        }
        Ok(())
    }

    /// Scans a record up to its end, a string that is not closed yet, or the end of the text.
    fn record(&mut self) -> Result<()> {
        let (text, is_list) = (&self.text[..], self.format == Format::List);
        let (mut at, mut depth, mut deepest) = (self.at, self.depth, self.deepest);
        let end = loop {
            match text.get(at) {
                None => break None,
                Some(b'"') => match string_tail(text, at + 1) {
                    Some(end) => at = end,
                    None => {
                        self.in_string = true;
                        at += 1;
                        break None;
                    }
                },
                Some(b'[' | b'{') => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        let message = format!("The JSON is nested deeper than {MAX_DEPTH} levels");
                        return Err(Error::invalid_data(message).at(self.base + at as u64));
                    }
                    deepest = deepest.max(depth);
                    at += 1;
                }
                Some(b']' | b'}') if depth > 0 => {
                    depth -= 1;
                    at += 1;
                }
                Some(b',' | b']') if is_list && depth == 0 => break Some(at),
                Some(b'\n') if !is_list && depth == 0 => break Some(at),
                Some(_) => at += 1,
            }
        };
        (self.at, self.depth, self.deepest) = (at, depth, deepest);
        if let Some(end) = end {
            self.close(end);
        }
        Ok(())
    }

    fn close(&mut self, end: usize) {
        if let Some(start) = self.start.take() {
            self.found.push(RecordSpan { range: start..end, depth: std::mem::take(&mut self.deepest) });
            self.count += 1;
        }
    }

    fn expected(&self, expected: &str) -> Error {
        Error::invalid_data(format!("Invalid list of JSON records: expected {expected}")).at(self.base + self.at as u64)
    }
}

/// Returns the end of the text, without a final backslash that escapes the next byte.
fn without_backslash(text: &[u8], from: usize) -> usize {
    let slashes = text[from..].iter().rev().take_while(|byte| **byte == b'\\').count();
    text.len() - slashes % 2
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn records(input: &[u8], piece: usize) -> Result<Vec<String>> {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        let mut take = |splitter: &mut Splitter| {
            let (text, found, base) = splitter.take();
            for RecordSpan { range, .. } in found {
                let start = usize::try_from(base).unwrap() + range.start;
                assert_eq!(&text[range.clone()], &input[start..start + range.len()]);
                out.push(String::from_utf8(text[range].to_vec()).unwrap());
            }
        };
        for piece in input.chunks(piece) {
            splitter.push(piece)?;
            take(&mut splitter);
        }
        splitter.finish()?;
        take(&mut splitter);
        Ok(out)
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let list = r#" [ {"a":"]},\\\"[" , "b":[1,[2]]} ,"x\\" ,3 , [], null ] "#;
        let expected = [r#"{"a":"]},\\\"[" , "b":[1,[2]]} "#, r#""x\\" "#, "3 ", "[]", "null "];
        let lines = "{\"a\":\n1}\n\n 2 \r\n\"[\"\n[1,\n2]";
        let documents = ["{\"a\":\n1}", "2 \r", "\"[\"", "[1,\n2]"];
        for piece in 1..list.len() {
            assert_eq!(records(list.as_bytes(), piece).unwrap(), expected);
            assert_eq!(records(lines.as_bytes(), piece).unwrap(), documents);
        }
        for (empty, count) in [("", 0), ("[]", 0), (" \n ", 0), ("[ ]\n", 0), ("1", 1), ("[1]", 1)] {
            assert_eq!(records(empty.as_bytes(), 1).unwrap().len(), count, "{empty}");
        }
    }

    #[test]
    fn malformed_lists_are_reported_with_the_offset() {
        for (text, offset) in [
            ("[1", 2),
            ("[1,]", 3),
            ("[,1]", 1),
            ("[1] 2", 4),
            ("[", 1),
            ("{\"a\":[}", 7),
            ("[\"a]", 4),
            ("[{} {}]", 7),
        ] {
            for piece in [1, 100] {
                match records(text.as_bytes(), piece) {
                    Err(error) => assert_eq!(error.offset, Some(offset), "{text}: {error}"),
                    // Records are not validated here.
                    Ok(found) => assert!(text == "[{} {}]" && found == ["{} {}"], "{text} {found:?}"),
                }
            }
        }
        let deep = "[".repeat(MAX_DEPTH + 2);
        assert!(records(deep.as_bytes(), 100).is_err());
    }
}
