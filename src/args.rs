//! Checks the arguments of factories, with Node's error codes.

use crate::error::{Error, Kind};
use std::fmt::{self, Write};
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Expected types of binary data; `lib/task/fields.js` has the same text.
const BYTES: &str = "an instance of ArrayBuffer, SharedArrayBuffer, Buffer, TypedArray, or DataView";
/// Maximum characters of a text that a message quotes.
const MAX_CHARS: usize = 60;
/// Maximum characters of a text in place of another type.
const MAX_TYPED_CHARS: usize = 25;

/// A JavaScript value, of the types that factories accept.
#[derive(Debug, Clone)]
pub enum Arg {
    Undefined,
    Bool(bool),
    Number(f64),
    Text(Zeroizing<String>),
    /// Bytes of any kind, possibly a key.
    Bytes(Zeroizing<Vec<u8>>),
    List(Vec<Arg>),
    Record(Vec<(String, Arg)>),
    /// Detached or out-of-bounds memory, as named in error messages: `a detached Uint8Array`. Its length is 0, but it must
    /// not pass for empty bytes.
    Lost(String),
    /// Any other value, as named in error messages: `null`, `function x`, `Symbol(y)`.
    Other(String),
}

/// An invalid argument. Becomes a `TypeError` or a `RangeError`. Every message ends with the received value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentError {
    kind: Kind,
    message: String,
}

type Result<T> = std::result::Result<T, ArgumentError>;

impl ArgumentError {
    /// Returns the error for a value that breaks a rule, as in `The "options.x" property must not be empty`.
    pub fn value(rule: impl fmt::Display, received: impl fmt::Display) -> Self {
        ArgumentError::new(Kind::InvalidValue, rule, received)
    }

    /// Returns the error for a number or a size that breaks a rule.
    pub fn range(rule: impl fmt::Display, received: impl fmt::Display) -> Self {
        ArgumentError::new(Kind::OutOfRange, rule, received)
    }

    /// Returns the error for a value of another type than `expected`.
    pub fn not_a(name: &str, expected: &str, received: &Arg) -> Self {
        ArgumentError::new(Kind::InvalidType, format_args!("{name} must be {expected}"), received)
    }

    fn new(kind: Kind, rule: impl fmt::Display, received: impl fmt::Display) -> Self {
        ArgumentError { kind, message: format!("{rule}. Received {received}") }
    }

    /// Returns the error for a value that should be bytes, without the content of a text, which may be secret.
    fn not_bytes(name: &str, expected: &str, received: &Arg) -> Self {
        match received {
            Arg::Lost(received) => ArgumentError::lost(name, received),
            Arg::Text(_) => ArgumentError::not_a(name, expected, &Arg::Other("type string".into())),
            Arg::Number(_) => ArgumentError::not_a(name, expected, &Arg::Other("type number".into())),
            other => ArgumentError::not_a(name, expected, other),
        }
    }

    /// Returns the error for lost memory; `lib/internal/detached.js` has the same text.
    fn lost(name: &str, received: &str) -> Self {
        let reason = "its memory was transferred, moved or resized away";
        let rule = format_args!("{name} must not be detached or out of bounds: {reason}");
        ArgumentError::new(Kind::InvalidType, rule, received)
    }

    fn unknown(name: &str, known: &[&str]) -> Self {
        let known = match known {
            [] => "There are no options".to_string(),
            _ => format!("The options are {}", known.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("The property 'options.{name}' is unknown. {known}");
        ArgumentError { kind: Kind::InvalidValue, message }
    }

    /// Returns the `code` of the JavaScript error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<ArgumentError> for Error {
    fn from(error: ArgumentError) -> Self {
        Error::new(error.kind, error.message)
    }
}

impl fmt::Display for Arg {
    /// Formats the value as Node does after "Received" in a type error; never the content of bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Undefined => f.write_str("undefined"),
            Arg::Bool(value) => write!(f, "type boolean ({value})"),
            Arg::Number(value) => write!(f, "type number ({})", number(*value)),
            Arg::Text(text) => write!(f, "type string ({})", quoted_start(text, MAX_TYPED_CHARS)),
            Arg::Bytes(bytes) => write!(f, "binary data of {} bytes", bytes.len()),
            Arg::List(_) => f.write_str("an instance of Array"),
            Arg::Record(_) => f.write_str("an instance of Object"),
            Arg::Lost(name) | Arg::Other(name) => f.write_str(name),
        }
    }
}

