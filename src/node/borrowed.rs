//! Memory of JavaScript that tasks borrow.

use crate::transform::{Bytes, Lend};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// Borrows of one environment's memory that have not ended.
#[derive(Default)]
pub struct Borrows {
    count: Mutex<usize>,
    returned: Condvar,
}

impl Borrows {
    /// Borrows the memory of a pinned `ArrayBuffer` for a task.
    pub fn borrow(self: &Arc<Self>, data: *const u8, length: usize) -> Bytes {
        *self.count.lock() += 1;
        Bytes::Lent(Box::new(BorrowedBytes { data, length, borrows: self.clone() }))
    }

    fn end(&self) {
        *self.count.lock() -= 1;
        self.returned.notify_all();
    }

    /// Blocks until all borrows have ended.
    pub fn wait_until_returned(&self) {
        let mut count = self.count.lock();
        while *count > 0 {
            self.returned.wait(&mut count);
        }
    }
}

/// Memory of a pinned `ArrayBuffer`, borrowed by one task.
struct BorrowedBytes {
    data: *const u8,
    length: usize,
    borrows: Arc<Borrows>,
}

// SAFETY: the memory belongs to an ArrayBuffer that JavaScript cannot reach (`lib/` transferred it and dropped its references), or
// to that of a batch, which only `lib/` can reach and which it reuses after the batch's record, or after a cancellation before the
// batch started (`lib/pool/bulk/batch.js`). So nothing writes, detaches or resizes it; it stays pinned until the task's completion is
// drained, which is after the borrow was dropped, or until the environment ends, which waits for all borrows. Any thread may read it
// meanwhile.
unsafe impl Send for BorrowedBytes {}
// SAFETY: as above: the memory is only ever read.
unsafe impl Sync for BorrowedBytes {}

impl Lend for BorrowedBytes {
    fn bytes(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: `data` points to `length` initialized bytes that stay valid and unchanged while the borrow lives.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

impl Drop for BorrowedBytes {
    fn drop(&mut self) {
        self.borrows.end();
    }
}
