//! Operations on an open cache.

use super::answer::{Answer, answer};
use super::handle::{Handle, Pending};
use super::key;
use super::open::limits;
use super::report::buffer;
use crate::cache::arena::Stored;
use crate::cache::{FlightId, Incoming, Key, LeaveOutcome, Lookup, Participant, Role};
use crate::clock::Time;
use crate::node::background_drop::{drop_entries, drop_pieces};
use crate::node::completion::Mail;
use crate::node::convert::{duration_of, millis_of, time_of, u64_of};
use crate::node::environment;
use crate::node::napi_raw::{self, misuse};
use crate::node::protocol::AnswerKind;
use napi::bindgen_prelude::{JsValue, Unknown};
use napi::{Env, Result, ValueType};
use napi_derive::napi;

/// Returns the time of the process-wide clock, in milliseconds.
#[napi(catch_unwind)]
pub fn cache_clock() -> f64 {
    millis_of(Time::now())
}

/// Calls `f` for a key. Copies its value to `scratch` and returns the length, or returns a Buffer if `scratch` is too short.
fn look_up<'env>(
    env: &'env Env,
    cache: u32,
    key: &Unknown,
    scratch: &Unknown,
    out: &Unknown,
    f: impl FnOnce(&mut Handle, &Key, &mut Answer) -> Option<Stored>,
) -> Result<Option<Unknown<'env>>> {
    let key = read_key(env, key)?;
    let Some(value) = answer(env, cache, out, |handle, answer| f(handle, &key, answer))? else {
        return Ok(None);
    };
    let length = value.len();
    let fits = napi_raw::with_u8s(env, scratch, |scratch| {
        scratch.get_mut(..length).map(|target| value.read(|bytes| target.copy_from_slice(bytes)))
    });
    if fits.flatten().is_some() {
        let length = u32::try_from(length).map_err(|_| misuse("a scratch buffer of 4 GiB or more"))?;
        return Ok(Some(env.create_uint32(length)?.to_unknown()));
    }
    buffer(env, &value).map(Some)
}

/// Returns the value, or joins the flight that loads it. Before that, records uses of copies: the first `used` slots in `uses`,
/// oldest first.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, key: unknown, now: number, uses: Uint32Array, used: number, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_get<'env>(
    env: &'env Env,
    cache: u32,
    key: Unknown,
    now: f64,
    uses: Unknown,
    used: u32,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    if used > 0 {
        touch(env, cache, &uses, used)?;
    }
    look_up(env, cache, &key, &scratch, &out, |handle, key, answer| {
        let (lookup, expired) = handle.shared.cache.get(key, handle.participant, time_of(now));
        let value = match lookup {
            Lookup::Hit { found, refresh } => {
                answer.kind(AnswerKind::Hit, refresh);
                answer.entry(&found.entry);
                Some(found.value)
            }
            Lookup::Failing { error } => {
                answer.kind(AnswerKind::Failing, None);
                error
            }
            Lookup::Miss { join, previous } => {
                answer.join(join);
                previous
            }
        };
        answer.evicted(handle, expired);
        value
    })
}

/// Joins or begins a flight for the key. Returns the last known value.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, key: unknown, now: number, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
pub fn cache_refresh<'env>(
    env: &'env Env,
    cache: u32,
    key: Unknown,
    now: f64,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    look_up(env, cache, &key, &scratch, &out, |handle, key, answer| {
        let (join, previous) = handle.shared.cache.refresh(key, handle.participant, time_of(now));
        answer.join(join);
        previous
    })
}

/// Returns a fresh value. With `counts` it is counted as a hit or a miss.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, key: unknown, now: number, counts: boolean, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
pub fn cache_peek<'env>(
    env: &'env Env,
    cache: u32,
    key: Unknown,
    now: f64,
    counts: bool,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    look_up(env, cache, &key, &scratch, &out, |handle, key, answer| peek(handle, key, now, counts, answer))
}

/// Writes an answer of kind `Hit` if the key has a fresh entry, and of kind `Nothing` if not.
#[napi(catch_unwind, ts_args_type = "cache: number, key: unknown, now: number, out: Float64Array")]
pub fn cache_has(env: Env, cache: u32, key: Unknown, now: f64, out: Unknown) -> Result<()> {
    let key = read_key(&env, &key)?;
    answer(&env, cache, &out, |handle, answer| drop(peek(handle, &key, now, false, answer)))
}

fn read_key(env: &Env, key: &Unknown) -> Result<Key> {
    key::read(env, key).ok_or_else(|| misuse("a key that is not a string, number or bigint"))
}

