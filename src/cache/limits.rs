//! Limits of a cache, and the room that new entries need.

/// Limits of a cache. `MAX`: unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// Number and total weight of entries to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub entries: usize,
    pub bytes: u64,
}

impl Room {
    pub const NONE: Room = Room { entries: 0, bytes: 0 };

    pub fn for_one(weight: u64) -> Self {
        Room { entries: 1, bytes: weight }
    }
}
