//! Pools, as JavaScript opens, observes and closes them.

use super::args::{read_arg, throw};
use super::completion::Outcome;
use super::convert::{LatencySummary, MAX_SAFE, bytes_of, f64_of, u32_of};
use super::environment;
use super::protocol::WaitKind;
use crate::args::{Args, ArgumentError};
use crate::mismatch;
use crate::pool::{self, Requested};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Upper bound of `threads`, beyond the cores of any machine.
const MAX_THREADS: i64 = 1024;
/// Longest delay of Node's own timers, in milliseconds.
const MAX_TIME: i64 = (1 << 31) - 1;

#[napi(object, object_from_js = false)]
pub struct PoolInfo {
    pub handle: u32,
    pub name: Option<String>,
    pub threads: u32,
    pub max_queue: f64,
    pub max_queue_bytes: f64,
    /// Milliseconds.
    pub max_wait: Option<f64>,
    pub max_output: Option<f64>,
}

#[napi(object, object_from_js = false)]
pub struct TransformStats {
    pub completed: f64,
    pub failed: f64,
    pub run_time: LatencySummary,
}

#[napi(object, object_from_js = false)]
pub struct PoolStats {
    pub threads: u32,
    pub running: u32,
    pub queued: u32,
    pub queued_bytes: f64,
    pub waiting: f64,
    pub completed: f64,
    pub failed: f64,
    pub cancelled: f64,
    pub rejected: f64,
    pub utilization: f64,
    pub wait_time: LatencySummary,
    pub run_time: LatencySummary,
    pub by_transform: HashMap<String, TransformStats>,
}

/// Opens a pool. No thread starts before its first task.
#[napi(catch_unwind, ts_args_type = "options: unknown")]
pub fn open_pool(env: Env, options: Unknown) -> Result<PoolInfo> {
    let args = Args::new(vec![read_arg(options)?]);
    let pool = open(&args).map_err(|error| throw(&env, &error))?;
    let options = *pool.options();
    let name = pool.name().map(Into::into);
    let handle = environment::of(&env)?.handles.borrow_mut().pools.insert(pool)?;
    Ok(PoolInfo {
        handle,
        name,
        threads: u32_of(options.threads),
        max_queue: f64_of(options.max_queue as u64),
        max_queue_bytes: f64_of(options.max_queue_bytes as u64),
        max_wait: options.max_wait.map(|wait| wait.as_secs_f64() * 1000.0),
        max_output: options.max_output.map(f64_of),
    })
}

/// Closes a pool. Its threads end after its last task, once all environments have closed it.
#[napi(catch_unwind)]
pub fn close_pool(env: Env, pool: u32) -> Result<()> {
    let closed = environment::of(&env)?.handles.borrow_mut().pools.remove(pool);
    if let Some(pool) = closed {
        pool::close(&pool);
    }
    Ok(())
}

/// Queues `task` for capacity. A `Granted`, `Notified` or `Error` record follows, even if capacity is free.
#[napi(catch_unwind)]
pub fn wait_for_capacity(env: Env, pool: u32, task: u32, bytes: f64, kind: WaitKind) -> Result<()> {
    let environment = environment::of(&env)?;
    let pool = environment.handles.borrow().pool(pool)?.clone();
    let port = Arc::clone(&environment.port);
    let deliver = Box::new(move |waited| port.complete(task, Outcome::Waited(waited)));
    let ticket = pool.wait(bytes_of(bytes), kind.into(), deliver);
    if let Some(ticket) = ticket {
        environment.handles.borrow_mut().waiting.insert(task, (pool, ticket));
    }
    Ok(())
}

/// Cancels a task's wait. Returns `false` if it has ended already, in which case its record follows.
#[napi(catch_unwind)]
pub fn cancel_wait(env: Env, task: u32) -> Result<bool> {
    let waiting = environment::of(&env)?.handles.borrow_mut().waiting.remove(&task);
    Ok(waiting.is_some_and(|(pool, ticket)| pool.leave(ticket)))
}

/// Counts a task that was not admitted.
#[napi(catch_unwind)]
pub fn count_rejected(env: Env, pool: u32) -> Result<()> {
    environment::of(&env)?.handles.borrow().pool(pool)?.count_rejected(1);
    Ok(())
}

#[napi(catch_unwind)]
pub fn release_reservation(env: Env, reservation: u32) -> Result<()> {
    let released = environment::of(&env)?.handles.borrow_mut().reservations.remove(reservation);
    drop(released);
    Ok(())
}

#[napi(catch_unwind)]
pub fn pool_stats(env: Env, pool: u32) -> Result<PoolStats> {
    Ok(environment::of(&env)?.handles.borrow().pool(pool)?.stats().into())
}

fn open(args: &Args) -> std::result::Result<Arc<pool::Pool>, ArgumentError> {
    let options = args.options(0, &["name", "threads", "maxQueue", "maxQueueBytes", "maxWait", "maxOutput"])?;
    let size = |name, least, most| {
        let size = options.integer(name, least..=most)?;
        Ok::<_, ArgumentError>(size.map(|size| usize::try_from(size).unwrap_or(usize::MAX)))
    };
    let requested = Requested {
        threads: size("threads", 1, MAX_THREADS)?,
        max_queue: size("maxQueue", 0, MAX_SAFE)?,
        max_queue_bytes: size("maxQueueBytes", 1, MAX_SAFE)?,
        max_wait: options.integer("maxWait", 1..=MAX_TIME)?.map(|millis| Duration::from_millis(millis.unsigned_abs())),
        max_output: options.integer("maxOutput", 1..=MAX_SAFE)?.map(i64::unsigned_abs),
    };
    let name = options.text("name")?;
    if name == Some("") {
        return Err(ArgumentError::value("The \"options.name\" property must not be empty", "''"));
    }
    pool::open(name, &requested).map_err(|differing| mismatch::error("pool", name.unwrap_or_default(), &differing))
}

impl From<WaitKind> for pool::WaitKind {
    fn from(kind: WaitKind) -> Self {
        match kind {
            WaitKind::Reservation => pool::WaitKind::Reservation,
            WaitKind::TimedReservation => pool::WaitKind::TimedReservation,
            WaitKind::Notification => pool::WaitKind::Notification,
        }
    }
}

impl From<pool::Stats> for PoolStats {
    fn from(stats: pool::Stats) -> Self {
        PoolStats {
            threads: u32_of(stats.threads),
            running: u32_of(stats.running),
            queued: u32_of(stats.queued),
            queued_bytes: f64_of(stats.queued_bytes as u64),
            waiting: f64_of(stats.waiting as u64),
            completed: f64_of(stats.completed),
            failed: f64_of(stats.failed),
            cancelled: f64_of(stats.cancelled),
            rejected: f64_of(stats.rejected),
            utilization: stats.utilization,
            wait_time: stats.wait_time.into(),
            run_time: stats.run_time.into(),
            by_transform: stats.by_transform.into_iter().map(|it| (it.name.to_owned(), it.into())).collect(),
        }
    }
}

impl From<pool::TransformStats> for TransformStats {
    fn from(stats: pool::TransformStats) -> Self {
        TransformStats {
            completed: f64_of(stats.completed),
            failed: f64_of(stats.failed),
            run_time: stats.run_time.into(),
        }
    }
}
