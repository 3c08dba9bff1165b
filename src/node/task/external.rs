//! Errands as JavaScript sees them: tasks that it runs itself, in worker threads of its own, when the pool gives it permits.

use super::input::{Bound, RoomHandle, priority_of};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::node::completion::{Outcome, Port};
use crate::node::environment;
use crate::node::environment::{Environment, Live, Tables};
use crate::node::napi_raw::{self, misuse};
use crate::pool::{ExternalTask, Permit, Requeued, Tally, Work};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// What errands are called in the statistics, by the number that JavaScript has for them.
const NAMES: [&str; 2] = ["module", "workerScript"];
/// Of a task that waits for its turn.
const QUEUED: i32 = -1;

/// An errand in the queue of its pool. Its input stays with JavaScript.
struct Waiting {
    port: Arc<Port>,
    mailbox: u32,
    errand: ExternalTask,
    error: Option<Error>,
}

impl Work for Waiting {
    fn name(&self) -> &'static str {
        self.errand.name
    }

    fn run(&mut self) -> Tally {
        Tally::default()
    }

    fn fail(&mut self, error: Error) {
        self.error = Some(error.in_transform(self.errand.name));
    }

    fn settle(self: Box<Self>) {
        let error = self.error.unwrap_or_else(Error::cancelled);
        self.port.complete(self.errand.task, Outcome::One(Err(error)));
    }

    fn external(&self) -> Option<ExternalTask> {
        Some(self.errand)
    }

    fn begin(self: Box<Self>, permit: Permit) {
        self.port.complete(self.mailbox, Outcome::Begun(permit));
    }
}

/// Submits a task that JavaScript will run. Returns which bound of the pool is reached, the number of a permit if one is free,
/// whose first task is the oldest one of this mailbox, or a negative number if it has to wait: then the permit comes by mail.
#[napi(catch_unwind, ts_return_type = "number | Bound")]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn submit_errand(
    env: Env,
    pool: u32,
    mailbox: u32,
    task: u32,
    name: u32,
    bytes: f64,
    priority: u32,
    room: RoomHandle,
) -> Result<napi::Either<i32, Bound>> {
    let environment = environment::of(&env)?;
    let tables = &mut *environment.tables.borrow_mut();
    let room = tables.bring(room);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of byteLengths")]
    let room = match tables.enter(pool, room, bytes as usize)? {
        Ok(room) => room,
        Err(bound) => return Ok(napi::Either::B(bound)),
    };
    let name = NAMES.get(name as usize).ok_or_else(|| misuse("an unknown kind of errand"))?;
    let errand = ExternalTask { owner: owner_of(environment, mailbox), task, name };
    let (pool, bytes) = (room.pool().clone(), room.bytes());
    let (ticket, permit) = room.submit_external(priority_of(priority), errand, waiting(environment, mailbox, errand));
    tables.insert_task(task, Live { pool, ticket, bytes, cancel: Cancel::new(), pinned: None });
    Ok(napi::Either::A(match permit {
        Some(permit) => number(tables.keep(permit)),
        None => QUEUED,
    }))
}

/// Which task of a new permit is the first.
#[napi(catch_unwind)]
pub fn first_errand(env: Env, permit: u32) -> Result<u32> {
    let tables = environment::of(&env)?.tables.borrow();
    let permit = tables.permits.get(permit as usize).ok_or_else(unknown)?;
    permit.first().ok_or_else(|| misuse("a permit without a task"))
}

/// Takes tasks that go on under a permit, as many as there is room for in `tasks`. Returns how many they are.
#[napi(catch_unwind, ts_args_type = "permit: number, tasks: Uint32Array, most: number")]
pub fn take_errands(env: Env, permit: u32, tasks: Unknown, most: u32) -> Result<u32> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let mut taken = Vec::new();
    tables.permits.get_mut(permit as usize).ok_or_else(unknown)?.take(most as usize, |task| taken.push(task));
    for &task in &taken {
        tables.remove_task(task);
    }
    napi_raw::with_u32s(&env, &tasks, |tasks| tasks.get_mut(..taken.len()).map(|tasks| tasks.copy_from_slice(&taken)))
        .flatten()
        .ok_or_else(|| misuse("an array that is too short"))?;
    u32::try_from(taken.len()).map_err(|_| misuse("too many tasks"))
}

