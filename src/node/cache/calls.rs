//! What JavaScript does with a cache.

use super::answer::{Answer, Kind, answer, from_millis, span, to_millis, whole};
use super::report::buffer;
use super::{Gone, Handle, Value, id, limits};
use crate::args::Args;
use crate::cache::arena::Stored;
use crate::cache::{Got, Held, Id, Incoming, Left, Limits, Part, Token, Who};
use crate::clock::Time;
use crate::node::args::{read_arg, throw, throw_memory};
use crate::node::background_drop::{drop_entries, drop_pieces};
use crate::node::completion::Mail;
use crate::node::environment;
use crate::node::napi_raw::{self, misuse};
use napi::bindgen_prelude::{JsValue, Unknown};
use napi::{Env, Result, ValueType};
use napi_derive::napi;

/// Milliseconds on the clock that all environments of the process share.
#[napi(catch_unwind)]
pub fn cache_clock() -> f64 {
    to_millis(Time::now())
}

/// Asks the cache for an id, and returns the bytes of the value that comes with the answer: their number if they are in
/// `scratch`, or else a Buffer.
fn ask<'env>(
    env: &'env Env,
    cache: u32,
    id: &Unknown,
    scratch: &Unknown,
    out: &Unknown,
    f: impl FnOnce(&mut Handle, &Id, &mut Answer, Who) -> Value,
) -> Result<Option<Unknown<'env>>> {
    let id = id::read(env, id).ok_or_else(|| misuse("an id that is none"))?;
    let Some(value) = answer(env, cache, out, |handle, answer, who| f(handle, &id, answer, who))? else {
        return Ok(None);
    };
    let length = value.len();
    let fits = napi_raw::with_u8s(env, scratch, |scratch| {
        scratch.get_mut(..length).map(|room| value.read(|bytes| room.copy_from_slice(bytes)))
    });
    if fits.flatten().is_some() {
        let length = u32::try_from(length).map_err(|_| misuse("a scratch that is too large"))?;
        return Ok(Some(env.create_uint32(length)?.to_unknown()));
    }
    buffer(env, Some(value))
}

/// The value, or the flight that brings it. The first `used` of `uses` are slots of copies that were used before, in order.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, id: unknown, now: number, uses: Uint32Array, used: number, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_get<'env>(
    env: &'env Env,
    cache: u32,
    id: Unknown,
    now: f64,
    uses: Unknown,
    used: u32,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    if used > 0 {
        touch(env, cache, &uses, used)?;
    }
    ask(env, cache, &id, &scratch, &out, |handle, id, answer, who| {
        let (got, gone) = handle.shared.cache.get(id, who, from_millis(now));
        let value = match got {
            Got::Hit { held, refresh } => {
                answer.kind(Kind::Hit, refresh);
                answer.place(&held.place);
                held.value
            }
            Got::Failing { error } => {
                answer.kind(Kind::Failing, None);
                error
            }
            Got::Miss { joined, previous } => answer.joined(joined, previous),
        };
        answer.evicted(handle, gone);
        value
    })
}

/// The flight that loads it anew. Returns what is held.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, id: unknown, now: number, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
pub fn cache_refresh<'env>(
    env: &'env Env,
    cache: u32,
    id: Unknown,
    now: f64,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    ask(env, cache, &id, &scratch, &out, |handle, id, answer, who| {
        let (joined, previous) = handle.shared.cache.refresh(id, who, from_millis(now));
        answer.joined(joined, previous)
    })
}

/// What is held and fresh. With `counts` it is a use of it, or a miss.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, id: unknown, now: number, counts: boolean, scratch: Uint8Array | undefined, out: Float64Array",
    ts_return_type = "Buffer | number | null"
)]
pub fn cache_peek<'env>(
    env: &'env Env,
    cache: u32,
    id: Unknown,
    now: f64,
    counts: bool,
    scratch: Unknown,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    ask(env, cache, &id, &scratch, &out, |handle, id, answer, _| peek(handle, id, now, counts, answer))
}

/// Whether something is held and fresh.
#[napi(catch_unwind, ts_args_type = "cache: number, id: unknown, now: number, out: Float64Array")]
pub fn cache_has(env: Env, cache: u32, id: Unknown, now: f64, out: Unknown) -> Result<()> {
    let id = id::read(&env, &id).ok_or_else(|| misuse("an id that is none"))?;
    answer(&env, cache, &out, |handle, answer, _| drop(peek(handle, &id, now, false, answer)))
}

