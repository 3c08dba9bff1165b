//! `maxWait`: one timer thread for all pools drops the tasks that waited for too long.
//!
//! It starts with the first task that has to wait under a deadline. Each pool has at most one timer, for its oldest
//! task; there is none while its queue is empty.

use super::executor::Pool;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;
use tokio::runtime::{Builder, Handle};

/// Sees to it that the pool's stale tasks are dropped in time.
pub(super) fn watch(pool: &Arc<Pool>) {
    if pool.watched.swap(true, Ordering::SeqCst) {
        return;
    }
    match timer() {
        Some(timer) => drop(timer.spawn(drop_in_time(Arc::downgrade(pool)))),
        // Without a timer thread a stale task is still dropped, but only when its turn comes.
        None => pool.watched.store(false, Ordering::SeqCst),
    }
}

async fn drop_in_time(pool: Weak<Pool>) {
    while let Some(deadline) = next_deadline(&pool) {
        tokio::time::sleep_until(deadline.into()).await;
    }
}

/// Drops what is stale by now and says when to look again. `None`: nothing is queued.
fn next_deadline(pool: &Weak<Pool>) -> Option<Instant> {
    let pool = pool.upgrade()?;
    loop {
        pool.drop_stale();
        if let Some(oldest) = pool.gate.oldest() {
            return oldest.checked_add(pool.options().max_wait?);
        }
        pool.watched.store(false, Ordering::SeqCst);
        // A task that was queued just before the flag fell saw it up, and is ours still.
        if pool.gate.oldest().is_none() || pool.watched.swap(true, Ordering::SeqCst) {
            return None;
        }
    }
}

fn timer() -> Option<&'static Handle> {
    static TIMER: OnceLock<Option<Handle>> = OnceLock::new();
    TIMER.get_or_init(start).as_ref()
}

fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_time().build().ok()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("offloop-timer".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .ok()?;
    Some(handle)
}
