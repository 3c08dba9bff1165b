//! JSON Schema (2020-12, 2019-09, 7, 6 and 4, by the schema's own word, 2020-12 without one), by the jsonschema crate. A schema is
//! compiled once, when the transform is made. Nothing is ever fetched: a reference to another document is an error then.

use super::document::{at_depth, parse_with_depth, text};
use super::schema_patterns::{Matching, Patterns, Prepared, Renamed, is_ecma, prepare, with_names};
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::text::pattern::{MAX_COMPILED, is_pattern};
use crate::transform::value::Value;
use jsonschema::{
    Keyword, PatternOptions, Registry, RegistryBuilder, Resource, ValidationError, ValidationOptions, Validator,
};
use serde_json::{Value as Json, json};
use std::fmt::{Display, Write};

/// No more errors of one document are told.
pub const MAX_ERRORS: usize = 1000;

/// What is made of a schema grows much faster than its nesting; deeper ones are refused.
const MAX_SCHEMA_DEPTH: usize = 128;

/// A schema, and how deep it is nested.
pub struct Compiled {
    validator: Validator,
    depth: usize,
    renamed: Renamed,
}

struct Validate(Compiled);

/// `json.validate(schema)`: JavaScript hands the schema over as JSON text.
pub fn validate(args: &Args) -> BuildResult {
    args.options(1, &[])?;
    Ok(Box::new(Validate(compile(args)?)))
}

/// The schema that is the first argument.
pub fn compile(args: &Args) -> std::result::Result<Compiled, ArgumentError> {
    let refused =
        |reason: String| ArgumentError::Value(format!("The \"schema\" argument is no usable JSON Schema: {reason}"));
    let text = args.text(0, "schema")?;
    let parsed = parse_with_depth(text.as_bytes(), 0);
    let (mut schema, depth) = parsed.map_err(|error| refused(error.to_string()))?;
    if depth > MAX_SCHEMA_DEPTH {
        return Err(refused(format!("it is nested deeper than {MAX_SCHEMA_DEPTH} levels")));
    }
    let prepared = at_depth(depth, || prepare(&mut schema)).map_err(|error| refused(error.to_string()))?;
    let Prepared { renamed, patterns } = prepared.map_err(|it| refused(format!("{} (at {})", it.reason, it.place)))?;
    let built = at_depth(depth, || {
        if is_ecma(&renamed) || !text.contains("draft-0") {
            options(patterns).build(&schema)
        } else {
            build_within(text.as_bytes(), &schema, patterns)
        }
    });
    let built = built.map_err(|error| refused(error.to_string()))?;
    let validator = built.map_err(|error| {
        let place = with_names(error.instance_path().to_string(), &renamed);
        let said = error.to_string();
        // The rest is advice for those who build with the crate.
        let reason = match said.split_once(" is not present in a registry") {
            Some((resource, _)) => format!("{resource} is another document, and nothing is ever fetched"),
            None => said,
        };
        refused(if place.is_empty() { reason } else { format!("{reason} (at {place})") })
    })?;
    Ok(Compiled { validator, depth, renamed })
}

type Built<T> = std::result::Result<T, ValidationError<'static>>;

fn options(patterns: Patterns) -> ValidationOptions<'static> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex().size_limit(2 * MAX_COMPILED))
        .with_format("regex", is_pattern)
        .with_keyword("pattern", move |_, pattern, place| {
            match pattern.as_str().map(|it| Matching::new(it, &patterns)) {
                Some(Ok(matching)) => Ok(Box::new(matching) as Box<dyn for<'i> Keyword<'i>>),
                Some(Err(refusal)) => {
                    let reason = refusal.explain(pattern.as_str().unwrap_or_default());
                    Err(ValidationError::custom(format!("a pattern {reason} (at {place})")))
                }
                None => Err(ValidationError::custom(format!("{pattern} is not of type \"string\" (at {place})"))),
            }
        })
}

/// Builds a schema whose translated names an older meta-schema would refuse. It validates the original schema, then builds a
/// reference to the translated one, which the crate does not validate.
fn build_within(original: &[u8], schema: &Json, patterns: Patterns) -> Built<Validator> {
    let unusable = |error: String| ValidationError::custom(error);
    let original = parse_with_depth(original, 0).map_err(|error| unusable(error.to_string()))?.0;
    jsonschema::meta::validate(&original).map_err(ValidationError::to_owned)?;
    let id = ["$id", "id"].iter().find_map(|name| original.get(name)?.as_str());
    let place = id.filter(|id| id.contains("://")).unwrap_or("json-schema:///schema");
    let registry =
        Registry::new().add(place, Resource::from_contents(schema.clone())).and_then(RegistryBuilder::prepare);
    let registry = registry.map_err(|error| unusable(error.to_string()))?;
    let mut root = json!({ "$ref": place });
    if let Some(draft) = original.get("$schema") {
        root["$schema"] = draft.clone();
    }
    options(patterns).with_registry(&registry).build(&root)
}

