//! Names of containers as the program writes them: `sessions`, `Store.items`, `module.exports.list`, `byUser[…]`.

use super::graph::{EdgeKind, Graph, NodeKind, Word};
use super::path::{file_of, functions};
use super::reader::Texts;
use std::fmt::Write;

/// Maximum number of parts of a name.
const PARTS: usize = 4;
/// Maximum length of a name in a path, in characters, since a key may hold user data.
const CHARACTERS: usize = 40;

/// Part of a name, as indices of strings.
#[derive(Debug, Clone, Copy)]
enum Part {
    Variable(u32),
    /// A property of an instance of a class, or of a function.
    Member(u32, u32),
    Property(u32),
    Item,
}

/// The name of an object before its strings are known.
pub struct Name {
    chain: Vec<u32>,
    /// Parts from the inside out.
    parts: Vec<Part>,
    /// File and line, from 0, of a function near the declaration of the object.
    position: Option<(u32, Option<u32>)>,
}

/// The name of an object.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Named {
    /// Variable or property, with the objects that contain it. Empty if it is unknown.
    pub name: String,
    pub path: String,
    /// File that declares the variable, or the class of the property. Empty if it is unknown.
    pub file: String,
    /// Line of a function that uses the variable, or line of that class, from 1; 0 if it is unknown.
    pub line: u32,
}

/// Names objects by their chains: the edges from each object up to the root.
#[must_use]
pub fn names(graph: &Graph, chains: Vec<Vec<u32>>) -> Vec<Name> {
    let mut names = Vec::new();
    let mut anchors = Vec::new();
    for chain in chains {
        let mut parts = Vec::new();
        anchors.push(name(graph, &chain, &mut parts));
        names.push(Name { chain, parts, position: None });
    }
    for (index, function) in functions(graph, &anchors).into_iter().enumerate() {
        let of_module = anchors[index].filter(|anchor| graph.is_named(*anchor, Word::Module));
        names[index].position = match of_module.and_then(|module| graph.follow(module, Word::Filename)) {
            Some(file) => Some((graph.name(file), None)),
            None => function.and_then(|it| Some((file_of(graph, it.node)?, Some(it.line)))),
        };
    }
    names
}

/// Adds the parts of a name from the inside out. Returns the scope, object, function or module that declares the outermost part.
fn name(graph: &Graph, chain: &[u32], parts: &mut Vec<Part>) -> Option<u32> {
    for (step, index) in chain.iter().enumerate() {
        let (edge, source) = (graph.edges[*index as usize], graph.source(*index));
        match edge.kind() {
            EdgeKind::Context => {
                parts.push(Part::Variable(edge.label()));
                return Some(source);
            }
            EdgeKind::Property if is_plain(graph, source) => parts.push(Part::Property(edge.label())),
            EdgeKind::Property | EdgeKind::Shortcut => {
                parts.push(Part::Member(graph.name(source), edge.label()));
                return Some(source);
            }
            EdgeKind::Element => parts.push(Part::Item),
            // Handles of V8 are listed in any order.
            EdgeKind::Internal if graph.kind(source) == NodeKind::Synthetic => break,
            EdgeKind::Internal if graph.is_named(edge.target, Word::Cell) => {
                // A module lists the name of each variable before its cell.
                let before = (*index as usize).checked_sub(1).map(|before| graph.edges[before].target);
                let name = before.filter(|node| graph.kind(*node) == NodeKind::Text);
                parts.extend(name.map(|node| Part::Variable(graph.name(node))));
                return chain.get(step + 1).map(|outer| graph.source(*outer));
            }
            EdgeKind::Internal if is_silent(graph, edge.label(), source) => {}
            EdgeKind::Internal if graph.kind(source) == NodeKind::Store => parts.push(Part::Item),
            _ => break,
        }
        if parts.len() == PARTS {
            break;
        }
    }
    None
}

/// Returns whether an object is a plain object or array, whose name is that of its holder.
fn is_plain(graph: &Graph, node: u32) -> bool {
    graph.kind(node) == NodeKind::Object && (graph.is_named(node, Word::Object) || graph.is_named(node, Word::Array))
}

/// Returns whether an edge leads to the backing store of an object, or from a cell, and adds no part to the name.
fn is_silent(graph: &Graph, label: u32, source: u32) -> bool {
    let stores = [Word::Table, Word::Elements, Word::Properties];
    let is_cell = graph.is_named(source, Word::Cell) || graph.is_named(source, Word::ContextCell);
    is_cell || stores.iter().any(|word| graph.is_word(label, *word))
}

impl Name {
    /// Lists the strings that [`Name::with`] needs.
    pub fn strings(&self, graph: &Graph, list: &mut Vec<u64>) {
        let mut add = |string: u32| list.push(string.into());
        for part in &self.parts {
            match *part {
                Part::Variable(text) | Part::Property(text) => add(text),
                Part::Member(class, property) => [class, property].into_iter().for_each(&mut add),
                Part::Item => {}
            }
        }
        for index in &self.chain {
            let edge = graph.edges[*index as usize];
            add(graph.name(graph.source(*index)));
            if edge.is_named() {
                add(edge.label());
            }
        }
        if let Some((file, _)) = self.position {
            add(file);
        }
    }

    #[must_use]
    pub fn with(&self, graph: &Graph, texts: &Texts) -> Named {
        let (file, line) = self.position.map_or((None, None), |(file, line)| (texts.get(file), line));
        Named {
            name: self.name(texts),
            path: self.path(graph, texts),
            file: file.unwrap_or_default().to_owned(),
            line: line.map_or(0, |line| line.saturating_add(1)),
        }
    }

    fn name(&self, texts: &Texts) -> String {
        let mut name = String::new();
        for part in self.parts.iter().rev() {
            let _ = match *part {
                Part::Variable(text) => write!(name, "{}", excerpt(texts, text)),
                Part::Member(class, text) => write!(name, "{}.{}", holder(excerpt(texts, class)), excerpt(texts, text)),
                Part::Property(text) if name.is_empty() => write!(name, "{}", excerpt(texts, text)),
                Part::Property(text) => write!(name, ".{}", excerpt(texts, text)),
                Part::Item => write!(name, "[…]"),
            };
        }
        name
    }

    /// Returns the retaining path from the root: `(Global handles) → tick.context → scope.sessions`.
    fn path(&self, graph: &Graph, texts: &Texts) -> String {
        let mut path = String::new();
        for index in self.chain.iter().rev() {
            let (edge, source) = (graph.edges[*index as usize], graph.source(*index));
            let name = excerpt(texts, graph.name(source));
            if source == 0 || name == "(GC roots)" {
                continue;
            }
            if !path.is_empty() {
                path.push_str(" → ");
            }
            let _ = match edge.kind() {
                _ if graph.kind(source) == NodeKind::Synthetic => write!(path, "{name}"),
                EdgeKind::Element | EdgeKind::Hidden => write!(path, "{}[{}]", holder(name), edge.label()),
                _ => write!(path, "{}.{}", holder(name), excerpt(texts, edge.label())),
            };
        }
        path
    }
}

/// Returns the name of a holder as the program writes it.
fn holder(name: &str) -> &str {
    match name {
        "system / Context" => "scope",
        "global" | "global (global*)" => "globalThis",
        "Module" => "module",
        "" => "(internal)",
        _ => name,
    }
}

fn excerpt(texts: &Texts, string: u32) -> &str {
    let text = texts.get(string).unwrap_or_default();
    text.char_indices().nth(CHARACTERS).map_or(text, |(end, _)| &text[..end])
}
