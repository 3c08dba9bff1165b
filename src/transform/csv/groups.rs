//! The groups of an aggregation: filled in one pass over the rows, then written as JSON.

use super::options::{ColumnType, column_index};
use super::record::Record;
use super::spec::{Measure, Spec, Statistic, measure_property};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::memory;
use crate::transform::numeric::element::Number;
use crate::transform::numeric::quantile::quantile;
use crate::transform::numeric::sum::Sum;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// Approximate bytes of a group without its key and its measures.
const GROUP_BYTES: usize = 64;

/// The source of a measure in the state of a group.
enum Source {
    Rows,
    Fields(usize),
    Numbers(usize, Statistic),
}

/// A column of numbers.
struct NumericColumn {
    name: String,
    index: usize,
    /// Quantiles need all numbers.
    keeps_all: bool,
}

pub struct Groups {
    spec: Arc<Spec>,
    /// The columns to group by, those whose fields are counted, and those of numbers.
    by: Vec<(usize, ColumnType)>,
    counted: Vec<usize>,
    numeric: Vec<NumericColumn>,
    sources: Vec<Source>,
    /// Groups by key. A key is the start of the row of the result, as JSON.
    by_key: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
    /// For each group: its rows, the counts of `counted` and the statistics of `numeric`.
    rows: Vec<u64>,
    fields: Vec<u64>,
    numbers: Vec<Numbers>,
    bytes: usize,
    /// Bytes of a group without its key.
    group_bytes: usize,
}

impl Groups {
    /// Prepares the groups of a table with columns of these names. Without `groupBy` there is one group, even without rows.
    ///
    /// # Errors
    /// If a column that the options name is missing.
    pub fn new(spec: Arc<Spec>, names: &[String]) -> Result<Self> {
        let mut groups = Groups {
            spec: spec.clone(),
            by: Vec::new(),
            counted: Vec::new(),
            numeric: Vec::new(),
            sources: Vec::new(),
            by_key: HashMap::new(),
            key: Vec::new(),
            rows: Vec::new(),
            fields: Vec::new(),
            numbers: Vec::new(),
            bytes: 0,
            group_bytes: 0,
        };
        for name in &spec.by {
            let column_type = spec.options.type_of(name).unwrap_or(ColumnType::Text);
            groups.by.push((column_index(names, name, "options.groupBy")?, column_type));
        }
        for (name, measure) in &spec.measures {
            let column =
                measure.column().map(|column| column_index(names, column, &measure_property(name))).transpose()?;
            let source = match (measure, column) {
                (Measure::Fields(_), Some(column)) => Source::Fields(groups.counted_index(column)),
                (Measure::Numbers(statistic, name), Some(column)) => {
                    Source::Numbers(groups.numeric_index(*statistic, column, name), *statistic)
                }
                _ => Source::Rows,
            };
            groups.sources.push(source);
        }
        groups.group_bytes = GROUP_BYTES
            + spec.measures.iter().map(|(name, _)| name.len() + 8).sum::<usize>()
            + groups.counted.len() * 8
            + groups.numeric.len() * size_of::<Numbers>();
        if spec.by.is_empty() {
            groups.add_group()?;
        }
        Ok(groups)
    }

    /// Returns the index of a column in `counted`, and adds it if necessary.
    fn counted_index(&mut self, column: usize) -> usize {
        self.counted.iter().position(|it| *it == column).unwrap_or_else(|| {
            self.counted.push(column);
            self.counted.len() - 1
        })
    }

    /// Returns the index of a column in `numeric`, and adds it if necessary.
    fn numeric_index(&mut self, statistic: Statistic, column: usize, name: &str) -> usize {
        let index = self.numeric.iter().position(|it| it.index == column).unwrap_or_else(|| {
            self.numeric.push(NumericColumn { name: name.to_string(), index: column, keeps_all: false });
            self.numeric.len() - 1
        });
        self.numeric[index].keeps_all |= matches!(statistic, Statistic::Quantile(_));
        index
    }

    pub fn add(&mut self, record: &Record<'_>) -> Result<()> {
        let group = self.group_of(record)?;
        self.rows[group] += 1;
        let fields = &mut self.fields[group * self.counted.len()..];
        for (count, column) in fields.iter_mut().zip(&self.counted) {
            *count += u64::from(!record.field(*column).is_empty());
        }
        let numbers = &mut self.numbers[group * self.numeric.len()..];
        for (numbers, column) in numbers.iter_mut().zip(&self.numeric) {
            let Some(number) = record.number(column.index, &column.name)? else { continue };
            numbers.add(number);
            if column.keeps_all {
                memory::reserve(&mut numbers.sort_keys, 1)?;
                numbers.sort_keys.push(number.key());
                self.bytes += size_of::<u64>();
            }
        }
        self.check(self.bytes)
    }

