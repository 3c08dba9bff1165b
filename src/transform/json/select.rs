//! JSONPath (RFC 9535): only the selected nodes become JavaScript values. Plain paths are followed while the document is scanned;
//! for all others its nodes are indexed first.

use super::document::{MAX_DEPTH, at_depth, text};
use super::path::evaluator::Evaluation;
use super::path::node_index::Tree;
use super::path::parser::parse;
use super::path::query::Query;
use super::path::streaming::{PlainPath, Selection};
use super::scanner::scan;
use crate::args::{Args, ArgumentError, quoted};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Output, Transform};
use crate::transform::memory;
use crate::transform::output_limit::{check_output, max_output};
use crate::transform::value::Value;
use std::sync::Arc;

/// Deeper nesting of brackets and parentheses is refused: the parser recurses for each level.
const MAX_LEVELS: usize = 32;
/// Deeper nesting of filters is refused: each level multiplies the work by the size of the document.
const MAX_FILTERS: usize = 4;

#[derive(Clone)]
struct Select {
    plain: Option<Arc<PlainPath>>,
    query: Arc<Query>,
    /// A path may select one node many times, or a node with all its descendants.
    max_output: u64,
}

/// `json.select(path, { maxOutput })`
pub fn select(args: &Args) -> BuildResult {
    let text = args.text(0, "path")?;
    let refused = |reason: String| {
        let rule = format_args!("The \"path\" argument must be a JSONPath (RFC 9535): {reason}");
        ArgumentError::value(rule, quoted(text))
    };
    let max_output = max_output(&args.options(1, &["maxOutput"])?)?;
    check_nesting(text).map_err(refused)?;
    let query = parse(text).map_err(refused)?;
    Ok(Box::new(Select { plain: PlainPath::of(text).map(Arc::new), query: Arc::new(query), max_output }))
}

/// Refuses nesting that is too deep for the parser, which checks everything else.
fn check_nesting(path: &str) -> std::result::Result<(), String> {
    // For each open bracket or parenthesis: whether it has a filter.
    let mut open = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b'\'' => skip_string(&mut bytes, byte),
            b'[' | b'(' => open.push(false),
            b']' | b')' => drop(open.pop()),
            b'?' => open.last_mut().into_iter().for_each(|has_filter| *has_filter = true),
            _ => {}
        }
        if open.len() > MAX_LEVELS || open.iter().filter(|has_filter| **has_filter).count() > MAX_FILTERS {
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

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Select { max_output: self.max_output.min(max_output), ..self.clone() }))
    }

    fn output(&self) -> Output {
        Output::Json
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        if let Some(plain) = &self.plain {
            let mut selection = Selection::new(&text, plain);
            scan(&text, MAX_DEPTH, &mut selection, cancel)?;
            if let Some(nodes) = selection.nodes()? {
                return list(nodes.into_iter().map(|node| &text[node]), self.max_output, cancel);
            }
        }
        let tree = Tree::index(&text, cancel)?;
        let mut nodes = Vec::new();
        // Evaluation recurses for each segment, and comparison for each level.
        at_depth(tree.depth(), || {
            let mut take = |node| {
                memory::reserve(&mut nodes, 1)?;
                nodes.push(node);
                Ok(true)
            };
            Evaluation::new(&tree, cancel).query(&self.query, 0, &mut take)
        })??;
        list(nodes.into_iter().map(|node| tree.text(node).as_bytes()), self.max_output, cancel)
    }
}

