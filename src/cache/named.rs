//! One cache per name in the process, however many JavaScript threads ask for it.

use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// What the one who opens a cache asks for, as JavaScript spells it: names and values of options.
pub type Settings = BTreeMap<&'static str, String>;

/// A cache of that name exists and one of its options is another one than asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub option: &'static str,
    pub existing: String,
    pub wanted: String,
}

struct Entry<T> {
    held: Weak<T>,
    settings: Settings,
}

/// What goes by a name lives as long as anybody holds it.
pub struct Names<T>(Mutex<BTreeMap<String, Entry<T>>>);

impl<T> Names<T> {
    #[cfg(not(feature = "loom"))]
    pub const fn new() -> Self {
        Names(Mutex::new(BTreeMap::new()))
    }

    /// The one of that name, made if there is none.
    ///
    /// # Errors
    /// If there is one, and it was made with other settings.
    pub fn open(&self, name: &str, settings: Settings, make: impl FnOnce() -> T) -> Result<Arc<T>, Mismatch> {
        let mut names = self.0.lock();
        if let Some(entry) = names.get(name)
            && let Some(held) = entry.held.upgrade()
        {
            check(&entry.settings, &settings)?;
            return Ok(held);
        }
        let held = Arc::new(make());
        names.retain(|_, entry| entry.held.strong_count() > 0);
        names.insert(name.into(), Entry { held: Arc::downgrade(&held), settings });
        Ok(held)
    }
}

fn check(existing: &Settings, wanted: &Settings) -> Result<(), Mismatch> {
    for option in existing.keys().chain(wanted.keys()) {
        let (had, asked) = (existing.get(option), wanted.get(option));
        if had != asked {
            let spelled = |value: Option<&String>| value.map_or("the default", |value| value).to_owned();
            return Err(Mismatch { option, existing: spelled(had), wanted: spelled(asked) });
        }
    }
    Ok(())
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn one_for_each_name_while_it_is_held() {
        let names = Names::new();
        let settings = |max: &str| Settings::from([("max", max.to_owned())]);
        let first = names.open("a", settings("5"), || 1).unwrap();
        assert!(Arc::ptr_eq(&first, &names.open("a", settings("5"), || 2).unwrap()));
        let mismatch = names.open("a", settings("6"), || 3).unwrap_err();
        assert_eq!(mismatch, Mismatch { option: "max", existing: "5".into(), wanted: "6".into() });
        assert_eq!(names.open("a", Settings::new(), || 3).unwrap_err().wanted, "the default");
        assert_eq!(*names.open("b", settings("6"), || 4).unwrap(), 4);
        drop(first);
        assert_eq!(*names.open("a", settings("7"), || 5).unwrap(), 5);
    }
}
