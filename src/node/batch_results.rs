//! The results of a batch. The thread that runs it packs them into few allocations, since the event loop frees each of them.

use super::json_list::JsonList;
use crate::error::Result;
use crate::transform::Value;

/// Byte results up to this length are packed: a Buffer for each would cost more than copying.
pub const MAX_PACKED: usize = 4096;

/// The results, in order.
#[derive(Default)]
pub struct BatchResults {
    pub items: Vec<BatchResult>,
    /// Number of results.
    pub count: u32,
    /// The short byte results, one after the other.
    pub bytes: Vec<u8>,
}

/// One result of a batch, or several.
pub enum BatchResult {
    /// The length of a short byte result.
    Short(usize),
    /// Short JSON texts that follow one another.
    List(JsonList),
    Other(Result<Value>),
}

impl BatchResults {
    pub fn push(&mut self, result: Result<Value>) {
        self.count += 1;
        match result {
            Ok(Value::Bytes(bytes)) if bytes.len() <= MAX_PACKED => {
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
