//! Opens and closes caches.

use super::handle::{Handle, Reports, Shared};
use crate::args::{Args, ArgumentError, Options};
use crate::cache::named::{Registry, Settings};
use crate::cache::{Cache, Lifetime, Limits, Options as CacheOptions};
use crate::clock::Time;
use crate::node::args::{read_arg, throw};
use crate::node::environment::{self, Environment};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

static NAMED: Registry<Shared> = Registry::new();

const MAX_SAFE: i64 = (1 << 53) - 1;
/// Number of available slots.
const MAX_ENTRIES: i64 = (1 << 31) - 1;
const OPTIONS: [&str; 14] = [
    "max",
    "maxBytes",
    "ttl",
    "jitter",
    "refreshAfter",
    "staleWhileRevalidate",
    "staleIfError",
    "errorTtl",
    "loadTimeout",
    "storage",
    "codec",
    "name",
    "mailbox",
    "evictions",
];

/// Opens a cache. Messages of other environments about its flights go to the port's number `mailbox`.
#[napi(catch_unwind, ts_args_type = "options: unknown")]
pub fn open_cache(env: Env, options: Unknown) -> Result<u32> {
    let args = Args::new(vec![read_arg(options)?]);
    let environment = environment::of(&env)?;
    let handle = open(environment, &args).map_err(|error| throw(&env, &error))?;
    Ok(environment.handles.borrow_mut().caches.insert(handle)?)
}

fn open(environment: &Environment, args: &Args) -> std::result::Result<Handle, ArgumentError> {
    let options = args.options(0, &OPTIONS)?;
    let settings = settings(&options);
    let limits = limits(&options)?;
    let duration = |name| Ok::<_, ArgumentError>(options.integer(name, 0..=MAX_SAFE)?.map(millis));
    let lifetime = Lifetime {
        ttl: duration("ttl")?,
        jitter: options.fraction("jitter")?.unwrap_or(0.05),
        refresh_after: duration("refreshAfter")?,
        stale_while_revalidate: duration("staleWhileRevalidate")?.unwrap_or_default(),
        stale_if_error: duration("staleIfError")?.unwrap_or_default(),
        error_ttl: duration("errorTtl")?.unwrap_or_default(),
    };
    let make = || Shared::new(Cache::new(&CacheOptions { limits, lifetime }, Time::now().0));
    let shared = match options.text("name")? {
        None => Arc::new(make()),
        Some(name) => NAMED.open(name, settings, make).map_err(|mismatch| {
            ArgumentError::Value(format!(
                "A cache named '{name}' exists with {option} = {}, not {}; all callers that share it must pass the same value",
                mismatch.existing,
                mismatch.requested,
                option = mismatch.option,
            ))
        })?,
    };
    let mailbox = options.integer("mailbox", 0..=u32::MAX.into())?.and_then(|number| u32::try_from(number).ok());
    let mailbox = mailbox.map(|number| (environment.port.clone(), number));
    let reports = match options.text("evictions")? {
        Some("slots") => Reports::Slots,
        Some("entries") => Reports::Entries,
        _ => Reports::Nothing,
    };
    Ok(Handle::new(shared, mailbox, reports))
}

/// Options that must be equal in all environments that share a cache.
fn settings(options: &Options) -> Settings {
    let shared = OPTIONS.into_iter().filter(|name| !["name", "mailbox", "evictions"].contains(name));
    shared.filter_map(|name| Some((name, options.spelled(name)?))).collect()
}

pub(super) fn limits(options: &Options) -> std::result::Result<Limits, ArgumentError> {
    let entries = options.integer("max", 1..=MAX_ENTRIES)?;
    let bytes = options.integer("maxBytes", 1..=MAX_SAFE)?;
    if entries.is_none() && bytes.is_none() {
        let message = "One of \"options.max\" and \"options.maxBytes\" is required: every cache is bounded";
        return Err(ArgumentError::Type(message.into()));
    }
    Ok(Limits {
        entries: entries.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX)),
        bytes: bytes.map_or(u64::MAX, i64::unsigned_abs),
    })
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

fn millis(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}
