//! Cuts records and their fields out of a stream of CSV as RFC 4180 has it, cut anywhere. Nothing is guessed: what another reader
//! would take for text, a quote in the middle of a field or one that is never closed, is an error that says where it stands.

use super::record::{Field, Form, Record, breaks};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use crate::transform::text::detect_encoding::{BOM, START, by_nul, check_mark, check_start, has_nul};
use memchr::{memchr, memchr3};

/// Columns of a table.
pub const MAX_COLUMNS: usize = 1 << 16;
/// Input is taken in pieces of this size, between which the token is looked at.
const PIECE: usize = 64 << 10;
/// A record may be as long whatever the limit of the output is.
const SHORT: u64 = 1 << 20;
/// Words of a field that are looked at before memchr looks for its end, which is faster then.
const NEAR: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first bytes have not been checked yet.
    Outset,
    Between,
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes, which is the last one or the first of two.
    Quote,
}

/// How records are told from one another.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
    /// Blank lines before the first record are none.
    pub skips_blank: bool,
    /// Fields of a record, if that is known. The first record says it otherwise.
    pub width: Option<usize>,
    /// Bytes that may come out.
    pub limit: u64,
}

impl Dialect {
    /// Whether NUL is the delimiter or the quote. Otherwise it is refused.
    fn has_nul(&self) -> bool {
        self.delimiter == 0 || self.quote == 0
    }

    /// Returns the place of the first NUL that is refused.
    fn nul(&self, bytes: &[u8]) -> Option<usize> {
        if self.has_nul() { None } else { memchr(0, bytes) }
    }
}

pub struct Records {
    dialect: Dialect,
    /// What ends an unquoted field, or has no place in it.
    ends: Ends,
    longest: usize,
    state: State,
    text: Vec<u8>,
    /// The place of the text in the input.
    base: u64,
    /// Of the record, in the text.
    start: usize,
    /// What has been looked at.
    at: usize,
    /// In which the record begins, from 1.
    line: u64,
    /// What follows may be the second half of a line break.
    after_return: bool,
    fields: Vec<Field>,
    /// The field that is being looked at, from the start of the record.
    field: Field,
    has_quotes: bool,
}

