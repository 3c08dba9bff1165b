//! Stream sessions. Their steps are transforms, which JavaScript runs like any other.

use super::convert::f64_of;
use super::environment;
use super::napi_raw::{self, misuse};
use crate::transform::streaming::{OutputMode, Steps, StreamSession};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;

/// A session's handle and those of its steps, which are transforms.
#[napi(object, object_from_js = false)]
pub struct SessionInfo {
    pub handle: u32,
    pub push: u32,
    pub flush: u32,
    pub finish: u32,
}

/// Opens a session of a streaming transform, for a pool. With `gathers`, the last step returns all output.
#[napi(catch_unwind)]
pub fn open_session(env: Env, pool: u32, transform: u32, gathers: bool) -> Result<SessionInfo> {
    let handles = &mut *environment::of(&env)?.handles.borrow_mut();
    let output = if gathers { OutputMode::Collect } else { OutputMode::Emit };
    let transform = handles.transform_in(handles.pool(pool)?, transform)?;
    let session = StreamSession::open(&*transform, output).ok_or_else(|| misuse("a transform that cannot stream"))?;
    let Steps { push, flush, finish } = session.steps();
    let mut insert = |step| handles.transforms.insert(step);
    let (push, flush, finish) = (insert(push)?, insert(flush)?, insert(finish)?);
    Ok(SessionInfo { handle: handles.sessions.insert(session)?, push, flush, finish })
}

/// Copies bytes into a session's inbox, for the running step or the next one.
#[napi(catch_unwind, ts_args_type = "session: number, bytes: Uint8Array")]
pub fn write_to_session(env: Env, session: u32, bytes: Unknown) -> Result<()> {
    let handles = environment::of(&env)?.handles.borrow();
    let session = handles.session(session)?;
    let mut copy = Vec::new();
    napi_raw::copy_bytes(&env, &bytes, usize::MAX, &mut copy).ok_or_else(|| misuse("an input that is not bytes"))?;
    session.add_input(copy);
    Ok(())
}

/// Returns the number of input bytes that no step has consumed.
#[napi(catch_unwind)]
pub fn session_backlog(env: Env, session: u32) -> Result<f64> {
    let handles = environment::of(&env)?.handles.borrow();
    let session = handles.session(session)?;
    Ok(f64_of(session.pending() as u64))
}

/// Requests a record of kind `Room` once the running step, or the next one, leaves at most `backlog` bytes of input.
#[napi(catch_unwind)]
pub fn request_room(env: Env, session: u32, backlog: u32) -> Result<()> {
    let handles = environment::of(&env)?.handles.borrow();
    handles.session(session)?.request_room(backlog as usize);
    Ok(())
}

/// Closes a session and frees its memory.
#[napi(catch_unwind)]
pub fn close_session(env: Env, session: u32) -> Result<()> {
    let gone = environment::of(&env)?.handles.borrow_mut().sessions.remove(session);
    if let Some(session) = gone {
        session.close();
    }
    Ok(())
}
