//! The contract between transforms and the tasks and streams that run them.

use super::value::{Document, Value};
use crate::args::ArgumentError;
use crate::cancel::Cancel;
use crate::error::Result;
use std::sync::Arc;

/// A task works through this many bytes, then looks whether it is still wanted.
pub const STEP: usize = 1 << 20;

/// A transform made of its arguments.
pub type BuildResult = std::result::Result<Box<dyn Transform>, ArgumentError>;

/// Takes a part of a result.
pub type Emit<'a> = &'a mut dyn FnMut(Document);

/// One kind of work, with its options. Made once, run many times, from any thread.
pub trait Transform: Send + Sync {
    /// As in `transforms.<name>`.
    fn name(&self) -> &'static str;

    /// Does the whole work on one input, polling `cancel` between steps of at most about [`STEP`] bytes or 5 ms.
    ///
    /// # Errors
    /// With the kind that says whose fault it is; never with part of a result.
    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value>;

    /// The same work for one whose result may go out in parts before it is known that all of it is right. What is returned
    /// comes last.
    ///
    /// # Errors
    /// As [`Transform::run`]; the parts were for nothing then.
    fn run_in_parts(&self, input: Value, cancel: &Cancel, _emit: Emit) -> Result<Value> {
        self.run(input, cancel)
    }

    /// The same work chunk by chunk, for transforms that can.
    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        None
    }

    /// What it is made of, if it is a chain.
    fn steps(&self) -> &[Arc<dyn Transform>] {
        &[]
    }

    /// Whether an input of the right type can make it fail.
    fn can_fail(&self) -> bool {
        true
    }

    /// Returns the form of the result.
    fn output(&self) -> Output {
        Output::Data
    }
}

/// Form in which a transform delivers its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Bytes or text, which a stream emits as soon as they are ready.
    Data,
    /// One value at the end, which a following transform receives as JSON text.
    Json,
    /// One value at the end that JavaScript builds: no other native transform accepts it.
    JsValue,
}

/// A transform under way that takes its input in chunks, cut anywhere.
pub trait StreamTransform: Send {
    /// Takes a chunk and appends to `out` what is ready. The caller may take bytes out of `out` between calls.
    ///
    /// # Errors
    /// As [`Transform::run`]; the fold is of no use afterwards.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()>;

    /// Brings out what is held back, so that whoever reads `out` has all that was pushed. What holds nothing back does nothing.
    ///
    /// # Errors
    /// As [`Transform::run`]; the fold is of no use afterwards.
    fn flush(&mut self, _out: &mut Vec<u8>, _cancel: &Cancel) -> Result<()> {
        Ok(())
    }

    /// Ends the input. `out` holds what was not yet taken; a fold that makes bytes appends the rest and returns them.
    ///
    /// # Errors
    /// As [`Transform::run`], for an input that ended too early among others.
    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value>;
}

/// Runs a fold over one whole input: how most streaming transforms implement [`Transform::run`].
///
/// # Errors
/// Those of the fold, or of kind `Cancelled`.
pub fn run_stream(mut fold: Box<dyn StreamTransform>, input: Value, cancel: &Cancel) -> Result<Value> {
    let input = input.into_bytes()?;
    let mut out = Vec::new();
    for chunk in input.chunks(STEP) {
        cancel.check()?;
        fold.push(chunk, &mut out, cancel)?;
    }
    cancel.check()?;
    fold.finish(out, cancel)
}
