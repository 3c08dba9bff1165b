//! The measures and groups of an aggregation, as its options name them.

use super::options::{CsvOptions, OPTIONS, Type, not_a, strings};
use super::record::shown;
use crate::args::{Arg, Args, ArgumentError, Options};
use std::collections::HashSet;

type Read<T> = std::result::Result<T, ArgumentError>;

/// What becomes of the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Of {
    Sum,
    Mean,
    Min,
    Max,
    /// From 0 to 1.
    Quantile(f64),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    Rows,
    /// Fields of a column that are not empty.
    Fields(String),
    Numbers(Of, String),
}

#[derive(Debug)]
pub struct Spec {
    pub options: CsvOptions,
    pub by: Vec<String>,
    /// With their names.
    pub measures: Vec<(String, Measure)>,
}

impl Spec {
    /// Reads the argument of `csv.aggregate`.
    ///
    /// # Errors
    /// For the first invalid option.
    pub fn read(args: &Args) -> Read<Self> {
        if let Arg::Undefined = args.get(0) {
            return Err(ArgumentError::Type(
                "The \"options\" argument must be of type object. Received undefined".into(),
            ));
        }
        let known: Vec<&str> = ["groupBy", "measures"].into_iter().chain(OPTIONS).collect();
        let options = args.options(0, &known)?;
        let csv = CsvOptions::read(&options)?;
        let (by, measures) = (group_by(&options)?, measures(&options, &csv)?);
        if let Some((name, _)) = measures.iter().find(|(name, _)| by.contains(name)) {
            let message =
                format!("The \"{}\" property has the name of a column that \"options.groupBy\" has", place(name));
            return Err(ArgumentError::Value(message));
        }
        csv.check_given(by.iter().map(|name| ("options.groupBy".to_string(), name.as_str())))?;
        csv.check_given(measures.iter().filter_map(|(name, measure)| Some((place(name), measure.column()?))))?;
        Ok(Spec { options: csv, by, measures })
    }

    /// Returns the columns that the spec names.
    pub fn columns(&self) -> Vec<String> {
        let measured = self.measures.iter().filter_map(|(_, measure)| measure.column().map(str::to_string));
        self.by.iter().cloned().chain(measured).collect()
    }
}

impl Measure {
    pub fn column(&self) -> Option<&str> {
        match self {
            Measure::Rows => None,
            Measure::Fields(column) | Measure::Numbers(_, column) => Some(column),
        }
    }
}

fn group_by(options: &Options<'_>) -> Read<Vec<String>> {
    let names = match options.get("groupBy") {
        Arg::Undefined => return Ok(Vec::new()),
        Arg::List(list) => strings(list, "options.groupBy")?,
        other => return Err(not_a("options.groupBy", "an array of strings", other)),
    };
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => {
            let message = format!("The \"options.groupBy\" property names the column {} twice", shown(twice));
            Err(ArgumentError::Value(message))
        }
        None => Ok(names),
    }
}

fn measures(options: &Options<'_>, csv: &CsvOptions) -> Read<Vec<(String, Measure)>> {
    match options.get("measures") {
        Arg::Record(fields) => {
            fields.iter().map(|(name, value)| Ok((name.clone(), measure(&place(name), value, csv)?))).collect()
        }
        other => Err(not_a("options.measures", "of type object", other)),
    }
}

/// As messages call a measure.
pub fn place(name: &str) -> String {
    format!("options.measures[{}]", shown(name))
}

fn measure(place: &str, value: &Arg, csv: &CsvOptions) -> Read<Measure> {
    let parts = match value {
        Arg::List(parts) => parts,
        other => return Err(not_a(place, "an array of an operation and a column", other)),
    };
    let wrong = |what: String| Err(ArgumentError::Value(format!("The \"{place}\" property {what}")));
    let (op, column) = match parts.as_slice() {
        [op] => (op, &Arg::Undefined),
        [op, column] => (op, column),
        _ => return wrong(format!("must be an operation and a column. Received {} elements", parts.len())),
    };
    let (op, column) = match (op, column) {
        (Arg::Text(op), Arg::Text(column)) => (op.as_str(), Some(column.to_string())),
        (Arg::Text(op), Arg::Undefined) => (op.as_str(), None),
        (Arg::Text(_), other) | (other, _) => return Err(not_a(place, "an array of strings", other)),
    };
    let of = match op {
        "count" => return Ok(column.map_or(Measure::Rows, Measure::Fields)),
        "sum" => Of::Sum,
        "mean" => Of::Mean,
        "min" => Of::Min,
        "max" => Of::Max,
        _ => match op.strip_prefix('p').and_then(percent) {
            Some(at) => Of::Quantile(at),
            None => {
                return wrong("must begin with 'count', 'sum', 'mean', 'min', 'max' or one of 'p0' to 'p100'".into());
            }
        },
    };
    match column {
        None => wrong(format!("needs the name of a column for '{op}'")),
        Some(column) if matches!(csv.type_of(&column), Some(Type::Text | Type::Boolean)) => {
            wrong(format!("needs numbers, which the column {} does not have by \"options.columns\"", shown(&column)))
        }
        Some(column) => Ok(Measure::Numbers(of, column)),
    }
}

/// `99.9` as 0.999, without a rounding in between.
fn percent(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_whole = text.starts_with(|it: char| it.is_ascii_digit()) && !text.ends_with('.');
    let at: f64 = if is_plain && is_whole { format!("{text}e-2").parse().ok()? } else { return None };
    (0.0..=1.0).contains(&at).then_some(at)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_not_rounded() {
        for (text, at) in [("0", 0.0), ("50", 0.5), ("99.9", 0.999), ("100", 1.0), ("29", 0.29)] {
            assert_eq!(percent(text), Some(at));
        }
    }
}
