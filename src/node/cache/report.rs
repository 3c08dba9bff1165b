//! Contents, evictions and statistics of a cache.

use super::key;
use crate::cache::arena::Stored;
use crate::cache::{self, Evicted, Key};
use crate::node::convert::{LatencySummary, f64_of, time_of};
use crate::node::environment;
use crate::node::napi_raw;
use crate::node::protocol::EvictionReason;
use napi::bindgen_prelude::{Array, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

#[napi(object, object_from_js = false)]
pub struct CacheEvictions {
    pub size: f64,
    pub ttl: f64,
    pub replaced: f64,
    pub deleted: f64,
}

#[napi(object, object_from_js = false)]
pub struct CacheStats {
    pub size: f64,
    pub bytes: f64,
    pub hits: f64,
    pub stale_hits: f64,
    pub misses: f64,
    pub loads: f64,
    pub coalesced: f64,
    pub load_failures: f64,
    pub in_flight: f64,
    pub evictions: CacheEvictions,
    pub load_time: LatencySummary,
}

impl From<cache::Stats> for CacheStats {
    fn from(stats: cache::Stats) -> Self {
        let counts = stats.counts;
        let cache::Evictions { size, ttl, replaced, deleted } = counts.evictions;
        CacheStats {
            size: f64_of(stats.size as u64),
            bytes: f64_of(stats.bytes),
            hits: f64_of(counts.hits),
            stale_hits: f64_of(counts.stale_hits),
            misses: f64_of(counts.misses),
            loads: f64_of(counts.loads),
            coalesced: f64_of(counts.coalesced),
            load_failures: f64_of(counts.load_failures),
            in_flight: f64_of(stats.in_flight as u64),
            evictions: CacheEvictions {
                size: f64_of(size),
                ttl: f64_of(ttl),
                replaced: f64_of(replaced),
                deleted: f64_of(deleted),
            },
            load_time: stats.load_time.into(),
        }
    }
}

/// Returns the number of entries.
#[napi(catch_unwind)]
pub fn cache_size(env: Env, cache: u32) -> Result<f64> {
    Ok(f64_of(environment::of(&env)?.handles.borrow().cache(cache)?.shared.cache.size().0 as u64))
}

/// Returns the total weight of the entries.
#[napi(catch_unwind)]
pub fn cache_bytes(env: Env, cache: u32) -> Result<f64> {
    Ok(f64_of(environment::of(&env)?.handles.borrow().cache(cache)?.shared.cache.size().1))
}

#[napi(catch_unwind)]
pub fn cache_stats(env: Env, cache: u32) -> Result<CacheStats> {
    Ok(environment::of(&env)?.handles.borrow().cache(cache)?.shared.cache.stats().into())
}

/// Returns the version words, indexed by the lower bits of a slot, or `null` if native memory cannot be exposed to JavaScript.
#[napi(catch_unwind, ts_return_type = "Uint32Array | null")]
pub fn cache_versions(env: &Env, cache: u32) -> Result<Option<Unknown<'_>>> {
    let versions = environment::of(env)?.handles.borrow().cache(cache)?.shared.cache.versions().clone();
    Ok(napi_raw::exposed_u32s(env, versions))
}

/// Returns up to `max` unreported evictions as alternating keys, values and reasons.
#[napi(catch_unwind, ts_return_type = "any[]")]
pub fn cache_evicted(env: &Env, cache: u32, max: u32) -> Result<Array<'_>> {
    let evicted: Vec<_> = {
        let handles = &mut *environment::of(env)?.handles.borrow_mut();
        let handle = handles.cache_mut(cache)?;
        std::iter::from_fn(|| handle.next_evicted()).take(max as usize).collect()
    };
    let mut list = List::new(env)?;
    for Evicted { key, value, reason } in evicted {
        list.push(key::write(env, &key)?)?;
        list.push(buffer(env, &value)?)?;
        list.push(EvictionReason::from(reason) as u32)?;
    }
    Ok(list.array)
}

/// Returns the fresh entries, from the most to the least likely to stay, as alternating keys and values.
#[napi(catch_unwind, ts_return_type = "any[]")]
pub fn cache_entries(env: &Env, cache: u32, now: f64) -> Result<Array<'_>> {
    let mut list = List::new(env)?;
    for (key, value) in fresh(env, cache, now)? {
        list.push(key::write(env, &key)?)?;
        list.push(buffer(env, &value)?)?;
    }
    Ok(list.array)
}

/// Returns the keys of the fresh entries, in the order of `cacheEntries`.
#[napi(catch_unwind, ts_return_type = "any[]")]
pub fn cache_keys(env: &Env, cache: u32, now: f64) -> Result<Array<'_>> {
    let mut list = List::new(env)?;
    for (key, _) in fresh(env, cache, now)? {
        list.push(key::write(env, &key)?)?;
    }
    Ok(list.array)
}

fn fresh(env: &Env, cache: u32, now: f64) -> Result<Vec<(Key, Stored)>> {
    let handles = environment::of(env)?.handles.borrow();
    Ok(handles.cache(cache)?.shared.cache.entries(time_of(now)))
}

struct List<'env> {
    array: Array<'env>,
    count: u32,
}

impl<'env> List<'env> {
    fn new(env: &'env Env) -> Result<Self> {
        Ok(List { array: env.create_array(0)?, count: 0 })
    }

    fn push<T: napi::bindgen_prelude::ToNapiValue>(&mut self, value: T) -> Result<()> {
        self.array.set(self.count, value)?;
        self.count += 1;
        Ok(())
    }
}

pub(super) fn buffer<'env>(env: &'env Env, value: &Stored) -> Result<Unknown<'env>> {
    napi_raw::buffer(env, value.len(), |write| value.read(write))
}
