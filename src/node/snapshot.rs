//! Compares heap snapshots on a thread of libuv's pool.

use super::convert::f64_of;
use crate::snapshot::{Growth, Kind, compare};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Error, Result, Task};
use napi_derive::napi;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A container that grew between two heap snapshots, with its figures in both.
#[napi(object, object_from_js = false)]
pub struct ContainerGrowth {
    #[napi(ts_type = "'Map' | 'Set' | 'Array' | 'Object' | 'other'")]
    pub kind: String,
    /// Variable or property, with the objects that contain it. Empty if it is unknown.
    pub name: String,
    /// Retaining path from a root to the container.
    pub path: String,
    /// File that declares the variable, or the class of the property. Empty if it is unknown.
    pub file: String,
    /// Line of a function that uses the variable, or line of that class, from 1; 0 if it is unknown.
    pub line: u32,
    /// Whether the container is a copy of the one in the first snapshot.
    pub is_copy: bool,
    pub entries: Vec<f64>,
    /// Bytes that the container holds, without those that other growing containers hold.
    pub bytes: Vec<f64>,
    /// Total size of all objects, in bytes.
    pub heap: Vec<f64>,
}

impl From<Growth> for ContainerGrowth {
    fn from(growth: Growth) -> Self {
        let kind = match growth.kind {
            Kind::Map => "Map",
            Kind::Set => "Set",
            Kind::Array => "Array",
            Kind::Object => "Object",
            Kind::Other => "other",
        };
        let Growth { name, path, file, line, is_copy, entries, bytes, heap, .. } = growth;
        let (entries, bytes, heap) =
            (entries.map(f64::from).to_vec(), bytes.map(f64_of).to_vec(), heap.map(f64_of).to_vec());
        ContainerGrowth { kind: kind.into(), name, path, file, line, is_copy, entries, bytes, heap }
    }
}

pub struct Comparison {
    before: String,
    after: String,
}

impl Task for Comparison {
    type Output = Vec<Growth>;
    type JsValue = Vec<ContainerGrowth>;

    fn compute(&mut self) -> Result<Self::Output> {
        let open = |path: &str| File::open(path).map_err(|error| Error::from_reason(format!("{path}: {error}")));
        let (mut before, mut after) = (open(&self.before)?, open(&self.after)?);
        match catch_unwind(AssertUnwindSafe(|| compare(&mut before, &mut after))) {
            Ok(compared) => compared.map_err(|error| Error::from_reason(error.located_message())),
            Err(_) => Err(Error::from_reason("The comparison of heap snapshots panicked")),
        }
    }

    fn resolve(&mut self, _: Env, grown: Self::Output) -> Result<Self::JsValue> {
        Ok(grown.into_iter().map(ContainerGrowth::from).collect())
    }
}

/// Compares two heap snapshots of a thread. Returns the containers that have gained entries and bytes, those with the most new
/// entries first.
#[napi(catch_unwind, ts_return_type = "Promise<ContainerGrowth[]>")]
pub fn compare_snapshots(before: String, after: String) -> AsyncTask<Comparison> {
    AsyncTask::new(Comparison { before, after })
}
