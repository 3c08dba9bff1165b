//! Frees memory on another thread where freeing it would block the event loop.

use super::allocator::trim_heap;
use crate::cache::Detached;

/// Largest block that is freed in place, in about a millisecond.
const BYTES: usize = 16 << 20;
/// Most pieces or cache entries that are freed in place, in about a millisecond.
const PIECES: usize = 10_000;

/// Drops a value that holds `bytes` bytes in one piece or a few.
pub fn drop_bytes<T: Send + 'static>(garbage: T, bytes: usize) {
    if bytes > BYTES {
        on_thread(move || drop(garbage));
    }
}

/// Drops the contents of a cache. Trims the heap after many entries: glibc would keep the memory, and would merge the free
/// pieces at the next large allocation, which is slow with millions of them.
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
