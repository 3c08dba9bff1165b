//! Several transforms as one: the values between two steps stay on this side of the border.

use super::contract::{Emit, Output, StreamTransform, Transform};
use super::value::Value;
use crate::args::ArgumentError;
use crate::cancel::Cancel;
use crate::error::Result;
use std::sync::Arc;

pub struct Chain {
    steps: Vec<Arc<dyn Transform>>,
}

/// A chain of chains doubles with little effort.
const MAX_STEPS: usize = 1024;

impl Chain {
    /// The steps of chains become its own: however deep it was built, it runs flat.
    ///
    /// # Errors
    /// Without a step, since nothing would come out, or with too many; with a step behind one that makes a value.
    pub fn new(steps: &[Arc<dyn Transform>]) -> std::result::Result<Self, ArgumentError> {
        let own = |step: &Arc<dyn Transform>| {
            if step.steps().is_empty() { vec![step.clone()] } else { step.steps().to_vec() }
        };
        let steps: Vec<_> = steps.iter().flat_map(own).collect();
        if let Some(pair) = steps.windows(2).find(|pair| pair[0].output() == Output::JsValue) {
            let (maker, next) = (pair[0].name(), pair[1].name());
            return Err(ArgumentError::Value(format!(
                "A chain cannot go on with '{next}' behind '{maker}', whose value is built in JavaScript: only a module or \
                 json.stringify can take that"
            )));
        }
        if (1..=MAX_STEPS).contains(&steps.len()) {
            return Ok(Chain { steps });
        }
        let count = steps.len();
        Err(ArgumentError::Range(format!(
            "The number of steps of a chain is out of range. It must be >= 1 && <= {MAX_STEPS}. Received {count}"
        )))
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
        let (last, before) = self.steps.split_last().expect("a chain has a step");
        let value = run(before, input, cancel)?;
        cancel.check()?;
        last.run_in_parts(value, cancel, emit).map_err(|error| error.in_transform(last.name()))
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        let links = self
            .steps
            .iter()
            .map(|step| Some(Link { name: step.name(), fold: step.stream()?, out: Vec::new() }))
            .collect::<Option<Vec<_>>>()?;
        Some(Box::new(Links(links)))
    }

    fn steps(&self) -> &[Arc<dyn Transform>] {
        &self.steps
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

struct Link {
    name: &'static str,
    fold: Box<dyn StreamTransform>,
    /// What this step has made and the next has not yet taken.
    out: Vec<u8>,
}

struct Links(Vec<Link>);

impl StreamTransform for Links {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let (last, before) = self.0.split_last_mut().expect("a chain has a step");
        let mut carried: Option<&mut Vec<u8>> = None;
        for link in before {
            let input = carried.as_deref().map_or(chunk, Vec::as_slice);
            let pushed = link.fold.push(input, &mut link.out, cancel);
            if let Some(taken) = carried {
                taken.clear();
            }
            pushed.map_err(|error| error.in_transform(link.name))?;
            carried = Some(&mut link.out);
        }
        let input = carried.as_deref().map_or(chunk, Vec::as_slice);
        let pushed = last.fold.push(input, out, cancel);
        if let Some(taken) = carried {
            taken.clear();
        }
        pushed.map_err(|error| error.in_transform(last.name))
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let mut carried = Vec::new();
        for link in &mut self.0 {
            let input = std::mem::replace(&mut carried, std::mem::take(&mut link.out));
            let flushed =
                link.fold.push(&input, &mut carried, cancel).and_then(|()| link.fold.flush(&mut carried, cancel));
            flushed.map_err(|error| error.in_transform(link.name))?;
        }
        out.append(&mut carried);
        Ok(())
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        let last = self.0.pop().expect("a chain has a step");
        let mut carried: Option<Value> = None;
        let mut last_fold = last.fold;
        for mut link in self.0 {
            if let Some(value) = carried {
                let input = value.into_bytes().map_err(|error| error.in_transform(link.name))?;
                link.fold.push(&input, &mut link.out, cancel).map_err(|error| error.in_transform(link.name))?;
            }
            let finished = link.fold.finish(link.out, cancel);
            carried = Some(finished.map_err(|error| error.in_transform(link.name))?);
        }
        let name = last.name;
        let rest = match carried {
            Some(value) => value.into_bytes().map_err(|error| error.in_transform(name))?,
            None => Vec::new().into(),
        };
        last_fold
            .push(&rest, &mut out, cancel)
            .and_then(|()| last_fold.finish(out, cancel))
            .map_err(|error| error.in_transform(name))
    }
}
