//! Any JSONPath, followed segment by segment: what a path selects on its way may grow beyond all bounds, or nobody may want it
//! any more. Each segment is a path of its own for the serde_json_path crate, which does not look up in between.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use serde_json::Value as Json;
use serde_json_path::{JsonPath, ParseError};

/// On its way a path may select so many nodes, and as many more as the document has bytes.
const MAX_NODES: usize = 1 << 22;

pub struct Segments(Vec<JsonPath>);

impl Segments {
    /// The segments of a path, which is known to be one. Those up to the last filter that refers to the whole document stay
    /// together: they need to begin at its root.
    ///
    /// # Errors
    /// For what is no path.
    pub fn of(path: &str) -> std::result::Result<Self, ParseError> {
        let places = starts(path);
        let end = |index: usize| places.get(index + 1).copied().unwrap_or(path.len());
        let bound = (0..places.len()).rev().find(|&index| refers_to_root(&path[places[index]..end(index)]));
        let joined = bound.map(|index| path[..end(index)].trim_end().to_string());
        let single = (bound.map_or(0, |index| index + 1)..places.len())
            .map(|index| format!("${}", path[places[index]..end(index)].trim_end()));
        joined
            .into_iter()
            .chain(single)
            .map(|path| JsonPath::parse(&path))
            .collect::<std::result::Result<_, _>>()
            .map(Segments)
    }

    /// The nodes that the path selects in a document that was so many bytes long.
    ///
    /// # Errors
    /// When there are too many on the way; of kind `Cancelled`.
    pub fn select<'a>(&self, document: &'a Json, len: usize, cancel: &Cancel) -> Result<Vec<&'a Json>> {
        let most = MAX_NODES + len;
        let mut nodes = vec![document];
        for segment in &self.0 {
            let mut next = Vec::new();
            for node in nodes {
                cancel.check()?;
                next.extend(segment.query(node));
                if next.len() > most {
                    let message = format!("The path selects more than {most} nodes on its way");
                    return Err(Error::new(Kind::OutputLimit, message));
                }
            }
            nodes = next;
        }
        Ok(nodes)
    }
}

/// Where the segments of a path begin.
fn starts(path: &str) -> Vec<usize> {
    let bytes = path.as_bytes();
    let mut starts = Vec::new();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'.' => {
                starts.push(at);
                at += if bytes.get(at + 1) == Some(&b'.') { 2 } else { 1 };
                // What is in brackets behind two dots belongs to them.
                if bytes.get(at) == Some(&b'[') {
                    at = behind_brackets(bytes, at);
                }
            }
            b'[' => {
                starts.push(at);
                at = behind_brackets(bytes, at);
            }
            _ => at += 1,
        }
    }
    starts
}

/// What follows the bracket that closes the one at a place.
fn behind_brackets(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0;
    let mut end = bytes.len();
    outside_strings(&bytes[at..], |place, byte| {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            end = at + place + 1;
        }
        depth > 0
    });
    end
}

fn refers_to_root(segment: &str) -> bool {
    let mut found = false;
    outside_strings(segment.as_bytes(), |_, byte| {
        found = byte == b'$';
        !found
    });
    // A name may have a dollar sign only within quotes.
    found
}

/// Calls `f` with each byte that is in no string, until it returns `false`.
fn outside_strings(bytes: &[u8], mut f: impl FnMut(usize, u8) -> bool) {
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, byte) => {
                if !f(at, byte) {
                    return;
                }
            }
        }
        at += 1;
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_falls_into_its_segments() {
        let split = |path| Segments::of(path).unwrap().0.iter().map(ToString::to_string).collect::<Vec<_>>().len();
        assert_eq!(split("$"), 0);
        assert_eq!(split("$.a..b[0]['c.]d'] ..[*, \"[\"] .é"), 6);
        assert_eq!(split("$.a[?@.b == $.c['$']].d.e"), 3);
        assert_eq!(split("$..['$'][?@['$']]"), 2);
    }

    #[test]
    fn selects_what_the_whole_path_selects() {
        let document = json!({ "a": [{ "b": 1, "c": [2, 3] }, { "b": 2, "c": [] }], "b": 1, "x]'\"": { "b": [4] } });
        for path in [
            "$",
            "$..b",
            "$..*",
            "$.a[?@.b == $.b].c[*]",
            "$..[?@.b][?@ > 1]",
            "$[\"a\", 'b'] [0] .c",
            r#"$['x]\'"']..*"#,
            "$..a[?length(@.c) > $.b]..*",
            "$.a[?@.b == $.b] .c\n [*]",
        ] {
            let whole = JsonPath::parse(path).unwrap();
            let selected = Segments::of(path).unwrap().select(&document, 0, &Cancel::new()).unwrap();
            assert_eq!(selected, whole.query(&document).all(), "{path}");
        }
    }

    #[test]
    fn growth_has_a_limit_and_can_be_cancelled() {
        let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let document = deep(400);
        let path = Segments::of("$..*..*..*..*").unwrap();
        let error = path.select(&document, 0, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind, Kind::OutputLimit);
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(path.select(&document, 0, &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}
