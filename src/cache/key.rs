//! Keys of cache entries.

use std::collections::HashMap;
use std::sync::Arc;

/// Map with a fast hash: each map has a random seed, and hashes are never exposed.
pub type KeyMap<T> = HashMap<Key, T, foldhash::quality::RandomState>;

/// A JavaScript string, number or bigint, with the equality of `Map`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    Text(Arc<str>),
    /// Code units of a string that is not well-formed or contains U+FFFD, the replacement for lone surrogates in UTF-8.
    Utf16(Arc<[u16]>),
    /// Bits of a number.
    Number(u64),
    /// Sign of a bigint (true if negative), and its 64-bit digits from the lowest, without trailing zeros.
    BigInt(bool, Arc<[u64]>),
}

impl Key {
    /// Makes one key of `0` and `-0`, and of all NaNs.
    #[must_use]
    pub fn number(value: f64) -> Self {
        let canonical = if value == 0.0 {
            0.0
        } else if value.is_nan() {
            f64::NAN
        } else {
            value
        };
        Key::Number(canonical.to_bits())
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Key::Text(text.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_as_in_a_map() {
        assert_eq!(Key::number(0.0), Key::number(-0.0));
        assert_eq!(Key::number(f64::NAN), Key::number(-f64::NAN));
        assert_ne!(Key::number(1.0), Key::from("1"));
        assert_ne!(Key::number(1.0), Key::number(1.5));
        assert_ne!(Key::BigInt(false, Arc::new([1])), Key::from("1"));
    }
}
