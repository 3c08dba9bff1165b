//! Frees memory on another thread where freeing it would block the event loop.

use super::allocator::trim_heap;
use crate::cache::Detached;

/// Bytes in one piece, and pieces or cache entries, that are freed within about a millisecond.
const BYTES: usize = 16 << 20;
const PIECES: usize = 10_000;

/// Drops a value that holds `bytes` in one piece, or in few.
pub fn drop_bytes<T: Send + 'static>(garbage: T, bytes: usize) {
    if bytes > BYTES {
        on_thread(move || drop(garbage));
    }
}

/// Drops the contents of a cache and trims the heap: glibc would keep the memory, and merge the free pieces only at the next
/// large allocation, which millions of pieces would delay.
pub fn drop_entries<V: Send + 'static>(cleared: Detached<V>) {
    if cleared.count() > PIECES {
        on_thread(move || {
            cleared.free(PIECES, trim_heap);
            trim_heap();
        });
    }
}

/// Drops a value that holds memory in many pieces.
pub fn drop_pieces<T: Send + 'static>(garbage: T, pieces: usize) {
    if pieces > PIECES {
        on_thread(move || drop(garbage));
    }
}

fn on_thread(free: impl FnOnce() + Send + 'static) {
    // If no thread can be started, the closure and its garbage are dropped here.
    let _ = std::thread::Builder::new().name("offloop-free".into()).spawn(free);
}
