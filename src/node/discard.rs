//! Memory that takes long to give back is given back elsewhere than on the loop, which it would hold.

use super::raw;

/// What is freed within about a millisecond: so many pieces, or so many bytes in one.
const PIECES: usize = 10_000;
const BYTES: usize = 16 << 20;

/// Drops memory in one piece, or in few.
pub fn discard_bytes<T: Send + 'static>(garbage: T, bytes: usize) {
    if bytes > BYTES {
        elsewhere(move || drop(garbage));
    }
}

/// Drops memory in many pieces. The allocator would keep it for later; the system gets it back.
pub fn discard_pieces<T: Send + 'static>(garbage: T, pieces: usize) {
    if pieces > PIECES {
        elsewhere(move || {
            drop(garbage);
            raw::trim_heap();
        });
    }
}

fn elsewhere(free: impl FnOnce() + Send + 'static) {
    // If there is no thread, what it should have dropped drops here.
    let _ = std::thread::Builder::new().name("offloop-free".into()).spawn(free);
}