impl Transform for Validate {
    fn name(&self) -> &'static str {
        "json.validate"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        let (document, depth) = parse_with_depth(&text, 0)?;
        cancel.check()?;
        let errors = self.0.errors(&document, depth, MAX_ERRORS)?.unwrap_or_default();
        Ok(Value::Json(json!({ "valid": errors.is_empty(), "errors": errors }).to_string()))
    }
}

impl Compiled {
    /// What is wrong with a document nested so deep, as JavaScript gets it; no more than `most` of it.
    pub fn errors(&self, document: &Json, depth: usize, most: usize) -> Result<Option<Vec<Json>>> {
        at_depth(depth.max(self.depth), || {
            // Finding out that there are none is much faster.
            (!self.validator.is_valid(document)).then(|| told(self, document, most))
        })
    }
}

fn told(schema: &Compiled, document: &Json, most: usize) -> Vec<Json> {
    let mut told = Vec::new();
    let mut bytes = 0;
    let Compiled { validator, renamed, .. } = schema;
    for error in validator.iter_errors(document).take(most) {
        let (instance, schema) =
            (error.instance_path().to_string(), with_names(error.schema_path().to_string(), renamed));
        let message = short(&error);
        bytes += instance.len() + schema.len() + message.len();
        if bytes > MAX_TOLD && !told.is_empty() {
            break;
        }
        told.push(json!({ "instancePath": instance, "schemaPath": schema, "message": message }));
    }
    told
}

/// The errors of one document take no more bytes than this, but for the first one.
const MAX_TOLD: usize = 1 << 20;
/// A message repeats what is wrong, which may be the whole document: it is cut.
const MAX_MESSAGE: usize = 1000;
const ELLIPSIS: char = '…';

/// The beginning of what something says of itself. No more than that is ever written.
fn short(said: &impl Display) -> String {
    let mut start = Start(String::new());
    match write!(start, "{said}") {
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
        let room = MAX_MESSAGE - ELLIPSIS.len_utf8() - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(std::fmt::Error)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{arg, args, whole};

    #[test]
    fn what_is_told_is_bounded() {
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
    fn tells_what_is_wrong_and_where() {
        let schema = r#"{"type":"object","properties":{"n":{"type":"array","items":{"minimum":3}}},"required":["id"]}"#;
        assert_eq!(verdict(schema, r#"{"id":1,"n":[3]}"#), json!({ "valid": true, "errors": [] }));
        let Json::Object(told) = verdict(schema, r#"{"n":[4,2]}"#) else { panic!("an object") };
        assert_eq!(told["valid"], json!(false));
        let paths: Vec<_> = told["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["instancePath"].clone(), it["schemaPath"].clone()))
            .collect();
        assert!(paths.contains(&(json!("/n/1"), json!("/properties/n/items/minimum"))), "{paths:?}");
        assert!(paths.contains(&(json!(""), json!("/required"))), "{paths:?}");
    }

    #[test]
    fn neither_deep_documents_nor_deep_schemas_need_more_stack_than_there_is() {
        // Twenty calls and more for each of the levels.
        let schema = r#"{"anyOf":[{"type":"null"},"#.repeat(20) + r##"{"items":{"$ref":"#"}}"## + &"]}".repeat(20);
        let document = "[".repeat(512) + &"]".repeat(512);
        assert_eq!(verdict(&schema, &document), json!({ "valid": true, "errors": [] }));
        let nested = |times| r#"{"allOf":["#.repeat(times) + r##"{"items":{"$ref":"#"}}"## + &"]}".repeat(times);
        assert_eq!(verdict(&nested(63), &document[448..576])["valid"], json!(true));
        let deeper = validate(&args([arg(&nested(64))])).err().unwrap();
        assert!(deeper.message().ends_with("it is nested deeper than 128 levels"), "{deeper:?}");
    }

    #[test]
    fn bad_schemas_are_refused_when_made() {
        for bad in [
            r#"{"type":"nothing"}"#,
            r#"{"minimum":"3"}"#,
            r#"{"$ref":"http://localhost:1/x"}"#,
            "3",
            r##"{"$ref":"#/nowhere"}"##,
        ] {
            assert_eq!(validate(&args([arg(bad)])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE", "{bad}");
        }
    }

    #[test]
    fn drafts_are_those_that_the_schema_says() {
        let tuple = |schema: &str| format!(r#"{{"$schema":"{schema}","items":[{{"type":"string"}}]}}"#);
        for draft in ["http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"] {
            assert_eq!(verdict(&tuple(draft), "[1]")["valid"], json!(false), "{draft}");
        }
        assert_eq!(verdict(r#"{"prefixItems":[{"type":"string"}]}"#, "[1]")["valid"], json!(false));
    }
}
