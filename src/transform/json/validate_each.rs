//! Many records against one schema, by all threads: the elements of a list, or documents one after the other.

use super::document::{parse_shallow, utf8};
use super::splitter::{Record, Records};
use super::validate::{Compiled, compile};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Fold, Transform, run_fold};
use crate::transform::value::Value;
use serde_json::{Value as Json, json};
use std::ops::Range;
use std::sync::Arc;

/// Failing records that are told of, unless the options say otherwise. All are counted.
const MAX_FAILURES: usize = 1000;
/// Errors that are told of one record.
const MAX_ERRORS: usize = 100;
/// When errors take so many bytes as JSON, no more are told.
const MAX_TOLD: usize = 64 << 20;
/// Threads share so many bytes of records at a time.
const BATCH: usize = 512 << 10;
/// One of them works through so many bytes at least before it looks at the token.
const PART: usize = 64 << 10;

struct ValidateEach {
    schema: Arc<Compiled>,
    most: usize,
}

/// `json.validateEach(schema, { maxErrors })`
pub fn validate_each(args: &Args) -> BuildResult {
    let options = args.options(1, &["maxErrors"])?;
    let most = options.integer("maxErrors", 0..=i64::from(u32::MAX))?;
    let most = most.map_or(MAX_FAILURES, |most| usize::try_from(most).unwrap_or(usize::MAX));
    Ok(Box::new(ValidateEach { schema: Arc::new(compile(args)?), most }))
}

impl ValidateEach {
    fn begin(&self) -> Box<Validating> {
        let ValidateEach { schema, most } = self;
        Box::new(Validating {
            schema: schema.clone(),
            most: *most,
            records: Records::new(),
            batch: Batch::default(),
            total: 0,
            invalid: 0,
            failures: Vec::new(),
            told: 0,
        })
    }
}

impl Transform for ValidateEach {
    fn name(&self) -> &'static str {
        "json.validateEach"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_fold(self.begin(), input, cancel)
    }

    fn fold(&self) -> Option<Box<dyn Fold>> {
        Some(self.begin())
    }

    fn gives_value(&self) -> bool {
        true
    }
}

struct Validating {
    schema: Arc<Compiled>,
    most: usize,
    records: Records,
    /// What was cut and is not validated yet.
    batch: Batch,
    total: usize,
    invalid: usize,
    /// As JSON.
    failures: Vec<String>,
    /// Bytes of these.
    told: usize,
}

/// What came of some records: those that fail by their places, with their errors as long as someone may want them.
type Verdicts = Result<Vec<(usize, Vec<Json>)>>;

/// Records that are complete: their text, their places in it, and the place of the text in the input.
type Batch = (Vec<u8>, Vec<Record>, u64);

impl Validating {
    /// Validates the batch that was cut last by all threads, while this one does something else for the next.
    fn work<T: Send>(&mut self, cancel: &Cancel, next: impl FnOnce(&mut Records) -> T + Send) -> Result<T> {
        cancel.check()?;
        let (text, found, base) = std::mem::take(&mut self.batch);
        let wanted = self.most.saturating_sub(self.failures.len());
        let parts = parts(&found);
        let mut verdicts: Vec<Verdicts> = parts.iter().map(|_| Ok(Vec::new())).collect();
        let (schema, records) = (&*self.schema, &mut self.records);
        let done = rayon::scope(|scope| {
            for (verdict, part) in verdicts.iter_mut().zip(&parts) {
                let (found, text) = (&found, &text);
                scope.spawn(move |_| *verdict = judge(schema, text, found, part.clone(), base, wanted, cancel));
            }
            next(records)
        });
        for verdict in verdicts {
            for (place, errors) in verdict? {
                self.invalid += 1;
                if self.failures.len() < self.most && self.told < MAX_TOLD {
                    let failure = json!({ "index": self.total + place, "errors": errors }).to_string();
                    self.told += failure.len();
                    self.failures.push(failure);
                }
            }
        }
        self.total += found.len();
        Ok(done)
    }
}

/// Runs of records that are worth a thread's while.
fn parts(found: &[Record]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut first = 0;
    for (place, record) in found.iter().enumerate() {
        if record.place.end - found[first].place.start >= PART || place + 1 == found.len() {
            parts.push(first..place + 1);
            first = place + 1;
        }
    }
    parts
}

fn judge(
    schema: &Compiled,
    text: &[u8],
    found: &[Record],
    part: Range<usize>,
    base: u64,
    wanted: usize,
    cancel: &Cancel,
) -> Verdicts {
    let mut failing = Vec::new();
    for place in part {
        cancel.check()?;
        let Record { place: range, depth } = &found[place];
        let at = base + range.start as u64;
        let record = &text[range.clone()];
        utf8(record, at)?;
        let document = parse_shallow(record, at)?;
        let most = if failing.len() < wanted { MAX_ERRORS } else { 0 };
        failing.extend(schema.errors(&document, *depth, most)?.map(|errors| (place, errors)));
    }
    Ok(failing)
}

impl Fold for Validating {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(BATCH) {
            self.work(cancel, |records| records.push(step))??;
            if self.records.ready() >= BATCH {
                self.batch = self.records.take();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.work(cancel, Records::finish)??;
        self.batch = self.records.take();
        self.work(cancel, |_| ())?;
        let Validating { total, invalid, failures, .. } = *self;
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

    fn transform(most: u32) -> Box<dyn Transform> {
        let schema = arg(r#"{"properties":{"n":{"multipleOf":2}},"required":["n"]}"#);
        validate_each(&args([schema, options([("maxErrors", Arg::Number(most.into()))])])).unwrap()
    }

    fn verdict(most: u32, input: &str) -> Json {
        serde_json::from_slice(&whole(&*transform(most), input.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn counts_all_and_tells_of_some() {
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
    fn cuts_do_not_matter() {
        cuts(&*transform(9), "[{\"n\":1},{\"m\":\"\\\"é\"}, {\"n\" : 2}]".as_bytes());
        cuts(&*transform(9), "{\"n\":1}\n{\"m\":[{}]}\n\n{\"n\":2}\n".as_bytes());
    }

    #[test]
    fn a_record_that_is_no_json_is_told_with_its_place() {
        for (input, offset) in [("[{\"n\":1},{n}]", 10), ("{\"n\":1}\n{\"n\":x}", 13), ("[1] 2", 4)] {
            assert_eq!(fails(&*transform(9), input.as_bytes()).offset, Some(offset), "{input}");
        }
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*transform(9), "{\"n\":1}\n".repeat(300_000).as_bytes());
    }
}
