//! The functions with which `lib/watch/` watches the event loop.

use super::active::ActiveWatch;
use super::begun::Begun;
use super::capture::Errors;
use super::garbage::Collected;
use super::runtime::{Runtime, runtime};
use super::watched_loop::{Block, Subject, WatchedLoop, capture_of};
use crate::metrics::float;
use crate::node::convert::{LatencySummary, f64_of};
use crate::node::environment::{self, Environment};
use crate::node::napi_raw::{self, misuse};
use crate::watch::vigil::Settings;
use crate::watch::{Nanos, now};
use napi::bindgen_prelude::{Array, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Measurements that this process allows.
#[expect(clippy::struct_excessive_bools, reason = "each is a measurement")]
#[napi(object, object_from_js = false)]
pub struct WatchCapabilities {
    pub iterations: bool,
    pub stacks: bool,
    pub cpu: bool,
    pub run_queue: bool,
    pub throttling: bool,
    pub system_calls: bool,
}

#[napi(object, object_to_js = false)]
pub struct WatchSettings {
    /// Milliseconds.
    pub threshold: f64,
    /// Milliseconds; `Infinity` for never.
    pub fatal: f64,
    /// Milliseconds after which a block is reported and the process ends; `Infinity` for never.
    pub last: f64,
}

#[napi(object, object_from_js = false)]
pub struct LoopStats {
    pub hold: LatencySummary,
    pub delay: LatencySummary,
    pub utilization: f64,
    /// Milliseconds.
    pub starved: f64,
    /// Milliseconds.
    pub collected: f64,
    pub looks: f64,
}

#[napi(object, object_from_js = false)]
pub struct Collections {
    /// Milliseconds.
    pub time: f64,
    /// Milliseconds.
    pub longest: f64,
    /// Number of major collections.
    pub majors: u32,
}

/// Returns whether the loop of this process can be watched.
#[napi(catch_unwind)]
pub fn can_watch() -> bool {
    runtime().is_some()
}

/// Starts to watch the loop of this environment. `subscriber` receives a record for each block. `describe` makes an error and returns
/// its stack and frames as JSON text; `formatter` returns the call sites of a stack; `inFlight` lists the requests in flight. `begun`
/// holds the count of the requests that have begun.
#[napi(
    catch_unwind,
    ts_args_type = "settings: WatchSettings, subscriber: number, threadId: number, functions: { errorClass: ErrorConstructor, descriptorOf: typeof Object.getOwnPropertyDescriptor, formatter: (error: unknown, sites: NodeJS.CallSite[]) => unknown, describe: () => string, inFlight: () => object }, begun: ArrayBuffer"
)]
pub fn start_watch(
    env: Env,
    settings: WatchSettings,
    subscriber: u32,
    thread_id: u32,
    functions: Object,
    begun: Unknown,
) -> Result<WatchCapabilities> {
    let environment = environment::of(&env)?;
    let runtime = runtime().ok_or_else(|| misuse("a watch in a runtime without libuv"))?;
    let event_loop = env.get_uv_event_loop()?.cast();
    let errors = Errors::new(&env, &functions)?;
    let begun = Begun::new(&env, &begun)?;
    let port = environment.port.clone();
    let subject = Subject { port, subscriber, thread_id };
    let watched = WatchedLoop::new(runtime, event_loop, settings.into(), subject, errors, begun);
    let capabilities = capabilities(runtime, &watched);
    let active = ActiveWatch::start(&env, runtime, watched)?;
    // Dropped outside the borrow: a previous watch closes its handle.
    let previous = environment.watch.borrow_mut().replace(active);
    drop(previous);
    Ok(capabilities)
}

#[napi(catch_unwind)]
pub fn stop_watch(env: Env) -> Result<()> {
    let previous = environment::of(&env)?.watch.borrow_mut().take();
    drop(previous);
    Ok(())
}

#[napi(catch_unwind)]
pub fn configure_watch(env: Env, settings: WatchSettings) -> Result<()> {
    with_watch(&env, |watch| watch.watched.configure(settings.into()))
}

#[napi(catch_unwind)]
pub fn pause_watch(env: Env) -> Result<()> {
    with_watch(&env, ActiveWatch::pause)
}

#[napi(catch_unwind)]
pub fn resume_watch(env: Env) -> Result<()> {
    with_watch(&env, ActiveWatch::resume)
}

/// Announces that a block begins or ends.
#[napi(catch_unwind)]
pub fn expect_block(env: Env, begins: bool) -> Result<()> {
    with_watch(&env, |watch| {
        if begins {
            watch.watched.begin_expected();
        } else {
            watch.watched.end_expected();
        }
    })
}

/// Ends the current iteration as if the loop went on: the process is about to exit.
#[napi(catch_unwind)]
pub fn end_iteration(env: Env) -> Result<()> {
    with_watch(&env, |watch| watch.watched.finish())
}

