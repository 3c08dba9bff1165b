//! Memory that a transform holds between its tasks. It arrives after the transform was made: whole, or piece by piece.

use super::bytes::Bytes;
use crate::error::{Error, Kind, Result};
use parking_lot::Mutex;
use std::sync::OnceLock;

pub struct Held {
    length: usize,
    /// The pieces that have arrived.
    copy: Mutex<Vec<u8>>,
    bytes: OnceLock<Result<Bytes>>,
}

impl Held {
    /// Expects `length` bytes.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let held = Held { length, copy: Mutex::default(), bytes: OnceLock::new() };
        if length == 0 {
            held.set(Ok(Vec::new().into()));
        }
        held
    }

    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Returns the bytes.
    ///
    /// # Errors
    /// If they have not arrived, with the reason.
    pub fn get(&self) -> Result<&[u8]> {
        match self.bytes.get() {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::new(Kind::InvalidType, "The memory of the transform has not arrived")),
        }
    }

    /// Appends a piece to the copy. `reserve` allocates the memory of all pieces when the first one arrives.
    ///
    /// # Errors
    /// Those of `reserve`.
    pub fn append<E>(
        &self,
        piece: &[u8],
        reserve: impl FnOnce(&mut Vec<u8>, usize) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut copy = self.copy.lock();
        if copy.is_empty() {
            reserve(&mut copy, self.length)?;
        }
        copy.extend_from_slice(piece);
        if copy.len() == self.length {
            self.set(Ok(std::mem::take(&mut *copy).into()));
        }
        Ok(())
    }

    /// Sets the bytes without a copy, or the reason why they will not arrive.
    pub fn set(&self, bytes: Result<Bytes>) {
        if bytes.is_err() {
            *self.copy.lock() = Vec::new();
        }
        let _ = self.bytes.set(bytes);
    }

    /// Returns the bytes allocated for the copy.
    #[must_use]
    pub fn copied(&self) -> usize {
        match self.bytes.get() {
            Some(Ok(Bytes::Owned(bytes))) => bytes.capacity(),
            Some(_) => 0,
            None => self.copy.lock().capacity(),
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn reserve(bytes: &mut Vec<u8>, more: usize) -> std::result::Result<(), std::collections::TryReserveError> {
        bytes.try_reserve_exact(more)
    }

    #[test]
    fn the_bytes_are_there_once_the_last_piece_has_arrived() {
        let held = Held::new(5);
        held.append(b"ab", reserve).unwrap();
        assert_eq!((held.get().unwrap_err().kind, held.copied()), (Kind::InvalidType, 5));
        held.append(b"cde", reserve).unwrap();
        assert_eq!((held.get().unwrap(), held.copied()), (&b"abcde"[..], 5));
        assert_eq!(Held::new(0).get().unwrap(), b"");
    }

    #[test]
    fn a_failed_copy_reports_its_reason_and_frees_its_memory() {
        let held = Held::new(5);
        held.append(b"ab", reserve).unwrap();
        held.set(Err(Error::new(Kind::InvalidType, "detached")));
        assert_eq!((held.get().unwrap_err().message.as_ref(), held.copied()), ("detached", 0));
        assert!(Held::new(1).append(b"a", |_, _| Err(())).is_err());
    }
}
