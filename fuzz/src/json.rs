//! JSON documents, with serde_json as the oracle.

use super::forms::{both, build, parses, text};
use offloop::cancel::Cancel;
use offloop::transform::{Document, Event, Transform, Value as Made};
use serde_json::{Value, json};
use std::sync::OnceLock;

type Shared = OnceLock<Box<dyn Transform>>;

/// Returns serde_json's result; `None` beyond its recursion limit.
fn expected(input: &[u8]) -> Option<Result<Value, String>> {
    match serde_json::from_slice(input) {
        Ok(value) => Some(Ok(value)),
        Err(error) if error.to_string().contains("recursion limit") => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("the output is JSON")
}

/// Asserts that serde_json agrees on validity. Returns the parsed input and the output.
fn accepted(transform: &dyn Transform, input: &[u8]) -> Option<(Value, Vec<u8>)> {
    let made = both(transform, input);
    match (expected(input)?, made) {
        (Ok(value), Some(made)) => Some((value, made)),
        (Err(_), None) => None,
        (Ok(_), None) => panic!("rejected valid JSON"),
        (Err(error), Some(_)) => panic!("accepted invalid JSON: {error}"),
    }
}

/// True for lone surrogates and numbers beyond a double, which `JSON.parse` accepts and serde_json does not.
fn json_parse_accepts(error: &str) -> bool {
    ["surrogate", "hex escape", "number out of range"].iter().any(|it| error.contains(it))
}

/// Parses the input alone, and as an element of a list long enough to be returned in parts.
pub fn parse(input: &[u8]) {
    let transform = build("json.parse", &[]);
    let is_accepted = both(&*transform, input).is_some();
    match expected(input) {
        Some(Ok(_)) => assert!(is_accepted, "rejected valid JSON"),
        Some(Err(error)) => assert!(!is_accepted || json_parse_accepts(&error), "accepted invalid JSON: {error}"),
        None => {}
    }
    let element = [input, b","].concat();
    let long = [b"[".as_slice(), &element.repeat(1 + LONG / element.len()), b"0]"].concat();
    let mut pieces = 0;
    let mut look = |event| match event {
        Event::Part(document) => pieces += texts(&document),
        Event::Room => panic!("no stream waits for room"),
    };
    let made = transform.run_in_parts(long.into(), &Cancel::new(), &mut look);
    match made {
        Ok(Made::Document(last)) => assert!(pieces + texts(&last) > 1),
        Ok(_) => panic!("a long document in one piece"),
        Err(error) => assert!(!is_accepted, "rejected as a long document: {error}"),
    }
}

/// Bytes of a document that is returned in parts.
const LONG: usize = 140 << 10;

/// Returns the number of pieces of text and of numbers. Asserts that each is within the text, and that it has no half units.
fn texts(document: &Document) -> usize {
    let words: Vec<_> =
        document.plan.chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect();
    let with_text = words.chunks_exact(3).filter(|step| matches!(step[0] & 15, 2 | 3 | 6..=9));
    let pieces = with_text.map(|step| (step[0], &document.text[step[1] as usize..step[2] as usize]));
    let unit = |kind| match kind & 31 {
        8 => size_of::<f64>(),
        9 => size_of::<i32>(),
        16.. => size_of::<u16>(),
        _ => 1,
    };
    pieces.inspect(|(kind, piece)| assert!(piece.len() % unit(*kind) == 0)).count()
}

pub fn minify(input: &[u8]) {
    let transform = build("json.minify", &[]);
    let made = both(&*transform, input);
    if let Some(made) = &made {
        assert!(made.len() <= input.len());
        assert!(both(&*transform, made).as_ref() == Some(made), "minifying again changes the output");
    }
    match (expected(input), made) {
        (Some(Ok(value)), Some(made)) => assert_eq!(parsed(&made), value),
        (Some(Ok(_)), None) => panic!("rejected valid JSON"),
        (Some(Err(error)), Some(_)) => {
            assert!(json_parse_accepts(&error), "accepted invalid JSON: {error}");
        }
        _ => {}
    }
}

pub fn select(input: &[u8]) {
    static ALL: Shared = OnceLock::new();
    let all = ALL.get_or_init(|| build("json.select", &[text("$")]));
    let made = both(&**all, input);
    match expected(input) {
        Some(Ok(value)) => assert_eq!(parsed(&made.expect("rejected valid JSON")), json!([value])),
        Some(Err(error)) => assert!(made.is_none() || json_parse_accepts(&error), "accepted invalid JSON: {error}"),
        None => {}
    }
    for path in ["$..a", "$[?@.a > 1 || !@.b]", "$..[::-2]", "$[?match(@.a, '[a-z]*') && length(@) == 2]['a', -1]"] {
        parses("json.select", &[text(path)], input);
    }
}

const SCHEMA: &str = r##"{
    "type": ["object", "array"],
    "properties": {
        "id": { "type": "integer", "minimum": 0, "multipleOf": 3 },
        "tags": { "items": { "pattern": "^[a-wyz][a-z]*$", "maxLength": 5 }, "uniqueItems": true, "contains": { "const": "a" } },
        "child": { "$ref": "#" },
        "any": { "anyOf": [{ "type": "null" }, { "enum": [1, "1", [1], { "a": 1 }] }] }
    },
    "patternProperties": { "^n": { "type": "number", "exclusiveMaximum": 1e3 } },
    "dependentRequired": { "any": ["id"] },
    "propertyNames": { "maxLength": 10 },
    "unevaluatedProperties": { "$ref": "#" },
    "items": { "$ref": "#" }
}"##;

