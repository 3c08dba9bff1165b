//! One pool per name in the process, shared by all JavaScript threads that open it.

use super::core::Pool;
use super::options::Options;
use crate::mismatch::{self, Mismatch};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Options that a caller requests; `None` accepts those of an existing pool, or the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requested {
    pub threads: Option<usize>,
    pub max_queue: Option<usize>,
    pub max_queue_bytes: Option<usize>,
    pub max_wait: Option<Duration>,
    pub max_output: Option<u64>,
}

/// A named pool and how often it is open. After the last [`close`] the pool's threads may keep it alive for a moment.
struct Entry {
    pool: Weak<Pool>,
    open_count: usize,
}

static NAMED: Mutex<BTreeMap<String, Entry>> = Mutex::new(BTreeMap::new());

/// Returns the pool of that name, creating it if necessary, or a new pool if there is no name. Pass the pool to [`close`].
///
/// # Errors
/// The options that differ, if a pool of that name exists with others.
pub fn open(name: Option<&str>, requested: &Requested) -> Result<Arc<Pool>, Vec<Mismatch>> {
    let Some(name) = name else { return Ok(Pool::new(None, requested.or_default())) };
    let mut named = NAMED.lock();
    if let Some(entry) = named.get_mut(name)
        && let Some(pool) = entry.pool.upgrade()
    {
        requested.check(pool.options())?;
        entry.open_count += 1;
        return Ok(pool);
    }
    let pool = Pool::new(Some(name.into()), requested.or_default());
    named.insert(name.into(), Entry { pool: Arc::downgrade(&pool), open_count: 1 });
    Ok(pool)
}

/// Undoes one [`open`]. After the last one the name is free.
pub fn close(pool: &Arc<Pool>) {
    let Some(name) = pool.name() else { return };
    let mut named = NAMED.lock();
    let Some(entry) = named.get_mut(name) else { return };
    if !std::ptr::eq(entry.pool.as_ptr(), Arc::as_ptr(pool)) {
        return;
    }
    entry.open_count -= 1;
    if entry.open_count == 0 {
        named.remove(name);
    }
}

impl Requested {
    fn or_default(&self) -> Options {
        let default = Options::default();
        Options {
            threads: self.threads.unwrap_or(default.threads),
            max_queue: self.max_queue.unwrap_or(default.max_queue),
            max_queue_bytes: self.max_queue_bytes.unwrap_or(default.max_queue_bytes),
            max_wait: self.max_wait.or(default.max_wait),
            max_output: self.max_output.or(default.max_output),
        }
    }

    fn check(&self, existing: &Options) -> Result<(), Vec<Mismatch>> {
        let size = |size: usize| size.to_string();
        let bytes = |limit: u64| limit.to_string();
        let millis = |wait: Duration| wait.as_millis().to_string();
        let pairs = [
            ("threads", self.threads.map(size), Some(size(existing.threads))),
            ("maxQueue", self.max_queue.map(size), Some(size(existing.max_queue))),
            ("maxQueueBytes", self.max_queue_bytes.map(size), Some(size(existing.max_queue_bytes))),
            ("maxWait", self.max_wait.map(millis), existing.max_wait.map(millis)),
            ("maxOutput", self.max_output.map(bytes), existing.max_output.map(bytes)),
        ];
        mismatch::check(pairs.map(|(option, requested, existing)| (option.to_owned(), requested, existing)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pool_per_name_until_the_last_close() {
        let requested = Requested { threads: Some(1), ..Requested::default() };
        let first = open(Some("named-once"), &requested).expect("a new pool");
        let second = open(Some("named-once"), &Requested::default()).expect("the same pool");
        assert!(Arc::ptr_eq(&first, &second));
        let other = Requested { threads: Some(2), max_wait: Some(Duration::from_millis(5)), ..requested };
        let expected = [("threads", Some("1"), "2"), ("maxWait", None, "5")].map(|(option, existing, requested)| {
            Mismatch { option: option.into(), existing: existing.map(Into::into), requested: requested.into() }
        });
        assert_eq!(open(Some("named-once"), &other).err(), Some(expected.into()));
        close(&first);
        close(&second);
        assert!(open(Some("named-once"), &Requested { threads: Some(2), ..requested }).is_ok());
    }

    #[test]
    fn pools_without_a_name_are_distinct() {
        let first = open(None, &Requested::default()).expect("a pool");
        let second = open(None, &Requested::default()).expect("a pool");
        assert!(!Arc::ptr_eq(&first, &second));
    }
}
