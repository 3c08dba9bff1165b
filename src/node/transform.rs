//! Transforms, as JavaScript creates them.

use super::args::{read_args, throw};
use super::environment;
use super::napi_raw::misuse;
use crate::transform::registry::{REGISTRY, find};
use crate::transform::{Chain, Output, Transform};
use napi::bindgen_prelude::Array;
use napi::{Env, Result};
use napi_derive::napi;
use std::sync::Arc;

/// A transform's handle and its properties.
#[napi(object, object_from_js = false)]
pub struct TransformInfo {
    pub handle: u32,
    pub name: &'static str,
    /// Whether it accepts its input chunk by chunk.
    pub streaming: bool,
    /// Whether an input of the right type can make it fail.
    pub can_fail: bool,
    /// Whether its stream yields one value at the end instead of bytes or text.
    pub gives_value: bool,
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
    drop(dropped);
    Ok(())
}

fn insert(env: &Env, transform: Arc<dyn Transform>) -> Result<TransformInfo> {
    let (name, streaming, can_fail) = (transform.name(), transform.stream().is_some(), transform.can_fail());
    let gives_value = transform.output() != Output::Data;
    let handle = environment::of(env)?.handles.borrow_mut().transforms.insert(transform)?;
    Ok(TransformInfo { handle, name, streaming, can_fail, gives_value })
}