/// Formats numbers as an array in JavaScript, shortened.
#[must_use]
pub fn list(numbers: &[f64]) -> String {
    const MAX_LISTED: usize = 6;
    let mut elements: Vec<_> = numbers.iter().take(MAX_LISTED).map(|it| number(*it)).collect();
    if numbers.len() > MAX_LISTED {
        elements.push("…".into());
    }
    if elements.is_empty() { "[]".into() } else { format!("[ {} ]", elements.join(", ")) }
}

/// Quotes text of the user in a message: shortens it, and escapes control characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    quoted_start(text, MAX_CHARS)
}

fn quoted_start(text: &str, max: usize) -> String {
    format!("'{}'", start(text, max))
}

/// Shortens text that a message shows without quotes.
#[must_use]
pub fn start_of(text: &str) -> String {
    start(text, MAX_CHARS)
}

fn start(text: &str, max: usize) -> String {
    let mut start = String::new();
    for character in text.chars().take(max) {
        match character {
            '\t' | '\n' | '\r' => start.extend(character.escape_default()),
            _ if character.is_control() => drop(write!(start, "\\x{:02X}", u32::from(character))),
            _ => start.push(character),
        }
    }
    if text.chars().nth(max).is_some() {
        start.push('…');
    }
    start
}

/// Reads an integer within bounds. Errors name a value of the wrong type by `name`, one out of bounds by `value_of`.
fn integer(name: &str, value_of: &str, value: &Arg, bounds: RangeInclusive<i64>) -> Result<i64> {
    let (low, high) = (*bounds.start(), *bounds.end());
    match value {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounds are safe integers")]
        Arg::Number(value) if value.fract() == 0.0 && (low as f64..=high as f64).contains(value) => Ok(*value as i64),
        Arg::Number(value) => {
            let rule =
                format_args!("The value of {value_of} is out of range. It must be an integer >= {low} && <= {high}");
            Err(ArgumentError::range(rule, number(*value)))
        }
        other => Err(ArgumentError::not_a(name, "of type number", other)),
    }
}

/// Formats a number as JavaScript does.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_infinite() { format!("{}Infinity", if value < 0.0 { "-" } else { "" }) } else { value.to_string() }
}

/// The arguments of one call.
#[derive(Debug, Clone, Default)]
pub struct Args(Vec<Arg>);

impl Args {
    #[must_use]
    pub fn new(args: Vec<Arg>) -> Self {
        Args(args)
    }

    #[must_use]
    pub fn get(&self, index: usize) -> &Arg {
        self.0.get(index).unwrap_or(&Arg::Undefined)
    }