/// Returns the statistics of the loop.
#[napi(catch_unwind)]
pub fn loop_stats(env: Env) -> Result<LoopStats> {
    let mut stats = None;
    with_watch(&env, |watch| stats = Some(watch.watched.stats()))?;
    let stats = stats.ok_or_else(|| misuse("a loop that is not watched"))?;
    Ok(LoopStats {
        hold: stats.hold.into(),
        delay: stats.delay.into(),
        utilization: stats.utilization,
        starved: millis(stats.starved),
        collected: millis(stats.collected),
        looks: f64_of(stats.looks),
    })
}

/// Returns the garbage collections since the last call, or `null` if this Node.js does not show them.
#[napi(catch_unwind)]
pub fn take_collections(env: Env) -> Result<Option<Collections>> {
    let mut collected = None;
    with_watch(&env, |watch| collected = runtime().and_then(|runtime| watch.watched.garbage.take(runtime)))?;
    Ok(collected.map(|Collected { time, longest, majors }| Collections {
        time: millis(time),
        longest: millis(longest),
        majors,
    }))
}

/// Returns the oldest block that was not taken, or `null`. All times are in milliseconds; `began` is a time of the system's clock.
#[napi(
    catch_unwind,
    ts_return_type = "{ duration: number, began: number, endedAgo: number, cause: string, cpu: number | null, starved: number, suspended: number, gc: number, systemCall: string | null, begun: number, samples: { at: number, capture: 'on-time' | 'late' | 'none', lateness: number, error: Error | null, requests: object | null }[] } | null"
)]
pub fn take_block(env: &Env) -> Result<Option<Object<'_>>> {
    let environment: &Environment = environment::of(env)?;
    let watched = environment.watch.borrow().as_ref().map(|watch| watch.watched.clone());
    let Some((watched, block)) = watched.and_then(|watched| watched.take_block().map(|block| (watched, block))) else {
        return Ok(None);
    };
    let object = object_of(env, &block)?;
    watched.discard(block.samples);
    Ok(Some(object))
}

fn object_of<'env>(env: &'env Env, block: &Block) -> Result<Object<'env>> {
    let shares = block.findings.shares;
    let mut object = Object::new(env)?;
    object.set("duration", millis(shares.duration))?;
    let ended_ago = millis(now().saturating_sub(block.ended));
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    object.set("endedAgo", ended_ago)?;
    object.set("began", time.as_secs_f64() * 1e3 - ended_ago - millis(shares.duration))?;
    object.set("cause", block.cause.name())?;
    object.set("cpu", shares.cpu.map(millis))?;
    object.set("starved", millis(shares.starved))?;
    object.set("suspended", millis(shares.suspended))?;
    object.set("gc", millis(shares.gc))?;
    object.set("systemCall", block.findings.system_call)?;
    object.set("begun", block.begun)?;
    let mut samples: Array = env.create_array(0)?;
    for age in &block.findings.requested {
        let sample = block.samples.iter().find(|sample| sample.age == *age);
        let mut entry = Object::new(env)?;
        entry.set("at", millis(*age))?;
        entry.set("capture", capture_of(sample).name())?;
        entry.set("lateness", millis(sample.map_or(0, |sample| sample.lateness)))?;
        let captured = sample.map(|sample| &sample.captured);
        entry.set("error", captured.and_then(|it| napi_raw::pinned(env, &it.error)))?;
        let requests = captured.and_then(|it| it.requests.as_ref());
        entry.set("requests", requests.and_then(|pinned| napi_raw::pinned(env, pinned)))?;
        samples.insert(entry)?;
    }
    object.set("samples", samples)?;
    Ok(object)
}

fn with_watch(env: &Env, f: impl FnOnce(&ActiveWatch)) -> Result<()> {
    if let Some(watch) = &*environment::of(env)?.watch.borrow() {
        f(watch);
    }
    Ok(())
}

fn capabilities(runtime: &Runtime, watched: &Arc<WatchedLoop>) -> WatchCapabilities {
    let sources = watched.sources();
    WatchCapabilities {
        iterations: true,
        stacks: runtime.interrupts.is_some(),
        cpu: sources.cpu,
        run_queue: sources.run_queue,
        throttling: sources.throttling,
        system_calls: sources.system_call,
    }
}

impl From<WatchSettings> for Settings {
    fn from(settings: WatchSettings) -> Self {
        let nanos = |millis: f64| {
            Duration::try_from_secs_f64(millis / 1e3).ok().and_then(|it| Nanos::try_from(it.as_nanos()).ok())
        };
        Settings {
            threshold: nanos(settings.threshold).unwrap_or(Nanos::MAX),
            fatal: nanos(settings.fatal),
            last: nanos(settings.last),
        }
    }
}

/// Converts to milliseconds, rounded to microseconds.
fn millis(nanos: Nanos) -> f64 {
    float((nanos + 500) / 1000) / 1e3
}
