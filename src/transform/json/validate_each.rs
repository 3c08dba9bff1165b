//! Validates many records against one schema on all threads: the elements of a list, or consecutive documents.

use super::document::{parse_shallow, utf8};
use super::splitter::{RecordSpan, Splitter};
use super::validate::{Compiled, compile};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Output, StreamTransform, Transform, run_stream};
use crate::transform::value::Value;
use serde_json::{Value as Json, json};
use std::ops::Range;
use std::sync::Arc;

/// Default for the number of invalid records to report. All are counted.
const MAX_FAILURES: usize = 1000;
/// Most errors to report for a record.
const MAX_ERRORS: usize = 100;
/// No more errors are reported once they have this many bytes as JSON.
const MAX_REPORTED: usize = 64 << 20;
/// Bytes of records that the threads share at a time.
const BATCH: usize = 512 << 10;
/// Fewest bytes of records for one thread.
const PART: usize = 64 << 10;

struct ValidateEach {
    schema: Arc<Compiled>,
    max_failures: usize,
}

/// `json.validateEach(schema, { maxErrors })`
pub fn validate_each(args: &Args) -> BuildResult {
    let options = args.options(1, &["maxErrors"])?;
    let max = options.integer("maxErrors", 0..=i64::from(u32::MAX))?;
    let max_failures = max.map_or(MAX_FAILURES, |max| usize::try_from(max).unwrap_or(usize::MAX));
    Ok(Box::new(ValidateEach { schema: Arc::new(compile(args)?), max_failures }))
}

impl ValidateEach {
    fn start(&self) -> Box<RecordValidator> {
        Box::new(RecordValidator {
            schema: self.schema.clone(),
            max_failures: self.max_failures,
            splitter: Splitter::default(),
            batch: Batch::default(),
            total: 0,
            invalid: 0,
            failures: Vec::new(),
            reported: 0,
        })
    }
}

impl Transform for ValidateEach {
    fn name(&self) -> &'static str {
        "json.validateEach"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.start(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start())
    }

    fn output(&self) -> Output {
        Output::Json
    }
}

struct RecordValidator {
    schema: Arc<Compiled>,
    max_failures: usize,
    splitter: Splitter,
    /// Records that are not validated yet.
    batch: Batch,
    total: usize,
    invalid: usize,
    /// Invalid records with their errors, as JSON.
    failures: Vec<String>,
    /// Bytes of `failures`.
    reported: usize,
}

/// The indexes of invalid records, with their errors if they are reported.
type Verdicts = Result<Vec<(usize, Vec<Json>)>>;

/// Complete records: their text, their ranges in it, and the offset of the text in the input.
type Batch = (Vec<u8>, Vec<RecordSpan>, u64);

impl RecordValidator {
    /// Validates the last batch on all threads, while this one runs `next`, which prepares the next batch.
    fn validate<T: Send>(&mut self, cancel: &Cancel, next: impl FnOnce(&mut Splitter) -> T + Send) -> Result<T> {
        cancel.check()?;
        let (text, found, base) = std::mem::take(&mut self.batch);
        let max_failures = self.max_failures.saturating_sub(self.failures.len());
        let parts = parts(&found);
        let mut verdicts: Vec<Verdicts> = parts.iter().map(|_| Ok(Vec::new())).collect();
        let (schema, splitter) = (&*self.schema, &mut self.splitter);
        let prepared = rayon::scope(|scope| {
            for (verdict, part) in verdicts.iter_mut().zip(&parts) {
                let (found, text) = (&found, &text);
                scope.spawn(move |_| {
                    *verdict = validate_part(schema, text, found, part.clone(), base, max_failures, cancel);
                });
            }
            next(splitter)
        });
        for verdict in verdicts {
            for (index, errors) in verdict? {
                self.invalid += 1;
                if self.failures.len() < self.max_failures && self.reported < MAX_REPORTED {
                    let failure = json!({ "index": self.total + index, "errors": errors }).to_string();
                    self.reported += failure.len();
                    self.failures.push(failure);
                }
            }
        }
        self.total += found.len();
        Ok(prepared)
    }
}

