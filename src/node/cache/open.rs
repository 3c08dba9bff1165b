//! Opens and closes caches. `lib/cache/options.js` checks the options.

use super::handle::{Handle, Reports, Shared};
use crate::args::ArgumentError;
use crate::cache::named::Registry;
use crate::cache::{self, Cache, Lifetime, Limits};
use crate::clock::Time;
use crate::node::args::throw;
use crate::node::convert::u64_of;
use crate::node::environment::{self, Environment};
use napi::{Env, Result};
use napi_derive::napi;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

static NAMED: Registry<Shared> = Registry::new();

/// Default of `jitter`: the largest fraction by which it shortens a lifetime.
const JITTER: f64 = 0.05;

/// Valid options of a cache. Times are in milliseconds.
#[napi(object, object_to_js = false)]
pub struct CacheOptions {
    pub max: Option<f64>,
    pub max_bytes: Option<f64>,
    pub ttl: Option<f64>,
    pub jitter: Option<f64>,
    pub refresh_after: Option<f64>,
    pub stale_while_revalidate: Option<f64>,
    pub stale_if_error: Option<f64>,
    pub error_ttl: Option<f64>,
    pub name: Option<String>,
    /// Options that must be equal in all environments that share a named cache.
    pub settings: BTreeMap<String, String>,
    /// Subscriber at the completion port to which other environments send messages about flights.
    pub mailbox: Option<u32>,
    pub is_heap: bool,
    pub reports_evictions: bool,
}

#[napi(catch_unwind)]
pub fn open_cache(env: Env, options: CacheOptions) -> Result<u32> {
    let environment = environment::of(&env)?;
    let handle = open(environment, options).map_err(|error| throw(&env, &error))?;
    Ok(environment.handles.borrow_mut().caches.insert(handle)?)
}

fn open(environment: &Environment, options: CacheOptions) -> std::result::Result<Handle, ArgumentError> {
    let duration = |millis: Option<f64>| millis.map(|millis| Duration::from_millis(u64_of(millis)));
    let limits = limits(options.max, options.max_bytes, Limits { entries: usize::MAX, bytes: u64::MAX });
    let lifetime = Lifetime {
        ttl: duration(options.ttl),
        jitter: options.jitter.unwrap_or(JITTER),
        refresh_after: duration(options.refresh_after),
        stale_while_revalidate: duration(options.stale_while_revalidate).unwrap_or_default(),
        stale_if_error: duration(options.stale_if_error).unwrap_or_default(),
        error_ttl: duration(options.error_ttl).unwrap_or_default(),
    };
    let make = || Shared::new(Cache::new(&cache::Options { limits, lifetime }, Time::now().0));
    let shared = match options.name {
        None => Arc::new(make()),
        Some(name) => NAMED.open(&name, options.settings, make).map_err(|mismatch| {
            ArgumentError::Value(format!(
                "A cache named '{name}' exists with {option} = {}, not {}; all callers that share it must pass the same value",
                mismatch.existing,
                mismatch.requested,
                option = mismatch.option,
            ))
        })?,
    };
    let mailbox = options.mailbox.map(|number| (environment.port.clone(), number));
    let reports = match (options.is_heap, options.reports_evictions) {
        (true, _) => Reports::Slots,
        (false, true) => Reports::Entries,
        (false, false) => Reports::Nothing,
    };
    Ok(Handle::new(shared, mailbox, reports))
}

/// Returns the given limits, with those of `other` in place of omitted ones.
pub(super) fn limits(max: Option<f64>, max_bytes: Option<f64>, other: Limits) -> Limits {
    Limits {
        entries: max.map_or(other.entries, |max| usize::try_from(u64_of(max)).unwrap_or(usize::MAX)),
        bytes: max_bytes.map_or(other.bytes, u64_of),
    }
}

/// Closes a handle of a cache. Followers take over the flights that it led.
#[napi(catch_unwind)]
pub fn close_cache(env: Env, cache: u32) -> Result<()> {
    let environment = environment::of(&env)?;
    let handle = environment.handles.borrow_mut().caches.remove(cache);
    if let Some(handle) = handle {
        handle.close();
    }
    Ok(())
}
