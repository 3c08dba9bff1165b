//! Injects faults, for tests of the N-API boundary. Only in addons built with the feature `fault`.

use super::contract::{BuildResult, Transform};
use super::value::Value;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;

/// Panics.
struct Panic;

/// Runs until it is cancelled.
struct Spin;

pub fn panic(_: &Args) -> BuildResult {
    Ok(Box::new(Panic))
}

pub fn spin(_: &Args) -> BuildResult {
    Ok(Box::new(Spin))
}

impl Transform for Panic {
    fn name(&self) -> &'static str {
        "fault.panic"
    }

    fn run(&self, _: Value, _: &Cancel) -> Result<Value> {
        panic!("injected")
    }
}

impl Transform for Spin {
    fn name(&self) -> &'static str {
        "fault.spin"
    }

    fn run(&self, _: Value, cancel: &Cancel) -> Result<Value> {
        loop {
            cancel.check()?;
            std::thread::yield_now();
        }
    }
}
