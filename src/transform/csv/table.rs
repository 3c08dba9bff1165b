//! A table in columns, and its serialized form for `lib/csv/table.js`: the length of the head in four bytes, the head in JSON, and
//! sections that start at multiples of eight. Their offsets are relative to the first section. Numbers have the byte order of the
//! machine, as in typed arrays.

use super::options::{ColumnType, CsvOptions};
use super::record::Record;
use crate::args::quoted;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use serde_json::{Value as Json, json};

const ALIGNMENT: usize = 8;
/// Approximate bytes of a column in the head, without its name.
const COLUMN_HEAD: usize = 64;

enum Column {
    /// The text of all fields, the end of each field in it, and a bit for each null field; zero bytes at the end are left out.
    Text {
        text: Vec<u8>,
        ends: Vec<u32>,
        nulls: Vec<u8>,
    },
    Numbers(Vec<f64>),
    Booleans(Vec<u8>),
}

pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    /// Approximate bytes of the text and the head.
    text_bytes: u64,
    /// Bytes of a row without its text.
    row_bytes: u64,
    limit: u64,
}

impl Table {
    pub fn new(options: &CsvOptions, names: Vec<String>) -> Self {
        let column = |name: &String| match options.type_of(name).unwrap_or(ColumnType::Text) {
            ColumnType::Text => Column::Text { text: Vec::new(), ends: Vec::new(), nulls: Vec::new() },
            ColumnType::Number => Column::Numbers(Vec::new()),
            ColumnType::Boolean => Column::Booleans(Vec::new()),
        };
        let columns: Vec<Column> = names.iter().map(column).collect();
        let text_bytes = names.iter().map(|name| (name.len() + COLUMN_HEAD) as u64).sum();
        let row_bytes = columns.iter().map(Column::field_bytes).sum();
        Table { names, columns, rows: 0, text_bytes, row_bytes, limit: options.limit }
    }

    pub fn add(&mut self, record: &Record<'_>) -> Result<()> {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let name = &self.names[index];
            match column {
                Column::Text { text, ends, nulls } => {
                    if record.is_null(index) {
                        let byte = self.rows / 8;
                        nulls.resize(byte + 1, 0);
                        nulls[byte] |= 1 << (self.rows % 8);
                    } else {
                        let before = text.len();
                        memory::append(text, record.field(index).as_bytes())?;
                        self.text_bytes += (text.len() - before) as u64;
                    }
                    memory::reserve(ends, 1)?;
                    ends.push(u32::try_from(text.len()).map_err(|_| too_much_text(name))?);
                }
                Column::Numbers(numbers) => {
                    memory::reserve(numbers, 1)?;
                    numbers.push(record.number(index, name)?.unwrap_or(f64::NAN));
                }
                Column::Booleans(booleans) => {
                    memory::reserve(booleans, 1)?;
                    booleans.push(u8::from(record.boolean(index, name)?));
                }
            }
        }
        self.rows += 1;
        self.check(self.text_bytes + self.row_bytes * self.rows as u64)
    }

    fn check(&self, bytes: u64) -> Result<()> {
        if bytes > self.limit { Err(Error::output_limit(self.limit)) } else { Ok(()) }
    }

    /// Serializes the table. Each column is released once it is written.
    pub fn into_bytes(self, cancel: &Cancel) -> Result<Vec<u8>> {
        let mut body = SectionOffsets(0);
        let head: Vec<Json> =
            self.names.iter().zip(&self.columns).map(|(name, column)| column.head(name, &mut body)).collect();
        let head = json!({ "rows": self.rows, "columns": head }).to_string();
        let start = (4 + head.len()).next_multiple_of(ALIGNMENT);
        self.check((start + body.0) as u64)?;
        let mut out = Vec::new();
        memory::reserve(&mut out, start + body.0)?;
        out.extend_from_slice(&u32::try_from(head.len()).map_err(|_| Error::output_limit(self.limit))?.to_ne_bytes());
        out.extend_from_slice(head.as_bytes());
        for column in self.columns {
            cancel.check()?;
            match column {
                Column::Text { text, ends, nulls } => {
                    section(&mut out, &text);
                    words(&mut out, ends.len(), ends.iter().map(|end| end.to_ne_bytes()));
                    section(&mut out, &nulls);
                }
                Column::Numbers(numbers) => {
                    words(&mut out, numbers.len(), numbers.iter().map(|number| number.to_ne_bytes()));
                }
                Column::Booleans(booleans) => section(&mut out, &booleans),
            }
        }
        align(&mut out);
        Ok(out)
    }
}

impl Column {
    /// Returns the bytes of a field without its text.
    fn field_bytes(&self) -> u64 {
        match self {
            Column::Text { .. } => 4,
            Column::Numbers(_) => 8,
            Column::Booleans(_) => 1,
        }
    }

    /// Returns the entry of the head: the name, the type, and the offsets of the sections with their lengths where needed.
    fn head(&self, name: &str, offsets: &mut SectionOffsets) -> Json {
        match self {
            Column::Text { text, ends, nulls } => json!([
                name,
                "string",
                offsets.next(text.len()),
                text.len(),
                offsets.next(ends.len() * 4),
                offsets.next(nulls.len()),
                nulls.len()
            ]),
            Column::Numbers(numbers) => json!([name, "number", offsets.next(numbers.len() * 8)]),
            Column::Booleans(booleans) => json!([name, "boolean", offsets.next(booleans.len())]),
        }
    }
}

/// Assigns offsets to consecutive sections.
struct SectionOffsets(usize);

impl SectionOffsets {
    fn next(&mut self, len: usize) -> usize {
        let offset = self.0;
        self.0 = (offset + len).next_multiple_of(ALIGNMENT);
        offset
    }
}

fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    align(out);
    out.extend_from_slice(bytes);
}

/// Writes a section of `count` words.
fn words<const SIZE: usize>(out: &mut Vec<u8>, count: usize, words: impl Iterator<Item = [u8; SIZE]>) {
    align(out);
    let start = out.len();
    out.resize(start + count * SIZE, 0);
    for (bytes, word) in out[start..].chunks_exact_mut(SIZE).zip(words) {
        bytes.copy_from_slice(&word);
    }
}

fn too_much_text(name: &str) -> Error {
    Error::new(Kind::OutputLimit, format!("The column {} has more than 4 GiB of text", quoted(name)))
}