    /// Reads one of a fixed set of strings.
    ///
    /// # Errors
    /// For another string, naming the set, or another type.
    pub fn one_of<'a>(&self, index: usize, name: &str, allowed: &[&'a str]) -> Result<&'a str> {
        let name = format!("The \"{name}\" argument");
        one_of(self.get(index), &name, allowed)
    }

    /// Reads a string.
    ///
    /// # Errors
    /// For another type.
    pub fn text(&self, index: usize, name: &str) -> Result<&str> {
        match self.get(index) {
            Arg::Text(text) => Ok(text),
            other => Err(ArgumentError::not_a(&format!("The \"{name}\" argument"), "of type string", other)),
        }
    }

    /// Reads bytes, or a string as UTF-8.
    ///
    /// # Errors
    /// For another type.
    pub fn input(&self, index: usize, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        match self.get(index) {
            Arg::Bytes(bytes) => Ok(bytes.clone()),
            Arg::Text(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
            other => Err(ArgumentError::not_bytes(
                &format!("The \"{name}\" argument"),
                &format!("a string or {BYTES}"),
                other,
            )),
        }
    }

    /// Reads bytes; rejects strings.
    ///
    /// # Errors
    /// For another type.
    pub fn bytes(&self, index: usize, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        match self.get(index) {
            Arg::Bytes(bytes) => Ok(bytes.clone()),
            other => Err(ArgumentError::not_bytes(&format!("The \"{name}\" argument"), BYTES, other)),
        }
    }

    /// Reads an integer within bounds.
    ///
    /// # Errors
    /// For another type, a fraction, or a number out of bounds.
    pub fn integer(&self, index: usize, name: &str, bounds: RangeInclusive<i64>) -> Result<i64> {
        integer(&format!("The \"{name}\" argument"), &format!("\"{name}\""), self.get(index), bounds)
    }

    /// Reads the options object; `undefined` means no options.
    ///
    /// # Errors
    /// For another type, or a property not in `known`: a misspelt limit must not be ignored.
    pub fn options(&self, index: usize, known: &[&str]) -> Result<Options<'_>> {
        let fields = match self.get(index) {
            Arg::Undefined => return Ok(Options(&[])),
            Arg::Record(fields) => fields,
            other => return Err(ArgumentError::not_a("The \"options\" argument", "of type object", other)),
        };
        let given = |field: &&(String, Arg)| !matches!(field.1, Arg::Undefined);
        match fields.iter().filter(given).find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ArgumentError::unknown(name, known)),
            None => Ok(Options(fields)),
        }
    }
}

/// An options object.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a>(&'a [(String, Arg)]);

impl<'a> Options<'a> {
    #[must_use]
    pub fn get(&self, name: &str) -> &'a Arg {
        self.0.iter().find(|(key, _)| key == name).map_or(&Arg::Undefined, |(_, value)| value)
    }

    /// Reads an integer within bounds.
    ///
    /// # Errors
    /// A range error outside the bounds or for a fraction, a type error for another type.
    pub fn integer(&self, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>> {
        match self.get(name) {
            Arg::Undefined => Ok(None),
            value => {
                let property = format!("The \"options.{name}\" property");
                integer(&property, &format!("\"options.{name}\""), value, bounds).map(Some)
            }
        }
    }

    /// Reads a list of numbers; rejects NaN.
    ///
    /// # Errors
    /// For anything else.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let property = format!("The \"options.{name}\" property");
        match self.get(name) {
            Arg::Undefined => Ok(None),
            Arg::List(list) => {
                let number = |(index, arg): (usize, &Arg)| match arg {
                    Arg::Number(number) if !number.is_nan() => Ok(*number),
                    other => Err(ArgumentError::not_a(&element(name, index), "a number", other)),
                };
                list.iter().enumerate().map(number).collect::<Result<_>>().map(Some)
            }
            other => Err(ArgumentError::not_a(&property, "a list of numbers", other)),
        }
    }

    /// Reads a required integer.
    ///
    /// # Errors
    /// Those of [`Options::integer`], and a type error for `undefined`.
    pub fn required_integer(&self, name: &str, bounds: RangeInclusive<i64>) -> Result<i64> {
        integer(&format!("The \"options.{name}\" property"), &format!("\"options.{name}\""), self.get(name), bounds)
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// A type error for anything else.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name) {
            Arg::Undefined => Ok(None),
            Arg::Bool(value) => Ok(Some(*value)),
            other => Err(ArgumentError::not_a(&format!("The \"options.{name}\" property"), "of type boolean", other)),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// A type error for anything else.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            Arg::Undefined => Ok(None),
            Arg::Text(text) => Ok(Some(text)),
            other => Err(ArgumentError::not_a(&format!("The \"options.{name}\" property"), "of type string", other)),
        }
    }

    /// Reads bytes; rejects strings.
    ///
    /// # Errors
    /// A type error for anything else.
    pub fn bytes(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.get(name) {
            Arg::Undefined => Ok(None),
            Arg::Bytes(bytes) => Ok(Some(bytes.clone())),
            other => Err(ArgumentError::not_bytes(&format!("The \"options.{name}\" property"), BYTES, other)),
        }
    }

    /// Reads one of a fixed set of strings.
    ///
    /// # Errors
    /// For another string, naming the set, or another type.
    pub fn one_of<'s>(&self, name: &str, allowed: &[&'s str]) -> Result<Option<&'s str>> {
        match self.get(name) {
            Arg::Undefined => Ok(None),
            value => one_of(value, &format!("The \"options.{name}\" property"), allowed).map(Some),
        }
    }
}

