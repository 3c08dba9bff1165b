//! Containers of a heap and their numbers of entries: hash tables of `Map` and `Set`, array elements, dictionary properties.

use super::graph::{EdgeKind, Graph, NodeKind, Word};

/// Minimum growth of a reported container, in entries: one of many containers in another one may grow slowly.
const GROWTH: u32 = 8;

/// Sizes of V8's words and table headers in bytes, in Node.js without pointer compression.
const WORD: u32 = 8;
const ARRAY_HEADER: u32 = 16;
const TABLE_HEADER: u32 = 40;
/// Bytes of a hash table per entry of its capacity: key, value and link, or key and link; and half a bucket.
const MAP_ENTRY: u32 = 28;
const SET_ENTRY: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Map,
    Set,
    Array,
    Object,
    Other,
}

/// Stores that an owner may have.
const PARTS: [Word; 3] = [Word::Table, Word::Elements, Word::Properties];

#[derive(Debug, Clone, Copy)]
pub struct Container {
    pub kind: Kind,
    /// Index of the node that owns the store.
    pub node: u32,
    /// Index in [`PARTS`].
    part: u8,
    /// Numbers have no edges: if all entries are numbers, this is the capacity. At most [`MAX_ENTRIES`].
    pub entries: u32,
}

impl Container {
    /// Returns whether two containers are kept in the same part of their owners.
    #[must_use]
    pub fn is_like(&self, other: &Container) -> bool {
        self.part == other.part
    }
}

const ENTRY_BITS: u32 = 30;
const MAX_ENTRIES: u32 = (1 << ENTRY_BITS) - 1;

/// Numbers of entries of all containers of a snapshot: 8 bytes per container.
pub struct Counts {
    /// Id of the owner, part, and number of entries, from the upper to the lower bits.
    sorted: Vec<u64>,
    last_id: u32,
}

impl Counts {
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut sorted = Vec::new();
        each_container(graph, &mut |it| sorted.push(key(graph, it) << ENTRY_BITS | u64::from(it.entries)));
        sorted.sort_unstable();
        Counts { sorted, last_id: graph.ids.iter().copied().max().unwrap_or_default() }
    }

    /// Returns at most `count` containers of a later snapshot that had no entries in this one, those with the most entries first.
    #[must_use]
    pub fn missing(&self, graph: &Graph, least: u32, count: usize) -> Vec<Container> {
        let mut found = Vec::new();
        each_container(graph, &mut |it| {
            if it.entries >= least && self.entries(graph, it).unwrap_or_default() == 0 {
                found.push(*it);
            }
        });
        most(&found, |it| it.entries, count)
    }

    /// Returns the number of entries that a container had in this snapshot, `None` if it did not exist.
    fn entries(&self, graph: &Graph, container: &Container) -> Option<u32> {
        let key = key(graph, container);
        let index = self.sorted.partition_point(|it| it >> ENTRY_BITS < key);
        let found = self.sorted.get(index).filter(|it| **it >> ENTRY_BITS == key);
        let entries = found.map(|it| u32::try_from(it & u64::from(MAX_ENTRIES)).unwrap_or_default());
        entries.or((graph.ids[container.node as usize] <= self.last_id).then_some(0))
    }
}

/// Returns the key of a container, which is equal in all snapshots.
fn key(graph: &Graph, container: &Container) -> u64 {
    u64::from(graph.ids[container.node as usize]) << 2 | u64::from(container.part)
}

/// A container of the second snapshot, with its number of entries in the first.
#[derive(Debug, Clone, Copy)]
pub struct Grown {
    pub container: Container,
    pub entries_before: u32,
    /// Id of the owner in the first snapshot.
    pub id_before: u32,
}

impl Grown {
    #[must_use]
    pub fn has_grown(&self) -> bool {
        self.container.entries >= self.entries_before.saturating_add(GROWTH)
    }

    /// Returns whether both describe the same container of the second snapshot.
    #[must_use]
    pub fn is_of(&self, other: &Grown) -> bool {
        self.container.node == other.container.node && self.container.is_like(&other.container)
    }

    fn new_entries(&self) -> u32 {
        self.container.entries - self.entries_before
    }
}

/// Returns the containers that exist in both snapshots and have grown.
#[must_use]
pub fn grown(before: &Counts, after: &Graph) -> Vec<Grown> {
    let mut found = Vec::new();
    each_container(after, &mut |it| {
        if it.entries >= GROWTH
            && let Some(entries_before) = before.entries(after, it)
        {
            let it = Grown { container: *it, entries_before, id_before: after.ids[it.node as usize] };
            found.extend(it.has_grown().then_some(it));
        }
    });
    found
}

/// Returns at most `count` containers, those with the most new entries first.
#[must_use]
pub fn with_most_new(grown: &[Grown], count: usize) -> Vec<Grown> {
    most(grown, Grown::new_entries, count)
}

/// Returns at most `count` items with the largest values, in descending order. Sorts numbers, which needs less code than items.
fn most<T: Copy>(items: &[T], value: fn(&T) -> u32, count: usize) -> Vec<T> {
    let mut order: Vec<_> = (0..).zip(items).map(|(index, it)| u64::from(value(it)) << 32 | index).collect();
    order.sort_unstable();
    let index = |it: &u64| usize::try_from(it & u64::from(u32::MAX)).unwrap_or_default();
    order.iter().rev().take(count).map(|it| items[index(it)]).collect()
}

