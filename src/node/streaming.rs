//! Sessions as JavaScript opens them: their steps are transforms, which it runs as any other.

use super::environment;
use super::napi_raw::{self, misuse};
use crate::transform::streaming::{Output, Session, Steps};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;

/// A session, and the transforms that are its steps.
#[napi(object, object_from_js = false)]
pub struct SessionInfo {
    pub handle: u32,
    pub push: u32,
    pub flush: u32,
    pub finish: u32,
}

/// Opens a session of a transform that works chunk by chunk. With `gathers` its output comes at the end.
#[napi(catch_unwind)]
pub fn open_session(env: Env, transform: u32, gathers: bool) -> Result<SessionInfo> {
    let tables = &mut *environment::of(&env)?.tables.borrow_mut();
    let output = if gathers { Output::Gathers } else { Output::Flows };
    let session = Session::open(&**tables.transform(transform)?, output)
        .ok_or_else(|| misuse("a transform that cannot stream"))?;
    let Steps { push, flush, finish } = session.steps();
    let mut keep = |step| number(tables.transforms.insert(step));
    let (push, flush, finish) = (keep(push), keep(flush), keep(finish));
    Ok(SessionInfo { handle: number(tables.sessions.insert(session)), push, flush, finish })
}

/// Copies bytes into a session's inbox, for the step that runs or the next one.
#[napi(catch_unwind, ts_args_type = "session: number, bytes: Uint8Array")]
pub fn put_into_session(env: Env, session: u32, bytes: Unknown) -> Result<()> {
    let tables = environment::of(&env)?.tables.borrow();
    let session = tables.sessions.get(session as usize).ok_or_else(|| misuse("a session that is closed"))?;
    let mut copy = Vec::new();
    napi_raw::copy_bytes(&env, &bytes, usize::MAX, &mut copy).ok_or_else(|| misuse("an input that is not bytes"))?;
    session.put(copy);
    Ok(())
}

/// How many bytes of input wait for another step.
#[napi(catch_unwind)]
pub fn session_left(env: Env, session: u32) -> Result<f64> {
    let tables = environment::of(&env)?.tables.borrow();
    let session = tables.sessions.get(session as usize).ok_or_else(|| misuse("a session that is closed"))?;
    #[expect(clippy::cast_precision_loss, reason = "a length in memory")]
    let left = session.left() as f64;
    Ok(left)
}

/// Lets go of a session and of its memory.
#[napi(catch_unwind)]
pub fn close_session(env: Env, session: u32) -> Result<()> {
    let gone = environment::of(&env)?.tables.borrow_mut().sessions.try_remove(session as usize);
    if let Some(session) = gone {
        session.close();
    }
    Ok(())
}

fn number(key: usize) -> u32 {
    u32::try_from(key).unwrap_or(u32::MAX)
}
