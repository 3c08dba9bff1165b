//! The threads of this process that run user functions, for all pools.

use super::core::Pool;
use super::deadlock::{Home, Queue, Report, Table, Wait};
use crate::sync::Mutex;
use std::sync::Arc;

static TABLE: Mutex<Table<Arc<Pool>>> = Mutex::new(Table::new());

impl Queue for Arc<Pool> {
    fn id(&self) -> usize {
        Arc::as_ptr(self) as usize
    }

    fn is_waiting(&self, ticket: u64) -> bool {
        self.gate.is_waiting(ticket)
    }
}

/// Adds a thread that will run functions in a pool, before it starts one.
pub fn add(thread: u32, pool: &Arc<Pool>) {
    TABLE.lock().add(thread, Home { pool: pool.id(), threads: pool.options().threads });
}

/// Removes a thread that has ended, or is about to, before its permit is returned.
pub fn remove(thread: u32) {
    // A report may hold the last reference to a pool, which must not be dropped under the lock.
    let report = TABLE.lock().remove(thread);
    drop(report);
}

/// Returns the time of the reports, which counts events.
pub fn now() -> u64 {
    TABLE.lock().now()
}

/// Records that the function of a thread is blocked. Returns whether it is part of a deadlock, so that its waits must end.
pub fn block(thread: u32, report: Report<Arc<Pool>>) -> bool {
    let (old, is_deadlocked) = TABLE.lock().block(thread, report);
    drop(old);
    is_deadlocked
}

/// Records that the function of a thread is not blocked.
pub fn unblock(thread: u32) {
    let report = TABLE.lock().unblock(thread);
    drop(report);
}

/// Returns the wait for a task or a reservation, or `None` if it is over.
pub fn wait_for(pool: &Arc<Pool>, ticket: u64) -> Option<Wait<Arc<Pool>>> {
    pool.is_waiting(ticket).then(|| Wait { pool: pool.clone(), ticket })
}