/// Names an element of a list for messages.
#[must_use]
pub fn element(name: &str, index: usize) -> String {
    format!("The \"options.{name}[{index}]\" property")
}

fn one_of<'a>(value: &Arg, name: &str, allowed: &[&'a str]) -> Result<&'a str> {
    match value {
        Arg::Text(text) => allowed.iter().find(|it| **it == text.as_str()).copied().ok_or_else(|| {
            let allowed = allowed.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
            ArgumentError::value(format_args!("{name} must be one of {allowed}"), quoted(text))
        }),
        other => Err(ArgumentError::not_a(name, "of type string", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_memory_is_not_empty_bytes() {
        let lost = || Arg::Lost("a detached Uint8Array".into());
        let args = Args::new(vec![lost(), Arg::Record(vec![("nonce".into(), lost())])]);
        let options = args.options(1, &["nonce"]).unwrap();
        let message = |name: &str| {
            format!(
                "The {name} must not be detached or out of bounds: its memory was transferred, moved or resized away. \
                 Received a detached Uint8Array"
            )
        };
        let refused = |error: ArgumentError| (error.code(), error.message().to_owned());
        let code = "ERR_INVALID_ARG_TYPE";
        assert_eq!(refused(args.input(0, "key").unwrap_err()), (code, message("\"key\" argument")));
        assert_eq!(refused(args.bytes(0, "salt").unwrap_err()), (code, message("\"salt\" argument")));
        assert_eq!(refused(options.bytes("nonce").unwrap_err()), (code, message("\"options.nonce\" property")));
        let wrong = args.text(0, "path").unwrap_err();
        assert_eq!(wrong.message(), "The \"path\" argument must be of type string. Received a detached Uint8Array");
    }

    #[test]
    fn received_values_are_formatted_as_in_javascript() {
        let received = |arg: Arg| arg.to_string();
        assert_eq!(received(Arg::Number(1.5)), "type number (1.5)");
        assert_eq!(received(Arg::Text("a\n".to_owned().into())), r"type string ('a\n')");
        assert_eq!(received(Arg::Text("x".repeat(26).into())), format!("type string ('{}…')", "x".repeat(25)));
        assert_eq!(received(Arg::Bytes(vec![1, 2].into())), "binary data of 2 bytes");
        assert_eq!(list(&[]), "[]");
        assert_eq!(list(&[1.0, f64::NEG_INFINITY]), "[ 1, -Infinity ]");
        assert_eq!(list(&[0.0; 7]), "[ 0, 0, 0, 0, 0, 0, … ]");
    }

    #[test]
    fn quoted_text_is_short_and_has_no_control_characters() {
        assert_eq!(quoted("plum\r\n\0"), r"'plum\r\n\x00'");
        assert_eq!(quoted(&"é".repeat(60)), format!("'{}'", "é".repeat(60)));
        assert_eq!(quoted(&"é".repeat(61)), format!("'{}…'", "é".repeat(60)));
    }

    #[test]
    fn text_in_place_of_a_secret_is_not_quoted() {
        let args = Args::new(vec![Arg::Text("hunter2".to_owned().into()), Arg::Number(1234.0)]);
        for index in [0, 1] {
            let message = args.bytes(index, "key").unwrap_err().message().to_owned();
            assert!(
                message.ends_with("Received type string") || message.ends_with("Received type number"),
                "{message}"
            );
        }
    }
}
