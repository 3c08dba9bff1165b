//! Every transform there is: its name, the names of its arguments, and what makes it of them.

use super::identity;
use super::{Args, ArgumentError, Transform};

pub type Build = fn(&Args) -> Result<Box<dyn Transform>, ArgumentError>;

/// A line of the registry. JavaScript makes one factory of each.
pub struct Entry {
    pub name: &'static str,
    pub build: Build,
}

const fn entry(name: &'static str, build: Build) -> Entry {
    Entry { name, build }
}

pub static REGISTRY: &[Entry] = &[entry("identity", identity::identity)];

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}