impl Records {
    pub fn new(dialect: Dialect) -> Self {
        Records {
            dialect,
            ends: Ends([dialect.delimiter, dialect.quote, b'\r', b'\n']),
            longest: usize::try_from(dialect.limit.max(SHORT)).unwrap_or(usize::MAX),
            state: State::Outset,
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

    /// Takes a chunk and hands on each record that is complete.
    pub fn push(
        &mut self,
        chunk: &[u8],
        cancel: &Cancel,
        mut each: impl FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        for piece in chunk.chunks(PIECE) {
            cancel.check()?;
            self.drop_taken();
            memory::append(&mut self.text, piece)?;
            while self.scan()? {
                each(&self.record()?)?;
            }
            if self.state != State::Between && self.text.len() - self.start > self.longest {
                return Err(self.too_long());
            }
        }
        Ok(())
    }

    /// The input has ended: hands on the last record, if it has no line break.
    pub fn finish(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<()>) -> Result<()> {
        if self.state == State::Outset {
            self.begin()?;
            while self.scan()? {
                each(&self.record()?)?;
            }
        }
        let end = self.text.len();
        let is_record = match self.state {
            State::Outset | State::Between => false,
            State::Start | State::Plain => self.end_field(end)?.end_record(end)?,
            State::Quote => self.end_field(end - 1)?.end_record(end)?,
            State::Quoted => {
                let open = self.start + self.field.start - 1;
                let line = self.line_of(open);
                return Err(self.invalid(format!("The quote that opens a field in line {line} is never closed"), open));
            }
        };
        if is_record { each(&self.record()?) } else { Ok(()) }
    }

    /// Forgets the records that were handed on.
    fn drop_taken(&mut self) {
        if self.state == State::Between {
            self.start = self.at;
        }
        self.text.drain(..self.start);
        self.base += self.start as u64;
        self.at -= self.start;
        self.start = 0;
    }

    /// Looks for the end of a record. Whether there is one is the answer.
    fn scan(&mut self) -> Result<bool> {
        while let Some(&byte) = self.text.get(self.at) {
            match self.state {
                State::Outset => {
                    if self.text.len() < START {
                        return Ok(false);
                    }
                    self.begin()?;
                }
                State::Between => self.begin_record(byte),
                State::Start if byte == self.dialect.quote => self.begin_quoted(),
                State::Start | State::Plain => {
                    let Some(byte) = self.plain_fields()? else { continue };
                    if byte == self.dialect.quote {
                        return Err(self.wrong("A quote stands in a field that does not begin with one"));
                    }
                    if self.end_field(self.at)?.go_on(byte)? {
                        return Ok(true);
                    }
                }
                State::Quoted => match memchr(self.dialect.quote, &self.text[self.at..]) {
                    Some(found) => {
                        self.at += found + 1;
                        self.state = State::Quote;
                    }
                    None => self.at = self.text.len(),
                },
                State::Quote if byte == self.dialect.quote => {
                    self.field.form = Form::Escaped;
                    self.at += 1;
                    self.state = State::Quoted;
                }
                State::Quote if self.ends.has(byte) => {
                    if self.end_field(self.at - 1)?.go_on(byte)? {
                        return Ok(true);
                    }
                }
                State::Quote => {
                    return Err(self.wrong("Something stands between the quote that ends a field and the next field"));
                }
            }
        }
        Ok(false)
    }

    /// Checks the encoding once the first [`START`] bytes, or all of the input, have come.
    fn begin(&mut self) -> Result<()> {
        let start = &self.text[..self.text.len().min(START)];
        if self.dialect.has_nul() { check_mark(start) } else { check_start(start) }?;
        self.at = if self.text.starts_with(BOM) { BOM.len() } else { 0 };
        self.state = State::Between;
        Ok(())
    }

    fn begin_record(&mut self, byte: u8) {
        if std::mem::take(&mut self.after_return) && byte == b'\n' {
            self.at += 1;
            return;
        }
        self.start = self.at;
        self.fields.clear();
        self.has_quotes = false;
        self.state = State::Start;
    }

    fn begin_quoted(&mut self) {
        self.at += 1;
        self.field = Field { form: Form::Quoted, ..Field::at(self.at - self.start) };
        self.has_quotes = true;
        self.state = State::Quoted;
    }

    /// Goes through unquoted fields that end with a delimiter: most fields are such. What follows the last one is the answer, which
    /// is not ended then, or `None` if the text ends or a quoted field begins.
    fn plain_fields(&mut self) -> Result<Option<u8>> {
        let Dialect { delimiter, quote, .. } = self.dialect;
        if self.state == State::Start {
            self.field = Field::at(self.at - self.start);
            self.state = State::Plain;
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
                    self.state = State::Start;
                    return Ok(None);
                }
            }
        }
    }

    fn end_field(&mut self, end: usize) -> Result<&mut Self> {
        if self.state == State::Start {
            self.field = Field::at(end - self.start);
        }
        self.fields.push(Field { end: end - self.start, ..self.field });
        let most = self.dialect.width.unwrap_or(MAX_COLUMNS);
        if self.fields.len() <= most {
            return Ok(self);
        }
        let line = self.line;
        let message = match self.dialect.width {
            Some(width) => format!("The record in line {line} has more fields than the {}", columns(width)),
            None => format!("The record in line {line} has more than {MAX_COLUMNS} fields, which no table may have"),
        };
        Err(self.invalid(message, self.start))
    }

    /// After a field. Whether the record has ended is the answer.
    fn go_on(&mut self, byte: u8) -> Result<bool> {
        let end = self.at;
        self.at += 1;
        if byte == self.dialect.delimiter {
            self.state = State::Start;
            return Ok(false);
        }
        self.after_return = byte == b'\r';
        self.end_record(end)
    }

