//! JSON Schema (2020-12, 2019-09, 7, 6 and 4, by the schema's own word, 2020-12 without one), by the jsonschema crate. A schema is
//! compiled once, when the transform is made. Nothing is ever fetched: a reference to another document is an error then.

use super::json_text::{parse, text};
use super::{Args, ArgumentError, Transform, Value};
use crate::cancel::Cancel;
use crate::error::Result;
use jsonschema::Validator;
use serde_json::{Value as Json, json};

/// No more errors of one document are told.
pub const MAX_ERRORS: usize = 1000;

struct Validate(Validator);

/// `json.validate(schema)`: JavaScript hands the schema over as JSON text.
pub fn validate(args: &Args) -> std::result::Result<Box<dyn Transform>, ArgumentError> {
    Ok(Box::new(Validate(compile(args)?)))
}

/// The schema that is the first argument.
pub fn compile(args: &Args) -> std::result::Result<Validator, ArgumentError> {
    let refused =
        |reason: String| ArgumentError::Value(format!("The \"schema\" argument is no usable JSON Schema: {reason}"));
    let schema = parse(args.text(0, "schema")?.as_bytes(), 0).map_err(|error| refused(error.to_string()))?;
    jsonschema::options().build(&schema).map_err(|error| {
        let place = error.instance_path().to_string();
        refused(if place.is_empty() { error.to_string() } else { format!("{error} (at {place})") })
    })
}

impl Transform for Validate {
    fn name(&self) -> &'static str {
        "json.validate"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        let document = parse(&text, 0)?;
        cancel.check()?;
        let errors = errors(&self.0, &document, MAX_ERRORS);
        Ok(Value::Json(json!({ "valid": errors.is_empty(), "errors": errors }).to_string()))
    }
}

/// What is wrong with a document, as JavaScript gets it.
pub fn errors(validator: &Validator, document: &Json, most: usize) -> Vec<Json> {
    // Finding out that there are none is much faster.
    if validator.is_valid(document) {
        return Vec::new();
    }
    let told = validator.iter_errors(document).take(most).map(|error| {
        json!({
            "instancePath": error.instance_path().to_string(),
            "schemaPath": error.schema_path().to_string(),
            "message": error.to_string(),
        })
    });
    told.collect()
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::testing::{arg, args, whole};
    use super::*;

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
