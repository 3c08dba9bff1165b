//! Caches as JavaScript opens and uses them.
//!
//! Where an entry is, and which flight it waits for, comes back as numbers in an array that JavaScript passes along
//! ([`Answer`]); values of native storage come back as Buffers. In heap storage JavaScript holds the values itself, by slot.

mod answer;
mod calls;
mod report;

use super::args::{read_arg, throw};
use super::background_drop::drop_entries;
use super::completion::{Mail, Outcome, Port};
use super::environment::{self, Environment};
use super::id;
use crate::args::{Args, ArgumentError, Options};
use crate::cache::arena::{Arena, Stored};
use crate::cache::named::{Names, Settings};
use crate::cache::{self, Evicted, Lifetime, Limits, Lost, Remains, Token, Who};
use crate::clock::Time;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An encoded value; in heap storage there is none.
type Value = Option<Stored>;

/// A cache, and the handles that use it.
pub struct Shared {
    cache: cache::Cache<Value>,
    arena: Arena,
    /// Whom to tell, and under which number of its port.
    members: Mutex<BTreeMap<Who, (Arc<Port>, u32)>>,
}

/// An environment's hold on a cache.
pub struct Handle {
    /// Its number in the process: two of one cache in one environment are two participants.
    who: Who,
    shared: Arc<Shared>,
    reports: Reports,
    /// What was evicted and not yet reported; JavaScript asks right away.
    evicted: VecDeque<Gone>,
}

/// What is to be told of: an entry, or all that a cache held when it was cleared.
enum Gone {
    One(Evicted<Value>),
    All(Remains<Value>),
}

/// What JavaScript wants to hear of entries that went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reports {
    Nothing,
    /// Which slots are free: it holds the values.
    Slots,
    /// Ids and values.
    Entries,
}

static NAMES: Names<Shared> = Names::new();

const MAX_SAFE: i64 = (1 << 53) - 1;
/// As many entries as slots can have numbers.
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

/// Opens a cache. Other environments tell this one of its flights under the port's number `mailbox`.
#[napi(catch_unwind, ts_args_type = "options: unknown")]
pub fn open_cache(env: Env, options: Unknown) -> Result<u32> {
    let args = Args::new(vec![read_arg(options)?]);
    let environment = environment::of(&env)?;
    let handle = open(environment, &args).map_err(|error| throw(&env, &error))?;
    Ok(environment.handles.borrow_mut().caches.insert(handle)?)
}

fn open(environment: &Environment, args: &Args) -> std::result::Result<Handle, ArgumentError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let options = args.options(0, &OPTIONS)?;
    let settings = settings(&options);
    let limits = limits(&options)?;
    let span = |name| Ok::<_, ArgumentError>(options.integer(name, 0..=MAX_SAFE)?.map(millis));
    let lifetime = Lifetime {
        ttl: span("ttl")?,
        jitter: options.fraction("jitter")?.unwrap_or(0.05),
        refresh_after: span("refreshAfter")?,
        stale_while_revalidate: span("staleWhileRevalidate")?.unwrap_or_default(),
        stale_if_error: span("staleIfError")?.unwrap_or_default(),
        error_ttl: span("errorTtl")?.unwrap_or_default(),
    };
    let make = || Shared {
        cache: cache::Cache::new(&cache::Options { limits, lifetime }, Time::now().0),
        arena: Arena::new(),
        members: Mutex::default(),
    };
    let shared = match options.text("name")? {
        None => Arc::new(make()),
        Some(name) => NAMES.open(name, settings, make).map_err(|mismatch| {
            ArgumentError::Value(format!(
                "A cache named '{name}' exists with {option} = {}, not {}; all that share it must say the same",
                mismatch.existing,
                mismatch.wanted,
                option = mismatch.option,
            ))
        })?,
    };
    let mailbox = options.integer("mailbox", 0..=MAX_SAFE)?.and_then(|it| u32::try_from(it).ok()).unwrap_or(u32::MAX);
    let who = COUNT.fetch_add(1, Ordering::Relaxed);
    shared.members.lock().insert(who, (environment.port.clone(), mailbox));
    let reports = match options.text("evictions")? {
        Some("slots") => Reports::Slots,
        Some("entries") => Reports::Entries,
        _ => Reports::Nothing,
    };
    Ok(Handle { who, shared, reports, evicted: VecDeque::new() })
}

/// What all environments that share a cache must agree on.
fn settings(options: &Options) -> Settings {
    let shared = OPTIONS.into_iter().filter(|name| !["name", "mailbox", "evictions"].contains(name));
    shared.filter_map(|name| Some((name, options.spelled(name)?))).collect()
}

fn limits(options: &Options) -> std::result::Result<Limits, ArgumentError> {
    let entries = options.integer("max", 1..=MAX_ENTRIES)?;
    let bytes = options.integer("maxBytes", 1..=MAX_SAFE)?;
    if entries.is_none() && bytes.is_none() {
        let message = "One of \"options.max\" and \"options.maxBytes\" is required: there is no unbounded cache";
        return Err(ArgumentError::Type(message.into()));
    }
    Ok(Limits {
        entries: entries.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX)),
        bytes: bytes.map_or(u64::MAX, i64::unsigned_abs),
    })
}

/// Lets go of a cache. Flights that this environment led are handed over to others that wait for them.
#[napi(catch_unwind)]
pub fn close_cache(env: Env, cache: u32) -> Result<()> {
    let environment = environment::of(&env)?;
    let handle = environment.handles.borrow_mut().caches.remove(cache);
    if let Some(handle) = handle {
        handle.close();
    }
    Ok(())
}

impl Handle {
    /// Ends this environment's part in the cache.
    pub fn close(self) {
        let who = self.who;
        self.shared.members.lock().remove(&who);
        for (token, lost) in self.shared.cache.lose(who) {
            match lost {
                Lost::Leads(leader) => self.shared.tell(leader, token, Mail::Lead),
                Lost::Stops(leader) => self.shared.tell(leader, token, Mail::Stop),
            }
        }
        // Whoever is last takes all down.
        if let Some(shared) = Arc::into_inner(self.shared) {
            drop_entries(shared.cache.clear());
        }
    }
}

impl Handle {
    /// What is to be told of next.
    fn next_evicted(&mut self) -> Option<Evicted<Value>> {
        loop {
            match self.evicted.pop_front()? {
                Gone::One(evicted) => return Some(evicted),
                Gone::All(mut remains) => {
                    if let Some(evicted) = remains.next() {
                        self.evicted.push_front(Gone::All(remains));
                        return Some(evicted);
                    }
                }
            }
        }
    }
}

impl Shared {
    fn tell(&self, who: Who, token: Token, mail: Mail) {
        let member = self.members.lock().get(&who).cloned();
        if let Some((port, mailbox)) = member {
            port.complete(mailbox, Outcome::Mail { flight: token, mail });
        }
    }
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}
