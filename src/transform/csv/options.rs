//! The options that the CSV transforms share, and the names and types of columns.

use super::reader::{Dialect, MAX_COLUMNS, RecordReader};
use super::record::Record;
use crate::args::{Arg, ArgumentError, Options, element, quoted};
use crate::error::{Error, Result};
use crate::transform::output_limit::max_output;
use std::collections::HashSet;

/// The result of reading options.
pub type OptionResult<T> = std::result::Result<T, ArgumentError>;

pub const OPTIONS: [&str; 5] = ["delimiter", "quote", "header", "columns", "maxOutput"];

/// The type of the fields of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Number,
    Boolean,
}

/// The source of the column names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Header {
    FirstRecord,
    Numbered,
    Given(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct CsvOptions {
    delimiter: u8,
    quote: u8,
    header: Header,
    types: Vec<(String, ColumnType)>,
    pub limit: u64,
}

impl CsvOptions {
    /// Returns a copy with a limit of at most `max_output`.
    pub fn limited(&self, max_output: u64) -> Self {
        CsvOptions { limit: self.limit.min(max_output), ..self.clone() }
    }

    /// # Errors
    /// For the first invalid option.
    pub fn read(options: &Options<'_>) -> OptionResult<Self> {
        let delimiter = ascii_character(options, "delimiter", b',')?;
        let quote = ascii_character(options, "quote", b'"')?;
        if delimiter == quote {
            let rule = "The \"options.delimiter\" and \"options.quote\" properties must be different characters";
            let received = quoted(&char::from(quote).to_string());
            return Err(ArgumentError::value(rule, format_args!("{received} for both")));
        }
        let csv = CsvOptions {
            delimiter,
            quote,
            header: header(options)?,
            types: types(options)?,
            limit: max_output(options)?,
        };
        csv.check_columns(csv.types.iter().map(|(name, _)| ("options.columns".to_string(), name.as_str())))?;
        Ok(csv)
    }

    /// Checks column names in properties of the options against the names given as `header`, if any.
    ///
    /// # Errors
    /// For the first unknown name.
    pub fn check_columns<'a>(&self, named: impl IntoIterator<Item = (String, &'a str)>) -> OptionResult<()> {
        let Header::Given(names) = &self.header else { return Ok(()) };
        match named.into_iter().find(|(_, name)| !names.iter().any(|it| it == name)) {
            Some((property, name)) => {
                let rule = format_args!("The \"{property}\" property must name columns of \"options.header\"");
                Err(ArgumentError::value(rule, quoted(name)))
            }
            None => Ok(()),
        }
    }

    pub fn reader(&self) -> RecordReader {
        let width = match &self.header {
            Header::Given(names) => Some(names.len()),
            Header::FirstRecord | Header::Numbered => None,
        };
        let skips_blank = self.header == Header::FirstRecord;
        let (delimiter, quote, limit) = (self.delimiter, self.quote, self.limit);
        RecordReader::new(Dialect { delimiter, quote, skips_blank, width, limit })
    }

    /// Returns whether the first record has the names of the columns.
    pub fn has_header(&self) -> bool {
        self.header == Header::FirstRecord
    }

    /// Returns the names of the columns. There are none without a first record, unless the options name them.
    ///
    /// # Errors
    /// For a name that occurs twice in the header, and for a type of a missing column.
    pub fn names(&self, first: Option<&Record<'_>>) -> Result<Vec<String>> {
        let names = match (&self.header, first) {
            (Header::Given(names), _) => return Ok(names.clone()),
            (_, None) => return Ok(Vec::new()),
            (Header::Numbered, Some(record)) => (0..record.fields.len()).map(|column| column.to_string()).collect(),
            (Header::FirstRecord, Some(record)) => distinct_names(record)?,
        };
        for (name, _) in &self.types {
            column_index(&names, name, "options.columns").map_err(|error| error.at(first.map_or(0, |it| it.offset)))?;
        }
        Ok(names)
    }

    pub fn type_of(&self, name: &str) -> Option<ColumnType> {
        self.types.iter().find(|(it, _)| it == name).map(|(_, column_type)| *column_type)
    }
}

