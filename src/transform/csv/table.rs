//! A table column by column, and the bytes in which JavaScript gets it (`lib/csv/table.js`): a head in JSON, with its length before it
//! as four bytes, and sections that begin at multiples of eight. Their places count from where the head has ended. Numbers have
//! the byte order of the machine, as typed arrays do.

use super::options::{CsvOptions, Type};
use super::record::{Record, shown};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use serde_json::{Value as Json, json};

const ALIGNED: usize = 8;
/// What a column takes in the head beside its name.
const HEAD: usize = 64;

enum Column {
    /// All the text, where each field ends in it, and a bit for each that is null; those at the end are missing if they are 0.
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
    /// Bytes that its text and its head take, about.
    taken: u64,
    /// Bytes that each row takes beside its text.
    row: u64,
    limit: u64,
}

impl Table {
    pub fn new(options: &CsvOptions, names: Vec<String>) -> Self {
        let column = |name: &String| match options.type_of(name).unwrap_or(Type::Text) {
            Type::Text => Column::Text { text: Vec::new(), ends: Vec::new(), nulls: Vec::new() },
            Type::Number => Column::Numbers(Vec::new()),
            Type::Boolean => Column::Booleans(Vec::new()),
        };
        let columns: Vec<Column> = names.iter().map(column).collect();
        let taken = names.iter().map(|name| (name.len() + HEAD) as u64).sum();
        let row = columns.iter().map(Column::width).sum();
        Table { names, columns, rows: 0, taken, row, limit: options.limit }
    }

    pub fn add(&mut self, record: &Record<'_>) -> Result<()> {
        for (place, column) in self.columns.iter_mut().enumerate() {
            let name = &self.names[place];
            match column {
                Column::Text { text, ends, nulls } => {
                    if record.is_null(place) {
                        let byte = self.rows / 8;
                        nulls.resize(byte + 1, 0);
                        nulls[byte] |= 1 << (self.rows % 8);
                    } else {
                        let before = text.len();
                        memory::append(text, record.field(place).as_bytes())?;
                        self.taken += (text.len() - before) as u64;
                    }
                    memory::reserve(ends, 1)?;
                    ends.push(u32::try_from(text.len()).map_err(|_| too_much_text(name))?);
                }
                Column::Numbers(numbers) => {
                    memory::reserve(numbers, 1)?;
                    numbers.push(record.number(place, name)?.unwrap_or(f64::NAN));
                }
                Column::Booleans(booleans) => {
                    memory::reserve(booleans, 1)?;
                    booleans.push(u8::from(record.boolean(place, name)?));
                }
            }
        }
        self.rows += 1;
        self.check(self.taken + self.row * self.rows as u64)
    }

    fn check(&self, taken: u64) -> Result<()> {
        if taken > self.limit { Err(Error::output_limit(self.limit)) } else { Ok(()) }
    }

    /// The bytes of the whole table. Each column is let go of once it is there.
    pub fn into_bytes(self, cancel: &Cancel) -> Result<Vec<u8>> {
        let mut body = Places(0);
        let head: Vec<Json> =
            self.names.iter().zip(&self.columns).map(|(name, column)| column.head(name, &mut body)).collect();
        let head = json!({ "rows": self.rows, "columns": head }).to_string();
        let start = (4 + head.len()).next_multiple_of(ALIGNED);
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
    /// Bytes that a field takes, beside its text.
    fn width(&self) -> u64 {
        match self {
            Column::Text { .. } => 4,
            Column::Numbers(_) => 8,
            Column::Booleans(_) => 1,
        }
    }

    /// What the head says of it: its name, its type, and where its sections begin and how long they are.
    fn head(&self, name: &str, places: &mut Places) -> Json {
        match self {
            Column::Text { text, ends, nulls } => json!([
                name,
                "string",
                places.next(text.len()),
                text.len(),
                places.next(ends.len() * 4),
                places.next(nulls.len()),
                nulls.len()
            ]),
            Column::Numbers(numbers) => json!([name, "number", places.next(numbers.len() * 8)]),
            Column::Booleans(booleans) => json!([name, "boolean", places.next(booleans.len())]),
        }
    }
}

/// Where sections begin, one after the other.
struct Places(usize);

impl Places {
    fn next(&mut self, len: usize) -> usize {
        let place = self.0;
        self.0 = (place + len).next_multiple_of(ALIGNED);
        place
    }
}

fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNED), 0);
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    align(out);
    out.extend_from_slice(bytes);
}

/// A section of so many words.
fn words<const SIZE: usize>(out: &mut Vec<u8>, count: usize, words: impl Iterator<Item = [u8; SIZE]>) {
    align(out);
    let start = out.len();
    out.resize(start + count * SIZE, 0);
    for (place, word) in out[start..].chunks_exact_mut(SIZE).zip(words) {
        place.copy_from_slice(&word);
    }
}

fn too_much_text(name: &str) -> Error {
    Error::new(Kind::OutputLimit, format!("The column {} has more than 4 GiB of text", shown(name)))
}