pub fn validate(input: &[u8]) {
    static COMPILED: Shared = OnceLock::new();
    let transform = COMPILED.get_or_init(|| build("json.validate", &[text(SCHEMA)]));
    if let Some((_, made)) = accepted(&**transform, input) {
        let verdict = parsed(&made);
        assert_eq!(verdict["valid"] == json!(true), verdict["errors"] == json!([]), "{verdict}");
    }
}

pub fn validate_each(input: &[u8]) {
    static COMPILED: Shared = OnceLock::new();
    let transform = COMPILED.get_or_init(|| build("json.validateEach", &[text(SCHEMA)]));
    let verdict = both(&**transform, input).map(|made| parsed(&made));
    if let Some(verdict) = &verdict {
        assert_eq!(
            verdict["total"].as_u64(),
            Some(verdict["valid"].as_u64().unwrap() + verdict["invalid"].as_u64().unwrap())
        );
    }
    let is_list = input.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    match (expected(input), verdict) {
        (Some(Ok(Value::Array(records))), verdict) => {
            assert_eq!(verdict.expect("rejected a valid list")["total"], json!(records.len()));
        }
        (Some(Err(error)), Some(_)) if is_list => panic!("accepted an invalid list: {error}"),
        (_, Some(verdict)) if !is_list => {
            let documents = serde_json::Deserializer::from_slice(input).into_iter::<Value>();
            let read: Result<Vec<_>, _> = documents.collect();
            match read {
                Ok(documents) => assert_eq!(verdict["total"], json!(documents.len())),
                Err(error) => assert!(error.to_string().contains("recursion limit"), "accepted invalid JSON: {error}"),
            }
        }
        _ => {}
    }
}

/// Checks one string against every `format` of a schema.
pub fn formats(input: &[u8]) {
    const FORMATS: [&str; 19] = [
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "regex",
        "uuid",
    ];
    static COMPILED: Shared = OnceLock::new();
    let transform = COMPILED.get_or_init(|| {
        let formats: Vec<_> = FORMATS.iter().map(|format| json!({ "format": format })).collect();
        let draft = "http://json-schema.org/draft-07/schema#";
        build("json.validate", &[text(&json!({ "$schema": draft, "allOf": formats }).to_string())])
    });
    let document = Value::String(String::from_utf8_lossy(input).into_owned());
    assert!(both(&**transform, document.to_string().as_bytes()).is_some(), "a string is JSON");
}
