//! A single-flight cache, bounded in entries and bytes, with expiry and stale values.

pub mod arena;
mod core;
mod detached;
mod expiry;
mod failure;
mod flight;
mod ghosts;
mod index;
mod key;
mod limits;
mod lists;
mod lru;
pub mod named;
mod order;
mod s3_fifo;
mod slot_table;
mod stats;

pub use core::{Cache, EntryRef, Failed, Found, Incoming, Loaded, Lookup, Options, Participant, VERSIONS};
pub use detached::{Detached, DetachedEntries, Evicted};
pub use expiry::{Age, EntryTimes, Lifetime};
pub use flight::{FlightId, Join, LeaveOutcome, Role};
pub use key::Key;
pub use limits::Limits;
pub use order::Policy;
pub use stats::{Counts, Evictions, Reason, Stats};

#[cfg(test)]
mod tests;
