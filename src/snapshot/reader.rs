//! Reads a heap snapshot of V8. Strings come last and are not kept: [`Texts`] reads the needed ones in a second pass.

use super::graph::{Edge, EdgeKind, Graph, Location, NodeKind, WORDS};
use super::scanner::{ROW, Scanner};
use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::io::{Read, Seek, SeekFrom};

/// Maximum size of the description of the tables, in bytes.
const HEADER: usize = 64 << 10;
/// Maximum length of a word, in bytes.
const WORD: usize = 32;
/// Maximum length of a returned string, in bytes: it may be the path of a file.
const TEXT: usize = 1024;
/// Minimum size of a number and its comma, in bytes.
const NUMBER: u64 = 2;

/// Reads a whole snapshot. The tables take at most 17 bytes per node, 8 per edge and 8 per function: less than the file.
///
/// # Errors
/// Fails if the file is not a heap snapshot, or cannot be read.
pub fn read<R: Read + Seek>(file: &mut R) -> Result<Graph> {
    let length = file.seek(SeekFrom::End(0)).and_then(|length| file.rewind().map(|()| length));
    let length = length.map_err(|error| unreadable(&error))?;
    let mut scanner = Scanner::new(file, 0);
    let mut parts = Parts { graph: Graph::default(), form: None, edge_counts: 0 };
    let (mut key, mut skipped) = (Vec::new(), Vec::new());
    scanner.expect(b'{')?;
    loop {
        scanner.string(WORD, &mut key)?;
        scanner.expect(b':')?;
        match (key.as_slice(), parts.form.is_some()) {
            (b"snapshot", false) => {
                scanner.value(HEADER, &mut skipped)?;
                let header = std::str::from_utf8(&skipped).ok().and_then(|text| serde_json::from_str(text).ok());
                let form = header.and_then(|header| Form::of(&header));
                parts.form = Some(form.ok_or_else(|| scanner.invalid("a description of nodes and edges"))?);
            }
            (b"nodes", true) => parts.nodes(&mut scanner, length)?,
            (b"edges", true) => parts.edges(&mut scanner, length)?,
            (b"locations", true) => parts.locations(&mut scanner)?,
            (b"strings", true) => {
                parts.graph.strings = scanner.offset();
                words(&mut scanner, &mut parts.graph)?;
            }
            _ => scanner.value(0, &mut skipped)?,
        }
        if !scanner.comma_or(b'}')? {
            break;
        }
    }
    let is_whole =
        parts.graph.strings > 0 && !parts.graph.ids.is_empty() && parts.graph.edges.len() == parts.edge_counts;
    if is_whole { Ok(parts.graph) } else { Err(scanner.invalid("nodes, their edges, and strings")) }
}

/// Strings of a snapshot with their indices, in ascending order.
pub struct Texts(Vec<(u32, String)>);

impl Texts {
    /// Reads strings, truncated to 1,024 bytes.
    ///
    /// # Errors
    /// Fails if the file has changed, or cannot be read.
    pub fn read<R: Read + Seek>(file: &mut R, graph: &Graph, mut wanted: Vec<u64>) -> Result<Self> {
        wanted.sort_unstable();
        let mut next = 0;
        select(file, graph, &mut |index, _| {
            let is_wanted = wanted.get(next) == Some(&u64::from(index));
            while wanted.get(next).is_some_and(|it| *it <= u64::from(index)) {
                next += 1;
            }
            (is_wanted, next < wanted.len())
        })
    }

    /// Finds strings, of which the first 1,024 bytes count.
    ///
    /// # Errors
    /// Fails if the file has changed, or cannot be read.
    pub fn find<R: Read + Seek>(file: &mut R, graph: &Graph, wanted: &[&str]) -> Result<Self> {
        select(file, graph, &mut |_, text| (wanted.iter().any(|it| it.as_bytes() == text), true))
    }

