//! `JSON.parse` without blocking the event loop: a thread parses, and JavaScript builds the value in slices meanwhile.

use super::build_plan::{SIZES, write_plan};
use super::document::text;
use super::piece_encoding::PieceEncoder;
use super::scanner::{SyntaxOnly, UNLIMITED_DEPTH, scan};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Emit, Event, Output, Transform};
use crate::transform::text::detect_encoding::into_string;
use crate::transform::value::{Document, SLICE, SMALL_DOCUMENT, Value};

struct Parse {
    slice: u32,
    max_depth: usize,
}

/// `json.parse({ sliceMs, maxDepth })`
pub fn parse(args: &Args) -> BuildResult {
    let options = args.options(0, &["sliceMs", "maxDepth"])?;
    let slice = options.integer("sliceMs", 1..=10_000)?.map_or(SLICE, |slice| u32::try_from(slice).unwrap_or(SLICE));
    let max_depth = options.integer("maxDepth", 1..=i64::from(u32::MAX))?;
    let max_depth = max_depth.map_or(UNLIMITED_DEPTH, |depth| usize::try_from(depth).unwrap_or(UNLIMITED_DEPTH));
    Ok(Box::new(Parse { slice, max_depth }))
}

impl Transform for Parse {
    fn name(&self) -> &'static str {
        "json.parse"
    }

    fn output(&self) -> Output {
        Output::JsValue
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        scan(&text, self.max_depth, &mut SyntaxOnly, cancel)?;
        into_string(text).map(Value::Json)
    }

    fn run_in_parts(&self, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        let text = text(input)?;
        if text.len() <= SMALL_DOCUMENT {
            return self.run(text.into_owned()?.into(), cancel);
        }
        in_parts(&text, self.max_depth, self.slice, cancel, emit)
    }
}

/// Converts JSON text to the parts of a document. Emits all of them but the last one, which it returns.
///
/// # Errors
/// For invalid JSON and for text of more than 4 GiB; of kind `Cancelled`.
pub fn in_parts(text: &[u8], max_depth: usize, slice: u32, cancel: &Cancel, emit: Emit) -> Result<Value> {
    if u32::try_from(text.len()).is_err() {
        let message =
            format!("The JSON is too long for a JavaScript value: it has {} bytes, the limit is 4 GiB", text.len());
        return Err(Error::new(Kind::OutputLimit, message));
    }
    let mut encoder = PieceEncoder::new(text);
    let mut document = |steps| {
        let part = encoder.encode(steps);
        Document { text: part.text, plan: part.plan.iter().flat_map(|word| word.to_ne_bytes()).collect(), slice }
    };
    let last = write_plan(text, SIZES, max_depth, cancel, &mut |steps| emit(Event::Part(document(steps))))?;
    Ok(Value::Document(Box::new(document(last))))
}

/// Converts valid JSON to the parts of a document, as `json.parse` does.
///
/// # Errors
/// For text of more than 4 GiB; of kind `Cancelled`.
pub fn json_in_parts(text: &str, cancel: &Cancel, emit: Emit) -> Result<Value> {
    in_parts(text.as_bytes(), UNLIMITED_DEPTH, SLICE, cancel, emit)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{args, options, whole};

    #[test]
    fn invalid_or_too_deeply_nested_json_is_refused() {
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
    fn large_documents_are_emitted_in_parts() {
        let text = format!("[{}]", vec!["[1,2,3]"; 1_000_000].join(","));
        let transform = super::parse(&Args::default()).unwrap();
        let mut parts = 0;
        let last = transform.run_in_parts(text.into_bytes().into(), &Cancel::new(), &mut |_| parts += 1).unwrap();
        assert!(parts > 3 && matches!(last, Value::Document(_)));
    }

    #[test]
    fn can_be_cancelled_between_parts() {
        let transform = super::parse(&Args::default()).unwrap();
        for element in ["{}", "12345", "0.5"] {
            let text = format!("[{}]", vec![element; 1_000_000].join(","));
            let cancel = Cancel::new();
            let result = transform.run_in_parts(text.into_bytes().into(), &cancel, &mut |_| cancel.cancel());
            assert_eq!(result.unwrap_err().kind, Kind::Cancelled, "{element}");
        }
    }
}