/// Returns the index of the column `name`, which `property` of the options names.
///
/// # Errors
/// For a missing column.
pub fn column_index(names: &[String], name: &str, property: &str) -> Result<usize> {
    const MAX_LISTED: usize = 20;
    names.iter().position(|it| it == name).ok_or_else(|| {
        let mut known = names.iter().take(MAX_LISTED).map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
        if names.len() > MAX_LISTED {
            known.push_str(", …");
        }
        let name = quoted(name);
        Error::invalid_data(format!("The column {name} of {property} does not exist. The columns are {known}"))
    })
}

/// Returns the fields of a header.
fn distinct_names(record: &Record<'_>) -> Result<Vec<String>> {
    let names: Vec<String> = (0..record.fields.len()).map(|column| record.field(column).into_owned()).collect();
    let mut seen = HashSet::new();
    match names.iter().position(|name| !seen.insert(name)) {
        Some(column) => Err(record.invalid(column, &names[column], "is a duplicate: column names must be unique")),
        None => Ok(names),
    }
}

/// Reads an option that is one character.
fn ascii_character(options: &Options<'_>, name: &str, default: u8) -> OptionResult<u8> {
    let Some(text) = options.text(name)? else { return Ok(default) };
    match *text.as_bytes() {
        [byte] if byte.is_ascii() && byte != b'\r' && byte != b'\n' => Ok(byte),
        _ => {
            let rule =
                format_args!("The \"options.{name}\" property must be one ASCII character other than a line break");
            Err(ArgumentError::value(rule, quoted(text)))
        }
    }
}

fn header(options: &Options<'_>) -> OptionResult<Header> {
    let list = match options.get("header") {
        Arg::Undefined | Arg::Bool(true) => return Ok(Header::FirstRecord),
        Arg::Bool(false) => return Ok(Header::Numbered),
        Arg::List(list) => list,
        other => return Err(invalid_type("options.header", "of type boolean or an array of strings", other)),
    };
    let names = strings(list, "header")?;
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(ArgumentError::value(
            "The \"options.header\" property must not name a column twice",
            quoted(twice),
        ));
    }
    if names.is_empty() || names.len() > MAX_COLUMNS {
        let rule = format_args!("The \"options.header\" property must have 1 to {MAX_COLUMNS} names");
        return Err(ArgumentError::value(rule, names.len()));
    }
    Ok(Header::Given(names))
}

fn types(options: &Options<'_>) -> OptionResult<Vec<(String, ColumnType)>> {
    let fields = match options.get("columns") {
        Arg::Undefined => return Ok(Vec::new()),
        Arg::Record(fields) => fields,
        other => return Err(invalid_type("options.columns", "of type object", other)),
    };
    let type_of = |(name, value): &(String, Arg)| {
        let property = format!("options.columns[{}]", quoted(name));
        let column_type = match value {
            Arg::Undefined => return None,
            Arg::Text(text) => match text.as_str() {
                "string" => Ok(ColumnType::Text),
                "number" => Ok(ColumnType::Number),
                "boolean" => Ok(ColumnType::Boolean),
                _ => {
                    let rule = format_args!("The \"{property}\" property must be one of 'string', 'number', 'boolean'");
                    Err(ArgumentError::value(rule, quoted(text)))
                }
            },
            other => Err(invalid_type(&property, "of type string", other)),
        };
        Some(column_type.map(|it| (name.clone(), it)))
    };
    fields.iter().filter_map(type_of).collect()
}

/// Returns the strings of a list.
///
/// # Errors
/// For an element of another type.
pub fn strings(list: &[Arg], option: &str) -> OptionResult<Vec<String>> {
    let text = |(index, arg): (usize, &Arg)| match arg {
        Arg::Text(text) => Ok(text.to_string()),
        other => Err(ArgumentError::not_a(&element(option, index), "of type string", other)),
    };
    list.iter().enumerate().map(text).collect()
}

pub fn invalid_type(property: &str, expected: &str, received: &Arg) -> ArgumentError {
    ArgumentError::not_a(&format!("The \"{property}\" property"), expected, received)
}