fn peek(handle: &mut Handle, id: &Id, now: f64, counts: bool, answer: &mut Answer) -> Value {
    let cache = &handle.shared.cache;
    let now = from_millis(now);
    let (held, gone) = if counts { cache.find(id, now) } else { cache.peek(id, now) };
    answer.kind(if held.is_some() { Kind::Hit } else { Kind::Nothing }, None);
    let value = held.and_then(|held| {
        answer.place(&held.place);
        held.value
    });
    answer.evicted(handle, gone);
    value
}

/// Stores a value: its bytes, or `undefined` in heap storage. A negative `ttl` is none of its own.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, id: unknown, value: Uint8Array | undefined, weight: number, ttl: number, now: number, out: Float64Array"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_set(
    env: Env,
    cache: u32,
    id: Unknown,
    value: Unknown,
    weight: f64,
    ttl: f64,
    now: f64,
    out: Unknown,
) -> Result<()> {
    let id = id::read(&env, &id).ok_or_else(|| misuse("an id that is none"))?;
    let incoming = incoming(&env, cache, &value, weight, ttl)?;
    answer(&env, cache, &out, |handle, answer, _| {
        let stored = handle.shared.cache.set(&id, incoming, from_millis(now));
        answer.stored(handle, stored);
    })
}

/// A load has ended with a value, to be kept unless `keeps` is false. In native storage others that wait get the bytes.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, token: number, value: Uint8Array | undefined, keeps: boolean, weight: number, ttl: number, took: number, now: number, out: Float64Array"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn cache_arrive(
    env: Env,
    cache: u32,
    token: f64,
    value: Unknown,
    keeps: bool,
    weight: f64,
    ttl: f64,
    took: f64,
    now: f64,
    out: Unknown,
) -> Result<()> {
    let incoming = incoming(&env, cache, &value, weight, ttl)?;
    let value = incoming.value.clone();
    answer(&env, cache, &out, |handle, answer, who| {
        let incoming = keeps.then_some(incoming);
        let shared = handle.shared.clone();
        match shared.cache.arrive(whole(token), who, incoming, span(took), from_millis(now)) {
            None => answer.kind(Kind::Nothing, None),
            Some(arrived) => {
                for follower in arrived.followers {
                    shared.tell(follower, whole(token), value.clone().map_or(Mail::Absent, Mail::Value));
                }
                answer.stored(handle, arrived.stored);
            }
        }
    })
}

/// A load has failed; others that wait get the error's bytes. Returns what is to be served in place of the error. There is a
/// token if the flight was the current one.
#[napi(
    catch_unwind,
    ts_args_type = "cache: number, token: number, error: Uint8Array | undefined, took: number, now: number, out: Float64Array",
    ts_return_type = "Buffer | null"
)]
pub fn cache_fail<'env>(
    env: &'env Env,
    cache: u32,
    token: f64,
    error: Unknown,
    took: f64,
    now: f64,
    out: Unknown,
) -> Result<Option<Unknown<'env>>> {
    // Threads that wait, or ask soon, get it as bytes; in heap storage JavaScript keeps it.
    let error = if error.get_type()? == ValueType::Undefined { None } else { Some(store(env, cache, &error)?) };
    let value = answer(env, cache, &out, |handle, answer, who| {
        answer.kind(Kind::Nothing, None);
        let failed = handle.shared.cache.fail(whole(token), who, error.clone(), span(took), from_millis(now));
        let failed = failed?;
        let current = failed.is_current.then_some(whole(token));
        answer.kind(Kind::Nothing, current);
        for follower in failed.followers {
            let mail = match (&failed.fallback, &error) {
                (Some(Held { value: Some(value), .. }), _) => Mail::Value(value.clone()),
                (_, Some(error)) => Mail::Error(error.clone()),
                (_, None) => Mail::Stop,
            };
            handle.shared.tell(follower, whole(token), mail);
        }
        let held = failed.fallback?;
        answer.kind(Kind::Hit, current);
        answer.place(&held.place);
        held.value
    })?;
    buffer(env, value)
}

/// Nobody here waits for the flight any more. With `loads` this environment is at it. `true`: nobody waits at all, and
/// whoever loads may stop.
#[napi(catch_unwind)]
pub fn cache_leave(env: Env, cache: u32, token: f64, loads: bool) -> Result<bool> {
    let part = if loads { Part::Loads } else { Part::Waits };
    left(&env, cache, whole(token), |handle| handle.shared.cache.leave(whole(token), handle.who, part))
}

/// The load of a flight elsewhere takes too long: leaves it, and whoever asks next loads anew.
#[napi(catch_unwind)]
pub fn cache_give_up(env: Env, cache: u32, token: f64) -> Result<bool> {
    left(&env, cache, whole(token), |handle| handle.shared.cache.give_up(whole(token), handle.who))
}

