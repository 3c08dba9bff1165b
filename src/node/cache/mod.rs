//! Binding of caches.
//!
//! Slots, versions and flights are returned as numbers in an array that JavaScript passes along ([`answer::Answer`]),
//! values as Buffers.

mod answer;
mod calls;
pub mod handle;
mod key;
mod open;
mod report;
