//! How CSV is read: the options that its transforms share, and the names and types of columns.

use super::reader::{Dialect, MAX_COLUMNS, Records};
use super::record::{Record, shown};
use crate::args::{Arg, ArgumentError, Options};
use crate::error::{Error, Result};
use crate::transform::output_limit::max_output;
use std::collections::HashSet;

type Read<T> = std::result::Result<T, ArgumentError>;

pub const OPTIONS: [&str; 5] = ["delimiter", "quote", "header", "columns", "maxOutput"];

/// What the fields of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Text,
    Number,
    Boolean,
}

/// Where the names of the columns come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Header {
    First,
    Counted,
    Given(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct CsvOptions {
    delimiter: u8,
    quote: u8,
    header: Header,
    types: Vec<(String, Type)>,
    pub limit: u64,
}

impl CsvOptions {
    /// # Errors
    /// For each option that is not what it must be.
    pub fn read(options: &Options<'_>) -> Read<Self> {
        let delimiter = ascii(options, "delimiter", b',')?;
        let quote = ascii(options, "quote", b'"')?;
        if delimiter == quote {
            let message = "The \"options.delimiter\" and \"options.quote\" properties must be different characters";
            return Err(ArgumentError::Value(message.into()));
        }
        let read = CsvOptions {
            delimiter,
            quote,
            header: header(options)?,
            types: types(options)?,
            limit: max_output(options)?,
        };
        read.check_given(read.types.iter().map(|(name, _)| ("options.columns".to_string(), name.as_str())))?;
        Ok(read)
    }

    /// Whether those that are named somewhere in the options are among the names that are given there.
    ///
    /// # Errors
    /// For the first that is not.
    pub fn check_given<'a>(&self, named: impl IntoIterator<Item = (String, &'a str)>) -> Read<()> {
        let Header::Given(names) = &self.header else { return Ok(()) };
        match named.into_iter().find(|(_, name)| !names.iter().any(|it| it == name)) {
            Some((place, name)) => Err(ArgumentError::Value(format!(
                "The \"{place}\" property names the column {}, which \"options.header\" does not",
                shown(name)
            ))),
            None => Ok(()),
        }
    }

    pub fn records(&self) -> Records {
        let width = match &self.header {
            Header::Given(names) => Some(names.len()),
            Header::First | Header::Counted => None,
        };
        let skips_blank = self.header == Header::First;
        let (delimiter, quote, limit) = (self.delimiter, self.quote, self.limit);
        Records::new(Dialect { delimiter, quote, skips_blank, width, limit })
    }

    /// Whether the first record is the names of the columns, and no row.
    pub fn has_header(&self) -> bool {
        self.header == Header::First
    }

    /// The names of the columns, of which there are none if there is no record to tell.
    ///
    /// # Errors
    /// For a name that the header has twice, and for a type of a column that there is not.
    pub fn names(&self, first: Option<&Record<'_>>) -> Result<Vec<String>> {
        let names = match (&self.header, first) {
            (Header::Given(names), _) => return Ok(names.clone()),
            (_, None) => return Ok(Vec::new()),
            (Header::Counted, Some(record)) => (0..record.fields.len()).map(|place| place.to_string()).collect(),
            (Header::First, Some(record)) => distinct(record)?,
        };
        for (name, _) in &self.types {
            find(&names, name, "options.columns").map_err(|error| error.at(first.map_or(0, |it| it.offset)))?;
        }
        Ok(names)
    }

    pub fn type_of(&self, name: &str) -> Option<Type> {
        self.types.iter().find(|(it, _)| it == name).map(|(_, of)| *of)
    }
}

/// The place of a column that is named in the options.
///
/// # Errors
/// If there is none.
pub fn find(names: &[String], name: &str, place: &str) -> Result<usize> {
    const MOST: usize = 20;
    names.iter().position(|it| it == name).ok_or_else(|| {
        let mut there = names.iter().take(MOST).map(|it| shown(it)).collect::<Vec<_>>().join(", ");
        if names.len() > MOST {
            there.push_str(", …");
        }
        let name = shown(name);
        Error::invalid_data(format!("There is no column {name}, which {place} names. The columns are {there}"))
    })
}

/// The fields of a header.
fn distinct(record: &Record<'_>) -> Result<Vec<String>> {
    let names: Vec<String> = (0..record.fields.len()).map(|place| record.field(place).into_owned()).collect();
    let mut seen = HashSet::new();
    match names.iter().position(|name| !seen.insert(name)) {
        Some(place) => Err(record.invalid(place, &names[place], "is there twice: the names of columns must differ")),
        None => Ok(names),
    }
}

/// An option that is one character.
fn ascii(options: &Options<'_>, name: &str, default: u8) -> Read<u8> {
    match options.text(name)?.map(str::as_bytes) {
        None => Ok(default),
        Some(&[byte]) if byte.is_ascii() && byte != b'\r' && byte != b'\n' => Ok(byte),
        Some(_) => Err(ArgumentError::Value(format!(
            "The \"options.{name}\" property must be one ASCII character that is no line break"
        ))),
    }
}

fn header(options: &Options<'_>) -> Read<Header> {
    let list = match options.get("header") {
        Arg::Undefined | Arg::Bool(true) => return Ok(Header::First),
        Arg::Bool(false) => return Ok(Header::Counted),
        Arg::List(list) => list,
        other => return Err(not_a("options.header", "of type boolean or an array of strings", other)),
    };
    let names = strings(list, "options.header")?;
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        let message = format!("The \"options.header\" property names the column {} twice", shown(twice));
        return Err(ArgumentError::Value(message));
    }
    if names.is_empty() || names.len() > MAX_COLUMNS {
        let count = names.len();
        let message = format!("The \"options.header\" property must be of 1 to {MAX_COLUMNS} names. Received {count}");
        return Err(ArgumentError::Value(message));
    }
    Ok(Header::Given(names))
}

fn types(options: &Options<'_>) -> Read<Vec<(String, Type)>> {
    let fields = match options.get("columns") {
        Arg::Undefined => return Ok(Vec::new()),
        Arg::Record(fields) => fields,
        other => return Err(not_a("options.columns", "of type object", other)),
    };
    let type_of = |(name, value): &(String, Arg)| {
        let place = format!("options.columns[{}]", shown(name));
        let of = match value {
            Arg::Undefined => return None,
            Arg::Text(text) => match text.as_str() {
                "string" => Ok(Type::Text),
                "number" => Ok(Type::Number),
                "boolean" => Ok(Type::Boolean),
                _ => {
                    let message = format!("The \"{place}\" property must be one of 'string', 'number', 'boolean'");
                    Err(ArgumentError::Value(message))
                }
            },
            other => Err(not_a(&place, "of type string", other)),
        };
        Some(of.map(|of| (name.clone(), of)))
    };
    fields.iter().filter_map(type_of).collect()
}

/// A list of strings.
///
/// # Errors
/// For anything else in it.
pub fn strings(list: &[Arg], place: &str) -> Read<Vec<String>> {
    let text = |arg: &Arg| match arg {
        Arg::Text(text) => Ok(text.to_string()),
        other => Err(not_a(place, "an array of strings", other)),
    };
    list.iter().map(text).collect()
}

pub fn not_a(place: &str, expected: &str, received: &Arg) -> ArgumentError {
    ArgumentError::Type(format!("The \"{place}\" property must be {expected}. Received {received}"))
}
