//! JSONPath (RFC 9535): the selected nodes alone become values of JavaScript. Plain paths are found while the document is
//! read; for all others, by the serde_json_path crate, it is built first.

use super::growth::{check_output, max_output};
use super::json_path::{PlainPath, Selection};
use super::json_segments::Segments;
use super::json_syntax::read;
use super::json_text::{MAX_DEPTH, parse, text};
use super::{Args, ArgumentError, Transform, Value};
use crate::cancel::Cancel;
use crate::error::Result;
use serde_json::Value as Json;
use serde_json_path::JsonPath;

/// Deeper nesting of brackets and parentheses is refused: what reads a path calls itself for each level.
const MAX_LEVELS: usize = 32;
/// And so are more filters within one another: each level doubles the time that reading takes, and that is the event loop's.
const MAX_FILTERS: usize = 4;

/// Below this every integer is a double: 2^53.
const MAX_SAFE: f64 = 9_007_199_254_740_992.0;

struct Select {
    plain: Option<PlainPath>,
    segments: Segments,
    /// It has a filter, which may compare.
    has_filter: bool,
    /// A path may select one node many times, or a node and all that is in it.
    max_output: u64,
}

/// `json.select(path, { maxOutput })`
pub fn select(args: &Args) -> std::result::Result<Box<dyn Transform>, ArgumentError> {
    let refused =
        |reason: String| ArgumentError::Value(format!("The \"path\" argument is no JSONPath (RFC 9535): {reason}"));
    let text = args.text(0, "path")?;
    let max_output = max_output(&args.options(1, &["maxOutput"])?)?;
    check(text).map_err(refused)?;
    JsonPath::parse(text).map_err(|error| refused(error.to_string()))?;
    let (plain, segments) = (PlainPath::of(text), Segments::of(text).map_err(|error| refused(error.to_string()))?);
    Ok(Box::new(Select { plain, segments, has_filter: text.contains('?'), max_output }))
}

/// Refuses what the parser would not survive. How a path must look otherwise is its business.
fn check(path: &str) -> std::result::Result<(), String> {
    if ["\\u", "\\uD", "\\ud"].iter().any(|cut| path.ends_with(cut)) {
        return Err("it ends in the middle of a character".into());
    }
    // Whether each of the open brackets and parentheses holds a filter.
    let mut open = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b'\'' => skip_string(&mut bytes, byte),
            b'[' | b'(' => open.push(false),
            b']' | b')' => drop(open.pop()),
            b'?' => open.last_mut().into_iter().for_each(|holds| *holds = true),
            _ => {}
        }
        if open.len() > MAX_LEVELS || open.iter().filter(|holds| **holds).count() > MAX_FILTERS {
            return Err(format!("it is nested deeper than {MAX_LEVELS} levels or {MAX_FILTERS} filters"));
        }
    }
    Ok(())
}

fn skip_string(bytes: &mut std::str::Bytes<'_>, quote: u8) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            _ if byte == quote => return,
            _ => {}
        }
    }
}

impl Transform for Select {
    fn name(&self) -> &'static str {
        "json.select"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        if let Some(plain) = &self.plain {
            let mut selection = Selection::new(&text, plain);
            read(&text, MAX_DEPTH, &mut selection, cancel)?;
            if let Some(nodes) = selection.nodes() {
                return listed(nodes.into_iter().map(|node| &text[node]), self.max_output, cancel);
            }
        }
        let mut document = parse(&text, 0)?;
        cancel.check()?;
        if self.has_filter {
            compare_by_value(&mut document);
        }
        let nodes = self.segments.select(&document, text.len(), cancel)?;
        listed(nodes.iter().map(|node| serde_json::to_vec(node).expect("a value of JSON")), self.max_output, cancel)
    }
}

/// Makes integers of numbers that are: 1.0 is 1, in lists and objects too, which are compared by what they are here.
fn compare_by_value(document: &mut Json) {
    match document {
        Json::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "it is a small integer")]
            if value.fract() == 0.0 && value.abs() < MAX_SAFE && !(value == 0.0 && value.is_sign_negative()) {
                *number = (value as i64).into();
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(compare_by_value),
        Json::Object(members) => members.values_mut().for_each(compare_by_value),
        _ => {}
    }
}

