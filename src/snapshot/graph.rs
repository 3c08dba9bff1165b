//! A heap as compact tables: 17 bytes a node, 8 bytes an edge, and 8 bytes a function.

/// Kinds of nodes that the comparison distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NodeKind {
    Object,
    Closure,
    /// Strings and symbols.
    Text,
    /// Backing store of a container, or another internal array of V8.
    Store,
    Synthetic,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EdgeKind {
    Context,
    Element,
    Property,
    Internal,
    Hidden,
    Shortcut,
    Weak,
}

const EDGE_KINDS: [EdgeKind; 7] = [
    EdgeKind::Context,
    EdgeKind::Element,
    EdgeKind::Property,
    EdgeKind::Internal,
    EdgeKind::Hidden,
    EdgeKind::Shortcut,
    EdgeKind::Weak,
];
const LABEL_BITS: u32 = 29;

#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// Index of a node.
    pub target: u32,
    /// Kind in the upper bits, label in the lower ones.
    packed: u32,
}

impl Edge {
    /// `label` is the index of a string or of an element; the upper bits of an element's index are lost.
    pub fn new(kind: EdgeKind, label: u64, target: u32) -> Self {
        let label = u32::try_from(label & ((1 << LABEL_BITS) - 1)).unwrap_or_default();
        Edge { target, packed: (kind as u32) << LABEL_BITS | label }
    }

    pub fn kind(self) -> EdgeKind {
        EDGE_KINDS[(self.packed >> LABEL_BITS) as usize]
    }

    pub fn label(self) -> u32 {
        self.packed & ((1 << LABEL_BITS) - 1)
    }

    /// Returns whether the label is an index of a string.
    pub fn is_named(self) -> bool {
        !matches!(self.kind(), EdgeKind::Element | EdgeKind::Hidden)
    }
}

/// Strings that the comparison recognizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Table,
    Elements,
    Properties,
    Context,
    Previous,
    Shared,
    Script,
    ScriptOrDebugInfo,
    Value,
    Map,
    Proto,
    Constructor,
    Array,
    Object,
    Scope,
    ContextCell,
    Cell,
    EsModule,
    Module,
    Filename,
    StackRoots,
    HandleScope,
}

/// Texts of the words, in the order of [`Word`].
pub const WORDS: [&str; 22] = [
    "table",
    "elements",
    "properties",
    "context",
    "previous",
    "shared",
    "script",
    "script_or_debug_info",
    "value",
    "map",
    "__proto__",
    "constructor",
    "Array",
    "Object",
    "system / Context",
    "system / ContextCell",
    "system / Cell",
    "system / SourceTextModule",
    "Module",
    "filename",
    "(Stack roots)",
    "(Handle scope)",
];

/// Position of a function. Lines count from 0.
#[derive(Debug, Clone, Copy)]
pub struct Location {
    pub node: u32,
    pub line: u32,
}

#[derive(Default)]
pub struct Graph {
    pub kinds: Vec<NodeKind>,
    /// Names as indices of strings.
    pub names: Vec<u32>,
    /// Ids of objects, which are equal in all snapshots of a process.
    pub ids: Vec<u32>,
    /// Shallow sizes in bytes.
    pub sizes: Vec<u32>,
    /// Index of the first edge of each node, then the number of all edges.
    pub first_edges: Vec<u32>,
    pub edges: Vec<Edge>,
    /// Positions of functions and classes.
    pub locations: Vec<Location>,
    /// Index of the string of each word.
    pub words: [Option<u32>; WORDS.len()],
    /// File offset of the strings.
    pub strings: u64,
}

impl Graph {
    /// Returns the indices of the nodes.
    pub fn nodes(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }

    /// Returns the total size of all objects.
    pub fn bytes(&self) -> u64 {
        self.sizes.iter().map(|size| u64::from(*size)).sum()
    }

    /// Returns the indices of the edges of a node.
    pub fn edge_range(&self, node: u32) -> std::ops::Range<usize> {
        self.first_edges[node as usize] as usize..self.first_edges[node as usize + 1] as usize
    }

    pub fn edges_of(&self, node: u32) -> &[Edge] {
        &self.edges[self.edge_range(node)]
    }

    /// Returns the source node of an edge.
    pub fn source(&self, edge: u32) -> u32 {
        let after = self.first_edges.partition_point(|first| *first <= edge);
        u32::try_from(after - 1).unwrap_or_default()
    }

    pub fn kind(&self, node: u32) -> NodeKind {
        self.kinds[node as usize]
    }

    pub fn name(&self, node: u32) -> u32 {
        self.names[node as usize]
    }

    pub fn is_word(&self, string: u32, word: Word) -> bool {
        self.words[word as usize] == Some(string)
    }

    pub fn is_named(&self, node: u32, word: Word) -> bool {
        self.is_word(self.name(node), word)
    }

    /// Returns whether an edge is labelled with a word.
    pub fn is_labelled(&self, edge: Edge, word: Word) -> bool {
        edge.is_named() && self.is_word(edge.label(), word)
    }

    /// Returns the target of the first edge of a node that is labelled with a word.
    pub fn follow(&self, node: u32, word: Word) -> Option<u32> {
        let edge = self.edges_of(node).iter().find(|edge| self.is_labelled(**edge, word))?;
        Some(edge.target)
    }
}
