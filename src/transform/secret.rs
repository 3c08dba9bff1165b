//! Keys that can be erased while a transform exists.

use crate::error::{Error, Kind, Result};
use crate::sync::Mutex;
use zeroize::{Zeroize, Zeroizing};

/// A key, or the salt of a key derivation. Each task copies it when it starts, so erasing never waits for a task and no task uses
/// a key that is partly erased.
pub struct Secret(Mutex<State>);

struct State {
    bytes: Zeroizing<Vec<u8>>,
    is_disposed: bool,
}

impl Secret {
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Secret(Mutex::new(State { bytes, is_disposed: false }))
    }

    /// Returns a copy of the bytes, which is wiped on drop.
    ///
    /// # Errors
    /// Of kind `Closed` once the secret is disposed of.
    pub fn copy(&self) -> Result<Zeroizing<Vec<u8>>> {
        let state = self.0.lock();
        if state.is_disposed { Err(disposed()) } else { Ok(state.bytes.clone()) }
    }

    /// Checks that the secret is not disposed of.
    ///
    /// # Errors
    /// Of kind `Closed` if it is.
    pub fn check(&self) -> Result<()> {
        if self.0.lock().is_disposed { Err(disposed()) } else { Ok(()) }
    }

    /// Overwrites the bytes with zeros.
    pub fn dispose(&self) {
        let state = &mut *self.0.lock();
        state.is_disposed = true;
        state.bytes.as_mut_slice().zeroize();
    }

    /// Returns the stored bytes, also after `dispose`.
    #[cfg(any(test, feature = "fault"))]
    pub fn stored(&self) -> Vec<u8> {
        self.0.lock().bytes.to_vec()
    }
}

fn disposed() -> Error {
    Error::new(Kind::Closed, "The transform has been disposed of, and its key is erased")
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_disposed_secret_is_zero_and_gives_no_copy() {
        let secret = Secret::new(Zeroizing::new(b"key".to_vec()));
        let copy = secret.copy().unwrap();
        assert!(secret.check().is_ok());
        secret.dispose();
        assert_eq!((secret.stored(), &copy[..]), (vec![0; 3], &b"key"[..]));
        assert_eq!(secret.copy().unwrap_err().kind, Kind::Closed);
        assert_eq!(secret.check().unwrap_err().kind, Kind::Closed);
    }
}
