//! The transform that changes nothing: the price of the trip, for measuring and for tests.

use super::{Args, ArgumentError, Fold, Transform, Value};
use crate::cancel::Cancel;
use crate::error::Result;

pub struct Identity;

pub fn identity(args: &Args) -> std::result::Result<Box<dyn Transform>, ArgumentError> {
    args.options(0, &[])?;
    Ok(Box::new(Identity))
}

impl Transform for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn run(&self, input: Value, _: &Cancel) -> Result<Value> {
        Ok(Value::Bytes(input.into_bytes()?.into_vec().into()))
    }

    fn fold(&self) -> Option<Box<dyn Fold>> {
        Some(Box::new(Identity))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Fold for Identity {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, _: &Cancel) -> Result<()> {
        out.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, _: &Cancel) -> Result<Value> {
        Ok(out.into())
    }
}
