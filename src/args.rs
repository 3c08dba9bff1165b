//! Checks the arguments of factories, with Node's error codes.

use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

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

/// An invalid argument. Becomes a `TypeError` or a `RangeError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentError {
    Type(String),
    Value(String),
    Range(String),
}

type Result<T> = std::result::Result<T, ArgumentError>;

impl ArgumentError {
    /// Returns the `code` of the JavaScript error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ArgumentError::Type(_) => "ERR_INVALID_ARG_TYPE",
            ArgumentError::Value(_) => "ERR_INVALID_ARG_VALUE",
            ArgumentError::Range(_) => "ERR_OUT_OF_RANGE",
        }
    }

    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            ArgumentError::Type(message) | ArgumentError::Value(message) | ArgumentError::Range(message) => message,
        }
    }

    fn not_a(name: &str, expected: &str, received: &Arg) -> Self {
        ArgumentError::Type(format!("{name} must be {expected}. Received {received}"))
    }

    /// Returns the error for lost memory; `lib/internal/detached.js` has the same text.
    fn lost(name: &str, received: &str) -> Self {
        ArgumentError::Type(format!(
            "{name} must not be detached or out of bounds: its memory was transferred, moved or resized away. \
             Received {received}"
        ))
    }

    fn unknown(name: &str, known: &[&str]) -> Self {
        let known = match known {
            [] => "There are no options".to_string(),
            _ => format!("The options are {}", known.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ")),
        };
        ArgumentError::Value(format!("The property 'options.{name}' is unknown. {known}"))
    }

    fn not_one_of(name: &str, allowed: &[&str], received: &str) -> Self {
        let allowed = allowed.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
        ArgumentError::Value(format!("{name} must be one of {allowed}. Received '{received}'"))
    }
}

impl fmt::Display for Arg {
    /// Formats the value as Node does after "Received"; never the content of bytes or text, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Undefined => f.write_str("undefined"),
            Arg::Bool(value) => write!(f, "type boolean ({value})"),
            Arg::Number(value) => write!(f, "type number ({})", number(*value)),
            Arg::Text(_) => f.write_str("type string"),
            Arg::Bytes(_) => f.write_str("bytes"),
            Arg::List(_) => f.write_str("an instance of Array"),
            Arg::Record(_) => f.write_str("an instance of Object"),
            Arg::Lost(name) | Arg::Other(name) => f.write_str(name),
        }
    }
}

/// Reads an integer within bounds. Errors name a value of the wrong type by `name`, one out of bounds by `value_of`.
fn integer(name: &str, value_of: &str, value: &Arg, bounds: RangeInclusive<i64>) -> Result<i64> {
    let (low, high) = (*bounds.start(), *bounds.end());
    match value {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounds are safe integers")]
        Arg::Number(value) if value.fract() == 0.0 && (low as f64..=high as f64).contains(value) => Ok(*value as i64),
        Arg::Number(value) => Err(ArgumentError::Range(format!(
            "The value of {value_of} is out of range. It must be an integer >= {low} && <= {high}. Received {}",
            number(*value)
        ))),
        other => Err(ArgumentError::not_a(name, "of type number", other)),
    }
}

/// Formats a number as JavaScript does.
fn number(value: f64) -> String {
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
            Arg::Lost(received) => Err(ArgumentError::lost(&format!("The \"{name}\" argument"), received)),
            other => Err(ArgumentError::not_a(
                &format!("The \"{name}\" argument"),
                "a string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView",
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
            Arg::Lost(received) => Err(ArgumentError::lost(&format!("The \"{name}\" argument"), received)),
            other => Err(ArgumentError::not_a(
                &format!("The \"{name}\" argument"),
                "an instance of ArrayBuffer, Buffer, TypedArray, or DataView",
                other,
            )),
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
        let invalid =
            |value: &Arg| ArgumentError::not_a(&format!("The \"options.{name}\" property"), "a list of numbers", value);
        match self.get(name) {
            Arg::Undefined => Ok(None),
            Arg::List(list) => {
                let number = |arg: &Arg| match arg {
                    Arg::Number(number) if !number.is_nan() => Ok(*number),
                    other => Err(invalid(other)),
                };
                list.iter().map(number).collect::<Result<_>>().map(Some)
            }
            other => Err(invalid(other)),
        }
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
            Arg::Lost(received) => Err(ArgumentError::lost(&format!("The \"options.{name}\" property"), received)),
            other => Err(ArgumentError::not_a(
                &format!("The \"options.{name}\" property"),
                "an instance of ArrayBuffer, Buffer, TypedArray, or DataView",
                other,
            )),
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

fn one_of<'a>(value: &Arg, name: &str, allowed: &[&'a str]) -> Result<&'a str> {
    match value {
        Arg::Text(text) => allowed
            .iter()
            .find(|it| **it == text.as_str())
            .copied()
            .ok_or_else(|| ArgumentError::not_one_of(name, allowed, text)),
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
            ArgumentError::Type(format!(
                "The {name} must not be detached or out of bounds: its memory was transferred, moved or resized away. \
                 Received a detached Uint8Array"
            ))
        };
        assert_eq!(args.input(0, "key").unwrap_err(), message("\"key\" argument"));
        assert_eq!(args.bytes(0, "salt").unwrap_err(), message("\"salt\" argument"));
        assert_eq!(options.bytes("nonce").unwrap_err(), message("\"options.nonce\" property"));
        let wrong = args.text(0, "path").unwrap_err();
        assert_eq!(wrong.message(), "The \"path\" argument must be of type string. Received a detached Uint8Array");
    }
}