/// Counts the first tasks of `tasks` as ended, after `micros` together.
#[napi(
    catch_unwind,
    ts_args_type = "permit: number, tasks: Uint32Array, completed: number, failed: number, cancelled: number, micros: number"
)]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call itself")]
pub fn finish_errands(
    env: Env,
    permit: u32,
    tasks: Unknown,
    completed: u32,
    failed: u32,
    cancelled: u32,
    micros: f64,
) -> Result<()> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let took = Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default();
    let tally = Tally { completed, failed, cancelled };
    let tasks = listed(&env, &tasks, completed + failed + cancelled)?;
    tables.permits.get_mut(permit as usize).ok_or_else(unknown)?.finish(&tasks, tally, took);
    Ok(())
}

/// Returns the first `count` tasks of `tasks`, which were taken under the permit and did not run, to their old places in the queue.
#[napi(catch_unwind, ts_args_type = "permit: number, tasks: Uint32Array, count: number")]
pub fn give_errands_back(env: Env, permit: u32, tasks: Unknown, count: u32) -> Result<()> {
    let environment = environment::of(&env)?;
    let tables = &mut *environment.tables.borrow_mut();
    for task in listed(&env, &tasks, count)? {
        let permit = tables.permits.get_mut(permit as usize).ok_or_else(unknown)?;
        let errand = permit.external(task).ok_or_else(|| misuse("a task that is not under the permit"))?;
        let pool = permit.pool().clone();
        let work = waiting(environment, mailbox_of(errand), errand);
        let Some(Requeued { ticket, bytes }) = permit.requeue(task, work) else { continue };
        tables.insert_task(task, Live { pool, ticket, bytes, cancel: Cancel::new(), pinned: None });
    }
    Ok(())
}

/// The first `count` elements of a `Uint32Array`.
fn listed(env: &Env, tasks: &Unknown, count: u32) -> Result<Vec<u32>> {
    napi_raw::with_u32s(env, tasks, |tasks| tasks.get(..count as usize).map(<[u32]>::to_vec))
        .flatten()
        .ok_or_else(|| misuse("an array that is too short"))
}

fn waiting(environment: &Environment, mailbox: u32, errand: ExternalTask) -> Box<Waiting> {
    Box::new(Waiting { port: environment.port.clone(), mailbox, errand, error: None })
}

/// Packs an environment and its mailbox into an owner.
fn owner_of(environment: &Environment, mailbox: u32) -> u64 {
    u64::from(environment.number) << 32 | u64::from(mailbox)
}

#[expect(clippy::cast_possible_truncation, reason = "the mailbox is the lower half")]
fn mailbox_of(errand: ExternalTask) -> u32 {
    errand.owner as u32
}

/// Gives a permit back.
#[napi(catch_unwind)]
pub fn drop_permit(env: Env, permit: u32) -> Result<()> {
    let permit = environment::of(&env)?.tables.borrow_mut().permits.try_remove(permit as usize);
    drop(permit);
    Ok(())
}

impl Tables {
    /// Keeps a new permit. Its task has begun: it cannot be taken out of the queue any more.
    pub fn keep(&mut self, permit: Permit) -> u32 {
        if let Some(task) = permit.first() {
            self.remove_task(task);
        }
        u32::try_from(self.permits.insert(permit)).unwrap_or(u32::MAX)
    }
}

fn number(handle: u32) -> i32 {
    i32::try_from(handle).unwrap_or(i32::MAX)
}

fn unknown() -> napi::Error {
    misuse("an unknown permit")
}