fn left(env: &Env, cache: u32, token: Token, leave: impl FnOnce(&Handle) -> Option<Left<Who>>) -> Result<bool> {
    let handles = environment::of(env)?.handles.borrow();
    let handle = handles.cache(cache)?;
    Ok(match leave(handle) {
        Some(Left::Ends { leader }) if leader == handle.who => true,
        Some(Left::Ends { leader }) => {
            handle.shared.tell(leader, token, Mail::Stop);
            false
        }
        Some(Left::Leads(leader)) => {
            handle.shared.tell(leader, token, Mail::Lead);
            false
        }
        Some(Left::GoesOn) | None => false,
    })
}

/// `true`: there was one.
#[napi(catch_unwind, ts_args_type = "cache: number, id: unknown, now: number, out: Float64Array")]
pub fn cache_delete(env: Env, cache: u32, id: Unknown, now: f64, out: Unknown) -> Result<bool> {
    let id = id::read(&env, &id).ok_or_else(|| misuse("an id that is none"))?;
    answer(&env, cache, &out, |handle, answer, _| {
        let (deleted, evicted) = handle.shared.cache.delete(&id, from_millis(now));
        answer.kind(Kind::Nothing, None);
        answer.evicted(handle, evicted);
        deleted
    })
}

/// Everything goes. With `reports` JavaScript asks for it.
#[napi(catch_unwind)]
pub fn cache_clear(env: Env, cache: u32, reports: bool) -> Result<()> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let handle = handles.cache_mut(cache)?;
    let cleared = handle.shared.cache.clear();
    if reports {
        let pieces = cleared.count();
        let (remains, rest) = cleared.split();
        handle.evicted.push_back(Gone::All(remains));
        drop_pieces(rest, pieces);
    } else {
        drop_entries(cleared);
    }
    Ok(())
}

/// New bounds; a bound that is left out stays as it is.
#[napi(catch_unwind, ts_args_type = "cache: number, options: unknown, now: number, out: Float64Array")]
pub fn cache_resize(env: Env, cache: u32, options: Unknown, now: f64, out: Unknown) -> Result<()> {
    let args = Args::new(vec![read_arg(options)?]);
    let limits = args
        .options(0, &["max", "maxBytes"])
        .and_then(|options| limits(&options))
        .map_err(|error| throw(&env, &error))?;
    answer(&env, cache, &out, |handle, answer, _| {
        let old = handle.shared.cache.limits();
        let limits = Limits {
            entries: if limits.entries == usize::MAX { old.entries } else { limits.entries },
            bytes: if limits.bytes == u64::MAX { old.bytes } else { limits.bytes },
        };
        let evicted = handle.shared.cache.resize(limits, from_millis(now));
        answer.kind(Kind::Nothing, None);
        answer.evicted(handle, evicted);
    })
}

/// Copies of entries were used, in this order.
#[napi(catch_unwind, ts_args_type = "cache: number, slots: Uint32Array, count: number")]
pub fn cache_touch(env: Env, cache: u32, slots: Unknown, count: u32) -> Result<()> {
    touch(&env, cache, &slots, count)
}

fn touch(env: &Env, cache: u32, slots: &Unknown, count: u32) -> Result<()> {
    let handles = environment::of(env)?.handles.borrow();
    let shared = &handles.cache(cache)?.shared;
    napi_raw::with_u32s(env, slots, |slots| {
        slots.get(..count as usize).map(|slots| shared.cache.touch(slots, count.into()))
    })
    .flatten()
    .ok_or_else(|| misuse("slots that are none"))
}

fn incoming(env: &Env, cache: u32, value: &Unknown, weight: f64, ttl: f64) -> Result<Incoming<Value>> {
    let value = if value.get_type()? == ValueType::Undefined { None } else { Some(store(env, cache, value)?) };
    Ok(Incoming { value, weight: whole(weight), ttl: (ttl >= 0.0).then(|| span(ttl)) })
}

/// Copies bytes into the memory of the cache.
fn store(env: &Env, cache: u32, bytes: &Unknown) -> Result<Stored> {
    let handles = environment::of(env)?.handles.borrow();
    let arena = &handles.cache(cache)?.shared.arena;
    let stored = napi_raw::with_bytes(env, bytes, |bytes| (bytes.len(), arena.store(bytes)));
    let (length, stored) = stored.ok_or_else(|| misuse("a value that is not bytes"))?;
    stored.map_err(|_| throw_memory(env, &format!("There is no memory for a value of {length} bytes")))
}
