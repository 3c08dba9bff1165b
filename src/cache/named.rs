//! Process-wide named caches, shared by all JavaScript threads.

use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Requested options, by name, with their values as JavaScript spells them.
pub type Settings = BTreeMap<String, String>;

/// An option whose value differs between the existing cache and the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub option: String,
    pub existing: String,
    pub requested: String,
}

struct Entry<T> {
    value: Weak<T>,
    settings: Settings,
}

/// Values by name. A value is dropped with its last `Arc`.
pub struct Registry<T>(Mutex<BTreeMap<String, Entry<T>>>);

impl<T> Registry<T> {
    #[cfg(not(feature = "loom"))]
    pub const fn new() -> Self {
        Registry(Mutex::new(BTreeMap::new()))
    }

    /// Returns the value of that name; makes one if none exists.
    ///
    /// # Errors
    /// If the existing value was made with different settings.
    pub fn open(&self, name: &str, settings: Settings, make: impl FnOnce() -> T) -> Result<Arc<T>, Mismatch> {
        let mut entries = self.0.lock();
        if let Some(entry) = entries.get(name)
            && let Some(value) = entry.value.upgrade()
        {
            check(&entry.settings, &settings)?;
            return Ok(value);
        }
        let value = Arc::new(make());
        entries.retain(|_, entry| entry.value.strong_count() > 0);
        entries.insert(name.into(), Entry { value: Arc::downgrade(&value), settings });
        Ok(value)
    }
}

fn check(existing: &Settings, requested: &Settings) -> Result<(), Mismatch> {
    for option in existing.keys().chain(requested.keys()) {
        let (had, asked) = (existing.get(option), requested.get(option));
        if had != asked {
            let spelled = |value: Option<&String>| value.map_or("the default", |value| value).to_owned();
            return Err(Mismatch { option: option.clone(), existing: spelled(had), requested: spelled(asked) });
        }
    }
    Ok(())
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_value_until_its_last_owner_drops_it() {
        let registry = Registry::new();
        let settings = |max: &str| Settings::from([("max".to_owned(), max.to_owned())]);
        let first = registry.open("a", settings("5"), || 1).unwrap();
        assert!(Arc::ptr_eq(&first, &registry.open("a", settings("5"), || 2).unwrap()));
        let mismatch = registry.open("a", settings("6"), || 3).unwrap_err();
        assert_eq!(mismatch, Mismatch { option: "max".into(), existing: "5".into(), requested: "6".into() });
        assert_eq!(registry.open("a", Settings::new(), || 3).unwrap_err().requested, "the default");
        assert_eq!(*registry.open("b", settings("6"), || 4).unwrap(), 4);
        drop(first);
        assert_eq!(*registry.open("a", settings("7"), || 5).unwrap(), 5);
    }
}
