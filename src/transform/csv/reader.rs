//! Splits a stream of CSV (RFC 4180), in chunks cut anywhere, into records and fields. It is strict: a quote in the middle of an
//! unquoted field, or one that is not closed, is an error.

use super::record::{Field, Quoting, Record, line_breaks};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use crate::transform::text::detect_encoding::{BOM, START, by_nul, check_mark, check_start, has_nul};
use memchr::{memchr, memchr3};

/// Most columns of a table.
pub const MAX_COLUMNS: usize = 1 << 16;
/// Cancellation is checked once per this many bytes.
const PIECE: usize = 64 << 10;
/// Records up to this many bytes are accepted even if the output limit is smaller.
const MIN_RECORD_LIMIT: u64 = 1 << 20;
/// Words of a field to examine here before memchr, which is faster for long fields.
const SHORT_WORDS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The encoding has not been checked yet.
    Unchecked,
    BetweenRecords,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted field, which closes the field or is the first of two.
    QuoteInQuoted,
}

/// The syntax and the limits of records.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
    /// Skips blank lines before the first record.
    pub skips_blank: bool,
    /// Fields of a record, if known; otherwise the first record determines it.
    pub width: Option<usize>,
    /// Most bytes of the output.
    pub limit: u64,
}

impl Dialect {
    /// Returns whether NUL is the delimiter or the quote. Otherwise it is refused.
    fn has_nul(&self) -> bool {
        self.delimiter == 0 || self.quote == 0
    }

    /// Returns the index of the first NUL to refuse.
    fn nul(&self, bytes: &[u8]) -> Option<usize> {
        if self.has_nul() { None } else { memchr(0, bytes) }
    }
}

pub struct RecordReader {
    dialect: Dialect,
    ends: FieldEnds,
    /// Most bytes of a record.
    max_record: usize,
    state: State,
    text: Vec<u8>,
    /// Offset of the text in the input.
    base: u64,
    /// Start of the record in the text.
    start: usize,
    /// Offset of the next byte to scan.
    at: usize,
    /// First line of the record, from 1.
    line: u64,
    /// The next byte may be the second half of a line break.
    after_return: bool,
    fields: Vec<Field>,
    /// The current field, relative to the start of the record.
    field: Field,
    has_quotes: bool,
}

impl RecordReader {
    pub fn new(dialect: Dialect) -> Self {
        RecordReader {
            dialect,
            ends: FieldEnds([dialect.delimiter, dialect.quote, b'\r', b'\n']),
            max_record: usize::try_from(dialect.limit.max(MIN_RECORD_LIMIT)).unwrap_or(usize::MAX),
            state: State::Unchecked,
            text: Vec::new(),
            base: 0,
            start: 0,
            at: 0,
            line: 1,
            after_return: false,
            fields: Vec::new(),
            field: Field::at(0),
            has_quotes: false,
        }
    }

    /// Adds a chunk and passes each complete record to `each`.
    pub fn push(
        &mut self,
        chunk: &[u8],
        cancel: &Cancel,
        mut each: impl FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        for piece in chunk.chunks(PIECE) {
            cancel.check()?;
            self.drop_records();
            memory::append(&mut self.text, piece)?;
            while self.scan()? {
                each(&self.record()?)?;
            }
            if self.state != State::BetweenRecords && self.text.len() - self.start > self.max_record {
                return Err(self.too_long());
            }
        }
        Ok(())
    }

    /// Ends the input and passes on the last record, if no line break ended it.
    pub fn finish(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<()>) -> Result<()> {
        if self.state == State::Unchecked {
            self.check_encoding()?;
            while self.scan()? {
                each(&self.record()?)?;
            }
        }
        let end = self.text.len();
        let is_record = match self.state {
            State::Unchecked | State::BetweenRecords => false,
            State::FieldStart | State::Unquoted => self.end_field(end)?.end_record(end)?,
            State::QuoteInQuoted => self.end_field(end - 1)?.end_record(end)?,
            State::Quoted => {
                let open = self.start + self.field.start - 1;
                let line = self.line_of(open);
                return Err(self.invalid(format!("The quoted field in line {line} is not closed"), open));
            }
        };
        if is_record { each(&self.record()?) } else { Ok(()) }
    }

    /// Removes the records that were passed on.
    fn drop_records(&mut self) {
        if self.state == State::BetweenRecords {
            self.start = self.at;
        }
        self.text.drain(..self.start);
        self.base += self.start as u64;
        self.at -= self.start;
        self.start = 0;
    }

