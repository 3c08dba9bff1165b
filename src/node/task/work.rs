//! The jobs that the pool runs for JavaScript: a task, and a batch of small ones.

use super::input_form::{InputForm, length_of};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::node::batch_results::BatchResults;
use crate::node::completion::{Outcome, Port};
use crate::pool::{Tally, Work, catch_panic};
use crate::transform::{Bytes, Event, Lend, SMALL_DOCUMENT, Transform, Value, json_in_parts};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Everything that a task needs to run and to report its outcome.
pub struct TaskContext {
    pub port: Arc<Port>,
    pub task: u32,
    pub transform: Arc<dyn Transform>,
    pub cancel: Cancel,
}

impl TaskContext {
    /// Runs the transform. The result owns its memory: a borrow ends here.
    fn run(&self, input: Value) -> Result<Value> {
        self.cancel.check()?;
        self.ended(self.transform.run(input, &self.cancel))
    }

    /// Runs the transform and sends each event when it occurs.
    fn run_in_parts(&self, input: Value) -> Result<Value> {
        self.cancel.check()?;
        let mut emit = |event| {
            let outcome = match event {
                Event::Part(part) => Outcome::Part(part),
                Event::Room => Outcome::Room,
            };
            self.port.complete(self.task, outcome);
        };
        match self.ended(self.transform.run_in_parts(input, &self.cancel, &mut emit))? {
            Value::Json(text) if text.len() > SMALL_DOCUMENT => json_in_parts(&text, &self.cancel, &mut emit),
            other => Ok(other),
        }
    }

    fn ended(&self, result: Result<Value>) -> Result<Value> {
        match result {
            Ok(Value::Bytes(bytes)) => bytes.into_owned().map(Into::into),
            Err(error) => Err(error.in_transform(self.transform.name())),
            other => other,
        }
    }
}

pub struct Task {
    pub context: TaskContext,
    /// `None` once the task runs.
    pub input: Option<Value>,
    pub outcome: Option<Result<Value>>,
}

impl Work for Task {
    fn name(&self) -> &'static str {
        self.context.transform.name()
    }

    fn run(&mut self) -> Tally {
        let Some(input) = self.input.take() else { return Tally::default() };
        let outcome = self.context.run_in_parts(input);
        let mut tally = Tally::default();
        count(&mut tally, &outcome);
        self.outcome = Some(outcome);
        tally
    }

    fn fail(&mut self, error: Error) {
        self.input = None;
        self.outcome = Some(Err(error.in_transform(self.context.transform.name())));
    }

    fn settle(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(Error::cancelled()));
        self.context.port.complete(self.context.task, Outcome::One(outcome));
    }
}

/// The inputs of a batch, one after the other.
pub enum Packed {
    Plain(Arc<Bytes>),
    /// At least one input has fields.
    Secret(Zeroizing<Vec<u8>>),
}

impl Packed {
    /// `lengths` have the flags of [`InputForm`].
    pub fn new(bytes: Bytes, lengths: &[u32]) -> Self {
        let has_fields = lengths.iter().any(|&length| matches!(InputForm::of(length), InputForm::Fields));
        if has_fields { Packed::Secret(bytes.into_vec().into()) } else { Packed::Plain(Arc::new(bytes)) }
    }

    /// Returns an input. Bytes stay in the memory of the batch.
    fn input(&self, form: InputForm, range: Range<usize>) -> Value {
        match (self, form) {
            (Packed::Plain(packed), InputForm::Bytes) => {
                Bytes::Lent(Box::new(PackedInput { packed: packed.clone(), range })).into()
            }
            (Packed::Plain(packed), _) => form.value(packed[range].to_vec()),
            (Packed::Secret(packed), _) => form.value(packed[range].to_vec()),
        }
    }
}

impl Default for Packed {
    fn default() -> Self {
        Packed::Plain(Arc::new(Vec::new().into()))
    }
}

/// An input in the memory of its batch.
struct PackedInput {
    packed: Arc<Bytes>,
    range: Range<usize>,
}

impl Lend for PackedInput {
    fn bytes(&self) -> &[u8] {
        &self.packed[self.range.clone()]
    }
}

/// Many small tasks.
pub struct Batch {
    pub context: TaskContext,
    pub packed: Packed,
    /// With the flags of [`InputForm`].
    pub lengths: Vec<u32>,
    pub results: BatchResults,
    pub took: Duration,
}

impl Work for Batch {
    fn name(&self) -> &'static str {
        self.context.transform.name()
    }

    fn tasks(&self) -> u32 {
        u32::try_from(self.lengths.len()).unwrap_or(u32::MAX)
    }

    fn run(&mut self) -> Tally {
        let started = Instant::now();
        let mut tally = Tally::default();
        let packed = std::mem::take(&mut self.packed);
        let mut start = 0;
        self.results.items.reserve_exact(self.lengths.len());
        for &length in &self.lengths {
            let end = start + length_of(length) as usize;
            let item = packed.input(InputForm::of(length), start..end);
            start = end;
            // A panic fails its item only.
            let result = catch_panic(|| self.context.run(item)).and_then(|result| result);
            count(&mut tally, &result);
            self.results.push(result);
        }
        self.took = started.elapsed();
        tally
    }

    fn fail(&mut self, error: Error) {
        let error = error.in_transform(self.context.transform.name());
        self.packed = Packed::default();
        self.results = BatchResults::default();
        self.lengths.iter().for_each(|_| self.results.push(Err(error.clone())));
    }

    fn settle(self: Box<Self>) {
        let Batch { context, results, took, .. } = *self;
        context.port.complete(context.task, Outcome::Many { results, took });
    }
}

fn count(tally: &mut Tally, outcome: &Result<Value>) {
    match outcome {
        Ok(_) => tally.completed += 1,
        Err(error) if error.kind == Kind::Cancelled => tally.cancelled += 1,
        Err(_) => tally.failed += 1,
    }
}
