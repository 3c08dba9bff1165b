//! One pool per name in the process, shared by all JavaScript threads that open it.

use super::core::Pool;
use super::options::Options;
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
}

/// An option of the existing pool that differs from the requested one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the option in JavaScript.
    pub option: &'static str,
    pub existing: String,
    pub requested: String,
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
/// If a pool of that name exists with other options.
pub fn open(name: Option<&str>, requested: &Requested) -> Result<Arc<Pool>, Mismatch> {
    let Some(name) = name else { return Ok(Pool::new("anonymous".into(), requested.or_default())) };
    let mut named = NAMED.lock();
    if let Some(entry) = named.get_mut(name)
        && let Some(pool) = entry.pool.upgrade()
    {
        requested.check(pool.options())?;
        entry.open_count += 1;
        return Ok(pool);
    }
    let pool = Pool::new(name.into(), requested.or_default());
    named.insert(name.into(), Entry { pool: Arc::downgrade(&pool), open_count: 1 });
    Ok(pool)
}

/// Undoes one [`open`]. After the last one the name is free.
pub fn close(pool: &Arc<Pool>) {
    let mut named = NAMED.lock();
    let Some(entry) = named.get_mut(pool.name()) else { return };
    if !std::ptr::eq(entry.pool.as_ptr(), Arc::as_ptr(pool)) {
        return;
    }
    entry.open_count -= 1;
    if entry.open_count == 0 {
        named.remove(pool.name());
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
        }
    }

    fn check(&self, existing: &Options) -> Result<(), Mismatch> {
        let millis = |wait: Option<Duration>| wait.map_or("none".into(), |wait| wait.as_millis().to_string());
        let same = |option, requested: Option<usize>, existing: usize| match requested {
            Some(requested) if requested != existing => {
                Err(Mismatch { option, existing: existing.to_string(), requested: requested.to_string() })
            }
            _ => Ok(()),
        };
        same("threads", self.threads, existing.threads)?;
        same("maxQueue", self.max_queue, existing.max_queue)?;
        same("maxQueueBytes", self.max_queue_bytes, existing.max_queue_bytes)?;
        if self.max_wait.is_some() && self.max_wait != existing.max_wait {
            let (existing, requested) = (millis(existing.max_wait), millis(self.max_wait));
            return Err(Mismatch { option: "maxWait", existing, requested });
        }
        Ok(())
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
        let mismatch = open(Some("named-once"), &Requested { threads: Some(2), ..requested }).err();
        let expected = Mismatch { option: "threads", existing: "1".into(), requested: "2".into() };
        assert_eq!(mismatch, Some(expected));
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
