//! What an entry is called.

use std::collections::HashMap;
use std::sync::Arc;

/// Hashed fast: with a seed of its own for each map, and nobody outside sees the hashes.
pub type ById<T> = HashMap<Id, T, foldhash::quality::RandomState>;

/// A JavaScript string, number or bigint, told apart as `Map` tells them apart. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    Text(Arc<str>),
    /// A string that is not well-formed, or that contains U+FFFD, which stands for what is not in UTF-8: the code units
    /// themselves.
    Units(Arc<[u16]>),
    /// The bits of a number.
    Number(u64),
    /// A bigint: whether it is negative, and its 64-bit digits from the lowest, without zeros at the end.
    Big(bool, Arc<[u64]>),
}

impl Id {
    /// `0` and `-0` are one id, and so are all kinds of NaN.
    #[must_use]
    pub fn number(value: f64) -> Self {
        let canonical = if value == 0.0 {
            0.0
        } else if value.is_nan() {
            f64::NAN
        } else {
            value
        };
        Id::Number(canonical.to_bits())
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Id::Text(text.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_as_by_map() {
        assert_eq!(Id::number(0.0), Id::number(-0.0));
        assert_eq!(Id::number(f64::NAN), Id::number(-f64::NAN));
        assert_ne!(Id::number(1.0), Id::from("1"));
        assert_ne!(Id::number(1.0), Id::number(1.5));
        assert_ne!(Id::Big(false, Arc::new([1])), Id::from("1"));
    }
}
