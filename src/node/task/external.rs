//! External tasks: user functions that JavaScript runs in its worker threads, under permits of the pool.

use super::input::{Bound, priority_of};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::node::completion::{Outcome, Port};
use crate::node::convert::bytes_of;
use crate::node::environment::{self, Environment};
use crate::node::handles::{InFlight, ReservationHandle};
use crate::node::napi_raw::{self, misuse};
use crate::node::protocol::{ExternalKind, QUEUED};
use crate::pool::{ExternalTask, Permit, Requeued, Tally, Work};
use napi::bindgen_prelude::Unknown;
use napi::{Either, Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// An external task in the queue of its pool. Its input stays in JavaScript.
struct QueuedExternal {
    port: Arc<Port>,
    subscriber: u32,
    external: ExternalTask,
    error: Option<Error>,
}

impl Work for QueuedExternal {
    fn name(&self) -> &'static str {
        self.external.name
    }

    fn run(&mut self) -> Tally {
        Tally::default()
    }

    fn fail(&mut self, error: Error) {
        self.error = Some(error.in_transform(self.external.name));
    }

    fn settle(self: Box<Self>) {
        let error = self.error.unwrap_or_else(Error::cancelled);
        self.port.complete(self.external.task, Outcome::One(Err(error)));
    }

    fn external(&self) -> Option<ExternalTask> {
        Some(self.external)
    }

    fn begin(self: Box<Self>, permit: Permit) {
        self.port.complete(self.subscriber, Outcome::Begun(permit));
    }
}

/// Submits a task that JavaScript will run. Returns the bound that is reached, the handle of a free permit (its first task is
/// the subscriber's oldest), or `QUEUED` if the permit will follow as a `Begun` record.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn submit_external(
    env: Env,
    pool: u32,
    subscriber: u32,
    task: u32,
    kind: ExternalKind,
    bytes: f64,
    priority: u32,
    reservation: ReservationHandle,
) -> Result<Either<i32, Bound>> {
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let capacity = handles.take_reservation(reservation);
    let reservation = match handles.reserve(pool, capacity, bytes_of(bytes))? {
        Ok(reservation) => reservation,
        Err(full) => return Ok(Either::B(full.into())),
    };
    let name = match kind {
        ExternalKind::Worker => "worker",
        ExternalKind::WorkerScript => "workerScript",
    };
    let external = ExternalTask { owner: owner_of(environment, subscriber), task, name };
    let (pool, bytes) = (reservation.pool().clone(), reservation.bytes());
    let work = queued(environment, subscriber, external);
    let (ticket, permit) = reservation.submit_external(priority_of(priority), external, work);
    handles.insert_task(task, InFlight { pool, ticket, bytes, cancel: Cancel::new(), pinned: None });
    Ok(Either::A(match permit {
        Some(permit) => i32::try_from(handles.insert_permit(permit)?).map_err(|_| misuse("a handle of 32 bits"))?,
        None => QUEUED,
    }))
}

/// Returns the id of a new permit's first task.
#[napi(catch_unwind)]
pub fn first_task(env: Env, permit: u32) -> Result<u32> {
    let handles = environment::of(&env)?.handles.borrow();
    handles.permit(permit)?.first().ok_or_else(|| misuse("a permit without a task"))
}

/// Begins up to `most` further tasks under a permit. Writes their ids to `tasks` and returns their number.
#[napi(catch_unwind, ts_args_type = "permit: number, tasks: Uint32Array, most: number")]
pub fn take_tasks(env: Env, permit: u32, tasks: Unknown, most: u32) -> Result<u32> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let mut taken = Vec::new();
    handles.permit_mut(permit)?.take(most as usize, |task| taken.push(task));
    for &task in &taken {
        handles.remove_task(task);
    }
    napi_raw::with_u32s(&env, &tasks, |tasks| tasks.get_mut(..taken.len()).map(|tasks| tasks.copy_from_slice(&taken)))
        .flatten()
        .ok_or_else(|| misuse("an array that is too short"))?;
    u32::try_from(taken.len()).map_err(|_| misuse("too many tasks"))
}

/// Counts the first `completed + failed + cancelled` tasks of `tasks` as ended, after `micros` microseconds in total.
#[napi(
    catch_unwind,
    ts_args_type = "permit: number, tasks: Uint32Array, completed: number, failed: number, cancelled: number, micros: number"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn finish_tasks(
    env: Env,
    permit: u32,
    tasks: Unknown,
    completed: u32,
    failed: u32,
    cancelled: u32,
    micros: f64,
) -> Result<()> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let took = Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default();
    let tally = Tally { completed, failed, cancelled };
    let tasks = first_ids(&env, &tasks, completed + failed + cancelled)?;
    handles.permit_mut(permit)?.finish(&tasks, tally, took);
    Ok(())
}

/// Moves the first `count` tasks of `tasks`, which began under the permit but did not run, back to their positions in the queue.
#[napi(catch_unwind, ts_args_type = "permit: number, tasks: Uint32Array, count: number")]
pub fn requeue_tasks(env: Env, permit: u32, tasks: Unknown, count: u32) -> Result<()> {
    let environment = environment::of(&env)?;
    let handles = &mut *environment.handles.borrow_mut();
    for task in first_ids(&env, &tasks, count)? {
        let permit = handles.permit_mut(permit)?;
        let external = permit.external(task).ok_or_else(|| misuse("a task that is not under the permit"))?;
        let pool = permit.pool().clone();
        let work = queued(environment, subscriber_of(external), external);
        let Some(Requeued { ticket, bytes }) = permit.requeue(task, work) else { continue };
        handles.insert_task(task, InFlight { pool, ticket, bytes, cancel: Cancel::new(), pinned: None });
    }
    Ok(())
}

/// Returns the first `count` elements of a `Uint32Array`.
fn first_ids(env: &Env, tasks: &Unknown, count: u32) -> Result<Vec<u32>> {
    napi_raw::with_u32s(env, tasks, |tasks| tasks.get(..count as usize).map(<[u32]>::to_vec))
        .flatten()
        .ok_or_else(|| misuse("an array that is too short"))
}

fn queued(environment: &Environment, subscriber: u32, external: ExternalTask) -> Box<QueuedExternal> {
    Box::new(QueuedExternal { port: environment.port.clone(), subscriber, external, error: None })
}

/// Returns the owner that stands for a subscriber of an environment.
fn owner_of(environment: &Environment, subscriber: u32) -> u64 {
    u64::from(environment.id) << 32 | u64::from(subscriber)
}

#[expect(clippy::cast_possible_truncation, reason = "the subscriber is the lower half")]
fn subscriber_of(external: ExternalTask) -> u32 {
    external.owner as u32
}

/// Drops a permit, which returns it to its pool.
#[napi(catch_unwind)]
pub fn drop_permit(env: Env, permit: u32) -> Result<()> {
    let permit = environment::of(&env)?.handles.borrow_mut().permits.remove(permit);
    drop(permit);
    Ok(())
}
