//! Recognizes valid documents while scanning their syntax: building them takes most of the time of validation.

use super::document::MAX_DEPTH;
use super::scanner::{Container, Visitor, scan};
use super::schema_checks::{BOOLEAN, Checks, FRACTION, INTEGER, LIST, NULL, OBJECT, Others, Rule, STRING, compile};
use super::schema_patterns::Patterns;
use crate::cancel::Cancel;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::ops::Range;

/// Integers of up to this many bytes are exact as doubles.
const SHORT: usize = 15;

/// Recognizes the documents that are valid by a schema of common keywords.
pub struct Acceptor(Rule);

impl Acceptor {
    /// Returns `None` for a schema with other keywords.
    pub fn new(schema: &Json, patterns: &Patterns) -> Option<Self> {
        compile(schema, patterns).map(Acceptor)
    }

    /// Returns true if a document is valid JSON and valid by the schema. False does not mean invalid: numbers that a double may not
    /// represent exactly are not compared.
    pub fn accepts(&self, text: &str, cancel: &Cancel) -> bool {
        let has_escapes = memchr::memchr(b'\\', text.as_bytes()).is_some();
        let mut visit = Visit { text, has_escapes, root: self.0.as_deref(), open: Vec::new(), is_valid: true };
        scan(text.as_bytes(), MAX_DEPTH, &mut visit, cancel).is_ok() && visit.is_valid
    }
}

struct Visit<'a> {
    text: &'a str,
    /// Whether any string has an escape.
    has_escapes: bool,
    root: Option<&'a Checks>,
    open: Vec<Open<'a>>,
    /// False once a check has failed.
    is_valid: bool,
}

/// An open container.
struct Open<'a> {
    kind: Container,
    checks: Option<&'a Checks>,
    /// The checks of the next value.
    next: Option<&'a Checks>,
    /// Elements of a list that have started.
    count: usize,
    /// Properties of an object that were found, as bits by their index.
    found: u64,
}

impl<'a> Visit<'a> {
    /// Returns the checks of the value that starts.
    fn value(&mut self) -> Option<&'a Checks> {
        let Some(open) = self.open.last_mut() else { return self.root };
        open.count += 1;
        open.next
    }

    fn require(&mut self, is_valid: bool) {
        self.is_valid &= is_valid;
    }

    /// Returns the content of a string in quotes, if it is valid text.
    fn decoded(&self, range: Range<usize>) -> Option<Cow<'a, str>> {
        if self.has_escapes {
            return serde_json::from_str::<String>(&self.text[range]).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(&self.text[range.start + 1..range.end - 1]))
    }

    fn string(&self, range: Range<usize>, checks: Option<&Checks>) -> bool {
        let Some(text) = self.decoded(range) else { return false };
        let Some(checks) = checks else { return true };
        checks.types & STRING != 0
            && checks.length.as_ref().is_none_or(|length| length.contains(&text.chars().count()))
            && checks.choices.as_ref().is_none_or(|choices| choices.iter().any(|choice| *choice == text))
            && checks.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
    }

    fn number(&self, range: Range<usize>, checks: Option<&Checks>) -> bool {
        let text = &self.text[range];
        // `-0` is parsed as `-0.0`. The drafts disagree on whether a number with a fraction of zero is an integer.
        let is_integer = text != "-0" && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let is_short = text.len() <= SHORT;
        let Some(checks) = checks else { return is_integer && is_short || parsed(text).is_some() };
        if checks.choices.is_some() || is_integer && !is_short {
            return false;
        }
        let kind = if is_integer { INTEGER } else { FRACTION };
        if checks.types & kind == 0 {
            return false;
        }
        match &checks.bounds {
            None if is_integer => true,
            None => parsed(text).is_some(),
            Some(bounds) => parsed(text).is_some_and(|number| bounds.contains(number)),
        }
    }
}

impl Visitor for Visit<'_> {
    fn open(&mut self, _: usize, kind: Container) {
        let checks = self.value();
        let bit = if kind == Container::List { LIST } else { OBJECT };
        self.require(checks.is_none_or(|checks| checks.types & bit != 0 && checks.choices.is_none()));
        let next = checks.and_then(|checks| checks.items.as_deref());
        self.open.push(Open { kind, checks, next, count: 0, found: 0 });
    }

    fn key(&mut self, range: Range<usize>) {
        let name = self.decoded(range);
        let (Some(name), Some(open)) = (name, self.open.last_mut()) else {
            self.is_valid = false;
            return;
        };
        let Some(checks) = open.checks else { return };
        if let Some(index) = checks.properties.iter().position(|property| property.name == name) {
            open.found |= 1 << index;
            open.next = checks.properties[index].rule.as_deref();
            return;
        }
        match &checks.others {
            Others::Checked(rule) => open.next = rule.as_deref(),
            Others::Refused => self.is_valid = false,
        }
    }

    fn scalar(&mut self, range: Range<usize>) {
        let checks = self.value();
        let is_valid = match self.text.as_bytes()[range.start] {
            b'"' => self.string(range, checks),
            b'n' => is_one_of(checks, NULL),
            b't' | b'f' => is_one_of(checks, BOOLEAN),
            _ => self.number(range, checks),
        };
        self.require(is_valid);
    }

    fn close(&mut self, _: usize) {
        let Some(Open { kind, checks: Some(checks), count, found, .. }) = self.open.pop() else { return };
        self.require(match kind {
            Container::List => checks.count.contains(&count),
            Container::Object => checks.required & !found == 0,
        });
    }
}