    /// Returns the index of a string.
    #[must_use]
    pub fn index(&self, text: &str) -> Option<u32> {
        self.0.iter().find(|(_, it)| it == text).map(|(index, _)| *index)
    }

    #[must_use]
    pub fn get(&self, index: u32) -> Option<&str> {
        let found = self.0.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(&self.0[found].1)
    }
}

/// Reads the strings for which `select` returns true, until its second result is false.
fn select<R: Read + Seek>(
    file: &mut R,
    graph: &Graph,
    select: &mut dyn FnMut(u32, &[u8]) -> (bool, bool),
) -> Result<Texts> {
    file.seek(SeekFrom::Start(graph.strings)).map_err(|error| unreadable(&error))?;
    let mut texts = Vec::new();
    each_string(&mut Scanner::new(file, graph.strings), TEXT, &mut |index, text| {
        let (is_wanted, goes_on) = select(index, text);
        if is_wanted {
            texts.push((index, String::from_utf8_lossy(text).into_owned()));
        }
        goes_on
    })?;
    Ok(Texts(texts))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(crate::error::Kind::Resources, format!("The heap snapshot cannot be read: {error}"))
}

fn words<R: Read>(scanner: &mut Scanner<R>, graph: &mut Graph) -> Result<()> {
    each_string(scanner, WORD, &mut |index, text| {
        if let Some(word) = WORDS.iter().position(|word| word.as_bytes() == text) {
            graph.words[word] = Some(index);
        }
        true
    })
}

/// Calls `each` with the strings of an array, truncated to `limit` bytes, until `each` returns false.
fn each_string<R: Read>(
    scanner: &mut Scanner<R>,
    limit: usize,
    each: &mut dyn FnMut(u32, &[u8]) -> bool,
) -> Result<()> {
    scanner.expect(b'[')?;
    if scanner.peek_token()? == b']' {
        return scanner.expect(b']');
    }
    let mut text = Vec::new();
    for index in 0.. {
        scanner.string(limit, &mut text)?;
        if !each(index, &text) || !scanner.comma_or(b']')? {
            break;
        }
    }
    Ok(())
}

/// Parts of a snapshot that have been read.
struct Parts {
    graph: Graph,
    form: Option<Form>,
    /// Total number of edges, according to the nodes.
    edge_counts: usize,
}

impl Parts {
    fn nodes<R: Read>(&mut self, scanner: &mut Scanner<R>, length: u64) -> Result<()> {
        let Parts { graph, form: Some(form), edge_counts } = self else { return Ok(()) };
        if !graph.ids.is_empty() {
            return Err(scanner.invalid("one table of nodes"));
        }
        let capacity = capacity(form.node_count, form.node_width, length);
        graph.kinds.reserve_exact(capacity);
        graph.names.reserve_exact(capacity);
        graph.ids.reserve_exact(capacity);
        graph.sizes.reserve_exact(capacity);
        graph.first_edges = Vec::with_capacity(capacity + 1);
        graph.first_edges.push(0);
        let [kind, name, id, size, edges] = form.node;
        scanner.rows(form.node_width, &mut |row| {
            graph.kinds.push(form.node_kinds.get(usize::try_from(row[kind]).ok()?).copied().unwrap_or(NodeKind::Other));
            graph.names.push(u32::try_from(row[name]).ok()?);
            graph.ids.push(u32::try_from(row[id]).ok()?);
            graph.sizes.push(u32::try_from(row[size]).unwrap_or(u32::MAX));
            *edge_counts = edge_counts.checked_add(usize::try_from(row[edges]).ok()?)?;
            graph.first_edges.push(u32::try_from(*edge_counts).ok()?);
            Some(())
        })
    }

