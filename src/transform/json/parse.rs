//! `JSON.parse` that does not hold the loop: read here, built in JavaScript a slice at a time, while the rest is read.

use super::build_plan::{SIZES, plan};
use super::document::text;
use super::piece_encoding::Forms;
use super::scanner::{ANY_DEPTH, Nothing, read};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Emit, Transform};
use crate::transform::text::detect_encoding::not_utf8;
use crate::transform::value::Value;
use crate::transform::value::{Document, SLICE, SMALL_DOCUMENT};

struct Parse {
    slice: u32,
    max_depth: usize,
}

/// `json.parse({ slice, maxDepth })`
pub fn parse(args: &Args) -> BuildResult {
    let options = args.options(0, &["slice", "maxDepth"])?;
    let slice = options.integer("slice", 1..=10_000)?.map_or(SLICE, |slice| u32::try_from(slice).unwrap_or(SLICE));
    let max_depth = options.integer("maxDepth", 1..=i64::from(u32::MAX))?;
    let max_depth = max_depth.map_or(ANY_DEPTH, |depth| usize::try_from(depth).unwrap_or(ANY_DEPTH));
    Ok(Box::new(Parse { slice, max_depth }))
}

impl Transform for Parse {
    fn name(&self) -> &'static str {
        "json.parse"
    }

    fn makes_value(&self) -> bool {
        true
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        read(&text, self.max_depth, &mut Nothing, cancel)?;
        match String::from_utf8(text.into_owned()?) {
            Ok(text) => Ok(Value::Json(text)),
            Err(error) => Err(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to())),
        }
    }

    fn run_in_parts(&self, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        let text = text(input)?;
        if text.len() <= SMALL_DOCUMENT {
            return self.run(text.into_owned()?.into(), cancel);
        }
        in_parts(&text, self.max_depth, self.slice, cancel, emit)
    }
}

/// Text of JSON as the parts of a document, all of them but the last one emitted.
///
/// # Errors
/// For what is no JSON, or too long; of kind `Cancelled`.
pub fn in_parts(text: &[u8], max_depth: usize, slice: u32, cancel: &Cancel, emit: Emit) -> Result<Value> {
    if u32::try_from(text.len()).is_err() {
        let message = format!("The JSON is too long for a value of JavaScript: {} bytes of 4 GiB at most", text.len());
        return Err(Error::new(Kind::OutputLimit, message));
    }
    let mut forms = Forms::new(text);
    let mut document = |steps| {
        let part = forms.take(steps);
        Document { text: part.text, plan: part.plan.iter().flat_map(|word| word.to_ne_bytes()).collect(), slice }
    };
    let rest = plan(text, SIZES, max_depth, cancel, &mut |steps| emit(document(steps)))?;
    Ok(Value::Document(Box::new(document(rest))))
}

/// The same of what is known to be JSON.
///
/// # Errors
/// Of kind `Cancelled`, and for what is too long.
pub fn json_in_parts(text: &str, cancel: &Cancel, emit: Emit) -> Result<Value> {
    in_parts(text.as_bytes(), ANY_DEPTH, SLICE, cancel, emit)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{args, options, whole};

    #[test]
    fn takes_what_is_json_and_no_deeper_than_told() {
        let parse = |depth: u32, text: &str| {
            let options = options([("maxDepth", Arg::Number(depth.into()))]);
            whole(&*super::parse(&args([options])).unwrap(), text.as_bytes())
        };
        assert_eq!(parse(2, " [[1]] ").unwrap(), b" [[1]] ");
        assert_eq!(parse(1, "[[1]]").unwrap_err().offset, Some(1));
        assert_eq!(parse(9, "[1").unwrap_err().offset, Some(2));
        let utf8 = super::parse(&Args::default()).unwrap();
        assert_eq!(whole(&*utf8, b"[\"\xff\"]").unwrap_err().offset, Some(2));
    }

    #[test]
    fn large_documents_go_out_in_parts() {
        let text = format!("[{}]", vec!["[1,2,3]"; 1_000_000].join(","));
        let transform = super::parse(&Args::default()).unwrap();
        let mut parts = 0;
        let last = transform.run_in_parts(text.into_bytes().into(), &Cancel::new(), &mut |_| parts += 1).unwrap();
        assert!(parts > 3 && matches!(last, Value::Document(_)));
    }
}
