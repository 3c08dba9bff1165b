//! Every transform there is: its name, and what makes it of its arguments.

use super::{Args, ArgumentError, Transform};
use super::{digest, hmac, identity};

pub type Build = fn(&Args) -> Result<Box<dyn Transform>, ArgumentError>;

/// A line of the registry. JavaScript makes one factory of each.
pub struct Entry {
    pub name: &'static str,
    pub build: Build,
}

const fn entry(name: &'static str, build: Build) -> Entry {
    Entry { name, build }
}

pub static REGISTRY: &[Entry] = &[
    entry("identity", identity::identity),
    entry("digest", digest::digest),
    entry("hmac", hmac::hmac),
    #[cfg(feature = "fault")]
    entry("fault.panic", super::fault::panic),
    #[cfg(feature = "fault")]
    entry("fault.spin", super::fault::spin),
];

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}