/// Divides records into parts that are large enough for a thread.
fn parts(found: &[RecordSpan]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut first = 0;
    for (index, record) in found.iter().enumerate() {
        if record.range.end - found[first].range.start >= PART || index + 1 == found.len() {
            parts.push(first..index + 1);
            first = index + 1;
        }
    }
    parts
}

fn validate_part(
    schema: &Compiled,
    text: &[u8],
    found: &[RecordSpan],
    part: Range<usize>,
    base: u64,
    max_failures: usize,
    cancel: &Cancel,
) -> Verdicts {
    let mut invalid = Vec::new();
    let whole = found[part.start].range.start..found[part.end - 1].range.end;
    // Checking all records at once is faster. If that fails, each record is checked, so that errors are reported in order.
    let all = std::str::from_utf8(&text[whole.clone()]).ok();
    for index in part {
        cancel.check()?;
        let RecordSpan { range, depth } = &found[index];
        let at = base + range.start as u64;
        let record = match all {
            Some(all) => &all[range.start - whole.start..range.end - whole.start],
            None => utf8(&text[range.clone()], at)?,
        };
        if schema.accepts(record, cancel) {
            continue;
        }
        let document = parse_shallow(record.as_bytes(), at)?;
        let max_errors = if invalid.len() < max_failures { MAX_ERRORS } else { 0 };
        invalid.extend(schema.errors(&document, *depth, max_errors)?.map(|errors| (index, errors)));
    }
    Ok(invalid)
}

impl StreamTransform for RecordValidator {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for piece in chunk.chunks(BATCH) {
            self.validate(cancel, |splitter| splitter.push(piece))??;
            if self.splitter.ready() >= BATCH {
                self.batch = self.splitter.take();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.validate(cancel, Splitter::finish)??;
        self.batch = self.splitter.take();
        self.validate(cancel, |_| ())?;
        let RecordValidator { total, invalid, failures, .. } = *self;
        let (valid, failures) = (total - invalid, failures.join(","));
        let counts = format!("\"total\":{total},\"valid\":{valid},\"invalid\":{invalid}");
        Ok(Value::Json(format!("{{{counts},\"failures\":[{failures}]}}")))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, cuts, fails, options, stops, whole};

    fn transform(max: u32) -> Box<dyn Transform> {
        let schema = arg(r#"{"properties":{"n":{"multipleOf":2}},"required":["n"]}"#);
        validate_each(&args([schema, options([("maxErrors", Arg::Number(max.into()))])])).unwrap()
    }

    fn verdict(max: u32, input: &str) -> Json {
        serde_json::from_slice(&whole(&*transform(max), input.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn all_are_counted_and_some_reported() {
        let list = (0..100_000).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>();
        for input in [format!("[{}]", list.join(",")), list.join("\n")] {
            let verdict = verdict(3, &input);
            let counts = ["total", "valid", "invalid"].map(|name| verdict[name].as_u64().unwrap());
            assert_eq!(counts, [100_000, 50_000, 50_000]);
            let failures = verdict["failures"].as_array().unwrap();
            assert_eq!(failures.iter().map(|it| it["index"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3, 5]);
            assert_eq!(failures[0]["errors"][0]["instancePath"], json!("/n"));
        }
        assert_eq!(verdict(0, "[{\"n\":1}]")["failures"], json!([]));
        assert_eq!(verdict(9, ""), json!({ "total": 0, "valid": 0, "invalid": 0, "failures": [] }));
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        cuts(&*transform(9), "[{\"n\":1},{\"m\":\"\\\"é\"}, {\"n\" : 2}]".as_bytes());
        cuts(&*transform(9), "{\"n\":1}\n{\"m\":[{}]}\n\n{\"n\":2}\n".as_bytes());
    }

    #[test]
    fn an_invalid_record_is_reported_with_its_offset() {
        for (input, offset) in [("[{\"n\":1},{n}]", 10), ("{\"n\":1}\n{\"n\":x}", 13), ("[1] 2", 4)] {
            assert_eq!(fails(&*transform(9), input.as_bytes()).offset, Some(offset), "{input}");
        }
    }

    #[test]
    fn can_be_cancelled() {
        stops(&*transform(9), "{\"n\":1}\n".repeat(300_000).as_bytes());
    }
}
