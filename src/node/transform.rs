//! Transforms as JavaScript makes them.

use super::args::{read_args, throw};
use super::environment;
use super::napi_raw::misuse;
use crate::transform::registry::{REGISTRY, find};
use crate::transform::{Chain, Transform};
use napi::bindgen_prelude::Array;
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;

/// A transform as JavaScript knows it.
#[napi(object, object_from_js = false)]
pub struct TransformInfo {
    pub handle: u32,
    pub name: &'static str,
    /// Whether it can take its input chunk by chunk.
    pub streaming: bool,
    /// Whether an input of the right type can make it fail.
    pub can_fail: bool,
    /// Whether its stream ends with one value, and has no bytes or text.
    pub gives_value: bool,
}

/// The names of all transforms; a dot separates a namespace.
#[napi(catch_unwind)]
pub fn transform_names() -> Vec<&'static str> {
    REGISTRY.iter().map(|entry| entry.name).collect()
}

/// Makes a transform.
#[napi(catch_unwind, ts_args_type = "name: string, args: unknown[]")]
pub fn make_transform(env: Env, name: String, args: Array) -> Result<TransformInfo> {
    let entry = find(&name).ok_or_else(|| misuse("the name of no transform"))?;
    let args = read_args(&args)?;
    let transform = (entry.build)(&args).map_err(|error| throw(&env, &error))?;
    keep(&env, Arc::from(transform))
}

/// Makes one transform of several.
#[napi(catch_unwind)]
pub fn chain_transforms(env: Env, handles: Vec<u32>) -> Result<TransformInfo> {
    let steps = {
        let tables = environment::of(&env)?.tables.borrow();
        handles.iter().map(|&handle| tables.transform(handle).cloned()).collect::<Result<Vec<_>>>()?
    };
    let chain = Chain::new(&steps).map_err(|error| throw(&env, &error))?;
    keep(&env, Arc::new(chain))
}

/// Forgets a transform that JavaScript no longer holds.
#[napi(catch_unwind)]
pub fn drop_transform(env: Env, handle: u32) -> Result<()> {
    let gone = environment::of(&env)?.tables.borrow_mut().transforms.try_remove(handle as usize);
    drop(gone);
    Ok(())
}

fn keep(env: &Env, transform: Arc<dyn Transform>) -> Result<TransformInfo> {
    let (name, streaming, can_fail) = (transform.name(), transform.fold().is_some(), transform.can_fail());
    let gives_value = transform.gives_value();
    let handle = environment::of(env)?.tables.borrow_mut().transforms.insert(transform);
    Ok(TransformInfo { handle: u32::try_from(handle).unwrap_or(u32::MAX), name, streaming, can_fail, gives_value })
}
