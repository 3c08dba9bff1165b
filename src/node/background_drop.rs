//! Memory that takes long to give back is given back elsewhere than on the loop, which it would hold.

use super::napi_raw;
use crate::cache::Cleared;

/// What is freed within about a millisecond: so many bytes in one piece, or so many entries of a cache.
const BYTES: usize = 16 << 20;
const ENTRIES: usize = 10_000;

/// Drops memory in one piece, or in few.
pub fn discard_bytes<T: Send + 'static>(garbage: T, bytes: usize) {
    if bytes > BYTES {
        elsewhere(move || drop(garbage));
    }
}

/// Drops what a cache held, and has the allocator give its memory back: glibc's would keep it, and put the free pieces
/// together only when somebody asks for a large one, which holds them up if there are millions.
pub fn discard_entries<V: Send + 'static>(cleared: Cleared<V>) {
    if cleared.count() > ENTRIES {
        elsewhere(move || {
            cleared.free(ENTRIES, napi_raw::trim_heap);
            napi_raw::trim_heap();
        });
    }
}

/// Drops memory in many pieces.
pub fn discard_pieces<T: Send + 'static>(garbage: T, pieces: usize) {
    if pieces > ENTRIES {
        elsewhere(move || drop(garbage));
    }
}

fn elsewhere(free: impl FnOnce() + Send + 'static) {
    // If there is no thread, what it should have dropped drops here.
    let _ = std::thread::Builder::new().name("offloop-free".into()).spawn(free);
}