fn is_one_of(checks: Option<&Checks>, types: u8) -> bool {
    checks.is_none_or(|checks| checks.types & types != 0 && checks.choices.is_none())
}

/// Parses a number as the validator of built documents does.
fn parsed(text: &str) -> Option<f64> {
    serde_json::from_str(text).ok()
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::json::schema_patterns::prepare;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    fn acceptor(schema: &Json) -> Option<Acceptor> {
        let patterns = prepare(&mut schema.clone()).ok().unwrap().patterns;
        Acceptor::new(schema, &patterns)
    }

    fn schema() -> Json {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "id": { "type": "integer", "minimum": 1, "exclusiveMaximum": 9 },
                "name": { "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zé]*$" },
                "kind": { "enum": ["a", "b"] },
                "list": { "type": ["array", "null"], "items": { "type": "number" }, "minItems": 1, "maxItems": 2 },
                "any": true
            },
            "required": ["id"],
            "additionalProperties": { "type": "boolean" }
        })
    }

    #[test]
    fn valid_documents_are_accepted() {
        let acceptor = acceptor(&schema()).unwrap();
        for (text, expected) in [
            (r#"{"id":8}"#, true),
            (r#" { "id" : 1 , "list" : [1.5, -2] , "more" : true } "#, true),
            (r#"{"id":2,"name":"\u0061é","kind":"\u0061","any":[{"deep":[1e3,"\n"]}]}"#, true),
            (r#"{"id":2,"list":null}"#, true),
            (r#"{"id":9}"#, false),
            (r#"{"id":0}"#, false),
            (r#"{"id":1.5}"#, false),
            (r"{}", false),
            (r"[]", false),
            (r#"{"id":1,"name":"a"}"#, false),
            (r#"{"id":1,"name":"éééé"}"#, false),
            (r#"{"id":1,"name":"AB"}"#, false),
            (r#"{"id":1,"kind":"c"}"#, false),
            (r#"{"id":1,"kind":1}"#, false),
            (r#"{"id":1,"kind":["a"]}"#, false),
            (r#"{"id":1,"list":[]}"#, false),
            (r#"{"id":1,"list":[1,2,3]}"#, false),
            (r#"{"id":1,"list":["1"]}"#, false),
            (r#"{"id":1,"more":1}"#, false),
            (r#"{"id":1,"any":1e400}"#, false),
            (r#"{"id":1,"any":"\ud800"}"#, false),
            (r#"{"id":1,"any":{"\ud800":1}}"#, false),
            (r#"{"id":1"#, false),
        ] {
            assert_eq!(acceptor.accepts(text, &Cancel::new()), expected, "{text}");
        }
    }

    #[test]
    fn other_schemas_have_no_acceptor() {
        for other in [
            json!(false),
            json!({ "format": "date" }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": true } }),
            json!({ "properties": { "a": { "multipleOf": 2 } } }),
            json!({ "required": ["a"] }),
            json!({ "enum": [1] }),
            json!({ "items": [true] }),
            json!({ "maximum": 1u64 << 60 }),
        ] {
            assert!(acceptor(&other).is_none(), "{other}");
        }
    }

    fn document() -> impl Strategy<Value = String> {
        const SCALARS: [&str; 12] =
            ["1", "8", "9", "-0", "0.5", "1e0", "1e400", "9007199254740993", "true", "null", "\"a\"", "\"ab\""];
        let leaf = select(&SCALARS[..]).prop_map(String::from);
        leaf.prop_recursive(3, 12, 4, |inner| {
            let names = select(&["id", "name", "kind", "list", "any", "more", "\\u0069d"][..]);
            let member = (names, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
                proptest::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(", "))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn accepts_only_valid_documents(text in document()) {
            let schema = schema();
            if acceptor(&schema).unwrap().accepts(&text, &Cancel::new()) {
                let document: Json = serde_json::from_str(&text).unwrap();
                prop_assert!(jsonschema::is_valid(&schema, &document), "{}", text);
            }
        }
    }
}
