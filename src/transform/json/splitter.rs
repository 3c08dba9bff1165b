//! Cuts records out of a stream of JSON: the elements of one list, or documents one after the other, as in NDJSON. Which of them it
//! is says the first byte: what begins with `[` is a list.
//!
//! Only the ends of records are looked for; whether each is JSON says whoever parses it.

use super::document::{MAX_DEPTH, check_start};
use super::swar::string_tail;
use crate::error::{Error, Result};
use crate::transform::memory;
use crate::transform::text::detect_encoding::START;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    List,
    Documents,
    /// The list has ended.
    Ended,
}

/// The bytes that say where a record or a part of it ends.
static SAYS: [bool; 256] = {
    let mut says = [false; 256];
    let bytes = b"\"[]{},\n";
    let mut place = 0;
    while place < bytes.len() {
        says[bytes[place] as usize] = true;
        place += 1;
    }
    says
};

/// A record that is complete.
#[derive(Debug)]
pub struct Record {
    pub place: Range<usize>,
    /// How deep it is nested.
    pub depth: usize,
}

/// What is found is in `text`, the place of which in the input is `base`.
pub struct Records {
    form: Form,
    has_begun: bool,
    text: Vec<u8>,
    base: u64,
    /// Where the record begins that is being looked at; `None` between records.
    start: Option<usize>,
    /// What has been looked at.
    at: usize,
    depth: usize,
    /// Of the record so far.
    deepest: usize,
    in_string: bool,
    /// In a list: whether a comma was the last thing.
    after_comma: bool,
    count: u64,
    found: Vec<Record>,
}

impl Records {
    pub fn new() -> Self {
        Records {
            form: Form::Unknown,
            has_begun: false,
            text: Vec::new(),
            base: 0,
            start: None,
            at: 0,
            depth: 0,
            deepest: 0,
            in_string: false,
            after_comma: false,
            count: 0,
            found: Vec::new(),
        }
    }

    /// Bytes of records that are complete and not taken.
    pub fn ready(&self) -> usize {
        self.found.last().map_or(0, |last| last.place.end)
    }

    /// Takes the records that are complete: the text, their places in it, and the place of the text in the input.
    pub fn take(&mut self) -> (Vec<u8>, Vec<Record>, u64) {
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
        if self.text.len() < START && !self.has_begun { Ok(()) } else { self.begin() }
    }

    /// Scans the text so far; the first call checks its encoding first.
    fn begin(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            check_start(&self.text[..self.text.len().min(START)])?;
        }
        self.scan()
    }

    /// The input has ended.
    pub fn finish(&mut self) -> Result<()> {
        self.begin()?;
        if self.form == Form::Documents && self.start.is_some() && !self.in_string && self.depth == 0 {
            self.close(self.text.len());
        }
        if self.start.is_some() || self.form == Form::List {
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
                    // What comes next may be escaped by what is last.
                    self.at = last_whole(&self.text, self.at);
                    return Ok(());
                };
                (self.in_string, self.at) = (false, end);
                continue;
            }
            if self.start.is_none() {
                self.between(self.text[self.at])?;
                continue;
            }
            // Most of a record says nothing of where it ends.
            while let Some(false) = self.text.get(self.at).map(|byte| SAYS[usize::from(*byte)]) {
                self.at += 1;
            }
            if let Some(&byte) = self.text.get(self.at) {
                self.within(byte)?;
            }
        }
        Ok(())
    }

    /// Outside of records.
    fn between(&mut self, byte: u8) -> Result<()> {
        let is_space = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        match (self.form, byte) {
            _ if is_space => self.at += 1,
            (Form::Unknown, b'[') => {
                self.form = Form::List;
                self.at += 1;
            }
            (Form::List, b']') if !self.after_comma => {
                self.form = Form::Ended;
                self.at += 1;
            }
            (Form::List, b',') if self.count > 0 && !self.after_comma => {
                self.after_comma = true;
                self.at += 1;
            }
            (Form::List, _) if self.count > 0 && !self.after_comma => {
                return Err(self.wrong("a comma or the end of the list"));
            }
            (Form::List, b',' | b']') => return Err(self.wrong("a record")),
            (Form::Ended, _) => return Err(self.wrong("nothing after the list")),
            _ => {
                if self.form == Form::Unknown {
                    self.form = Form::Documents;
                }
                self.after_comma = false;
                self.start = Some(self.at);
            }
        }
        Ok(())
    }

    /// Inside of a record, or at its first byte.
    fn within(&mut self, byte: u8) -> Result<()> {
        match byte {
            b'"' => {
                self.in_string = true;
                self.at += 1;
            }
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    let message = format!("The JSON is nested deeper than {MAX_DEPTH} levels");
                    return Err(Error::invalid_data(message).at(self.base + self.at as u64));
                }
                self.deepest = self.deepest.max(self.depth);
                self.at += 1;
            }
            b']' | b'}' if self.depth > 0 => {
                self.depth -= 1;
                self.at += 1;
            }
            b',' | b']' if self.form == Form::List && self.depth == 0 => self.close(self.at),
            b'\n' if self.form == Form::Documents && self.depth == 0 => self.close(self.at),
            _ => self.at += 1,
        }
        Ok(())
    }

    fn close(&mut self, end: usize) {
        if let Some(start) = self.start.take() {
            self.found.push(Record { place: start..end, depth: std::mem::take(&mut self.deepest) });
            self.count += 1;
        }
    }

    fn wrong(&self, expected: &str) -> Error {
        Error::invalid_data(format!("The input is no list of JSON records: {expected} was expected"))
            .at(self.base + self.at as u64)
    }
}

/// The end of the text, or the backslash that it ends with.
fn last_whole(text: &[u8], from: usize) -> usize {
    let slashes = text[from..].iter().rev().take_while(|byte| **byte == b'\\').count();
    text.len() - slashes % 2
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn records(input: &[u8], piece: usize) -> Result<Vec<String>> {
        let mut records = Records::new();
        let mut out = Vec::new();
        let mut take = |records: &mut Records| {
            let (text, found, base) = records.take();
            for Record { place: range, .. } in found {
                let whole = usize::try_from(base).unwrap() + range.start;
                assert_eq!(&text[range.clone()], &input[whole..whole + range.len()], "its place");
                out.push(String::from_utf8(text[range].to_vec()).unwrap());
            }
        };
        for piece in input.chunks(piece) {
            records.push(piece)?;
            take(&mut records);
        }
        records.finish()?;
        take(&mut records);
        Ok(out)
    }

    #[test]
    fn finds_records_wherever_the_input_is_cut() {
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
    fn says_where_a_list_is_none() {
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
                    // Whether a record is JSON is not looked at here.
                    Ok(found) => assert!(text == "[{} {}]" && found == ["{} {}"], "{text} {found:?}"),
                }
            }
        }
        let deep = "[".repeat(MAX_DEPTH + 2);
        assert!(records(deep.as_bytes(), 100).is_err());
    }
}
