//! How inputs come in: copied at once, copied piece by piece, or lent.

use super::work::{Batch, Origin, Task};
use crate::cancel::Cancel;
use crate::node::args::throw_memory;
use crate::node::background_drop::discard_bytes;
use crate::node::environment;
use crate::node::environment::{Live, Staging, Tables};
use crate::node::napi_raw::{self, Pinned, misuse};
use crate::pool::{AdmitError, Priority, Reservation, Work};
use crate::transform::{Bytes, MAX_UTF8, Value, append_utf8};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// A bound of the pool that a submission met.
#[napi(string_enum = "lowercase")]
#[derive(Debug)]
pub enum Bound {
    Tasks,
    Bytes,
    /// The operating system gives no more threads.
    Threads,
}

/// Reservation as JavaScript passes it: the number of a granted room, or a negative number for none. A function that takes one
/// owns it even if it fails, so it starts with [`Tables::bring`].
pub type RoomHandle = i32;

/// Submits the first `length` bytes of a `Uint8Array`; they are copied before this returns.
/// Returns which bound of the pool is reached, if one is.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, input: Uint8Array, length: number, priority: number, room: number"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn submit(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    input: Unknown,
    length: u32,
    priority: u32,
    room: RoomHandle,
) -> Result<Option<Bound>> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let room = tables.bring(room);
    let room = match tables.enter(pool, room, length as usize)? {
        Ok(room) => room,
        Err(bound) => return Ok(Some(bound)),
    };
    let input = copied(&env, &input, length as usize)?;
    start_task(&env, tables, room, transform, task, input.into(), priority)
}

/// Submits a string as UTF-8.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, input: string, priority: number, room: number"
)]
pub fn submit_text(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    input: Unknown,
    priority: u32,
    room: RoomHandle,
) -> Result<Option<Bound>> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let room = tables.bring(room);
    let input = napi_raw::utf8(&env, &input).ok_or_else(|| misuse("an input that is not a string"))?;
    let room = match tables.enter(pool, room, input.len())? {
        Ok(room) => room,
        Err(bound) => return Ok(Some(bound)),
    };
    start_task(&env, tables, room, transform, task, Bytes::OfString(input), priority)
}

/// Marks the length of an input that was a string.
#[napi]
pub const OF_STRING: u32 = 1 << 31;

/// Submits many small inputs that lie one behind the other in `packed`.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, packed: Uint8Array, length: number, lengths: Uint32Array, count: number, priority: number, room: number"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn submit_batch(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    packed: Unknown,
    length: u32,
    lengths: Unknown,
    count: u32,
    priority: u32,
    room: RoomHandle,
) -> Result<Option<Bound>> {
    let environment = environment::of(&env)?;
    let tables = &mut *environment.tables.borrow_mut();
    let room = tables.bring(room);
    let lengths = napi_raw::with_u32s(&env, &lengths, |lengths| lengths.get(..count as usize).map(<[u32]>::to_vec))
        .flatten()
        .ok_or_else(|| misuse("a batch without lengths"))?;
    if lengths.iter().map(|&length| u64::from(length & !OF_STRING)).sum::<u64>() != u64::from(length) {
        return Err(misuse("a batch whose lengths do not add up"));
    }
    let room = match tables.enter(pool, room, length as usize)? {
        Ok(room) => room,
        Err(bound) => return Ok(Some(bound)),
    };
    let packed = copied(&env, &packed, length as usize)?;
    let origin = origin(&env, tables, transform, task)?;
    let cancel = origin.cancel.clone();
    let results = Vec::with_capacity(lengths.len());
    let work = Batch { origin, packed, lengths, results, took: Duration::ZERO };
    tables.start(room, priority, task, Box::new(work), cancel, None);
    Ok(None)
}

/// Submits the memory of an `ArrayBuffer` that JavaScript has let go of, without a copy.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, buffer: ArrayBuffer, priority: number, room: number"
)]
pub fn submit_lent(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    buffer: Unknown,
    priority: u32,
    room: RoomHandle,
) -> Result<Option<Bound>> {
    let environment = environment::of(&env)?;
    let tables = &mut *environment.tables.borrow_mut();
    let room = tables.bring(room);
    let origin = origin(&env, tables, transform, task)?;
    let (pinned, data, length) = napi_raw::pin_array_buffer(&env, &buffer)?;
    let room = match tables.enter(pool, room, length) {
        Ok(Ok(room)) => room,
        refused => {
            napi_raw::unpin(&env, pinned);
            return refused.map(std::result::Result::err);
        }
    };
    let cancel = origin.cancel.clone();
    let input = Value::Bytes(environment.port.lend(data, length));
    let work = Task { origin, input: Some(input), outcome: None };
    tables.start(room, priority, task, Box::new(work), cancel, Some(pinned));
    Ok(None)
}

