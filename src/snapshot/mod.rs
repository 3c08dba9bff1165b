//! Compares two heap snapshots of a process: finds the containers that grew, and the variables that name them.
//!
//! Reads one snapshot at a time into compact tables ([`graph`]), of at most 17 bytes per object and 8 per reference. With the marks
//! and paths of a comparison, memory stays below the size of the larger file plus 1 MiB.

pub mod containers;
pub mod graph;
mod names;
mod path;
pub mod reader;
mod replaced;
mod scanner;

pub use containers::Kind;

use crate::error::Result;
use containers::{Counts, Grown, grown, held, nodes_of, with_most_new};
use graph::Graph;
use names::{Named, names};
use path::Tree;
use reader::Texts;
use std::io::{Read, Seek};

/// Maximum number of reported containers.
const REPORTED: usize = 250;

/// A container that grew, with its figures in both snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    pub kind: Kind,
    /// Variable or property, with the objects that contain it. Empty if it is unknown.
    pub name: String,
    /// Retaining path from a root to the container.
    pub path: String,
    /// File that declares the variable, or the class of the property. Empty if it is unknown.
    pub file: String,
    /// Line of a function that uses the variable, or line of that class, from 1; 0 if it is unknown.
    pub line: u32,
    /// Whether the container is a copy of the one in the first snapshot.
    pub is_copy: bool,
    pub entries: [u32; 2],
    /// Bytes that the container holds, without those that other growing containers hold.
    pub bytes: [u64; 2],
    /// Total size of all objects, in bytes.
    pub heap: [u64; 2],
}

/// Returns the containers that have gained entries and bytes, those with the most new entries first. A container that did not exist in
/// the first snapshot counts if it is a copy of one that did: the same names lead to both.
///
/// # Errors
/// Fails if a file is not a heap snapshot, or cannot be read.
pub fn compare<R: Read + Seek>(before: &mut R, after: &mut R) -> Result<Vec<Growth>> {
    let (counts, heap_before) = {
        let graph = reader::read(before)?;
        (Counts::of(&graph), graph.bytes())
    };
    let (graph, grown) = containers_of(&counts, before, after)?;
    drop(counts);
    let heap = [heap_before, graph.bytes()];
    if grown.is_empty() {
        return Ok(Vec::new());
    }
    let nodes: Vec<_> = grown.iter().map(|it| it.container.node).collect();
    let ids: Vec<_> = grown.iter().map(|it| it.id_before).collect();
    let bytes = held(&graph, &nodes.iter().map(|node| Some(*node)).collect::<Vec<_>>());
    let names = names(&graph, Tree::of(&graph).chains(&nodes));
    let mut strings = Vec::new();
    for name in &names {
        name.strings(&graph, &mut strings);
    }
    let texts = Texts::read(after, &graph, strings)?;
    let mut growths = Vec::new();
    for (index, it) in grown.iter().enumerate() {
        let Named { name, path, file, line } = names[index].with(&graph, &texts);
        let Grown { container, entries_before, id_before } = *it;
        let (kind, entries, bytes) = (container.kind, [entries_before, container.entries], [0, bytes[index]]);
        let is_copy = graph.ids[container.node as usize] != id_before;
        growths.push(Growth { kind, name, path, file, line, is_copy, entries, bytes, heap });
    }
    drop(graph);
    for (growth, bytes) in growths.iter_mut().zip(held_before(before, &ids)?) {
        growth.bytes[0] = bytes;
    }
    growths.retain(|it| it.bytes[1] > it.bytes[0]);
    Ok(growths)
}

/// Reads the second snapshot. Returns its containers that have grown.
fn containers_of<R: Read + Seek>(counts: &Counts, before: &mut R, after: &mut R) -> Result<(Graph, Vec<Grown>)> {
    let mut graph = reader::read(after)?;
    let mut grown = grown(counts, &graph);
    let copies = replaced::copies(counts, &graph);
    if !copies.is_empty() {
        let labels = copies.iter().flat_map(replaced::Copy::labels).collect();
        let texts = Texts::read(after, &graph, labels)?;
        // Only one snapshot is in memory at any time.
        drop(graph);
        let found = replaced::predecessors(before, &copies, &texts)?;
        grown.retain(|it| !found.iter().any(|copy| copy.is_of(it)));
        grown.extend(found.into_iter().filter(Grown::has_grown));
        graph = reader::read(after)?;
    }
    let most = with_most_new(&grown, REPORTED);
    Ok((graph, most))
}

/// Reads the first snapshot again, since keeping both in memory would need twice the memory.
fn held_before<R: Read + Seek>(file: &mut R, ids: &[u32]) -> Result<Vec<u64>> {
    let graph = reader::read(file)?;
    Ok(held(&graph, &nodes_of(&graph, ids)))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests;