    fn edges<R: Read>(&mut self, scanner: &mut Scanner<R>, length: u64) -> Result<()> {
        let Parts { graph, form: Some(form), edge_counts } = self else { return Ok(()) };
        let node_width = form.node_width as u64;
        graph.edges.reserve_exact(capacity(*edge_counts as u64, form.edge_width, length));
        let [kind, label, to] = form.edge;
        scanner.rows(form.edge_width, &mut |row| {
            let target = u32::try_from(row[to] / node_width).ok()?;
            let is_node = row[to] % node_width == 0 && (target as usize) < graph.ids.len();
            if !is_node || graph.edges.len() == *edge_counts {
                return None;
            }
            let kind = form.edge_kinds.get(usize::try_from(row[kind]).ok()?).copied().unwrap_or(EdgeKind::Hidden);
            graph.edges.push(Edge::new(kind, row[label], target));
            Some(())
        })
    }

    fn locations<R: Read>(&mut self, scanner: &mut Scanner<R>) -> Result<()> {
        let Parts { graph, form: Some(form), .. } = self else { return Ok(()) };
        let node_width = form.node_width as u64;
        let [object, line] = form.location;
        scanner.rows(form.location_width, &mut |row| {
            let node = u32::try_from(row[object] / node_width).ok()?;
            if *graph.kinds.get(node as usize)? == NodeKind::Closure {
                graph.locations.push(Location { node, line: u32::try_from(row[line]).unwrap_or_default() });
            }
            Some(())
        })
    }
}

/// Returns the number of rows to allocate: at most as many as the file can hold.
fn capacity(rows: u64, width: usize, length: u64) -> usize {
    usize::try_from(rows.min(length / (NUMBER * width as u64))).unwrap_or_default()
}

/// Columns of the tables, by their positions in a row.
struct Form {
    node_width: usize,
    /// Type, name, id, size, number of edges.
    node: [usize; 5],
    node_kinds: Vec<NodeKind>,
    node_count: u64,
    edge_width: usize,
    /// Type, label, target.
    edge: [usize; 3],
    edge_kinds: Vec<EdgeKind>,
    location_width: usize,
    /// Node, line.
    location: [usize; 2],
}

impl Form {
    fn of(header: &Map<String, Value>) -> Option<Form> {
        let meta = header.get("meta")?;
        let (node_width, node) = columns(&meta["node_fields"], ["type", "name", "id", "self_size", "edge_count"])?;
        let (edge_width, edge) = columns(&meta["edge_fields"], ["type", "name_or_index", "to_node"])?;
        let (location_width, location) = columns(&meta["location_fields"], ["object_index", "line"])?;
        let node_kinds = meta["node_types"][0].as_array()?.iter().map(|name| match name.as_str() {
            Some("object") => NodeKind::Object,
            Some("closure") => NodeKind::Closure,
            Some("string" | "concatenated string" | "sliced string" | "symbol") => NodeKind::Text,
            Some("array") => NodeKind::Store,
            Some("synthetic") => NodeKind::Synthetic,
            _ => NodeKind::Other,
        });
        let edge_kinds = meta["edge_types"][0].as_array()?.iter().map(|name| match name.as_str() {
            Some("context") => EdgeKind::Context,
            Some("element") => EdgeKind::Element,
            Some("property") => EdgeKind::Property,
            Some("internal") => EdgeKind::Internal,
            Some("shortcut") => EdgeKind::Shortcut,
            Some("weak") => EdgeKind::Weak,
            _ => EdgeKind::Hidden,
        });
        Some(Form {
            node_width,
            node,
            node_kinds: node_kinds.collect(),
            node_count: header.get("node_count")?.as_u64()?,
            edge_width,
            edge,
            edge_kinds: edge_kinds.collect(),
            location_width,
            location,
        })
    }
}

/// Returns the width of a table, and the positions of the wanted columns.
fn columns<const N: usize>(fields: &Value, wanted: [&str; N]) -> Option<(usize, [usize; N])> {
    let fields = fields.as_array()?;
    let positions = wanted.map(|name| fields.iter().position(|field| field.as_str() == Some(name)));
    let is_known = fields.len() <= ROW && positions.iter().all(Option::is_some);
    is_known.then(|| (fields.len(), positions.map(Option::unwrap_or_default)))
}
