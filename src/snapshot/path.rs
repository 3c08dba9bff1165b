//! Retaining paths: the edges from the root to an object, and the functions that show where its name is declared.

use super::graph::{Edge, EdgeKind, Graph, Location, NodeKind, Word};

/// Maximum number of steps of a path.
const STEPS: usize = 16;
/// Maximum number of parents that are searched for a cycle.
const DEPTH: usize = 10_000;
const NONE: u32 = u32::MAX;

/// Shortest-path tree: the edge by which each object is first reached from the root, 4 bytes per node.
pub struct Tree<'a> {
    graph: &'a Graph,
    parents: Vec<u32>,
}

impl<'a> Tree<'a> {
    /// Finds the shortest paths. Paths from the stack give no names, so they are used only for objects without another path.
    #[must_use]
    pub fn of(graph: &'a Graph) -> Self {
        let mut tree = Tree { graph, parents: vec![NONE; graph.ids.len()] };
        let mut stacks = Vec::new();
        let mut queue = vec![0];
        let mut next = 0;
        while next < queue.len() {
            let node = queue[next];
            next += 1;
            let is_stack = [Word::StackRoots, Word::HandleScope].into_iter().any(|word| graph.is_named(node, word));
            if is_stack && graph.kind(node) == NodeKind::Synthetic {
                stacks.push(node);
            } else {
                tree.expand(node, &mut queue);
            }
            if next == queue.len() {
                for stack in stacks.drain(..) {
                    tree.expand(stack, &mut queue);
                }
            }
        }
        tree
    }

    fn expand(&mut self, node: u32, queue: &mut Vec<u32>) {
        for index in self.graph.edge_range(node) {
            let edge = self.graph.edges[index];
            let parent = &mut self.parents[edge.target as usize];
            if edge.kind() != EdgeKind::Weak && edge.target != 0 && *parent == NONE {
                *parent = u32::try_from(index).unwrap_or(NONE);
                queue.push(edge.target);
            }
        }
    }

    /// Returns the edges from each node up to the root, innermost first. Prefers a variable or a property as the innermost edge.
    #[must_use]
    pub fn chains(&self, nodes: &[u32]) -> Vec<Vec<u32>> {
        let mut firsts: Vec<_> = nodes.iter().map(|node| self.parents[*node as usize]).collect();
        let mut is_wanted = vec![false; self.parents.len()];
        for node in nodes {
            is_wanted[*node as usize] = true;
        }
        for (index, edge) in (0..).zip(&self.graph.edges) {
            if !is_wanted[edge.target as usize] || !names(*edge) {
                continue;
            }
            for (node, first) in nodes.iter().zip(&mut firsts) {
                let is_known = *first != NONE && names(self.graph.edges[*first as usize]);
                if *node == edge.target && !is_known && self.is_outside(self.graph.source(index), *node) {
                    *first = index;
                }
            }
        }
        firsts.into_iter().map(|first| self.chain(first)).collect()
    }

    /// Returns whether the path from the root to a node avoids the other node.
    fn is_outside(&self, node: u32, other: u32) -> bool {
        let mut node = node;
        for _ in 0..DEPTH {
            if node == 0 || node == other {
                return node == 0;
            }
            match self.parents[node as usize] {
                NONE => return false,
                edge => node = self.graph.source(edge),
            }
        }
        false
    }

    fn chain(&self, first: u32) -> Vec<u32> {
        let mut edges = Vec::new();
        let mut edge = first;
        while edge != NONE && edges.len() < STEPS {
            edges.push(edge);
            edge = self.parents[self.graph.source(edge) as usize];
        }
        edges
    }
}

/// Returns whether an edge has the name of a variable or a property.
fn names(edge: Edge) -> bool {
    matches!(edge.kind(), EdgeKind::Context | EdgeKind::Property)
}

/// Returns for each anchor the function whose position shows where the anchor is declared: the first one of a scope, the class
/// of an object, the function of a module.
#[must_use]
pub fn functions(graph: &Graph, anchors: &[Option<u32>]) -> Vec<Option<Location>> {
    let is_scope = |anchor: &Option<u32>| anchor.is_some_and(|node| graph.is_named(node, Word::Scope));
    let other = |anchor: &Option<u32>| anchor.filter(|_| !is_scope(anchor)).and_then(|node| maker(graph, node));
    let mut found: Vec<_> = anchors.iter().map(other).collect();
    for location in &graph.locations {
        let inner = graph.follow(location.node, Word::Context);
        let outer = inner.and_then(|scope| graph.follow(scope, Word::Previous));
        for (anchor, first) in anchors.iter().zip(&mut found) {
            let is_within = is_scope(anchor) && (*anchor == inner || *anchor == outer);
            if is_within && first.is_none_or(|first| location.line < first.line) {
                *first = Some(*location);
            }
        }
    }
    found
}

/// Returns the position of a function, of the class of an object, or of the function of a module.
fn maker(graph: &Graph, node: u32) -> Option<Location> {
    let located = |node: u32| graph.locations.iter().find(|it| it.node == node).copied();
    let class = || graph.follow(graph.follow(node, Word::Proto)?, Word::Constructor).and_then(located);
    let evaluated = || {
        let near = graph.edges_of(node).iter().filter(|_| graph.is_named(node, Word::EsModule));
        let further = near.flat_map(|edge| graph.edges_of(edge.target)).map(|edge| edge.target);
        further.filter(|node| graph.kind(*node) == NodeKind::Closure).find_map(located)
    };
    located(node).or_else(class).or_else(evaluated)
}

/// Returns the index of the string with the file name of a function.
#[must_use]
pub fn file_of(graph: &Graph, function: u32) -> Option<u32> {
    let shared = graph.follow(function, Word::Shared)?;
    let script = graph.follow(shared, Word::Script).or_else(|| graph.follow(shared, Word::ScriptOrDebugInfo))?;
    Some(graph.name(script))
}
