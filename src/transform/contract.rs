//! The contract between transforms and the tasks and streams that run them.

use super::held::Held;
use super::secret::Secret;
use super::value::{Document, Value};
use crate::args::ArgumentError;
use crate::cancel::Cancel;
use crate::error::Result;
use std::sync::Arc;

/// Bytes that a task processes between two polls of its cancel flag.
pub const STEP: usize = 1 << 20;

/// Result of a factory: a transform, or the argument that is invalid.
pub type BuildResult = std::result::Result<Box<dyn Transform>, ArgumentError>;

/// An event of a running transform.
#[derive(Debug)]
pub enum Event {
    /// A part of the result is ready.
    Part(Document),
    /// A stream whose writer waits has room for input.
    Room,
}

/// Receives the events of a running transform.
pub type Emit<'a> = &'a mut dyn FnMut(Event);

/// A computation with its options: created once, run many times, from any thread.
pub trait Transform: Send + Sync {
    /// Returns the name, as in `transforms.<name>`.
    fn name(&self) -> &'static str;

    /// Transforms a whole input, polling `cancel` between steps of at most about [`STEP`] bytes or 5 ms.
    ///
    /// # Errors
    /// Of the kind that fits the cause.
    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value>;

    /// Like [`Transform::run`], but emits events. Parts of the result may be emitted before all of the input is validated; the
    /// last one is returned.
    ///
    /// # Errors
    /// As [`Transform::run`]; the caller discards the parts.
    fn run_in_parts(&self, input: Value, cancel: &Cancel, _emit: Emit) -> Result<Value> {
        self.run(input, cancel)
    }

    /// Starts a stream, if the transform can process its input chunk by chunk.
    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        None
    }

    /// Returns the steps of a chain; empty for other transforms.
    fn steps(&self) -> &[Arc<dyn Transform>] {
        &[]
    }

    /// Returns the memory that the transform holds between its tasks.
    fn held(&self) -> Option<&Held> {
        None
    }

    /// Returns a copy that produces at most `max_output` bytes, if the transform has an output limit.
    fn limited(&self, _max_output: u64) -> Option<Arc<dyn Transform>> {
        None
    }

    /// Returns the key that the transform holds.
    fn secret(&self) -> Option<&Secret> {
        None
    }

    /// Whether a string is an input; only bytes are an input of a decoder.
    fn accepts_text(&self) -> bool {
        true
    }

    /// Whether an input of the right type can fail.
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
    /// Bytes or text, which a stream emits immediately.
    Data,
    /// One value at the end, which a following transform receives as JSON text.
    Json,
    /// One value at the end that JavaScript builds: no other native transform accepts it.
    JsValue,
}

/// A running transform whose input arrives in chunks, cut anywhere.
pub trait StreamTransform: Send {
    /// Processes a chunk and appends finished output to `out`, which the caller may drain between calls.
    ///
    /// # Errors
    /// As [`Transform::run`]; the stream must not be used afterwards.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()>;

    /// Appends buffered output, so that a decoder of `out` gets everything pushed before.
    ///
    /// # Errors
    /// As [`Transform::run`]; the stream must not be used afterwards.
    fn flush(&mut self, _out: &mut Vec<u8>, _cancel: &Cancel) -> Result<()> {
        Ok(())
    }

    /// Ends the input. `out` is the output not yet drained; a stream of bytes appends the rest and returns it.
    ///
    /// # Errors
    /// As [`Transform::run`]; also for an input that ends too early.
    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value>;
}

/// Runs a stream over a whole input. Most streaming transforms implement [`Transform::run`] this way.
///
/// # Errors
/// Those of the stream; of kind `Cancelled`.
pub fn run_stream(mut stream: Box<dyn StreamTransform>, input: Value, cancel: &Cancel) -> Result<Value> {
    let input = input.into_bytes()?;
    let mut out = Vec::new();
    for chunk in input.chunks(STEP) {
        cancel.check()?;
        stream.push(chunk, &mut out, cancel)?;
    }
    cancel.check()?;
    stream.finish(out, cancel)
}