/// Reserves room for an input before its memory is taken, or makes room that was granted fit. Returns the room's
/// number, or which bound is reached.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
pub fn take_room(env: Env, pool: u32, bytes: f64, room: RoomHandle) -> Result<napi::Either<u32, Bound>> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let room = tables.bring(room);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byteLength is a safe integer")]
    let entered = tables.enter(pool, room, bytes as usize)?;
    Ok(match entered {
        Ok(room) => napi::Either::A(handle(tables.rooms.insert(room))),
        Err(bound) => napi::Either::B(bound),
    })
}

/// Takes room for what a task has left to be done in JavaScript, even if there is none. Returns the room's number.
#[napi(catch_unwind)]
pub fn retain_room(env: Env, pool: u32, bytes: f64) -> Result<u32> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byteLength is a safe integer")]
    let room = tables.pool(pool)?.clone().retain(bytes as usize);
    Ok(handle(tables.rooms.insert(room)))
}

/// Reserves room and memory for an input that will be copied piece by piece.
/// Returns a number for the calls below, or which bound of the pool is reached.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
pub fn stage(env: Env, pool: u32, bytes: f64, of_string: bool, room: RoomHandle) -> Result<napi::Either<u32, Bound>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byteLength is a safe integer")]
    let length = bytes as usize;
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let room = tables.bring(room);
    // Reservation for more, brought along, is kept until it is known how much is needed.
    let held = room.as_ref().map_or(0, Reservation::bytes);
    let room = match tables.enter(pool, room, length.max(held))? {
        Ok(room) => room,
        Err(bound) => return Ok(napi::Either::B(bound)),
    };
    let mut staging = Staging::new(room, of_string);
    if staging.reserve(length).is_err() {
        let message = format!("There is no memory for a copy of an input of {length} bytes");
        return Err(throw_memory(&env, &message));
    }
    Ok(napi::Either::A(handle(tables.stagings.insert(staging))))
}

/// Copies the next piece of a staged input: bytes, or text as UTF-16, of which whole characters become UTF-8.
/// Returns how many bytes are there now, or which bound of the pool is reached.
#[napi(
    catch_unwind,
    ts_args_type = "staging: number, piece: Uint8Array | Uint16Array",
    ts_return_type = "number | Bound"
)]
pub fn stage_piece(env: Env, staging: u32, piece: Unknown) -> Result<napi::Either<f64, Bound>> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let staging = tables.stagings.get_mut(staging as usize).ok_or_else(|| misuse("an unknown staging"))?;
    let taken = napi_raw::with_bytes(&env, &piece, |piece| {
        staging.reserve(piece.len()).map(|()| staging.bytes.extend_from_slice(piece))
    })
    .or_else(|| {
        napi_raw::with_u16s(&env, &piece, |units| {
            staging.reserve(units.len() * MAX_UTF8).map(|()| append_utf8(units, &mut staging.bytes))
        })
    })
    .ok_or_else(|| misuse("a piece that is neither bytes nor UTF-16"))?;
    let Staging { room, bytes, .. } = staging;
    if taken.is_err() {
        return Err(throw_memory(&env, &format!("There is no memory for an input of more than {} bytes", bytes.len())));
    }
    let fits = bytes.len() <= room.bytes() || room.resize(bytes.len());
    #[expect(clippy::cast_precision_loss, reason = "no input has 2^53 bytes")]
    let length = bytes.len() as f64;
    Ok(if fits { napi::Either::A(length) } else { napi::Either::B(Bound::Bytes) })
}

