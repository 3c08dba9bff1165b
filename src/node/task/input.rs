//! Submission of inputs: copied in one call, copied piece by piece, or borrowed.

use super::input_buffer::InputBuffer;
use super::input_form::{InputForm, length_of};
use super::work::{Batch, Packed, Task, TaskContext};
use crate::cancel::Cancel;
use crate::node::background_drop::drop_bytes;
use crate::node::batch_results::BatchResults;
use crate::node::convert::{bytes_of, f64_of};
use crate::node::environment;
use crate::node::handles::{Handles, InFlight, ReservationHandle};
use crate::node::napi_raw::{self, Pinned, misuse};
use crate::pool::{AdmitError, Pool, Priority, Reservation, Work};
use crate::transform::Value;
use napi::bindgen_prelude::{JsValue, Unknown};
use napi::{Either, Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// The bound of a pool that keeps it from admitting a task.
#[napi(string_enum = "lowercase")]
#[derive(Debug)]
pub enum Bound {
    Tasks,
    Bytes,
    /// The operating system cannot start threads.
    Threads,
}

/// Submits a copy of the first `length` bytes of a `Uint8Array`; the flags of `length` state their form. Returns the bound that is reached, if any.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, input: Uint8Array, length: number, priority: number, reservation: number"
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
    reservation: ReservationHandle,
) -> Result<Option<Bound>> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let bytes = length_of(length) as usize;
    let reservation = match handles.reserve(pool, capacity, bytes)? {
        Ok(reservation) => reservation,
        Err(full) => return Ok(Some(full.into())),
    };
    let input = InputForm::of(length).value(copied(&env, &input, bytes)?);
    start_task(&env, handles, reservation, transform, task, input, priority)
}

/// Submits a string as UTF-8.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, input: string, priority: number, reservation: number"
)]
pub fn submit_text(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    input: Unknown,
    priority: u32,
    reservation: ReservationHandle,
) -> Result<Option<Bound>> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let input = napi_raw::utf8(&env, &input).ok_or_else(|| misuse("an input that is not a string"))?;
    let reservation = match handles.reserve(pool, capacity, input.len())? {
        Ok(reservation) => reservation,
        Err(full) => return Ok(Some(full.into())),
    };
    start_task(&env, handles, reservation, transform, task, InputForm::Text.value(input), priority)
}

/// Submits many small inputs, packed one after the other, as one batch. A `Uint8Array` is copied. An `ArrayBuffer` is borrowed, and
/// JavaScript must not write to it until the record of the batch arrives or `cancel` returns `true`.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, packed: Uint8Array | ArrayBuffer, length: number, lengths: Uint32Array, count: number, priority: number, reservation: number"
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
    reservation: ReservationHandle,
) -> Result<Option<Bound>> {
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let lengths = napi_raw::with_u32s(&env, &lengths, |lengths| lengths.get(..count as usize).map(<[u32]>::to_vec))
        .flatten()
        .ok_or_else(|| misuse("a batch without lengths"))?;
    if lengths.iter().map(|&length| u64::from(length_of(length))).sum::<u64>() != u64::from(length) {
        return Err(misuse("a batch whose lengths do not add up"));
    }
    let reservation = match handles.reserve(pool, capacity, length as usize)? {
        Ok(reservation) => reservation,
        Err(full) => return Ok(Some(full.into())),
    };
    let context = context(&env, handles, reservation.pool(), transform, task)?;
    let (packed, pinned) = if packed.is_arraybuffer()? {
        let (pinned, data, available) = napi_raw::pin_array_buffer(&env, &packed)?;
        (environment.port.borrow(data, available.min(length as usize)), Some(pinned))
    } else {
        (copied(&env, &packed, length as usize)?.into(), None)
    };
    let cancel = context.cancel.clone();
    let work = Batch {
        context,
        packed: Packed::new(packed, &lengths),
        lengths,
        results: BatchResults::default(),
        took: Duration::ZERO,
    };
    start(handles, reservation, priority, task, Box::new(work), cancel, pinned);
    Ok(None)
}