    /// Whether it is one and no blank line is the answer.
    fn end_record(&mut self, end: usize) -> Result<bool> {
        self.state = State::Between;
        let is_blank = self.fields.len() == 1 && end == self.start;
        if is_blank && self.dialect.width.map_or(self.dialect.skips_blank, |width| width > 1) {
            self.line += 1;
            return Ok(false);
        }
        if end - self.start > self.longest {
            return Err(self.too_long());
        }
        let width = *self.dialect.width.get_or_insert(self.fields.len());
        if self.fields.len() < width {
            let (line, count) = (self.line, self.fields.len());
            let fields = if count == 1 { "field".to_string() } else { "fields".to_string() };
            let message =
                format!("The record in line {line} has {count} {fields}, not as many as the {}", columns(width));
            return Err(self.invalid(message, self.start));
        }
        Ok(true)
    }

    /// The record that was found.
    fn record(&mut self) -> Result<Record<'_>> {
        let end = self.start + self.fields.last().map_or(0, |last| last.end);
        let bytes = &self.text[self.start..end];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let place = self.start + error.valid_up_to();
                let line = self.line_of(place);
                return Err(self.invalid(format!("The input is not UTF-8 text in line {line}"), place));
            }
        };
        if let Some(nul) = self.dialect.nul(bytes) {
            return Err(self.has_nul(bytes, self.start + nul));
        }
        let line = self.line;
        self.line += 1 + if self.has_quotes { breaks(bytes) } else { 0 };
        let offset = self.base + self.start as u64;
        Ok(Record { text, fields: &self.fields, line, offset, quote: self.dialect.quote })
    }

    fn line_of(&self, place: usize) -> u64 {
        self.line + breaks(&self.text[self.start..place])
    }

    fn wrong(&self, what: &str) -> Error {
        self.invalid(format!("{what}, in line {}", self.line_of(self.at)), self.at)
    }

    fn invalid(&self, message: String, place: usize) -> Error {
        // In UTF-16, bytes that look like quotes and delimiters may be parts of other characters.
        let seen = &self.text[self.start..self.at];
        match self.dialect.nul(seen) {
            Some(nul) => self.has_nul(seen, self.start + nul),
            None => Error::invalid_data(message).at(self.base + place as u64),
        }
    }

    /// Returns the error for a record with NUL bytes, the first of them at `place`.
    fn has_nul(&self, bytes: &[u8], place: usize) -> Error {
        let error = match by_nul(bytes, self.base + self.start as u64) {
            Some(encoding) => has_nul(encoding),
            None => {
                let line = self.line_of(place);
                let message =
                    format!("The input has a NUL character in line {line}: it is not text, or perhaps UTF-16");
                Error::invalid_data(message)
            }
        };
        error.at(self.base + place as u64)
    }

    fn too_long(&self) -> Error {
        let (line, most) = (self.line, self.longest);
        let message =
            format!("The record in line {line} is longer than {most} bytes; raise maxOutput if that is expected");
        Error::new(Kind::OutputLimit, message).at(self.base + self.start as u64)
    }
}

/// Delimiter, quote, CR and LF.
struct Ends([u8; 4]);

impl Ends {
    fn has(&self, byte: u8) -> bool {
        self.0.contains(&byte)
    }

    /// The first of them from there on, or the end of the text.
    fn find(&self, text: &[u8], mut at: usize) -> usize {
        const ONES: u64 = u64::MAX / 255;
        for _ in 0..NEAR {
            let Some(word) = text[at..].first_chunk() else {
                return text[at..].iter().position(|byte| self.has(*byte)).map_or(text.len(), |found| at + found);
            };
            let word = u64::from_le_bytes(*word);
            let found = self.0.iter().fold(0, |found, end| {
                // The highest bit of each byte that is 0 here, and perhaps of others after the first of those.
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