fn peek(handle: &mut Handle, key: &Key, now: f64, counts: bool, answer: &mut Answer) -> Option<Stored> {
    let cache = &handle.shared.cache;
    let now = time_of(now);
    let (found, expired) = if counts { cache.find(key, now) } else { cache.peek(key, now) };
    answer.kind(if found.is_some() { AnswerKind::Hit } else { AnswerKind::Nothing }, None);
    let value = found.map(|found| {
        answer.entry(&found.entry);
        found.value
    });
    answer.evicted(handle, expired);
    value
}

/// Records uses of copies, as `cacheGet` does, then stores a value. If `ttl` is negative, that of the cache applies.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, key: unknown, value: Uint8Array, weight: number, ttl: number, now: number, uses: Uint32Array, used: number, out: Float64Array"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_set(
    env: Env,
    cache: u32,
    key: Unknown,
    value: Unknown,
    weight: f64,
    ttl: f64,
    now: f64,
    uses: Unknown,
    used: u32,
    out: Unknown,
) -> Result<()> {
    let key = read_key(&env, &key)?;
    let incoming = incoming(store(&env, cache, &value)?, weight, ttl, -1.0);
    with_uses(&env, &uses, used, |uses| {
        answer(&env, cache, &out, |handle, answer| {
            let evicted = handle.shared.cache.set(uses, &key, incoming, time_of(now));
            answer.kind(AnswerKind::Nothing, None);
            answer.evicted(handle, evicted);
        })
    })?
}

/// Completes a load, and stores its value if `keeps` is true. Followers receive the value, if there is one. If `ttl` or `refresh` is
/// negative, that of the cache applies.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, flight: number, value: Uint8Array | undefined, keeps: boolean, weight: number, ttl: number, refresh: number, took: number, now: number, out: Float64Array"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_complete(
    env: Env,
    cache: u32,
    flight: f64,
    value: Unknown,
    keeps: bool,
    weight: f64,
    ttl: f64,
    refresh: f64,
    took: f64,
    now: f64,
    out: Unknown,
) -> Result<()> {
    let (flight, value) = (u64_of(flight), store_defined(&env, cache, &value)?);
    answer(&env, cache, &out, |handle, answer| {
        answer.kind(AnswerKind::Nothing, None);
        let incoming = value.clone().filter(|_| keeps).map(|value| incoming(value, weight, ttl, refresh));
        let (shared, took) = (&handle.shared, duration_of(took));
        let loaded = shared.cache.complete(flight, handle.participant, incoming, took, time_of(now));
        let Some(loaded) = loaded else { return };
        for follower in loaded.followers {
            shared.notify(follower, flight, value.clone().map_or(Mail::Absent, Mail::Value));
        }
        answer.evicted(handle, loaded.evicted);
    })
}

/// Ends a failed load. Returns the value to serve in place of the error, if there is one; followers receive this value or the
/// error's bytes. The answer names the flight if it was the key's current one.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, flight: number, error: Uint8Array | undefined, took: number, now: number, out: Float64Array",
    ts_return_type = "Buffer | null"
)]
pub fn cache_fail<'env>(
    env: &'env Env,
    cache: u32,
    flight: f64,
    error: Unknown,
    took: f64,
    now: f64,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    let flight = u64_of(flight);
    let error = store_defined(env, cache, &error)?;
    let value = answer(env, cache, &out, |handle, answer| {
        answer.kind(AnswerKind::Nothing, None);
        let (cache, participant) = (&handle.shared.cache, handle.participant);
        let failed = cache.fail(flight, participant, error.clone(), duration_of(took), time_of(now))?;
        answer.kind(AnswerKind::Nothing, failed.is_current.then_some(flight));
        for follower in failed.followers {
            let mail = match (&failed.fallback, &error) {
                (Some(value), _) => Mail::Value(value.clone()),
                (_, Some(error)) => Mail::Error(error.clone()),
                (_, None) => Mail::Stop,
            };
            handle.shared.notify(follower, flight, mail);
        }
        failed.fallback
    })?;
    value.map(|value| buffer(env, &value)).transpose()
}

/// Leaves a flight that no caller in this environment waits for. `loads` states that its loader runs here. Returns true if that
/// loader may stop, because no other environment waits either.
#[napi(catch_unwind)]
pub fn cache_leave(env: Env, cache: u32, flight: f64, loads: bool) -> Result<bool> {
    let role = if loads { Role::Loader } else { Role::Waiter };
    leave(&env, cache, u64_of(flight), |handle| handle.shared.cache.leave(u64_of(flight), handle.participant, role))
}

/// Leaves a flight whose load in another environment takes too long. The key's next caller begins another one.
#[napi(catch_unwind)]
pub fn cache_give_up(env: Env, cache: u32, flight: f64) -> Result<bool> {
    leave(&env, cache, u64_of(flight), |handle| handle.shared.cache.give_up(u64_of(flight), handle.participant))
}

