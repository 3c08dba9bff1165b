//! Joins the JSON texts of a batch.

/// Maximum bytes of a list: JavaScript parses it in a fraction of a millisecond.
const MAX: usize = 16 << 10;

/// A list of JSON texts, which is one itself.
#[derive(Default)]
pub struct JsonList {
    text: String,
    count: u32,
}

impl JsonList {
    pub fn accepts(text: &str) -> bool {
        text.len() < MAX
    }

    pub fn has_room(&self, text: &str) -> bool {
        self.text.len() + text.len() < MAX
    }

    pub fn push(&mut self, text: &str) {
        self.text.push(if self.count == 0 { '[' } else { ',' });
        self.text.push_str(text);
        self.count += 1;
    }

    /// Removes all texts. Returns the list and its length, if it is not empty.
    pub fn take(&mut self) -> Option<(String, u32)> {
        if self.count == 0 {
            return None;
        }
        let JsonList { mut text, count } = std::mem::take(self);
        text.push(']');
        Some((text, count))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn texts_are_elements_of_a_list() {
        let mut list = JsonList::default();
        assert_eq!(list.take(), None);
        for text in ["1", " {} ", "\"]\""] {
            list.push(text);
        }
        assert_eq!(list.take(), Some(("[1, {} ,\"]\"]".to_string(), 3)));
        assert_eq!(list.take(), None);
    }

    #[test]
    fn lists_are_short() {
        let text = " ".repeat(MAX - 1);
        assert!(JsonList::accepts(&text) && !JsonList::accepts(&format!("{text} ")));
        let mut list = JsonList::default();
        assert!(list.has_room(&text));
        list.push("1");
        assert!(!list.has_room(&text) && list.has_room("1"));
    }
}
