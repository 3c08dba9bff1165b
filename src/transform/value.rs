//! What goes into a transform and comes out of it.

use super::Bytes;
use crate::error::Result;

/// A value on its way between steps, or to and from JavaScript.
#[derive(Debug)]
pub enum Value {
    /// A `Buffer` in JavaScript.
    Bytes(Bytes),
    /// A string in JavaScript.
    Text(String),
    /// JSON text, which becomes a value in JavaScript.
    Json(String),
}

impl Value {
    /// The bytes of a byte-oriented input; text is taken as UTF-8.
    ///
    /// # Errors
    /// Of kind `InvalidType` for anything else.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Text(text) | Value::Json(text) => Ok(text.into_bytes().into()),
        }
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Bytes(bytes.into())
    }
}
