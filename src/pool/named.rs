//! One pool per name in the process, however many JavaScript threads ask for it.

use super::Options;
use super::executor::Pool;
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What a caller asks of a pool; `None` leaves it as it is, or to the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    pub threads: Option<usize>,
    pub max_queue: Option<usize>,
    pub max_queue_bytes: Option<usize>,
    pub max_wait: Option<Duration>,
}

/// A pool of that name exists and one of its options is another one than asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// As JavaScript spells it.
    pub option: &'static str,
    pub existing: String,
    pub wanted: String,
}

/// A named pool and how many have opened it. Its own threads hold it for a moment longer than the last of those does.
struct Named {
    pool: Weak<Pool>,
    holders: usize,
}

static NAMED: Mutex<BTreeMap<String, Named>> = Mutex::new(BTreeMap::new());

/// The pool of that name, made if there is none; without a name, a pool of its own. To be given to [`close`].
///
/// # Errors
/// If a pool of that name exists with other options.
pub fn open(name: Option<&str>, wanted: &Wanted) -> Result<Arc<Pool>, Mismatch> {
    let Some(name) = name else { return Ok(Pool::new("anonymous".into(), wanted.or_default())) };
    let mut named = NAMED.lock();
    if let Some(entry) = named.get_mut(name)
        && let Some(pool) = entry.pool.upgrade()
    {
        wanted.check(pool.options())?;
        entry.holders += 1;
        return Ok(pool);
    }
    let pool = Pool::new(name.into(), wanted.or_default());
    named.insert(name.into(), Named { pool: Arc::downgrade(&pool), holders: 1 });
    Ok(pool)
}

/// Someone who opened the pool is done with it. After the last one its name is free.
pub fn close(pool: &Arc<Pool>) {
    let mut named = NAMED.lock();
    let Some(entry) = named.get_mut(pool.name()) else { return };
    if !std::ptr::eq(entry.pool.as_ptr(), Arc::as_ptr(pool)) {
        return;
    }
    entry.holders -= 1;
    if entry.holders == 0 {
        named.remove(pool.name());
    }
}

impl Wanted {
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
        let same = |option, wanted: Option<usize>, existing: usize| match wanted {
            Some(wanted) if wanted != existing => {
                Err(Mismatch { option, existing: existing.to_string(), wanted: wanted.to_string() })
            }
            _ => Ok(()),
        };
        same("threads", self.threads, existing.threads)?;
        same("maxQueue", self.max_queue, existing.max_queue)?;
        same("maxQueueBytes", self.max_queue_bytes, existing.max_queue_bytes)?;
        if self.max_wait.is_some() && self.max_wait != existing.max_wait {
            let (existing, wanted) = (millis(existing.max_wait), millis(self.max_wait));
            return Err(Mismatch { option: "maxWait", existing, wanted });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pool_per_name_until_everyone_closed_it() {
        let wanted = Wanted { threads: Some(1), ..Wanted::default() };
        let first = open(Some("named-once"), &wanted).expect("a new pool");
        let second = open(Some("named-once"), &Wanted::default()).expect("the same pool");
        assert!(Arc::ptr_eq(&first, &second));
        let mismatch = open(Some("named-once"), &Wanted { threads: Some(2), ..wanted }).err();
        let expected = Mismatch { option: "threads", existing: "1".into(), wanted: "2".into() };
        assert_eq!(mismatch, Some(expected));
        close(&first);
        close(&second);
        assert!(open(Some("named-once"), &Wanted { threads: Some(2), ..wanted }).is_ok());
    }

    #[test]
    fn pools_without_a_name_are_their_own() {
        let first = open(None, &Wanted::default()).expect("a pool");
        let second = open(None, &Wanted::default()).expect("a pool");
        assert!(!Arc::ptr_eq(&first, &second));
    }
}
