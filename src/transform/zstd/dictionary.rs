//! The `dictionary` option.

use crate::args::{Arg, ArgumentError, Options};
use std::sync::Arc;
use zeroize::Zeroizing;

/// May be secret, so it is wiped when dropped.
pub type Dictionary = Option<Arc<Zeroizing<Vec<u8>>>>;

/// Reads the option. Empty bytes mean no dictionary.
///
/// # Errors
/// For another type, or a dictionary that zstd rejects.
pub fn read(options: &Options<'_>, is_usable: impl Fn(&[u8]) -> bool) -> Result<Dictionary, ArgumentError> {
    match options.bytes("dictionary")?.filter(|bytes| !bytes.is_empty()) {
        Some(bytes) if !is_usable(&bytes) => {
            let rule = "The \"options.dictionary\" property must be a usable zstd dictionary";
            Err(ArgumentError::value(rule, Arg::Bytes(bytes)))
        }
        bytes => Ok(bytes.map(Arc::new)),
    }
}
