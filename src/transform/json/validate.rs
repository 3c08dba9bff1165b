//! JSON Schema (drafts 2020-12, 2019-09, 7, 6 and 4, as `$schema` selects; 2020-12 by default), by the jsonschema crate. A schema is
//! compiled once, by the factory. Documents are never fetched: a reference to another one is an error.

use super::acceptor::Acceptor;
use super::document::{at_depth, parse_with_depth, text};
use super::schema_locations::failed_reference;
use super::schema_patterns::{
    PatternKeyword, Patterns, Prepared, RefusedSchema, Renamed, is_ecma, prepare, with_names,
};
use crate::args::{Args, ArgumentError, quoted, start_of};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, Output, Transform};
use crate::transform::text::pattern::{MAX_COMPILED, is_pattern};
use crate::transform::value::Value;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{
    Keyword, PatternOptions, Registry, RegistryBuilder, Resource, ValidationError, ValidationOptions, Validator,
};
use serde_json::{Value as Json, json};
use std::fmt::{Display, Write};

/// Most errors to report for a document.
pub const MAX_ERRORS: usize = 1000;

/// Deeper schemas are refused: the compiled form grows much faster than the nesting.
const MAX_SCHEMA_DEPTH: usize = 128;

/// A compiled schema and its levels of nesting.
pub struct Compiled {
    validator: Validator,
    /// Recognizes most valid documents, if the schema has only common keywords.
    acceptor: Option<Acceptor>,
    depth: usize,
    renamed: Renamed,
}

struct Validate(Compiled);

/// `json.validate(schema)`, with the schema as JSON text.
pub fn validate(args: &Args) -> BuildResult {
    args.options(1, &[])?;
    Ok(Box::new(Validate(compile(args)?)))
}

/// Compiles the schema in the first argument.
pub fn compile(args: &Args) -> std::result::Result<Compiled, ArgumentError> {
    compile_text(args.text(0, "schema")?).map_err(|RefusedSchema { reason, pointer, received }| {
        let rule = format!("The \"schema\" argument must be a supported JSON Schema: {reason} (at #{pointer})");
        ArgumentError::value(rule, received)
    })
}

fn compile_text(text: &str) -> std::result::Result<Compiled, RefusedSchema> {
    let unusable = |error: Error| RefusedSchema::new(error.to_string(), "", quoted(text));
    let (mut schema, depth) = parse_with_depth(text.as_bytes(), 0).map_err(unusable)?;
    if depth > MAX_SCHEMA_DEPTH {
        let reason = format!("it must be nested at most {MAX_SCHEMA_DEPTH} levels deep");
        return Err(RefusedSchema::new(reason, "", format!("{depth} levels")));
    }
    let Prepared { renamed, patterns } = at_depth(depth, || prepare(&mut schema)).map_err(unusable)??;
    let acceptor = Acceptor::new(&schema, &patterns);
    let built = at_depth(depth, || {
        if is_ecma(&renamed) || !text.contains("draft-0") {
            options(patterns).build(&schema)
        } else {
            build_by_reference(text.as_bytes(), &schema, patterns)
        }
    });
    let validator = built.map_err(unusable)?.map_err(|error| refused(&error, &schema, &renamed))?;
    Ok(Compiled { validator, acceptor, depth, renamed })
}

/// Returns the reason of the crate, without its advice for users of the crate, and its location.
fn refused(error: &ValidationError<'_>, schema: &Json, renamed: &Renamed) -> RefusedSchema {
    let message = error.to_string();
    let (reason, pointer) = match error.kind() {
        ValidationErrorKind::Referencing(_) => {
            let pointer = failed_reference(schema, &message).unwrap_or_default();
            let reason = match message.split_once(" is not present in a registry") {
                Some((resource, _)) => format!("{resource} is another document, which is not fetched"),
                None => message.split(". Custom meta-schemas").next().unwrap_or_default().to_owned(),
            };
            (reason, pointer)
        }
        // The keyword `pattern` refuses one.
        ValidationErrorKind::Custom { .. } => (message, error.schema_path().to_string()),
        _ => (error.masked_with("the value").to_string(), error.instance_path().to_string()),
    };
    let received =
        schema.pointer(&pointer).map_or_else(|| "undefined".to_owned(), |value| start_of(&value.to_string()));
    RefusedSchema::new(reason, with_names(pointer, renamed), received)
}