    /// Scans to the end of a record. Returns `false` if the text ends first.
    fn scan(&mut self) -> Result<bool> {
        while let Some(&byte) = self.text.get(self.at) {
            match self.state {
                State::Unchecked => {
                    if self.text.len() < START {
                        return Ok(false);
                    }
                    self.check_encoding()?;
                }
                State::BetweenRecords => self.start_record(byte),
                State::FieldStart if byte == self.dialect.quote => self.start_quoted(),
                State::FieldStart | State::Unquoted => {
                    let Some(byte) = self.unquoted_fields()? else { continue };
                    if byte == self.dialect.quote {
                        return Err(self.invalid_here("A field that is not quoted contains a quote"));
                    }
                    if self.end_field(self.at)?.after_field(byte)? {
                        return Ok(true);
                    }
                }
                State::Quoted => match memchr(self.dialect.quote, &self.text[self.at..]) {
                    Some(found) => {
                        self.at += found + 1;
                        self.state = State::QuoteInQuoted;
                    }
                    None => self.at = self.text.len(),
                },
                State::QuoteInQuoted if byte == self.dialect.quote => {
                    self.field.quoting = Quoting::Escaped;
                    self.at += 1;
                    self.state = State::Quoted;
                }
                State::QuoteInQuoted if self.ends.has(byte) => {
                    if self.end_field(self.at - 1)?.after_field(byte)? {
                        return Ok(true);
                    }
                }
                State::QuoteInQuoted => {
                    return Err(self.invalid_here("A quoted field is followed by other text"));
                }
            }
        }
        Ok(false)
    }

    /// Checks the first [`START`] bytes, or all of a shorter input.
    fn check_encoding(&mut self) -> Result<()> {
        let start = &self.text[..self.text.len().min(START)];
        if self.dialect.has_nul() { check_mark(start) } else { check_start(start) }?;
        self.at = if self.text.starts_with(BOM) { BOM.len() } else { 0 };
        self.state = State::BetweenRecords;
        Ok(())
    }

    fn start_record(&mut self, byte: u8) {
        if std::mem::take(&mut self.after_return) && byte == b'\n' {
            self.at += 1;
            return;
        }
        self.start = self.at;
        self.fields.clear();
        self.has_quotes = false;
        self.state = State::FieldStart;
    }

    fn start_quoted(&mut self) {
        self.at += 1;
        self.field = Field { quoting: Quoting::Quoted, ..Field::at(self.at - self.start) };
        self.has_quotes = true;
        self.state = State::Quoted;
    }

    /// Adds unquoted fields up to the first that does not end with a delimiter. Returns the byte that ends that field, or `None`
    /// if the text ends or a quoted field starts.
    fn unquoted_fields(&mut self) -> Result<Option<u8>> {
        let Dialect { delimiter, quote, .. } = self.dialect;
        if self.state == State::FieldStart {
            self.field = Field::at(self.at - self.start);
            self.state = State::Unquoted;
        }
        loop {
            self.at = self.ends.find(&self.text, self.at);
            match self.text.get(self.at) {
                Some(&byte) if byte == delimiter => {}
                other => return Ok(other.copied()),
            }
            self.end_field(self.at)?;
            self.at += 1;
            match self.text.get(self.at) {
                Some(&byte) if byte != quote => self.field = Field::at(self.at - self.start),
                _ => {
                    self.state = State::FieldStart;
                    return Ok(None);
                }
            }
        }
    }

    fn end_field(&mut self, end: usize) -> Result<&mut Self> {
        if self.state == State::FieldStart {
            self.field = Field::at(end - self.start);
        }
        self.fields.push(Field { end: end - self.start, ..self.field });
        let max = self.dialect.width.unwrap_or(MAX_COLUMNS);
        if self.fields.len() <= max {
            return Ok(self);
        }
        let line = self.line;
        let message = match self.dialect.width {
            Some(width) => format!("The record in line {line} has more fields than the {}", columns(width)),
            None => format!("The record in line {line} has more than {MAX_COLUMNS} fields, the limit of a table"),
        };
        Err(self.invalid(message, self.start))
    }

    /// Continues after a field. Returns whether the record has ended.
    fn after_field(&mut self, byte: u8) -> Result<bool> {
        let end = self.at;
        self.at += 1;
        if byte == self.dialect.delimiter {
            self.state = State::FieldStart;
            return Ok(false);
        }
        self.after_return = byte == b'\r';
        self.end_record(end)
    }

