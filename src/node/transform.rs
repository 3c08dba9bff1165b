//! Transforms, as JavaScript creates them.

use super::allocator::reserve_for_input;
use super::args::{read_args, throw};
use super::background_drop::drop_bytes;
use super::environment;
use super::napi_raw::{self, misuse};
use crate::error::{Error, Kind};
use crate::transform::registry::{REGISTRY, find};
use crate::transform::{Chain, Held, Output, Transform};
use napi::bindgen_prelude::{Array, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;

/// A transform's handle and its properties.
#[napi(object, object_from_js = false)]
#[allow(clippy::struct_excessive_bools, reason = "JavaScript reads them by name")]
pub struct TransformInfo {
    pub handle: u32,
    pub name: &'static str,
    /// Whether it accepts its input chunk by chunk.
    pub streaming: bool,
    /// Whether a string is an input.
    pub accepts_text: bool,
    /// Whether an input of the right type can make it fail.
    pub can_fail: bool,
    /// Whether its stream yields one value at the end instead of bytes or text.
    pub gives_value: bool,
    /// Whether it holds a key, which `dispose_transform` erases.
    pub holds_secret: bool,
}

/// Returns the names of all transforms; a dot separates the namespace.
#[napi(catch_unwind)]
pub fn transform_names() -> Vec<&'static str> {
    REGISTRY.iter().map(|entry| entry.name).collect()
}

/// Creates the transform of this name from the arguments of its factory.
#[napi(catch_unwind, ts_args_type = "name: string, args: unknown[]")]
pub fn create_transform(env: Env, name: String, args: Array) -> Result<TransformInfo> {
    let entry = find(&name).ok_or_else(|| misuse("an unknown transform name"))?;
    let args = read_args(&args)?;
    let transform = (entry.build)(&args).map_err(|error| throw(&env, &error))?;
    insert(&env, Arc::from(transform))
}

/// Chains transforms into one.
#[napi(catch_unwind)]
pub fn chain_transforms(env: Env, handles: Vec<u32>) -> Result<TransformInfo> {
    let steps = {
        let known = environment::of(&env)?.handles.borrow();
        handles.iter().map(|&handle| known.transform(handle).cloned()).collect::<Result<Vec<_>>>()?
    };
    let chain = Chain::new(&steps).map_err(|error| throw(&env, &error))?;
    insert(&env, Arc::new(chain))
}

#[napi(catch_unwind)]
pub fn drop_transform(env: Env, handle: u32) -> Result<()> {
    let dropped = environment::of(&env)?.handles.borrow_mut().transforms.remove(handle);
    if let Some(copied) = dropped.as_ref().and_then(|transform| transform.held()).map(Held::copied) {
        env.adjust_external_memory(-bytes_i64(copied))?;
        drop_bytes(dropped, copied);
    }
    Ok(())
}

/// Appends a piece to the memory that a transform holds.
#[napi(catch_unwind, ts_args_type = "transform: number, piece: Uint8Array")]
pub fn append_to_held(env: Env, transform: u32, piece: Unknown) -> Result<()> {
    let environment = environment::of(&env)?;
    with_held(&env, transform, |held| {
        let copied = napi_raw::with_bytes(&env, &piece, |piece| held.append(piece, reserve_for_input));
        copied.ok_or_else(|| misuse("a piece that is not bytes"))?.map_err(|_| {
            let message = format!("Out of memory: cannot allocate a copy of a matrix of {} bytes", held.length());
            environment.throw_memory(&env, message)
        })
    })
}

/// Gives a transform the memory of an `ArrayBuffer` to hold. JavaScript has transferred it and keeps no reference.
#[napi(catch_unwind, ts_args_type = "transform: number, buffer: ArrayBuffer")]
pub fn hold_memory(env: Env, transform: u32, buffer: Unknown) -> Result<()> {
    let port = &environment::of(&env)?.port;
    with_held(&env, transform, |held| {
        let (pinned, data, length) = napi_raw::pin_array_buffer(&env, &buffer)?;
        let bytes = port.keep(pinned, data, length);
        if length != held.length() {
            return Err(misuse("memory of another length"));
        }
        held.set(Ok(bytes));
        Ok(())
    })
}

/// Makes the tasks of a transform fail because the memory that it should hold cannot be copied.
#[napi(catch_unwind)]
pub fn fail_held(env: Env, transform: u32, message: String) -> Result<()> {
    with_held(&env, transform, |held| {
        held.set(Err(Error::new(Kind::InvalidType, message)));
        Ok(())
    })
}

/// Calls `change` with the memory that a transform holds, and reports to V8 how much more or less was copied.
fn with_held(env: &Env, transform: u32, change: impl FnOnce(&Held) -> Result<()>) -> Result<()> {
    let transform = environment::of(env)?.handles.borrow().transform(transform)?.clone();
    let held = transform.held().ok_or_else(|| misuse("a transform that holds no memory"))?;
    let before = bytes_i64(held.copied());
    let changed = change(held);
    let delta = bytes_i64(held.copied()) - before;
    if delta != 0 {
        env.adjust_external_memory(delta)?;
    }
    changed
}

fn bytes_i64(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Erases the key of a transform. Tasks that are running use copies of it.
#[napi(catch_unwind)]
pub fn dispose_transform(env: Env, handle: u32) -> Result<()> {
    let handles = environment::of(&env)?.handles.borrow();
    if let Some(secret) = handles.transform(handle)?.secret() {
        secret.dispose();
    }
    Ok(())
}

/// Returns the memory that holds the key of a transform.
#[cfg(feature = "fault")]
#[napi(catch_unwind)]
pub fn stored_secret(env: Env, handle: u32) -> Result<Option<napi::bindgen_prelude::Buffer>> {
    let handles = environment::of(&env)?.handles.borrow();
    Ok(handles.transform(handle)?.secret().map(|secret| secret.stored().into()))
}

fn insert(env: &Env, transform: Arc<dyn Transform>) -> Result<TransformInfo> {
    let (name, streaming, can_fail) = (transform.name(), transform.stream().is_some(), transform.can_fail());
    let (gives_value, holds_secret) = (transform.output() != Output::Data, transform.secret().is_some());
    let accepts_text = transform.accepts_text();
    let handle = environment::of(env)?.handles.borrow_mut().transforms.insert(transform)?;
    Ok(TransformInfo { handle, name, streaming, accepts_text, can_fail, gives_value, holds_secret })
}
