//! The groups of an aggregation: one pass over the rows, and JSON at the end.

use super::options::{Type, find};
use super::record::Record;
use super::spec::{Measure, Of, Spec, place};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::memory;
use crate::transform::numeric::arrays::quantile;
use crate::transform::numeric::element::Number;
use crate::transform::numeric::sum::Sum;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// What a group takes beside its key and its measures.
const GROUP: usize = 64;

/// Where a measure is found among what is kept of a group.
enum Source {
    Rows,
    Fields(usize),
    Numbers(usize, Of),
}

/// A column that is read as numbers.
struct Numeric {
    name: String,
    place: usize,
    /// For quantiles.
    keeps_all: bool,
}

pub struct Groups {
    spec: Arc<Spec>,
    /// The columns that tell groups apart, the columns of which fields are counted, and those that are numbers.
    by: Vec<(usize, Type)>,
    counted: Vec<usize>,
    numeric: Vec<Numeric>,
    sources: Vec<Source>,
    /// The key of a group is how its row begins, as JSON.
    places: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
    /// For each group: its rows, then as many counts and sums as there are columns for them.
    rows: Vec<u64>,
    fields: Vec<u64>,
    numbers: Vec<Numbers>,
    taken: usize,
    /// Bytes that a group takes beside its key.
    group: usize,
}

impl Groups {
    /// Of a table with columns of these names. Without `groupBy` all rows are one group, even if there are none.
    ///
    /// # Errors
    /// If a column that the options name is not there.
    pub fn new(spec: Arc<Spec>, names: &[String]) -> Result<Self> {
        let mut groups = Groups {
            spec: spec.clone(),
            by: Vec::new(),
            counted: Vec::new(),
            numeric: Vec::new(),
            sources: Vec::new(),
            places: HashMap::new(),
            key: Vec::new(),
            rows: Vec::new(),
            fields: Vec::new(),
            numbers: Vec::new(),
            taken: 0,
            group: 0,
        };
        for name in &spec.by {
            let of = spec.options.type_of(name).unwrap_or(Type::Text);
            groups.by.push((find(names, name, "options.groupBy")?, of));
        }
        for (name, measure) in &spec.measures {
            let column = measure.column().map(|column| find(names, column, &place(name))).transpose()?;
            let source = match (measure, column) {
                (Measure::Fields(_), Some(column)) => Source::Fields(groups.counts(column)),
                (Measure::Numbers(of, name), Some(column)) => Source::Numbers(groups.reads(*of, column, name), *of),
                _ => Source::Rows,
            };
            groups.sources.push(source);
        }
        groups.group = GROUP
            + spec.measures.iter().map(|(name, _)| name.len() + 8).sum::<usize>()
            + groups.counted.len() * 8
            + groups.numeric.len() * size_of::<Numbers>();
        if spec.by.is_empty() {
            groups.add_group()?;
        }
        Ok(groups)
    }

    /// The place of a column among those that are counted.
    fn counts(&mut self, column: usize) -> usize {
        self.counted.iter().position(|it| *it == column).unwrap_or_else(|| {
            self.counted.push(column);
            self.counted.len() - 1
        })
    }

    /// The place of a column among those that are numbers.
    fn reads(&mut self, of: Of, column: usize, name: &str) -> usize {
        let place = self.numeric.iter().position(|it| it.place == column).unwrap_or_else(|| {
            self.numeric.push(Numeric { name: name.to_string(), place: column, keeps_all: false });
            self.numeric.len() - 1
        });
        self.numeric[place].keeps_all |= matches!(of, Of::Quantile(_));
        place
    }

