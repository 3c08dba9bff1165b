//! The forms of inputs that are copied, as flags in a length.

use crate::node::protocol::{OF_FIELDS, OF_STRING};
use crate::transform::{Bytes, Value};

#[derive(Debug, Clone, Copy)]
pub enum InputForm {
    Bytes,
    /// UTF-8 of a string.
    Text,
    Fields,
}

impl InputForm {
    pub fn of(flags: u32) -> Self {
        if flags & OF_STRING != 0 {
            InputForm::Text
        } else if flags & OF_FIELDS != 0 {
            InputForm::Fields
        } else {
            InputForm::Bytes
        }
    }

    pub fn value(self, bytes: Vec<u8>) -> Value {
        match self {
            InputForm::Bytes => bytes.into(),
            InputForm::Text => Bytes::OfString(bytes).into(),
            InputForm::Fields => Value::Fields(bytes.into()),
        }
    }
}

/// Returns a length without its flags.
pub fn length_of(flagged: u32) -> u32 {
    flagged & !(OF_STRING | OF_FIELDS)
}