/// Submits a staged input. It may have become longer than was known when it was staged: then it may find no room.
#[napi(catch_unwind)]
pub fn submit_staged(env: Env, staging: u32, transform: u32, task: u32, priority: u32) -> Result<Option<Bound>> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let Staging { mut room, mut bytes, of_string } =
        tables.stagings.try_remove(staging as usize).ok_or_else(|| misuse("an unknown staging"))?;
    bytes.shrink_to_fit();
    if !room.resize(bytes.len()) {
        return Ok(Some(Bound::Bytes));
    }
    let input = if of_string { Bytes::OfString(bytes) } else { bytes.into() };
    start_task(&env, tables, room, transform, task, input, priority)
}

/// Gives a staged input up.
#[napi(catch_unwind)]
pub fn unstage(env: Env, staging: u32) -> Result<()> {
    let staging = environment::of(&env)?.tables.borrow_mut().stagings.try_remove(staging as usize);
    if let Some(Staging { room, bytes, .. }) = staging {
        room.pool().count_cancelled(1);
        let length = bytes.len();
        discard_bytes(bytes, length);
    }
    Ok(())
}

/// Stops a task. `true`: it had not started, and nothing more will be heard of it. `false`: it runs or is done;
/// its outcome is on its way.
#[napi(catch_unwind)]
pub fn cancel(env: Env, task: u32) -> Result<bool> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let Some(Some(live)) = tables.tasks.get(task as usize) else { return Ok(false) };
    live.cancel.cancel();
    let Some(withdrawn) = live.pool.withdraw(live.ticket, live.bytes) else { return Ok(false) };
    let bytes = live.bytes;
    match tables.remove_task(task).and_then(|live| live.pinned) {
        Some(pinned) => {
            // The work goes first, and with it the loan of what the task has pinned.
            drop(withdrawn);
            napi_raw::unpin(&env, pinned);
        }
        None => discard_bytes(withdrawn, bytes),
    }
    Ok(true)
}

impl Tables {
    /// Takes over room that JavaScript passes. Dropping it returns it to its pool.
    pub fn bring(&mut self, room: RoomHandle) -> Option<Reservation> {
        usize::try_from(room).ok().and_then(|room| self.rooms.try_remove(room))
    }

    /// Returns `room`, resized to `bytes`, or else room that is free now.
    pub fn enter(
        &self,
        pool: u32,
        room: Option<Reservation>,
        bytes: usize,
    ) -> Result<std::result::Result<Reservation, Bound>> {
        let pool = self.pool(pool)?;
        let entered = match room {
            Some(mut room) => room.resize(bytes).then_some(room).ok_or(AdmitError::Bytes),
            None => pool.try_admit(bytes),
        };
        Ok(entered.map_err(Bound::from))
    }

    fn start(
        &mut self,
        room: Reservation,
        priority: u32,
        task: u32,
        work: Box<dyn Work>,
        cancel: Cancel,
        pinned: Option<Pinned>,
    ) {
        let (pool, bytes) = (room.pool().clone(), room.bytes());
        let ticket = room.submit(priority_of(priority), work);
        self.insert_task(task, Live { pool, ticket, bytes, cancel, pinned });
    }
}

fn start_task(
    env: &Env,
    tables: &mut Tables,
    room: Reservation,
    transform: u32,
    task: u32,
    input: Bytes,
    priority: u32,
) -> Result<Option<Bound>> {
    let origin = origin(env, tables, transform, task)?;
    let cancel = origin.cancel.clone();
    let work = Task { origin, input: Some(Value::from(input)), outcome: None };
    tables.start(room, priority, task, Box::new(work), cancel, None);
    Ok(None)
}

pub fn priority_of(number: u32) -> Priority {
    match number {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    }
}

impl From<AdmitError> for Bound {
    fn from(full: AdmitError) -> Self {
        match full {
            AdmitError::Tasks => Bound::Tasks,
            AdmitError::Bytes => Bound::Bytes,
            AdmitError::NoThreads => Bound::Threads,
        }
    }
}

fn origin(env: &Env, tables: &Tables, transform: u32, task: u32) -> Result<Origin> {
    Ok(Origin {
        port: Arc::clone(&environment::of(env)?.port),
        task,
        transform: Arc::clone(tables.transform(transform)?),
        cancel: Cancel::new(),
    })
}

fn copied(env: &Env, input: &Unknown, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    napi_raw::copy_bytes(env, input, length, &mut bytes).ok_or_else(|| misuse("an input that is not bytes"))?;
    Ok(bytes)
}

fn handle(key: usize) -> u32 {
    u32::try_from(key).unwrap_or(u32::MAX)
}
