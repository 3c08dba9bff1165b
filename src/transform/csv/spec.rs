//! The measures and groups of an aggregation, as its options name them.

use super::options::{ColumnType, CsvOptions, OPTIONS, OptionResult, invalid_type, strings};
use crate::args::{Arg, Args, ArgumentError, Options, quoted};
use std::collections::HashSet;
use std::fmt;

/// A statistic of the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
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
    /// The fields of a column that are not empty.
    Fields(String),
    Numbers(Statistic, String),
}

#[derive(Debug, Clone)]
pub struct Spec {
    pub options: CsvOptions,
    pub by: Vec<String>,
    /// The measures, with their names.
    pub measures: Vec<(String, Measure)>,
}

impl Spec {
    /// Reads the argument of `csv.aggregate`.
    ///
    /// # Errors
    /// For the first invalid option.
    pub fn read(args: &Args) -> OptionResult<Self> {
        if let Arg::Undefined = args.get(0) {
            return Err(ArgumentError::not_a("The \"options\" argument", "of type object", args.get(0)));
        }
        let known: Vec<&str> = ["groupBy", "measures"].into_iter().chain(OPTIONS).collect();
        let options = args.options(0, &known)?;
        let csv = CsvOptions::read(&options)?;
        let (by, measures) = (group_by(&options)?, measures(&options, &csv)?);
        if let Some((name, _)) = measures.iter().find(|(name, _)| by.contains(name)) {
            let rule = "The \"options.measures\" property must not have the name of a column of \"options.groupBy\"";
            return Err(ArgumentError::value(rule, quoted(name)));
        }
        csv.check_columns(by.iter().map(|name| ("options.groupBy".to_string(), name.as_str())))?;
        csv.check_columns(
            measures.iter().filter_map(|(name, measure)| Some((measure_property(name), measure.column()?))),
        )?;
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

fn group_by(options: &Options<'_>) -> OptionResult<Vec<String>> {
    let names = match options.get("groupBy") {
        Arg::Undefined => return Ok(Vec::new()),
        Arg::List(list) => strings(list, "groupBy")?,
        other => return Err(invalid_type("options.groupBy", "an array of strings", other)),
    };
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => {
            Err(ArgumentError::value("The \"options.groupBy\" property must not name a column twice", quoted(name)))
        }
        None => Ok(names),
    }
}

fn measures(options: &Options<'_>, csv: &CsvOptions) -> OptionResult<Vec<(String, Measure)>> {
    match options.get("measures") {
        Arg::Record(fields) => fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), measure(&measure_property(name), value, csv)?)))
            .collect(),
        other => Err(invalid_type("options.measures", "of type object", other)),
    }
}

/// Returns the name of a measure in messages.
pub fn measure_property(name: &str) -> String {
    format!("options.measures[{}]", quoted(name))
}

fn measure(property: &str, value: &Arg, csv: &CsvOptions) -> OptionResult<Measure> {
    let parts = match value {
        Arg::List(parts) => parts,
        other => return Err(invalid_type(property, "an array of an operation and a column", other)),
    };
    let invalid = |rule: &str, received: &dyn fmt::Display| {
        Err(ArgumentError::value(format_args!("The \"{property}\" property {rule}"), received))
    };
    let (op, column) = match parts.as_slice() {
        [op] => (op, &Arg::Undefined),
        [op, column] => (op, column),
        _ => return invalid("must be an operation and a column", &format_args!("{} elements", parts.len())),
    };
    let (op, column) = match (op, column) {
        (Arg::Text(op), Arg::Text(column)) => (op.as_str(), Some(column.to_string())),
        (Arg::Text(op), Arg::Undefined) => (op.as_str(), None),
        (Arg::Text(_), other) | (other, _) => return Err(invalid_type(property, "an array of strings", other)),
    };
    let statistic = match op {
        "count" => return Ok(column.map_or(Measure::Rows, Measure::Fields)),
        "sum" => Statistic::Sum,
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        _ => match op.strip_prefix('p').and_then(percent) {
            Some(at) => Statistic::Quantile(at),
            None => {
                let rule = "must start with 'count', 'sum', 'mean', 'min', 'max' or one of 'p0' to 'p100'";
                return invalid(rule, &quoted(op));
            }
        },
    };
    match column {
        None => invalid("must name a column after the operation", &format_args!("only {}", quoted(op))),
        Some(column) if matches!(csv.type_of(&column), Some(ColumnType::Text | ColumnType::Boolean)) => {
            invalid("must name a column of numbers: \"options.columns\" has another type", &quoted(&column))
        }
        Some(column) => Ok(Measure::Numbers(statistic, column)),
    }
}

/// Parses `99.9` as 0.999, without rounding in between.
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
