//! The JSONPath functions `match` and `search` with the patterns of [`super::pattern`]. A pattern may come from the document, so a
//! refused one matches nothing, as RFC 9535 requires.

use super::pattern::Pattern;
use serde_json::Value as Json;
use serde_json_path::functions::{LogicalType, ValueType};
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    /// The last pattern, and whether it must match all of a text. Most filters use one pattern for all nodes.
    static LAST: RefCell<Option<(String, bool, Option<Rc<Pattern>>)>> = const { RefCell::new(None) };
}

fn compiled(source: &str, whole: bool) -> Option<Rc<Pattern>> {
    LAST.with_borrow_mut(|last| match last {
        Some((text, is_whole, pattern)) if text == source && *is_whole == whole => pattern.clone(),
        _ => {
            let pattern = Pattern::of_path(source, whole).ok().map(Rc::new);
            *last = Some((source.to_string(), whole, pattern.clone()));
            pattern
        }
    })
}

fn is_found(value: &ValueType, pattern: &ValueType, whole: bool) -> LogicalType {
    match (value.as_value(), pattern.as_value()) {
        (Some(Json::String(text)), Some(Json::String(source))) => {
            compiled(source, whole).is_some_and(|pattern| pattern.is_match(text)).into()
        }
        _ => LogicalType::False,
    }
}

#[serde_json_path_macros::function(name = "match")]
fn match_whole(value: ValueType, pattern: ValueType) -> LogicalType {
    is_found(&value, &pattern, true)
}

#[serde_json_path_macros::function]
fn search(value: ValueType, pattern: ValueType) -> LogicalType {
    is_found(&value, &pattern, false)
}
