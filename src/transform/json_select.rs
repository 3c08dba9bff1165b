//! JSONPath (RFC 9535), by the serde_json_path crate: the selected nodes alone become values of JavaScript.

use super::json_text::{parse, text};
use super::{Args, ArgumentError, Transform, Value};
use crate::cancel::Cancel;
use crate::error::Result;
use serde_json_path::JsonPath;

struct Select(JsonPath);

/// `json.select(path)`
pub fn select(args: &Args) -> std::result::Result<Box<dyn Transform>, ArgumentError> {
    let path = JsonPath::parse(args.text(0, "path")?)
        .map_err(|error| ArgumentError::Value(format!("The \"path\" argument is no JSONPath (RFC 9535): {error}")))?;
    Ok(Box::new(Select(path)))
}

impl Transform for Select {
    fn name(&self) -> &'static str {
        "json.select"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        cancel.check()?;
        let document = parse(&text, 0)?;
        cancel.check()?;
        let nodes = self.0.query(&document).all();
        Ok(Value::Json(serde_json::to_string(&nodes).expect("values of JSON")))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::testing::{arg, args, whole};
    use super::*;

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
    }

    #[test]
    fn what_is_no_path_is_refused_when_made() {
        for bad in ["", "items", "$.", "$[", "$.a b", "$[?@.a = 1]"] {
            assert_eq!(select(&args([arg(bad)])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE", "{bad}");
        }
    }
}
