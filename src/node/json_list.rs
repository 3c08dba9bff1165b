//! A list of JSON texts, which JavaScript parses in one call.

/// Maximum bytes of a list: JavaScript parses it in a fraction of a millisecond.
const MAX: usize = 16 << 10;

pub struct JsonList {
    /// The list as one JSON text.
    pub text: String,
    pub count: u32,
}

impl JsonList {
    /// Returns a list of one text, unless it is too long for any list.
    pub fn of(first: &str) -> Option<Self> {
        if first.len() >= MAX {
            return None;
        }
        let mut text = String::with_capacity(first.len() + 2);
        text.push('[');
        text.push_str(first);
        text.push(']');
        Some(JsonList { text, count: 1 })
    }

    /// Adds a text. Returns whether the list had room for it.
    pub fn push(&mut self, text: &str) -> bool {
        // The comma replaces the closing bracket.
        if self.text.len() - 1 + text.len() >= MAX {
            return false;
        }
        self.text.pop();
        self.text.push(',');
        self.text.push_str(text);
        self.text.push(']');
        self.count += 1;
        true
    }
}