/// Submits the memory of an `ArrayBuffer` without a copy. JavaScript has transferred it and keeps no reference.
#[napi(
    catch_unwind,
    ts_args_type = "pool: number, transform: number, task: number, buffer: ArrayBuffer, priority: number, reservation: number"
)]
pub fn submit_borrowed(
    env: Env,
    pool: u32,
    transform: u32,
    task: u32,
    buffer: Unknown,
    priority: u32,
    reservation: ReservationHandle,
) -> Result<Option<Bound>> {
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let context = context(&env, handles, handles.pool(pool)?, transform, task)?;
    let (pinned, data, length) = napi_raw::pin_array_buffer(&env, &buffer)?;
    let reservation = match handles.reserve(pool, capacity, length) {
        Ok(Ok(reservation)) => reservation,
        refused => {
            napi_raw::unpin(&env, pinned);
            return refused.map(|full| full.err().map(Bound::from));
        }
    };
    let cancel = context.cancel.clone();
    let input = Value::Bytes(environment.port.borrow(data, length));
    let work = Task { context, input: Some(input), outcome: None };
    start(handles, reservation, priority, task, Box::new(work), cancel, Some(pinned));
    Ok(None)
}

/// Reserves capacity for `bytes`, or resizes a reservation. Returns the reservation's handle, or the bound that is reached.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
pub fn reserve(env: Env, pool: u32, bytes: f64, reservation: ReservationHandle) -> Result<Either<u32, Bound>> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let reserved = handles.reserve(pool, capacity, bytes_of(bytes))?;
    Ok(match reserved {
        Ok(reservation) => Either::A(handles.reservations.insert(reservation)?),
        Err(full) => Either::B(full.into()),
    })
}

/// Reserves capacity for the rest of a task's work in JavaScript, exceeding the bounds if necessary. Returns the handle.
#[napi(catch_unwind)]
pub fn retain_reservation(env: Env, pool: u32, bytes: f64) -> Result<u32> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let reservation = handles.pool(pool)?.clone().retain(bytes_of(bytes));
    Ok(handles.reservations.insert(reservation)?)
}

/// Reserves capacity and memory for an input that JavaScript will copy piece by piece; `flags` state its form. Returns the buffer's
/// handle, or the bound that is reached.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
pub fn open_input_buffer(
    env: Env,
    pool: u32,
    bytes: f64,
    flags: u32,
    reservation: ReservationHandle,
) -> Result<Either<u32, Bound>> {
    let length = bytes_of(bytes);
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    // Until the length of the input is known, a larger reservation is kept.
    let length_or_reserved = length.max(capacity.bytes());
    let reservation = match handles.reserve(pool, capacity, length_or_reserved)? {
        Ok(reservation) => reservation,
        Err(full) => return Ok(Either::B(full.into())),
    };
    let mut buffer = InputBuffer::new(reservation, InputForm::of(flags));
    if buffer.reserve(length).is_err() {
        let message = format!("Out of memory: cannot allocate a copy of an input of {length} bytes");
        return Err(environment.throw_memory(&env, message));
    }
    Ok(Either::A(handles.input_buffers.insert(buffer)?))
}

/// Appends bytes to an input buffer. Returns the buffer's length, or the bound that is reached.
#[napi(catch_unwind, ts_args_type = "buffer: number, piece: Uint8Array", ts_return_type = "number | Bound")]
pub fn append_to_input_buffer(env: Env, buffer: u32, piece: Unknown) -> Result<Either<f64, Bound>> {
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let buffer = handles.input_buffer(buffer)?;
    let copied = napi_raw::with_bytes(&env, &piece, |piece| {
        buffer.reserve(piece.len()).map(|()| buffer.bytes.extend_from_slice(piece))
    })
    .ok_or_else(|| misuse("a piece that is not bytes"))?;
    let InputBuffer { reservation, bytes, .. } = buffer;
    if copied.is_err() {
        let message = format!("Out of memory: cannot allocate an input of more than {} bytes", bytes.len());
        return Err(environment.throw_memory(&env, message));
    }
    let fits = bytes.len() <= reservation.bytes() || reservation.resize(bytes.len());
    let length = f64_of(bytes.len() as u64);
    Ok(if fits { Either::A(length) } else { Either::B(Bound::Bytes) })
}

