//! Bytes that a task owns or borrows.

use super::memory;
use crate::error::Result;
use std::fmt;
use std::ops::Deref;

/// Memory lent to a task; returned to its owner on drop.
pub trait Lend: Send + Sync {
    fn bytes(&self) -> &[u8];
}

pub enum Bytes {
    Owned(Vec<u8>),
    /// The UTF-8 of a JavaScript string; needs no detection of its encoding.
    OfString(Vec<u8>),
    Lent(Box<dyn Lend>),
}

impl Bytes {
    /// Returns the bytes as an owned vector, copying them only if they are lent.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn into_owned(self) -> Result<Vec<u8>> {
        let Bytes::Lent(lent) = self else { return Ok(self.into_vec()) };
        let mut bytes = Vec::new();
        memory::append(&mut bytes, lent.bytes())?;
        Ok(bytes)
    }

    /// Like [`Bytes::into_owned`], but aborts if memory runs out.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Bytes::Owned(bytes) | Bytes::OfString(bytes) => bytes,
            Bytes::Lent(lent) => lent.bytes().to_vec(),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) | Bytes::OfString(bytes) => bytes,
            Bytes::Lent(lent) => lent.bytes(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::Owned(bytes)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}