    fn group_of(&mut self, record: &Record<'_>) -> Result<usize> {
        if self.by.is_empty() {
            return Ok(0);
        }
        self.key.clear();
        for ((column, column_type), name) in self.by.iter().zip(&self.spec.by) {
            write_name(&mut self.key, name);
            match column_type {
                ColumnType::Text if record.is_null(*column) => self.key.extend_from_slice(b"null"),
                ColumnType::Text => write_text(&mut self.key, &record.field(*column)),
                ColumnType::Boolean => write!(self.key, "{}", record.boolean(*column, name)?).expect("into memory"),
                // Adding 0.0 turns -0 into 0, which is the same group.
                ColumnType::Number => write_number(&mut self.key, record.number(*column, name)?.map(|it| it + 0.0)),
            }
        }
        match self.by_key.get(self.key.as_slice()) {
            Some(group) => Ok(*group),
            None => self.add_group(),
        }
    }

    /// Adds a group for the current key.
    fn add_group(&mut self) -> Result<usize> {
        let group = self.rows.len();
        self.bytes += self.key.len() + self.group_bytes;
        self.check(self.bytes)?;
        self.by_key.insert(self.key.as_slice().into(), group);
        self.rows.push(0);
        self.fields.resize(self.fields.len() + self.counted.len(), 0);
        self.numbers.resize_with(self.numbers.len() + self.numeric.len(), Numbers::default);
        Ok(group)
    }

    fn check(&self, bytes: usize) -> Result<()> {
        let limit = self.spec.options.limit;
        if bytes as u64 > limit { Err(Error::output_limit(limit)) } else { Ok(()) }
    }

    /// Writes the rows of the result.
    pub fn into_json(mut self, cancel: &Cancel) -> Result<String> {
        let mut keys: Vec<(Box<[u8]>, usize)> = std::mem::take(&mut self.by_key).into_iter().collect();
        keys.par_sort_unstable_by_key(|(_, group)| *group);
        let mut out = vec![b'['];
        for (key, group) in keys {
            cancel.check()?;
            if out.len() > 1 {
                out.push(b',');
            }
            let before = out.len();
            out.extend_from_slice(&key);
            self.write(&mut out, group);
            // The comma before the first name becomes the opening brace.
            match out.get_mut(before) {
                Some(first) => *first = b'{',
                None => out.push(b'{'),
            }
            out.push(b'}');
            self.check(out.len())?;
        }
        out.push(b']');
        Ok(String::from_utf8(out).expect("JSON"))
    }

    /// Writes the measures of a group.
    fn write(&mut self, out: &mut Vec<u8>, group: usize) {
        let numbers = &mut self.numbers[group * self.numeric.len()..][..self.numeric.len()];
        for numbers in numbers.iter_mut() {
            numbers.sort_keys.par_sort_unstable();
        }
        for ((name, _), source) in self.spec.measures.iter().zip(&self.sources) {
            write_name(out, name);
            match source {
                Source::Rows => write!(out, "{}", self.rows[group]).expect("into memory"),
                Source::Fields(index) => {
                    write!(out, "{}", self.fields[group * self.counted.len() + index]).expect("into memory");
                }
                Source::Numbers(index, statistic) => write_number(out, numbers[*index].value(*statistic)),
            }
        }
    }
}

/// The state of the statistics of a column in a group.
#[derive(Default)]
struct Numbers {
    count: u64,
    sum: Sum,
    min: f64,
    max: f64,
    /// Keys that sort as the numbers do.
    sort_keys: Vec<u64>,
}

impl Numbers {
    fn add(&mut self, number: f64) {
        self.sum.add(number);
        if self.count == 0 || number < self.min || number.is_nan() {
            self.min = number;
        }
        if self.count == 0 || number > self.max || number.is_nan() {
            self.max = number;
        }
        self.count += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53")]
    fn value(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::Sum => Some(self.sum.value()),
            _ if self.count == 0 => None,
            Statistic::Mean => Some(self.sum.value() / self.count as f64),
            Statistic::Min => Some(self.min),
            Statistic::Max => Some(self.max),
            Statistic::Quantile(_) if self.min.is_nan() => None,
            Statistic::Quantile(at) => Some(quantile(&self.sort_keys, at)),
        }
    }
}

fn write_name(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    write_text(out, name);
    out.push(b':');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("into memory");
}

/// Writes NaN as null, and infinity as a number that is too large for a double.
fn write_number(out: &mut Vec<u8>, number: Option<f64>) {
    let number = number.unwrap_or(f64::NAN);
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"1e999" } else { b"-1e999" });
    } else {
        serde_json::to_writer(out, &number).expect("into memory");
    }
}