/// Submits an input buffer. Returns the bound that is reached, if any: the input may have grown beyond its reservation.
#[napi(catch_unwind)]
pub fn submit_input_buffer(env: Env, buffer: u32, transform: u32, task: u32, priority: u32) -> Result<Option<Bound>> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let InputBuffer { mut reservation, mut bytes, form } =
        handles.input_buffers.remove(buffer).ok_or_else(|| misuse("an input buffer that is dropped"))?;
    bytes.shrink_to_fit();
    if !reservation.resize(bytes.len()) {
        return Ok(Some(Bound::Bytes));
    }
    start_task(&env, handles, reservation, transform, task, form.value(bytes), priority)
}

/// Drops an input buffer, and counts its task as cancelled.
#[napi(catch_unwind)]
pub fn drop_input_buffer(env: Env, buffer: u32) -> Result<()> {
    let buffer = environment::of(&env)?.handles.borrow_mut().input_buffers.remove(buffer);
    if let Some(InputBuffer { reservation, bytes, .. }) = buffer {
        reservation.pool().count_cancelled(1);
        let length = bytes.len();
        drop_bytes(bytes, length);
    }
    Ok(())
}

/// Cancels a task. Returns `true` if the task had not started, so that no outcome follows, or `false` if it runs or has ended.
#[napi(catch_unwind)]
pub fn cancel(env: Env, task: u32) -> Result<bool> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let Some(Some(in_flight)) = handles.tasks.get(task as usize) else { return Ok(false) };
    in_flight.cancel.cancel();
    let Some(withdrawn) = in_flight.pool.withdraw(in_flight.ticket, in_flight.bytes) else { return Ok(false) };
    let bytes = in_flight.bytes;
    match handles.remove_task(task).and_then(|task| task.pinned) {
        Some(pinned) => {
            // The work goes first: it borrows the pinned memory.
            drop(withdrawn);
            napi_raw::unpin(&env, pinned);
        }
        None => drop_bytes(withdrawn, bytes),
    }
    Ok(true)
}

/// Submits work under its reservation.
fn start(
    handles: &mut Handles,
    reservation: Reservation,
    priority: u32,
    task: u32,
    work: Box<dyn Work>,
    cancel: Cancel,
    pinned: Option<Pinned>,
) {
    let (pool, bytes) = (reservation.pool().clone(), reservation.bytes());
    let ticket = reservation.submit(priority_of(priority), work);
    handles.insert_task(task, InFlight { pool, ticket, bytes, cancel, pinned });
}

fn start_task(
    env: &Env,
    handles: &mut Handles,
    reservation: Reservation,
    transform: u32,
    task: u32,
    input: Value,
    priority: u32,
) -> Result<Option<Bound>> {
    let context = context(env, handles, reservation.pool(), transform, task)?;
    let cancel = context.cancel.clone();
    let work = Task { context, input: Some(input), outcome: None };
    start(handles, reservation, priority, task, Box::new(work), cancel, None);
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

fn context(env: &Env, handles: &Handles, pool: &Pool, transform: u32, task: u32) -> Result<TaskContext> {
    Ok(TaskContext {
        port: Arc::clone(&environment::of(env)?.port),
        task,
        transform: handles.transform_in(pool, transform)?,
        cancel: Cancel::new(),
    })
}

fn copied(env: &Env, input: &Unknown, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    napi_raw::copy_bytes(env, input, length, &mut bytes).ok_or_else(|| misuse("an input that is not bytes"))?;
    Ok(bytes)
}