fn options(patterns: Patterns) -> ValidationOptions<'static> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex().size_limit(2 * MAX_COMPILED))
        .with_format("regex", is_pattern)
        .with_keyword("pattern", move |_, pattern, pointer| {
            match pattern.as_str().map(|it| PatternKeyword::new(it, &patterns)) {
                Some(Ok(keyword)) => Ok(Box::new(keyword) as Box<dyn for<'i> Keyword<'i>>),
                Some(Err(refusal)) => {
                    Err(ValidationError::custom(format!("a pattern {} (at {pointer})", refusal.explain())))
                }
                None => Err(ValidationError::custom(format!("{pattern} is not of type \"string\" (at {pointer})"))),
            }
        })
}

/// Builds a schema whose translated names an older meta-schema would refuse: validates the original schema, then builds a
/// reference to the translated one, which the crate does not validate.
fn build_by_reference(
    original: &[u8],
    schema: &Json,
    patterns: Patterns,
) -> std::result::Result<Validator, ValidationError<'static>> {
    let unusable = |error: String| ValidationError::custom(error);
    let original = parse_with_depth(original, 0).map_err(|error| unusable(error.to_string()))?.0;
    jsonschema::meta::validate(&original).map_err(ValidationError::to_owned)?;
    let id = ["$id", "id"].iter().find_map(|name| original.get(name)?.as_str());
    let uri = id.filter(|id| id.contains("://")).unwrap_or("json-schema:///schema");
    let registry = Registry::new().add(uri, Resource::from_contents(schema.clone())).and_then(RegistryBuilder::prepare);
    let registry = registry.map_err(|error| unusable(error.to_string()))?;
    let mut root = json!({ "$ref": uri });
    if let Some(draft) = original.get("$schema") {
        root["$schema"] = draft.clone();
    }
    options(patterns).with_registry(&registry).build(&root)
}

impl Transform for Validate {
    fn name(&self) -> &'static str {
        "json.validate"
    }

    fn output(&self) -> Output {
        Output::Json
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        let is_valid = std::str::from_utf8(&text).is_ok_and(|text| self.0.accepts(text, cancel));
        let errors = if is_valid { Vec::new() } else { self.0.errors_in(&text, cancel)? };
        Ok(Value::Json(json!({ "valid": errors.is_empty(), "errors": errors }).to_string()))
    }
}

impl Compiled {
    /// Returns true if a document is valid, and this is known without building it.
    pub fn accepts(&self, text: &str, cancel: &Cancel) -> bool {
        self.acceptor.as_ref().is_some_and(|acceptor| acceptor.accepts(text, cancel))
    }

    /// Returns the errors of a document.
    fn errors_in(&self, text: &[u8], cancel: &Cancel) -> Result<Vec<Json>> {
        let (document, depth) = parse_with_depth(text, 0)?;
        cancel.check()?;
        Ok(self.errors(&document, depth, MAX_ERRORS)?.unwrap_or_default())
    }

    /// Returns at most `max` errors of a document with `depth` levels, in the form for JavaScript; `None` if it is valid.
    pub fn errors(&self, document: &Json, depth: usize, max: usize) -> Result<Option<Vec<Json>>> {
        at_depth(depth.max(self.depth), || {
            // `is_valid` is much faster than iterating over no errors.
            (!self.validator.is_valid(document)).then(|| report(self, document, max))
        })
    }
}

fn report(schema: &Compiled, document: &Json, max: usize) -> Vec<Json> {
    let mut errors = Vec::new();
    let mut bytes = 0;
    let Compiled { validator, renamed, .. } = schema;
    for error in validator.iter_errors(document).take(max) {
        let (instance, schema) =
            (error.instance_path().to_string(), with_names(error.schema_path().to_string(), renamed));
        let message = shortened(&error);
        bytes += instance.len() + schema.len() + message.len();
        if bytes > MAX_REPORTED && !errors.is_empty() {
            break;
        }
        errors.push(json!({ "instancePath": instance, "schemaPath": schema, "message": message }));
    }
    errors
}

/// Most bytes of the errors of a document; the first error is always reported.
const MAX_REPORTED: usize = 1 << 20;
/// Most bytes of a message, which may quote the whole document.
const MAX_MESSAGE: usize = 1000;
const ELLIPSIS: char = '…';

/// Formats the start of a message, without ever writing the rest.
fn shortened(message: &impl Display) -> String {
    let mut start = Start(String::new());
    match write!(start, "{message}") {
        Ok(()) => start.0,
        Err(_) => {
            start.0.push(ELLIPSIS);
            start.0
        }
    }
}

struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let left = MAX_MESSAGE - ELLIPSIS.len_utf8() - self.0.len();
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=left).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(std::fmt::Error)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{arg, args, whole};

    #[test]
    fn errors_are_bounded() {
        let document = format!("[{}]", vec![format!("\"{}\"", "é".repeat(2000)); 3000].join(","));
        let verdict = verdict(r#"{"items":{"type":"number"}}"#, &document);
        let errors = verdict["errors"].as_array().unwrap();
        assert_eq!(errors.len(), MAX_ERRORS);
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.ends_with("é…") && message.len() <= MAX_MESSAGE, "{message}");
        let names = format!("{{\"{}\":[{}1]}}", "n".repeat(1 << 19), "1,".repeat(50));
        let schema = r#"{"additionalProperties":{"items":{"type":"string"}}}"#;
        assert_eq!(self::verdict(schema, &names)["errors"].as_array().unwrap().len(), 1);
    }

    fn verdict(schema: &str, document: &str) -> Json {
        let transform = validate(&args([arg(schema)])).unwrap();
        serde_json::from_slice(&whole(&*transform, document.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn errors_have_their_paths() {
        let schema = r#"{"type":"object","properties":{"n":{"type":"array","items":{"minimum":3}}},"required":["id"]}"#;
        assert_eq!(verdict(schema, r#"{"id":1,"n":[3]}"#), json!({ "valid": true, "errors": [] }));
        let Json::Object(result) = verdict(schema, r#"{"n":[4,2]}"#) else { panic!("an object") };
        assert_eq!(result["valid"], json!(false));
        let paths: Vec<_> = result["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["instancePath"].clone(), it["schemaPath"].clone()))
            .collect();
        assert!(paths.contains(&(json!("/n/1"), json!("/properties/n/items/minimum"))), "{paths:?}");
        assert!(paths.contains(&(json!(""), json!("/required"))), "{paths:?}");
    }

    #[test]
    fn deep_documents_and_schemas_do_not_overflow_the_stack() {
        // At least twenty calls per level.
        let schema = r#"{"anyOf":[{"type":"null"},"#.repeat(20) + r##"{"items":{"$ref":"#"}}"## + &"]}".repeat(20);
        let document = "[".repeat(512) + &"]".repeat(512);
        assert_eq!(verdict(&schema, &document), json!({ "valid": true, "errors": [] }));
        let nested = |times| r#"{"allOf":["#.repeat(times) + r##"{"items":{"$ref":"#"}}"## + &"]}".repeat(times);
        assert_eq!(verdict(&nested(63), &document[448..576])["valid"], json!(true));
        let deeper = validate(&args([arg(&nested(64))])).err().unwrap();
        assert!(deeper.message().ends_with("at most 128 levels deep (at #). Received 130 levels"), "{deeper:?}");
    }

    #[test]
    fn invalid_schemas_are_refused() {
        for (bad, end) in [
            (r#"{"type":"nothing"}"#, r#" (at #/type). Received "nothing""#),
            (
                r#"{"properties":{"a":{"minimum":"3"}}}"#,
                r#"the value is not of type "number" (at #/properties/a/minimum). Received "3""#,
            ),
            (
                r#"{"items":{"$ref":"http://localhost:1/x"}}"#,
                r#"is another document, which is not fetched (at #/items/$ref). Received "http://localhost:1/x""#,
            ),
            ("3", " (at #). Received 3"),
            (
                r##"{"$defs":{"a~/b":{"$ref":"#/no%20where"}},"$ref":"#/$defs/a~0~1b"}"##,
                r##"Pointer '/no%20where' does not exist (at #/$defs/a~0~1b/$ref). Received "#/no%20where""##,
            ),
            (r##"{"not":{"$ref":"#none"}}"##, r##"Anchor 'none' does not exist (at #/not/$ref). Received "#none""##),
            (r#"{"properties":{"b":{"pattern":"("}}}"#, " (at #/properties/b/pattern). Received '('"),
            (r#"{"properties":{"b":{"pattern":5}}}"#, " (at #/properties/b/pattern). Received 5"),
            (r#"{"$schema":"urn:none"}"#, r#" (at #/$schema). Received "urn:none""#),
        ] {
            let error = validate(&args([arg(bad)])).err().unwrap();
            assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE", "{bad}");
            assert!(error.message().ends_with(end), "{error:?}");
        }
    }

    #[test]
    fn the_schema_selects_the_draft() {
        let tuple = |schema: &str| format!(r#"{{"$schema":"{schema}","items":[{{"type":"string"}}]}}"#);
        for draft in ["http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"] {
            assert_eq!(verdict(&tuple(draft), "[1]")["valid"], json!(false), "{draft}");
        }
        assert_eq!(verdict(r#"{"prefixItems":[{"type":"string"}]}"#, "[1]")["valid"], json!(false));
    }
}
