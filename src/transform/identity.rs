//! Returns its input: measures the round trip, and serves tests.

use super::contract::{BuildResult, StreamTransform, Transform};
use super::memory;
use super::value::Value;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;

pub struct Identity(pub &'static str);

pub fn identity(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Identity("identity")))
}

impl Transform for Identity {
    fn name(&self) -> &'static str {
        self.0
    }

    fn run(&self, input: Value, _: &Cancel) -> Result<Value> {
        Ok(Value::Bytes(input.into_bytes()?.into_owned()?.into()))
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(Identity(self.0)))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl StreamTransform for Identity {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, _: &Cancel) -> Result<()> {
        memory::append(out, chunk)
    }

    fn finish(self: Box<Self>, out: Vec<u8>, _: &Cancel) -> Result<Value> {
        Ok(out.into())
    }
}