    pub fn add(&mut self, record: &Record<'_>) -> Result<()> {
        let group = self.group_of(record)?;
        self.rows[group] += 1;
        let fields = &mut self.fields[group * self.counted.len()..];
        for (count, place) in fields.iter_mut().zip(&self.counted) {
            *count += u64::from(!record.field(*place).is_empty());
        }
        let numbers = &mut self.numbers[group * self.numeric.len()..];
        for (numbers, numeric) in numbers.iter_mut().zip(&self.numeric) {
            let Some(number) = record.number(numeric.place, &numeric.name)? else { continue };
            numbers.add(number);
            if numeric.keeps_all {
                memory::reserve(&mut numbers.kept, 1)?;
                numbers.kept.push(number.key());
                self.taken += size_of::<u64>();
            }
        }
        self.check(self.taken)
    }

    fn group_of(&mut self, record: &Record<'_>) -> Result<usize> {
        if self.by.is_empty() {
            return Ok(0);
        }
        self.key.clear();
        for ((column, of), name) in self.by.iter().zip(&self.spec.by) {
            write_name(&mut self.key, name);
            match of {
                Type::Text if record.is_null(*column) => self.key.extend_from_slice(b"null"),
                Type::Text => write_text(&mut self.key, &record.field(*column)),
                Type::Boolean => write!(self.key, "{}", record.boolean(*column, name)?).expect("into memory"),
                // Zero is one group, whatever its sign.
                Type::Number => write_number(&mut self.key, record.number(*column, name)?.map(|it| it + 0.0)),
            }
        }
        match self.places.get(self.key.as_slice()) {
            Some(group) => Ok(*group),
            None => self.add_group(),
        }
    }

    /// A group of the key.
    fn add_group(&mut self) -> Result<usize> {
        let group = self.rows.len();
        self.taken += self.key.len() + self.group;
        self.check(self.taken)?;
        self.places.insert(self.key.as_slice().into(), group);
        self.rows.push(0);
        self.fields.resize(self.fields.len() + self.counted.len(), 0);
        self.numbers.resize_with(self.numbers.len() + self.numeric.len(), Numbers::default);
        Ok(group)
    }

    fn check(&self, taken: usize) -> Result<()> {
        let limit = self.spec.options.limit;
        if taken as u64 > limit { Err(Error::output_limit(limit)) } else { Ok(()) }
    }

    /// The rows of the result.
    pub fn into_json(mut self, cancel: &Cancel) -> Result<String> {
        let mut keys: Vec<(Box<[u8]>, usize)> = std::mem::take(&mut self.places).into_iter().collect();
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
            // Each name has a comma before it, and the first one none.
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

    /// The measures of a group.
    fn write(&mut self, out: &mut Vec<u8>, group: usize) {
        let numbers = &mut self.numbers[group * self.numeric.len()..][..self.numeric.len()];
        for numbers in numbers.iter_mut() {
            numbers.kept.par_sort_unstable();
        }
        for ((name, _), source) in self.spec.measures.iter().zip(&self.sources) {
            write_name(out, name);
            match source {
                Source::Rows => write!(out, "{}", self.rows[group]).expect("into memory"),
                Source::Fields(place) => {
                    write!(out, "{}", self.fields[group * self.counted.len() + place]).expect("into memory");
                }
                Source::Numbers(place, of) => write_number(out, numbers[*place].measure(*of)),
            }
        }
    }
}

/// What is kept of the numbers of a group.
#[derive(Default)]
struct Numbers {
    count: u64,
    sum: Sum,
    min: f64,
    max: f64,
    /// As they sort.
    kept: Vec<u64>,
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
    fn measure(&self, of: Of) -> Option<f64> {
        match of {
            Of::Sum => Some(self.sum.value()),
            _ if self.count == 0 => None,
            Of::Mean => Some(self.sum.value() / self.count as f64),
            Of::Min => Some(self.min),
            Of::Max => Some(self.max),
            Of::Quantile(_) if self.min.is_nan() => None,
            Of::Quantile(at) => Some(quantile(&self.kept, at)),
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

/// JSON has no NaN, and writes infinity as what is too large for any number.
fn write_number(out: &mut Vec<u8>, number: Option<f64>) {
    let number = number.unwrap_or(f64::NAN);
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"1e999" } else { b"-1e999" });
    } else {
        serde_json::to_writer(out, &number).expect("into memory");
    }
}
