//! What goes into a transform and comes out of it.

use super::bytes::Bytes;
use crate::error::{Error, Kind, Result};

/// A value on its way between steps, or to and from JavaScript.
#[derive(Debug)]
pub enum Value {
    /// A `Buffer` in JavaScript.
    Bytes(Bytes),
    /// A string in JavaScript.
    Text(String),
    /// JSON text, which becomes a value in JavaScript.
    Json(String),
    /// JSON that becomes a value in JavaScript a slice at a time. It comes last: no step takes it.
    Document(Box<Document>),
    /// The columns of a table (`csv::table`), which stay where they are.
    Table(Vec<u8>),
}

/// How long (ms) JavaScript builds a value at a time, unless the options say otherwise.
pub const SLICE: u32 = 4;

/// A large document of JSON, or a part of one.
#[derive(Debug)]
pub struct Document {
    /// The pieces that the plan is about.
    pub text: Vec<u8>,
    /// The words of the plan, as bytes.
    pub plan: Vec<u8>,
    pub slice: u32,
}

/// A document that is shorter is built in one go.
pub const SMALL_DOCUMENT: usize = 64 << 10;

impl Value {
    /// The bytes of a byte-oriented input; text is taken as UTF-8.
    ///
    /// # Errors
    /// Of kind `InvalidType` for anything else.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Text(text) | Value::Json(text) => Ok(text.into_bytes().into()),
            Value::Document(_) | Value::Table(_) => {
                Err(Error::new(Kind::InvalidType, "A value of JavaScript is no input"))
            }
        }
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Value::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Bytes(bytes.into())
    }
}
