//! Many records against one schema, by all threads: the elements of a list, or documents one after the other.

use super::json_records::Records;
use super::json_text::parse;
use super::json_validate::{compile, errors};
use super::{Args, ArgumentError, Fold, Transform, Value, run_fold};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use jsonschema::Validator;
use serde_json::{Value as Json, json};
use std::ops::Range;
use std::sync::Arc;

/// Failing records that are told of, unless the options say otherwise. All are counted.
const MAX_FAILURES: usize = 1000;
/// Errors that are told of one record.
const MAX_ERRORS: usize = 100;
/// Threads share so many bytes of records at a time.
const BATCH: usize = 1 << 20;
/// One of them works through so many bytes at least before it looks at the token.
const PART: usize = 64 << 10;

struct ValidateEach {
    validator: Arc<Validator>,
    most: usize,
}

/// `json.validateEach(schema, { maxErrors })`
pub fn validate_each(args: &Args) -> std::result::Result<Box<dyn Transform>, ArgumentError> {
    let options = args.options(1, &["maxErrors"])?;
    let most = options.integer("maxErrors", 0..=i64::from(u32::MAX))?;
    let most = most.map_or(MAX_FAILURES, |most| usize::try_from(most).unwrap_or(usize::MAX));
    Ok(Box::new(ValidateEach { validator: Arc::new(compile(args)?), most }))
}

impl ValidateEach {
    fn begin(&self) -> Box<Validating> {
        let ValidateEach { validator, most } = self;
        Box::new(Validating {
            validator: validator.clone(),
            most: *most,
            records: Records::new(),
            total: 0,
            invalid: 0,
            failures: Vec::new(),
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
}

struct Validating {
    validator: Arc<Validator>,
    most: usize,
    records: Records,
    total: usize,
    invalid: usize,
    failures: Vec<Json>,
}

/// What came of some records: those that fail by their places, with their errors as long as someone may want them.
type Verdicts = Result<Vec<(usize, Vec<Json>)>>;

impl Validating {
    fn work(&mut self, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        let (text, found, base) = self.records.take();
        let wanted = self.most.saturating_sub(self.failures.len());
        let parts = parts(&found);
        let mut verdicts: Vec<Verdicts> = parts.iter().map(|_| Ok(Vec::new())).collect();
        let validator = &*self.validator;
        rayon::scope(|scope| {
            for (verdict, part) in verdicts.iter_mut().zip(&parts) {
                let (found, text) = (&found, &text);
                scope.spawn(move |_| *verdict = judge(validator, text, found, part.clone(), base, wanted, cancel));
            }
        });
        for verdict in verdicts {
            for (place, errors) in verdict? {
                self.invalid += 1;
                if self.failures.len() < self.most {
                    self.failures.push(json!({ "index": self.total + place, "errors": errors }));
                }
            }
        }
        self.total += found.len();
        Ok(())
    }
}

/// Runs of records that are worth a thread's while.
fn parts(found: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut first = 0;
    for (place, range) in found.iter().enumerate() {
        if range.end - found[first].start >= PART || place + 1 == found.len() {
            parts.push(first..place + 1);
            first = place + 1;
        }
    }
    parts
}

fn judge(
    validator: &Validator,
    text: &[u8],
    found: &[Range<usize>],
    part: Range<usize>,
    base: u64,
    wanted: usize,
    cancel: &Cancel,
) -> Verdicts {
    cancel.check()?;
    let mut failing = Vec::new();
    for place in part {
        let range = found[place].clone();
        let at = base + range.start as u64;
        let record = &text[range];
        if let Err(error) = std::str::from_utf8(record) {
            return Err(Error::invalid_data("The input is no UTF-8 text").at(at + error.valid_up_to() as u64));
        }
        let document = parse(record, at)?;
        if !validator.is_valid(&document) {
            let errors = if failing.len() < wanted { errors(validator, &document, MAX_ERRORS) } else { Vec::new() };
            failing.push((place, errors));
        }
    }
    Ok(failing)
}

impl Fold for Validating {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(BATCH) {
            self.records.push(step)?;
            if self.records.ready() >= BATCH {
                self.work(cancel)?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        self.records.finish()?;
        self.work(cancel)?;
        let Validating { total, invalid, failures, .. } = *self;
        let verdict = json!({ "total": total, "valid": total - invalid, "invalid": invalid, "failures": failures });
        Ok(Value::Json(verdict.to_string()))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::Arg;
    use super::super::testing::{arg, args, cuts, fails, options, stops, whole};
    use super::*;

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
