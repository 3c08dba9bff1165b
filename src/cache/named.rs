//! Process-wide named caches, shared by all JavaScript threads.

use crate::mismatch::{self, Mismatch};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Options by name, with their values as JavaScript spells them.
pub type Settings = BTreeMap<String, String>;

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

    /// Returns the value of that name, with its settings. If none exists, makes one with the requested settings and the defaults
    /// of the others; returns `None` if `make` does.
    ///
    /// # Errors
    /// If requested settings differ from those of the existing value.
    pub fn open(
        &self,
        name: &str,
        requested: Settings,
        defaults: Settings,
        make: impl FnOnce() -> Option<T>,
    ) -> Result<Option<(Arc<T>, Settings)>, Vec<Mismatch>> {
        let mut entries = self.0.lock();
        if let Some(entry) = entries.get(name)
            && let Some(value) = entry.value.upgrade()
        {
            check(&entry.settings, requested)?;
            return Ok(Some((value, entry.settings.clone())));
        }
        let Some(value) = make().map(Arc::new) else { return Ok(None) };
        let mut settings = defaults;
        settings.extend(requested);
        entries.retain(|_, entry| entry.value.strong_count() > 0);
        entries.insert(name.into(), Entry { value: Arc::downgrade(&value), settings: settings.clone() });
        Ok(Some((value, settings)))
    }
}

fn check(existing: &Settings, requested: Settings) -> Result<(), Vec<Mismatch>> {
    mismatch::check(requested.into_iter().map(|(option, requested)| {
        let existing = existing.get(&option).cloned();
        (option, Some(requested), existing)
    }))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn settings<const N: usize>(options: [(&str, &str); N]) -> Settings {
        options.map(|(option, value)| (option.to_owned(), value.to_owned())).into()
    }

    fn open(
        registry: &Registry<i32>,
        requested: Settings,
        value: i32,
    ) -> Result<Option<(Arc<i32>, Settings)>, Vec<Mismatch>> {
        registry.open("a", requested, settings([("max", "undefined"), ("jitter", "0")]), || Some(value))
    }

    #[test]
    fn a_name_has_one_value_until_its_last_owner_drops_it() {
        let registry = Registry::new();
        let (first, _) = open(&registry, settings([("max", "5")]), 1).unwrap().unwrap();
        let (second, existing) = open(&registry, Settings::new(), 2).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(existing, settings([("max", "5"), ("jitter", "0")]));
        assert_eq!(*registry.open("b", Settings::new(), Settings::new(), || Some(4)).unwrap().unwrap().0, 4);
        drop((first, second));
        assert_eq!(*open(&registry, settings([("max", "7")]), 5).unwrap().unwrap().0, 5);
    }

    #[test]
    fn requested_settings_must_be_those_of_the_existing_value() {
        let registry = Registry::new();
        let first = open(&registry, settings([("max", "5")]), 1).unwrap().unwrap();
        let mismatch = |option: &str, existing: Option<&str>, requested: &str| Mismatch {
            option: option.into(),
            existing: existing.map(Into::into),
            requested: requested.into(),
        };
        let all = open(&registry, settings([("max", "6"), ("jitter", "1"), ("ttl", "9")]), 2);
        let expected =
            vec![mismatch("jitter", Some("0"), "1"), mismatch("max", Some("5"), "6"), mismatch("ttl", None, "9")];
        assert_eq!(all, Err(expected));
        assert_eq!(open(&registry, settings([("max", "5"), ("jitter", "0")]), 3), Ok(Some(first)));
    }

    #[test]
    fn nothing_is_kept_if_nothing_is_made() {
        let registry = Registry::new();
        assert_eq!(registry.open("a", Settings::new(), Settings::new(), || None), Ok(None));
        assert_eq!(*open(&registry, Settings::new(), 1).unwrap().unwrap().0, 1);
    }
}
