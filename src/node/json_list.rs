//! Joins the JSON texts of a batch, on the thread that ran it.

use crate::error::Result;
use crate::transform::Value;

/// Maximum bytes of a list: JavaScript parses it in a fraction of a millisecond.
const MAX: usize = 16 << 10;

/// One result of a batch, or several.
pub enum BatchResult {
    One(Result<Value>),
    /// Short JSON texts, which JavaScript parses in one call.
    List(JsonList),
}

/// A list of JSON texts, which is one itself.
pub struct JsonList {
    pub text: String,
    pub count: u32,
}

impl JsonList {
    fn new(first: &str) -> Self {
        let mut list = JsonList { text: String::with_capacity(MAX + 2), count: 0 };
        list.push(first);
        list
    }

    fn has_room(&self, text: &str) -> bool {
        self.text.len() + text.len() < MAX
    }

    fn push(&mut self, text: &str) {
        self.text.push(if self.count == 0 { '[' } else { ',' });
        self.text.push_str(text);
        self.count += 1;
    }

    fn end(&mut self) {
        self.text.push(']');
    }
}

/// Joins results that are short JSON texts and follow one another.
pub fn join(results: Vec<Result<Value>>) -> Vec<BatchResult> {
    let mut joined = Vec::new();
    let mut list: Option<JsonList> = None;
    for result in results {
        match (result, &mut list) {
            (Ok(Value::Json(text)), Some(list)) if list.has_room(&text) => list.push(&text),
            (Ok(Value::Json(text)), _) if text.len() < MAX => end(list.replace(JsonList::new(&text)), &mut joined),
            (other, _) => {
                end(list.take(), &mut joined);
                joined.push(BatchResult::One(other));
            }
        }
    }
    end(list, &mut joined);
    joined
}

fn end(list: Option<JsonList>, joined: &mut Vec<BatchResult>) {
    if let Some(mut list) = list {
        list.end();
        joined.push(BatchResult::List(list));
    }
}
