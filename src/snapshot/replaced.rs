//! Containers that the program replaces by larger copies, as in `list = [...list, item]`. A copy has another id, so its predecessor is
//! found by the names that lead to the container from an object that both snapshots have.

use super::containers::{Container, Counts, Grown, each_part, nodes_of};
use super::graph::{Edge, Graph, NodeKind};
use super::path::Tree;
use super::reader::{self, Texts};
use crate::error::Result;
use std::io::{Read, Seek};

/// Minimum number of entries of a copy, maximum number of copies that are looked at, and maximum number of names that lead to one.
const ENTRIES: u32 = 256;
const COPIES: usize = 32;
const STEPS: usize = 6;

/// A container of the second snapshot that may be a copy.
pub struct Copy {
    container: Container,
    /// Named edges that lead to the container, innermost first. `holders`: ids of the objects that have these edges.
    steps: Vec<Edge>,
    holders: Vec<u32>,
}

impl Copy {
    /// Returns the indices of the strings that name the edges.
    pub fn labels(&self) -> impl Iterator<Item = u64> {
        self.steps.iter().map(|step| step.label().into())
    }
}

/// Returns the containers of the second snapshot that the first one does not have, those with the most entries first.
#[must_use]
pub fn copies(before: &Counts, after: &Graph) -> Vec<Copy> {
    let containers = before.missing(after, ENTRIES, COPIES);
    if containers.is_empty() {
        return Vec::new();
    }
    let nodes: Vec<_> = containers.iter().map(|it| it.node).collect();
    let chains = Tree::of(after).chains(&nodes);
    containers.into_iter().zip(chains).map(|(container, chain)| named_steps(after, container, &chain)).collect()
}

/// Takes the steps of a chain as long as they have names.
fn named_steps(graph: &Graph, container: Container, chain: &[u32]) -> Copy {
    let mut copy = Copy { container, steps: Vec::new(), holders: Vec::new() };
    for index in chain.iter().take(STEPS) {
        let (edge, source) = (graph.edges[*index as usize], graph.source(*index));
        if !edge.is_named() || graph.kind(source) == NodeKind::Synthetic {
            break;
        }
        copy.steps.push(edge);
        copy.holders.push(graph.ids[source as usize]);
    }
    copy
}

/// Finds the predecessors of copies in the first snapshot.
///
/// # Errors
/// Fails if the file is not a heap snapshot, or cannot be read.
pub fn predecessors<R: Read + Seek>(file: &mut R, copies: &[Copy], texts: &Texts) -> Result<Vec<Grown>> {
    let graph = reader::read(file)?;
    let names: Vec<_> = copies.iter().flat_map(|copy| &copy.steps).filter_map(|step| texts.get(step.label())).collect();
    let labels = Texts::find(file, &graph, &names)?;
    let mut found = Vec::new();
    for copy in copies {
        let nodes = nodes_of(&graph, &copy.holders);
        // V8 may give the id of a dead object to a new one, so the nearest holder may be another object.
        let owners = nodes.iter().enumerate().filter_map(|(step, holder)| {
            let steps = copy.steps[..=step].iter().rev();
            steps.copied().try_fold((*holder)?, |node, step| {
                let label = labels.index(texts.get(step.label())?)?;
                let is_step = |edge: &&Edge| edge.kind() == step.kind() && edge.is_named() && edge.label() == label;
                Some(graph.edges_of(node).iter().find(is_step)?.target)
            })
        });
        for node in owners.take(1) {
            let mut entries_before = 0;
            each_part(&graph, node, &mut |it| {
                if it.is_like(&copy.container) {
                    entries_before = it.entries;
                }
            });
            found.push(Grown { container: copy.container, entries_before, id_before: graph.ids[node as usize] });
        }
    }
    Ok(found)
}