/// Calls `each` with every container.
fn each_container(graph: &Graph, each: &mut dyn FnMut(&Container)) {
    for node in graph.nodes() {
        if matches!(graph.kind(node), NodeKind::Object | NodeKind::Closure) {
            each_part(graph, node, each);
        }
    }
}

/// Calls `each` with the containers of an owner: it may have both elements and properties.
pub fn each_part(graph: &Graph, node: u32, each: &mut dyn FnMut(&Container)) {
    let mut elements = 0;
    let mut properties = 0;
    let mut stores = [None; 3];
    for edge in graph.edges_of(node) {
        match edge.kind() {
            EdgeKind::Element => elements += 1,
            EdgeKind::Property => properties += 1,
            EdgeKind::Internal => {
                if let Some(part) = PARTS.iter().position(|word| graph.is_word(edge.label(), *word)) {
                    stores[part] = Some(edge.target);
                }
            }
            _ => {}
        }
    }
    for (part, store) in (0..).zip(stores) {
        let Some(store) = store else { continue };
        let counted = match part {
            0 => hashed(graph, store),
            1 => Some((kind_of_elements(graph, node), element_count(graph, store, elements))),
            _ => Some((Kind::Object, property_count(graph, store, properties))),
        };
        if let Some((kind, entries)) = counted {
            each(&Container { kind, node, part, entries: entries.min(MAX_ENTRIES) });
        }
    }
}

/// Returns the kind of a hash table and its number of entries, or `None` for the table of a weak collection.
fn hashed(graph: &Graph, table: u32) -> Option<(Kind, u32)> {
    let room = graph.sizes[table as usize].checked_sub(TABLE_HEADER)?;
    let capacity = |entry: u32| (room % entry == 0 && (room / entry).is_power_of_two()).then_some(room / entry);
    let (kind, capacity) = match capacity(MAP_ENTRY) {
        Some(capacity) => (Kind::Map, capacity),
        None => (Kind::Set, capacity(SET_ENTRY)?),
    };
    let entries = graph.edges_of(table).iter().filter(|edge| !graph.is_labelled(**edge, Word::Map));
    let (mut edges, mut texts) = (0, 0);
    for edge in entries.filter(|edge| edge.kind() != EdgeKind::Weak) {
        edges += 1;
        texts += u32::from(graph.kind(edge.target) == NodeKind::Text);
    }
    // A pair has two edges, or one if its key or value is a number.
    let are_pairs = kind == Kind::Map && (edges > capacity || texts * 2 == edges);
    let entries = if are_pairs { edges.div_ceil(2) } else { edges };
    Some((kind, if entries == 0 { capacity } else { entries }))
}

fn element_count(graph: &Graph, store: u32, elements: u32) -> u32 {
    let room = graph.sizes[store as usize].saturating_sub(ARRAY_HEADER) / WORD;
    if elements == 0 { room } else { elements }
}

/// Returns the number of properties. `properties` counts the values that are not numbers, and the prototype. The store also
/// has edges to the keys of the values.
fn property_count(graph: &Graph, store: u32, properties: u32) -> u32 {
    let edges = u32::try_from(graph.edges_of(store).len()).unwrap_or(u32::MAX);
    edges.saturating_sub(properties).max(properties.saturating_sub(1))
}

fn kind_of_elements(graph: &Graph, node: u32) -> Kind {
    if graph.is_named(node, Word::Array) {
        Kind::Array
    } else if graph.is_named(node, Word::Object) {
        Kind::Object
    } else {
        Kind::Other
    }
}

/// Returns the nodes with the given ids, `None` for ids without a node.
#[must_use]
pub fn nodes_of(graph: &Graph, ids: &[u32]) -> Vec<Option<u32>> {
    let mut nodes = vec![None; ids.len()];
    for node in graph.nodes() {
        for (id, found) in ids.iter().zip(&mut nodes) {
            if *id == graph.ids[node as usize] {
                *found = Some(node);
            }
        }
    }
    nodes
}

/// Returns the bytes that each owner holds: the sizes of objects that are reachable only through owners. Objects behind another
/// owner do not count; shared objects count for each owner. At most 253 owners.
#[must_use]
pub fn held(graph: &Graph, owners: &[Option<u32>]) -> Vec<u64> {
    /// Mark of nodes that are reachable without the owners.
    const OUTSIDE: u8 = u8::MAX;
    const OWNER: u8 = u8::MAX - 1;
    let mut marks = vec![0_u8; graph.ids.len()];
    for owner in owners.iter().flatten() {
        marks[*owner as usize] = OWNER;
    }
    let mut stack = Vec::new();
    let mut walk = |start: u32, mark: u8, is_open: fn(u8, u8) -> bool| {
        let mut bytes = 0;
        stack.push(start);
        while let Some(node) = stack.pop() {
            bytes += u64::from(graph.sizes[node as usize]);
            for edge in graph.edges_of(node) {
                let seen = &mut marks[edge.target as usize];
                if edge.kind() != EdgeKind::Weak && is_open(*seen, mark) {
                    *seen = mark;
                    stack.push(edge.target);
                }
            }
        }
        bytes
    };
    walk(0, OUTSIDE, |seen, _| seen == 0);
    let walk_owner = |(mark, owner): (u8, &Option<u32>)| {
        owner.map_or(0, |owner| walk(owner, mark, |seen, mark| seen < OWNER && seen != mark))
    };
    (1..OWNER).zip(owners).map(walk_owner).collect()
}
