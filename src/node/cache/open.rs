//! Opens and closes caches. `lib/cache/options.js` checks the options.

use super::handle::{Handle, Shared};
use crate::args::ArgumentError;
use crate::cache::named::{Registry, Settings};
use crate::cache::{self, Cache, Lifetime, Limits, Policy};
use crate::clock::Time;
use crate::mismatch;
use crate::node::args::throw;
use crate::node::convert::{duration_of, u64_of};
use crate::node::environment::{self, Environment};
use napi::{Env, Result};
use napi_derive::napi;
use std::collections::BTreeMap;
use std::sync::Arc;

static NAMED: Registry<Shared> = Registry::new();

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
    /// `s3-fifo`, or `lru` by default.
    pub policy: Option<String>,
    pub name: Option<String>,
    /// Options that must be those of an existing cache of this name.
    pub settings: BTreeMap<String, String>,
    /// Settings of a new cache where `settings` has none.
    pub defaults: BTreeMap<String, String>,
    /// Subscriber at the completion port to which other environments send messages about flights.
    pub mailbox: Option<u32>,
    pub reports_evictions: bool,
}

#[napi(object, object_from_js = false)]
pub struct OpenedCache {
    pub handle: u32,
    /// All settings of a named cache.
    pub settings: BTreeMap<String, String>,
}

/// Opens a cache. Returns `null` if none of that name exists and the options have no limits for a new one.
#[napi(catch_unwind, ts_return_type = "OpenedCache | null")]
pub fn open_cache(env: Env, options: CacheOptions) -> Result<Option<OpenedCache>> {
    let environment = environment::of(&env)?;
    let Some((handle, settings)) = open(environment, options).map_err(|error| throw(&env, &error))? else {
        return Ok(None);
    };
    let handle = environment.handles.borrow_mut().caches.insert(handle)?;
    Ok(Some(OpenedCache { handle, settings }))
}

fn open(
    environment: &Environment,
    options: CacheOptions,
) -> std::result::Result<Option<(Handle, Settings)>, ArgumentError> {
    let duration = |millis: Option<f64>| millis.map(duration_of);
    let limits = limits(options.max, options.max_bytes, Limits { entries: usize::MAX, bytes: u64::MAX });
    let lifetime = Lifetime {
        ttl: duration(options.ttl),
        jitter: options.jitter.unwrap_or_default(),
        refresh_after: duration(options.refresh_after),
        stale_while_revalidate: duration(options.stale_while_revalidate).unwrap_or_default(),
        stale_if_error: duration(options.stale_if_error).unwrap_or_default(),
        error_ttl: duration(options.error_ttl).unwrap_or_default(),
    };
    let policy = if options.policy.as_deref() == Some("s3-fifo") { Policy::S3Fifo } else { Policy::Lru };
    let is_bounded = options.max.is_some() || options.max_bytes.is_some();
    let make =
        || is_bounded.then(|| Shared::new(Cache::new(&cache::Options { limits, lifetime, policy }, Time::now().0)));
    let opened = match options.name {
        None => make().map(|shared| (Arc::new(shared), Settings::new())),
        Some(name) => NAMED
            .open(&name, options.settings, options.defaults, make)
            .map_err(|differing| mismatch::error("cache", &name, &differing))?,
    };
    let Some((shared, settings)) = opened else { return Ok(None) };
    let mailbox = options.mailbox.map(|number| (environment.port.clone(), number));
    Ok(Some((Handle::new(shared, mailbox, options.reports_evictions), settings)))
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