fn leave(
    env: &Env,
    cache: u32,
    flight: FlightId,
    f: impl FnOnce(&Handle) -> Option<LeaveOutcome<Participant>>,
) -> Result<bool> {
    let handles = environment::of(env)?.handles.borrow();
    let handle = handles.cache(cache)?;
    Ok(match f(handle) {
        Some(LeaveOutcome::Abandoned { leader }) if leader == handle.participant => true,
        Some(outcome) => {
            handle.shared.notify_leader(flight, &outcome);
            false
        }
        None => false,
    })
}

/// Removes an entry. Returns whether there was one.
#[napi(catch_unwind, ts_args_type = "cache: number, key: unknown, now: number, out: Float64Array")]
pub fn cache_delete(env: Env, cache: u32, key: Unknown, now: f64, out: Unknown) -> Result<bool> {
    let key = read_key(&env, &key)?;
    answer(&env, cache, &out, |handle, answer| {
        let (deleted, evicted) = handle.shared.cache.delete(&key, time_of(now));
        answer.kind(AnswerKind::Nothing, None);
        answer.evicted(handle, evicted);
        deleted
    })
}

/// Removes all entries. They are kept for `cacheEvicted` if evictions are reported.
#[napi(catch_unwind)]
pub fn cache_clear(env: Env, cache: u32) -> Result<()> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let handle = handles.cache_mut(cache)?;
    let detached = handle.shared.cache.clear();
    if let Some(pending) = &mut handle.pending {
        let count = detached.count();
        let (entries, rest) = detached.split();
        pending.push_back(Pending::Detached(entries));
        drop_pieces(rest, count);
    } else {
        drop_entries(detached);
    }
    Ok(())
}

/// Changes the limits; those passed as `undefined` stay.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, max: number | undefined, maxBytes: number | undefined, now: number, out: Float64Array"
)]
pub fn cache_resize(
    env: Env,
    cache: u32,
    max: Option<f64>,
    max_bytes: Option<f64>,
    now: f64,
    out: Unknown,
) -> Result<()> {
    answer(&env, cache, &out, |handle, answer| {
        let limits = limits(max, max_bytes, handle.shared.cache.limits());
        let evicted = handle.shared.cache.resize(limits, time_of(now));
        answer.kind(AnswerKind::Nothing, None);
        answer.evicted(handle, evicted);
    })
}

/// Records uses of copies: the first `count` of `slots`, oldest first.
#[napi(catch_unwind, ts_args_type = "cache: number, slots: Uint32Array, count: number")]
pub fn cache_touch(env: Env, cache: u32, slots: Unknown, count: u32) -> Result<()> {
    touch(&env, cache, &slots, count)
}

fn touch(env: &Env, cache: u32, slots: &Unknown, count: u32) -> Result<()> {
    let handles = environment::of(env)?.handles.borrow();
    let shared = &handles.cache(cache)?.shared;
    with_uses(env, slots, count, |uses| shared.cache.touch(uses))
}

/// Calls `f` with the first `count` of `slots`.
fn with_uses<R>(env: &Env, slots: &Unknown, count: u32, f: impl FnOnce(&[u32]) -> R) -> Result<R> {
    napi_raw::with_u32s(env, slots, |slots| slots.get(..count as usize).map(f))
        .flatten()
        .ok_or_else(|| misuse("an invalid list of slots"))
}

fn incoming(value: Stored, weight: f64, ttl: f64, refresh: f64) -> Incoming<Stored> {
    let given = |millis: f64| (millis >= 0.0).then(|| duration_of(millis));
    Incoming { value, weight: u64_of(weight), ttl: given(ttl), refresh: given(refresh) }
}

fn store_defined(env: &Env, cache: u32, bytes: &Unknown) -> Result<Option<Stored>> {
    if bytes.get_type()? == ValueType::Undefined { Ok(None) } else { store(env, cache, bytes).map(Some) }
}

/// Copies bytes into the cache's arena.
fn store(env: &Env, cache: u32, bytes: &Unknown) -> Result<Stored> {
    let environment = environment::of(env)?;
    let handles = environment.handles.borrow();
    let arena = &handles.cache(cache)?.shared.arena;
    let stored = napi_raw::with_bytes(env, bytes, |bytes| (bytes.len(), arena.store(bytes)));
    let (length, stored) = stored.ok_or_else(|| misuse("a value that is not bytes"))?;
    stored.map_err(|_| {
        environment.throw_memory(env, format!("Out of memory: cannot allocate {length} bytes for a value"))
    })
}
