//! Binding of caches.
//!
//! Slots, versions and flights are returned as numbers in an array that JavaScript passes along ([`answer::Answer`]),
//! values of native storage as Buffers. In heap storage JavaScript holds the values itself, by slot.

mod answer;
mod calls;
pub mod handle;
mod key;
mod open;
mod report;
