//! The results of a batch, collected on the thread that runs it, in few allocations: the event loop's thread frees them.

use super::json_list::JsonList;
use crate::error::Result;
use crate::transform::Value;

/// Results of bytes up to this length are packed: a Buffer for each would cost more than copying.
pub const SHORT: usize = 4096;

/// Results, in order.
#[derive(Default)]
pub struct BatchResults {
    pub items: Vec<BatchResult>,
    /// Number of results.
    pub count: u32,
    /// The short results, one after the other.
    pub bytes: Vec<u8>,
}

/// One result of a batch, or several.
pub enum BatchResult {
    /// The length of a short result.
    Short(usize),
    /// Short JSON texts that follow one another.
    List(JsonList),
    Other(Result<Value>),
}

impl BatchResults {
    pub fn push(&mut self, result: Result<Value>) {
        self.count += 1;
        match result {
            Ok(Value::Bytes(bytes)) if bytes.len() <= SHORT => {
                self.bytes.extend_from_slice(&bytes);
                self.items.push(BatchResult::Short(bytes.len()));
            }
            Ok(Value::Json(text)) => self.push_json(text),
            other => self.items.push(BatchResult::Other(other)),
        }
    }

    fn push_json(&mut self, text: String) {
        if let Some(BatchResult::List(list)) = self.items.last_mut()
            && list.push(&text)
        {
            return;
        }
        self.items.push(match JsonList::of(&text) {
            Some(list) => BatchResult::List(list),
            None => BatchResult::Other(Ok(Value::Json(text))),
        });
    }
}
