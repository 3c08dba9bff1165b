//! Threads that run user functions, and their reports that they are blocked.

use super::convert::{f64_of, u64_of};
use super::environment;
use super::handles::InFlight;
use super::napi_raw;
use crate::pool::{BlockedReport, Nested, functions};
use napi::{Env, Result};
use napi_derive::napi;

/// Adds a thread that will run functions in the pool of a permit.
#[napi(catch_unwind)]
pub fn add_function_thread(env: Env, permit: u32, thread: u32) -> Result<()> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    functions::add(thread, handles.permit(permit)?.pool());
    handles.function_threads.insert(thread);
    Ok(())
}

/// Removes a thread that has ended, or is about to.
#[napi(catch_unwind)]
pub fn remove_function_thread(env: Env, thread: u32) -> Result<()> {
    environment::of(&env)?.handles.borrow_mut().function_threads.remove(&thread);
    functions::remove(thread);
    Ok(())
}

/// Returns the time at which this thread begins an event-loop iteration, for `reportBlocked`.
#[napi(catch_unwind)]
pub fn report_time() -> f64 {
    f64_of(functions::now())
}

/// Returns whether nothing keeps the event loop of this thread alive. False in a runtime without libuv.
#[napi(catch_unwind)]
pub fn is_loop_idle(env: Env) -> bool {
    napi_raw::is_loop_idle(&env)
}

/// Reports that only its tasks can wake the function of this thread. Returns the ids of those to reject if the function is part
/// of a deadlock.
#[napi(catch_unwind)]
pub fn report_blocked(env: Env, thread: u32, begun: f64, progress: f64) -> Result<Vec<u32>> {
    let environment = environment::of(&env)?;
    environment.function_thread.set(Some(thread));
    let handles = environment.handles.borrow();
    let tasks = handles.tasks.iter().flatten().map(|InFlight { pool, ticket, .. }| (pool, *ticket));
    let waiting = handles.waiting.values().map(|(pool, ticket)| (pool, *ticket));
    let waits = tasks.chain(waiting).map(|(pool, ticket)| functions::wait_for(pool, ticket)).collect();
    // Otherwise the outcome of a task is on its way.
    let Some(waits) = waits else {
        functions::unblock(thread);
        return Ok(Vec::new());
    };
    let nested = Nested { threads: handles.function_threads.clone(), running: handles.permits.iter().count() };
    let report = BlockedReport { begun: u64_of(begun), progress: u64_of(progress), waits, nested };
    if !functions::block(thread, report) {
        return Ok(Vec::new());
    }
    let tasks = handles.tasks.iter().zip(0..).filter_map(|(task, id)| task.as_ref().map(|_| id));
    Ok(tasks.chain(handles.waiting.keys().copied()).collect())
}

/// Reports that the function of this thread is not blocked, or that it runs none.
#[napi(catch_unwind)]
pub fn report_awake(thread: u32) {
    functions::unblock(thread);
}