    /// Ends a record. Returns `false` for a blank line, which is skipped.
    fn end_record(&mut self, end: usize) -> Result<bool> {
        self.state = State::BetweenRecords;
        let is_blank = self.fields.len() == 1 && end == self.start;
        if is_blank && self.dialect.width.map_or(self.dialect.skips_blank, |width| width > 1) {
            self.line += 1;
            return Ok(false);
        }
        if end - self.start > self.max_record {
            return Err(self.too_long());
        }
        let width = *self.dialect.width.get_or_insert(self.fields.len());
        if self.fields.len() < width {
            let (line, count) = (self.line, self.fields.len());
            let fields = if count == 1 { "field" } else { "fields" };
            let message = format!("The record in line {line} has {count} {fields}, but there are {}", columns(width));
            return Err(self.invalid(message, self.start));
        }
        Ok(true)
    }

    /// Returns the record that was scanned.
    fn record(&mut self) -> Result<Record<'_>> {
        let end = self.start + self.fields.last().map_or(0, |last| last.end);
        let bytes = &self.text[self.start..end];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let index = self.start + error.valid_up_to();
                let line = self.line_of(index);
                return Err(self.invalid(format!("The input is not valid UTF-8 in line {line}"), index));
            }
        };
        if let Some(nul) = self.dialect.nul(bytes) {
            return Err(self.has_nul(bytes, self.start + nul));
        }
        let line = self.line;
        self.line += 1 + if self.has_quotes { line_breaks(bytes) } else { 0 };
        let offset = self.base + self.start as u64;
        Ok(Record { text, fields: &self.fields, line, offset, quote: self.dialect.quote })
    }

    fn line_of(&self, index: usize) -> u64 {
        self.line + line_breaks(&self.text[self.start..index])
    }

    fn invalid_here(&self, message: &str) -> Error {
        self.invalid(format!("{message}, in line {}", self.line_of(self.at)), self.at)
    }

    fn invalid(&self, message: String, index: usize) -> Error {
        // In UTF-16, a byte that looks like a quote or a delimiter may be part of another character.
        let seen = &self.text[self.start..self.at];
        match self.dialect.nul(seen) {
            Some(nul) => self.has_nul(seen, self.start + nul),
            None => Error::invalid_data(message).at(self.base + index as u64),
        }
    }

    /// Returns the error for a record with NUL bytes, the first of them at `index`.
    fn has_nul(&self, bytes: &[u8], index: usize) -> Error {
        let error = match by_nul(bytes, self.base + self.start as u64) {
            Some(encoding) => has_nul(encoding),
            None => {
                let line = self.line_of(index);
                let message = format!("The input has a NUL character in line {line}: it is binary data or UTF-16");
                Error::invalid_data(message)
            }
        };
        error.at(self.base + index as u64)
    }

    fn too_long(&self) -> Error {
        let (line, max) = (self.line, self.max_record);
        let message = format!("The record in line {line} is longer than {max} bytes: increase maxOutput to allow it");
        Error::new(Kind::OutputLimit, message).at(self.base + self.start as u64)
    }
}

/// The bytes that may end an unquoted field, or are invalid in it: delimiter, quote, CR and LF.
struct FieldEnds([u8; 4]);

impl FieldEnds {
    fn has(&self, byte: u8) -> bool {
        self.0.contains(&byte)
    }

    /// Returns the index of the first such byte at or after `at`, or the end of the text.
    fn find(&self, text: &[u8], mut at: usize) -> usize {
        const ONES: u64 = u64::MAX / 255;
        for _ in 0..SHORT_WORDS {
            let Some(word) = text[at..].first_chunk() else {
                return text[at..].iter().position(|byte| self.has(*byte)).map_or(text.len(), |found| at + found);
            };
            let word = u64::from_le_bytes(*word);
            let found = self.0.iter().fold(0, |found, end| {
                // Marks the bytes equal to `end` by their highest bit. A borrow may mark later bytes too.
                let same = word ^ (ONES * u64::from(*end));
                found | (same.wrapping_sub(ONES) & !same & (ONES << 7))
            });
            if found != 0 {
                return at + found.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        let [delimiter, quote, ..] = self.0;
        let far = &text[at..];
        let end = memchr3(delimiter, b'\n', b'\r', far).unwrap_or(far.len());
        at + memchr(quote, &far[..end]).unwrap_or(end)
    }
}

fn columns(width: usize) -> String {
    if width == 1 { "1 column".to_string() } else { format!("{width} columns") }
}