/// Nodes as a list of JSON.
fn listed(nodes: impl Iterator<Item = impl AsRef<[u8]>>, most: u64, cancel: &Cancel) -> Result<Value> {
    let mut list = vec![b'['];
    for (place, node) in nodes.enumerate() {
        if place > 0 {
            list.push(b',');
        }
        list.extend_from_slice(node.as_ref());
        check_output(list.len(), most)?;
        if place % 1024 == 0 {
            cancel.check()?;
        }
    }
    list.push(b']');
    Ok(Value::Json(String::from_utf8(list).expect("parts of a text")))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::testing::{arg, args, whole};
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;

    fn selected(path: &str, document: &str) -> String {
        let transform = select(&args([arg(path)])).unwrap();
        String::from_utf8(whole(&*transform, document.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn selects_nodes_in_order() {
        let document = r#"{"items":[{"price":2,"tags":["a"]},{"price":10},{"n":[{"price":7}]}]}"#;
        assert_eq!(selected("$.items[*].price", document), "[2,10]");
        assert_eq!(selected("$..price", document), "[2,10,7]");
        assert_eq!(selected("$.items[?@.price > 5].price", document), "[10]");
        assert_eq!(selected("$.nothing", document), "[]");
        assert_eq!(selected("$[?@.a == @.b].b", r#"[{"a":[1],"b":[1.0]},{"a":{"x":1},"b":{"x":2}}]"#), "[[1]]");
        assert_eq!(selected("$", " [1, 2] "), "[[1, 2]]");
        assert_eq!(selected("$['a'][1]", r#"{"\u0061":[1,{"b":[]}],"b":[3,4]}"#), r#"[{"b":[]}]"#);
        assert_eq!(selected("$.a[*]", r#"{"a":[1,2],"b":0,"a":{"c":3}}"#), "[3]");
        assert_eq!(selected("$.a.b", r#"{"a":{"b":1},"a":{"b":2,"b":3}}"#), "[3]");
        assert_eq!(selected("$.a.b", r#"{"a":{"b":1},"a":4}"#), "[]");
    }

    fn refused(path: &str) {
        assert_eq!(select(&args([arg(path)])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE", "{path}");
    }

    #[test]
    fn what_is_no_path_is_refused_when_made() {
        for bad in ["", "items", "$.", "$[", "$.a b", "$[?@.a = 1]"] {
            refused(bad);
        }
    }

    #[test]
    fn a_path_may_end_anywhere() {
        let path = r#"$["\u00e9\uD83D\uDE00\ud7ff", '\uD83D\ude00\\']"#;
        select(&args([arg(path)])).unwrap();
        for end in 2..path.len() {
            refused(&path[..end]);
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let filters = |depth| "$".to_owned() + &"[?@".repeat(depth) + &"]".repeat(depth);
        let parentheses = |depth| "$[?".to_owned() + &"(".repeat(depth) + "@" + &")".repeat(depth) + "]";
        select(&args([arg(&filters(MAX_FILTERS))])).unwrap();
        select(&args([arg(&parentheses(MAX_LEVELS - 1))])).unwrap();
        select(&args([arg(&("$".to_owned() + &"[?@]['[?(']".repeat(100)))])).unwrap();
        for deep in [filters(MAX_FILTERS + 1), filters(30), parentheses(MAX_LEVELS), parentheses(100_000)] {
            refused(&deep);
        }
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_is() {
        for path in ["$.a", "$..a"] {
            let transform = select(&args([arg(path)])).unwrap();
            assert_eq!(whole(&*transform, b"{\"a\":1,\"b\":[tru]}").unwrap_err().offset, Some(15), "{path}");
        }
    }

    #[test]
    fn output_has_a_limit() {
        let list = |most| listed(std::iter::repeat_n("1234", 10), most, &Cancel::new());
        assert!(list(60).is_ok());
        assert_eq!(list(30).unwrap_err().kind, Kind::OutputLimit);
    }

    proptest! {
        #[test]
        fn plain_paths_select_what_others_do(
            document in r#"(\{("[ab]":(\[([0-9](,\{"a":[0-9]\}){0,3})\]|[0-9]|\{"a":[0-9],"b":\[\]\}),){0,4}"c":0\}|\[1,\[2,3\],\{"a":[4]\}\])"#,
            path in r"\$(\.[abc]|\[[012]\]|\[\*\]|\.\*){0,3}",
        ) {
            prop_assert!(PlainPath::of(&path).is_some());
            // The same path, which is not plain.
            let other = path.replacen('$', "$ ", 1);
            let other = if path == "$" { "$".to_string() } else { other };
            prop_assert_eq!(selected(&path, &document), selected(&other, &document), "{} {}", path, document);
        }
    }
}
