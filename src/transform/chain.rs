//! Several transforms as one: intermediate values do not cross the N-API boundary.

use super::contract::{Emit, Output, StreamTransform, Transform};
use super::value::Value;
use crate::args::{ArgumentError, quoted};
use crate::cancel::Cancel;
use crate::error::Result;
use std::sync::Arc;

pub struct Chain {
    steps: Vec<Arc<dyn Transform>>,
}

/// Limits chains of chains, whose length can double with each level.
const MAX_STEPS: usize = 1024;

impl Chain {
    /// Chains transforms; nested chains are flattened.
    ///
    /// # Errors
    /// For no step or too many, and for a step after one whose output is a JavaScript value.
    pub fn new(steps: &[Arc<dyn Transform>]) -> std::result::Result<Self, ArgumentError> {
        let flatten = |step: &Arc<dyn Transform>| {
            if step.steps().is_empty() { vec![step.clone()] } else { step.steps().to_vec() }
        };
        let steps: Vec<_> = steps.iter().flat_map(flatten).collect();
        if let Some(pair) = steps.windows(2).find(|pair| pair[0].output() == Output::JsValue) {
            let (name, next) = (pair[0].name(), pair[1].name());
            let rule = format_args!(
                "A step after '{name}', whose value is built in JavaScript, must accept such a value, like a worker function \
                 or json.stringify"
            );
            return Err(ArgumentError::value(rule, quoted(next)));
        }
        if (1..=MAX_STEPS).contains(&steps.len()) {
            return Ok(Chain { steps });
        }
        let rule = format_args!("The number of steps of a chain is out of range. It must be >= 1 && <= {MAX_STEPS}");
        Err(ArgumentError::range(rule, steps.len()))
    }
}

impl Transform for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run(&self.steps, input, cancel)
    }

    fn run_in_parts(&self, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        let (last, first) = self.steps.split_last().expect("a chain has a step");
        let value = run(first, input, cancel)?;
        cancel.check()?;
        last.run_in_parts(value, cancel, emit).map_err(|error| error.in_transform(last.name()))
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        let steps = self
            .steps
            .iter()
            .map(|step| Some(Step { name: step.name(), stream: step.stream()?, out: Vec::new() }))
            .collect::<Option<Vec<_>>>()?;
        Some(Box::new(ChainStream(steps)))
    }

    fn steps(&self) -> &[Arc<dyn Transform>] {
        &self.steps
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        let limited = |step: &Arc<dyn Transform>| step.limited(max_output).unwrap_or_else(|| step.clone());
        Some(Arc::new(Chain { steps: self.steps.iter().map(limited).collect() }))
    }

    fn accepts_text(&self) -> bool {
        self.steps.first().expect("a chain has a step").accepts_text()
    }

    fn can_fail(&self) -> bool {
        self.steps.iter().any(|step| step.can_fail())
    }

    fn output(&self) -> Output {
        self.steps.last().expect("a chain has a step").output()
    }
}

fn run(steps: &[Arc<dyn Transform>], input: Value, cancel: &Cancel) -> Result<Value> {
    steps.iter().try_fold(input, |value, step| {
        cancel.check()?;
        step.run(value, cancel).map_err(|error| error.in_transform(step.name()))
    })
}

struct Step {
    name: &'static str,
    stream: Box<dyn StreamTransform>,
    /// Output that the next step has not consumed.
    out: Vec<u8>,
}

struct ChainStream(Vec<Step>);

impl StreamTransform for ChainStream {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let (last, first) = self.0.split_last_mut().expect("a chain has a step");
        let mut previous: Option<&mut Vec<u8>> = None;
        for step in first {
            let input = previous.as_deref().map_or(chunk, Vec::as_slice);
            let result = step.stream.push(input, &mut step.out, cancel);
            if let Some(consumed) = previous {
                consumed.clear();
            }
            result.map_err(|error| error.in_transform(step.name))?;
            previous = Some(&mut step.out);
        }
        let input = previous.as_deref().map_or(chunk, Vec::as_slice);
        let result = last.stream.push(input, out, cancel);
        if let Some(consumed) = previous {
            consumed.clear();
        }
        result.map_err(|error| error.in_transform(last.name))
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut output = Vec::new();
        for step in &mut self.0 {
            let input = std::mem::replace(&mut output, std::mem::take(&mut step.out));
            let result =
                step.stream.push(&input, &mut output, cancel).and_then(|()| step.stream.flush(&mut output, cancel));
            result.map_err(|error| error.in_transform(step.name))?;
        }
        out.append(&mut output);
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.0.last_mut().expect("a chain has a step").out = out;
        let mut output = Value::from(Vec::new());
        for Step { name, mut stream, mut out } in self.0 {
            let finish = || {
                stream.push(&output.into_bytes()?, &mut out, cancel)?;
                stream.finish(out, cancel)
            };
            output = finish().map_err(|error| error.in_transform(name))?;
        }
        Ok(output)
    }
}
