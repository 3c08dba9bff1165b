//! Inputs and outputs of transforms.

use super::bytes::Bytes;
use crate::error::{Error, Kind, Result};
use zeroize::Zeroizing;

/// A value passed between steps, or to and from JavaScript.
#[derive(Debug)]
pub enum Value {
    /// A `Buffer` in JavaScript.
    Bytes(Bytes),
    /// A string in JavaScript.
    Text(String),
    /// JSON text, parsed in JavaScript.
    Json(String),
    /// JSON that JavaScript builds incrementally. Only the last step of a chain returns it.
    Document(Box<Document>),
    /// The columns of a table (`csv::table`), which JavaScript reads in place.
    Table(Vec<u8>),
    /// Packed fields (`fields`), which may be secret. Only an input.
    Fields(Zeroizing<Vec<u8>>),
}

/// Default time slice for building a value in JavaScript, in milliseconds.
pub const SLICE: u32 = 4;

/// A large JSON document, or a part of one.
#[derive(Debug)]
pub struct Document {
    /// Text of the pieces that the plan refers to.
    pub text: Vec<u8>,
    /// Build plan: 32-bit words in native byte order.
    pub plan: Vec<u8>,
    /// Time slice in milliseconds.
    pub slice: u32,
}

/// Shorter documents are built without interruption.
pub const SMALL_DOCUMENT: usize = 64 << 10;

impl Value {
    /// Returns the bytes of an input; text as UTF-8.
    ///
    /// # Errors
    /// Of kind `InvalidType` for a JavaScript value.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Text(text) | Value::Json(text) => Ok(text.into_bytes().into()),
            Value::Document(_) | Value::Table(_) | Value::Fields(_) => {
                Err(Error::new(Kind::InvalidType, "A JavaScript value cannot be the input of a native transform"))
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