/// Writes nodes as a JSON list. Its length is checked before any memory is allocated.
fn list<'a>(nodes: impl Iterator<Item = &'a [u8]> + Clone, max: u64, cancel: &Cancel) -> Result<Value> {
    let mut length = 2;
    for node in nodes.clone() {
        length += node.len() + 1;
        check_output(length - 1, max)?;
    }
    let mut out = Vec::new();
    memory::reserve(&mut out, length)?;
    out.push(b'[');
    for (index, node) in nodes.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(node);
        if index % 1024 == 0 {
            cancel.check()?;
        }
    }
    out.push(b']');
    Ok(Value::Json(String::from_utf8(out).expect("parts of a text")))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, whole};
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
        assert_eq!(selected("$[?@.a == @.b].b", r#"[{"a":[1],"b":[1.0]},{"a":{"x":1},"b":{"x":2}}]"#), "[[1.0]]");
        // Nothing equals nothing.
        assert_eq!(selected("$[?@.a <= @.b]", r#"[{"a":2,"b":2},{"a":3,"b":2},{"a":1},{}]"#), r#"[{"a":2,"b":2},{}]"#);
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
    fn invalid_paths_are_refused() {
        for bad in ["", "items", "$.", "$[", "$.a b", "$[?@.a = 1]"] {
            refused(bad);
        }
    }

    #[test]
    fn truncated_paths_are_refused() {
        let path = r#"$["\u00e9\uD83D\uDE00\ud7ff", '\uD83D\ude00\\']"#;
        select(&args([arg(path)])).unwrap();
        for end in 2..path.len() {
            refused(&path[..end]);
        }
    }

    #[test]
    fn nesting_is_limited() {
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
    fn invalid_json_is_refused_by_all_paths() {
        for path in ["$.a", "$..a"] {
            let transform = select(&args([arg(path)])).unwrap();
            assert_eq!(whole(&*transform, b"{\"a\":1,\"b\":[tru]}").unwrap_err().offset, Some(15), "{path}");
        }
    }

    #[test]
    fn output_is_limited() {
        let list = |max| super::list(std::iter::repeat_n(&b"1234"[..], 10), max, &Cancel::new());
        assert!(list(60).is_ok());
        assert_eq!(list(30).unwrap_err().kind, Kind::OutputLimit);
    }

    #[test]
    fn members_come_in_the_order_of_the_text() {
        let document = r#"{"z":{"y":3,"x":1},"b":2,"a":{"d":4,"c":5},"b":9}"#;
        assert_eq!(selected("$.*", document), r#"[{"y":3,"x":1},9,{"d":4,"c":5}]"#);
        assert_eq!(selected("$..*", document), r#"[{"y":3,"x":1},9,{"d":4,"c":5},3,1,4,5]"#);
        assert_eq!(selected("$[?@.*].*", document), "[3,1,4,5]");
        assert_eq!(selected("$[?@ != $.b][?@ > 0]", document), "[3,1,4,5]");
        assert_eq!(selected("$['a','z'].*", document), "[4,5,3,1]");
        assert_eq!(selected("$..[?@.y || @ == 5]", document), r#"[{"y":3,"x":1},5]"#);
    }

    #[test]
    fn nodes_are_not_rewritten() {
        let document = r#"[1.0, 1e400, 12345678901234567890123, "\ud800", { "a" : "\u0061" }]"#;
        let nodes = r#"[1.0,1e400,12345678901234567890123,"\ud800",{ "a" : "\u0061" },"\u0061"]"#;
        assert_eq!(selected("$..*", document), nodes);
    }

    #[test]
    fn growth_is_limited_and_can_be_cancelled() {
        let deep = "[".repeat(400) + &"]".repeat(400);
        for path in
            ["$..*..*..*..*", "$..*..*..*..*[?$[0]]", "$[?count(@..*..*..*..*) > 1]", "$[?value($..*..*..*..*.a) == 1]"]
        {
            let transform = select(&args([arg(path)])).unwrap();
            assert_eq!(whole(&*transform, deep.as_bytes()).unwrap_err().kind, Kind::OutputLimit, "{path}");
        }
        let transform = select(&args([arg("$..*..*")])).unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(transform.run(deep.into_bytes().into(), &cancel).unwrap_err().kind, Kind::Cancelled);
        let long = "$".to_owned() + &"..*".repeat(100_000);
        assert_eq!(selected(&long, "[[1]]"), "[]");
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(
            document in r#"(\{("[ab]":(\[([0-9](,\{"a":[0-9]\}){0,3})\]|[0-9]|"[ab]"|null|\{"a":[0-9],"b":\[\]\}),){0,4}"c":0\}|\[1,\[2,3\],\{"a":[4]\}\])"#,
            path in r#"\$(\.\.?[abc*]|\.?\.?\[(-?[0-3]|\*|'a',-1|-?[1-3]:(-?[1-3])?:(-[12])?|\?(@\.a|@\[0\] ?(==|<|!=) ?\$\.c|!@\.b|@ (==|<=|!=) (1|"a"|@\.a)|count\(@\.\.\*\) > 1 && @\.a|length\(@\) != length\(\$\) \|\| value\(@\.\.a\) == 2|match\(@, "[ab.]?"\)|search\(@, \$\.b\)))\]){0,3}"#,
        ) {
            let Ok(other) = serde_json_path::JsonPath::parse(&path) else {
                prop_assert!(select(&args([arg(&path)])).is_err(), "{} is accepted", path);
                return Ok(());
            };
            // The other implementation sorts names.
            let sorted: serde_json::Value = serde_json::from_str(&document).unwrap();
            let expected = serde_json::to_string(&other.query(&sorted).all()).unwrap();
            prop_assert_eq!(selected(&path, &sorted.to_string()), expected, "{} {}", path, document);
        }

        #[test]
        fn plain_paths_agree_with_the_evaluator(
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
