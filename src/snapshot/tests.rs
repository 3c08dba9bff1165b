//! Tests with handmade snapshots. JavaScript tests use those of Node.js.

use super::*;
use std::io::Cursor;

/// Id of the container in all samples.
const OWNER: u32 = 7;

/// A snapshot under construction.
#[derive(Default)]
struct Heap {
    strings: Vec<String>,
    nodes: Vec<[u32; 4]>,
    edges: Vec<(usize, usize, usize, usize)>,
    locations: Vec<(usize, u32)>,
}

const NODES: [&str; 6] = ["hidden", "array", "string", "object", "closure", "synthetic"];
const EDGES: [&str; 5] = ["context", "element", "property", "internal", "weak"];

impl Heap {
    fn new() -> Self {
        let mut heap = Heap::default();
        heap.node("synthetic", "", 1, 0);
        heap
    }

    fn string(&mut self, text: &str) -> usize {
        let known = self.strings.iter().position(|it| it == text);
        known.unwrap_or_else(|| {
            self.strings.push(text.to_owned());
            self.strings.len() - 1
        })
    }

    fn node(&mut self, kind: &str, name: &str, id: u32, size: u32) -> usize {
        let kind = NODES.iter().position(|it| *it == kind).unwrap();
        let name = self.string(name);
        self.nodes.push([u32::try_from(kind).unwrap(), u32::try_from(name).unwrap(), id, size]);
        self.nodes.len() - 1
    }

    /// Adds an edge. The name of an element edge is its index.
    fn edge(&mut self, from: usize, kind: &str, name: &str, to: usize) {
        let kind = EDGES.iter().position(|it| *it == kind).unwrap();
        let label = if kind == 1 { name.parse().unwrap() } else { self.string(name) };
        self.edges.push((from, kind, label, to));
    }

    /// Adds a container that `holder` holds. Returns the owner and its store.
    fn container(&mut self, holder: (usize, &str, &str), owner: &str, store: (&str, u32)) -> (usize, usize) {
        let object = self.node("object", owner, OWNER, 32);
        let memory = self.node("array", "", 9, store.1);
        self.edge(holder.0, holder.1, holder.2, object);
        self.edge(object, "internal", store.0, memory);
        (object, memory)
    }

    /// Adds objects of 10 bytes.
    fn objects(&mut self, count: u32) -> Vec<usize> {
        (0..count).map(|index| self.node("object", "Object", 1000 + index * 2, 10)).collect()
    }

    fn json(&self) -> String {
        let mut edges = self.edges.clone();
        edges.sort_by_key(|(from, ..)| *from);
        let count = |node| self.edges.iter().filter(|(from, ..)| *from == node).count();
        let nodes = self
            .nodes
            .iter()
            .enumerate()
            .map(|(node, [kind, name, id, size])| format!("{kind},{name},{id},{size},{},0", count(node)));
        let edges = edges.iter().map(|(_, kind, label, to)| format!("{kind},{label},{}", to * 6));
        let locations = self.locations.iter().map(|(node, line)| format!("{},5,{line},3", node * 6));
        let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join("\n,");
        let kinds = |names: &[&str]| serde_json::to_string(names).unwrap();
        format!(
            r#"{{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count","detachedness"],
            "node_types":[{},"string"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[{},"string_or_number"],
            "location_fields":["object_index","script_id","line","column"]}},"node_count":{},"edge_count":0}},
            "nodes":[{}],"edges":[{}],"trace_tree":[{{}}],"locations":[{}],"strings":{}}}"#,
            kinds(&NODES),
            kinds(&EDGES),
            self.nodes.len(),
            list(&mut { nodes }),
            list(&mut { edges }),
            list(&mut { locations }),
            serde_json::to_string(&self.strings).unwrap(),
        )
    }
}

fn compared(before: &str, after: &str) -> Result<Vec<Growth>> {
    compare(&mut Cursor::new(before.as_bytes()), &mut Cursor::new(after.as_bytes()))
}

/// Compares snapshots of a heap at two sizes.
fn growth(sizes: [u32; 2], heap: fn(u32) -> Heap) -> Vec<Growth> {
    let [before, after] = sizes.map(|size| heap(size).json());
    compared(&before, &after).unwrap()
}

/// A heap with a function and its scope.
fn scoped() -> (Heap, usize, usize) {
    let mut heap = Heap::new();
    let function = heap.node("closure", "handler", 3, 64);
    let scope = heap.node("object", "system / Context", 5, 40);
    heap.edge(0, "element", "1", function);
    heap.edge(function, "internal", "context", scope);
    (heap, function, scope)
}

/// An array in a variable of a scope, with a function in that scope.
fn array(size: u32) -> Heap {
    let (mut heap, function, scope) = scoped();
    let shared = heap.node("hidden", "handler", 11, 0);
    let script = heap.node("hidden", "/srv/app.js", 13, 0);
    heap.edge(function, "internal", "shared", shared);
    heap.edge(shared, "internal", "script", script);
    heap.locations.push((function, 41));
    let (owner, memory) = heap.container((scope, "context", "cache"), "Array", ("elements", 16 + size * 8));
    for (index, object) in heap.objects(size).into_iter().enumerate() {
        heap.edge(owner, "element", &index.to_string(), object);
        heap.edge(memory, "internal", &index.to_string(), object);
    }
    heap
}

#[test]
fn a_growing_array_is_named_by_its_variable() {
    let expected = Growth {
        kind: Kind::Array,
        name: "cache".into(),
        path: "handler.context → scope.cache".into(),
        file: "/srv/app.js".into(),
        line: 42,
        is_copy: false,
        entries: [500, 1500],
        bytes: [32 + 16 + 500 * 18, 32 + 16 + 1500 * 18],
        // The container, a function and a scope.
        heap: [32 + 16 + 500 * 18 + 104, 32 + 16 + 1500 * 18 + 104],
    };
    assert_eq!(growth([500, 1500], array), [expected]);
}

/// A state that is replaced, with a list that is copied.
fn copied(size: u32) -> Heap {
    let (mut heap, _, scope) = scoped();
    let state = heap.node("object", "Object", 100_001 + size * 4, 24);
    let list = heap.node("object", "Array", 100_003 + size * 4, 32);
    let memory = heap.node("array", "", 100_005 + size * 4, 16 + size * 8);
    heap.edge(scope, "context", "state", state);
    // The same string has another index in each snapshot.
    for index in 0..size % 7 {
        heap.string(&format!("text {index}"));
    }
    heap.edge(state, "property", "notifications", list);
    heap.edge(list, "internal", "elements", memory);
    for (index, object) in heap.objects(size).into_iter().enumerate() {
        heap.edge(list, "element", &index.to_string(), object);
    }
    heap
}

#[test]
fn a_copy_is_compared_with_its_predecessor() {
    let found = growth([300, 1500], copied);
    let [Growth { name, is_copy: true, entries: [300, 1500], bytes, .. }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(name, "state.notifications");
    assert_eq!(*bytes, [32 + 16 + 300 * 18, 32 + 16 + 1500 * 18]);
    assert_eq!(growth([1500, 1500], copied), []);
    assert_eq!(growth([10, 200], copied), [], "too few entries");
}

#[test]
fn steady_containers_are_left_out() {
    for (sizes, count) in
        [([0, 7], 0), ([0, 8], 1), ([1000, 1007], 0), ([1000, 1008], 1), ([900, 900], 0), ([900, 9], 0)]
    {
        assert_eq!(growth(sizes, array).len(), count, "{sizes:?}");
    }
}

#[test]
fn a_container_that_is_new_has_not_grown() {
    let before = Heap::new().json();
    assert_eq!(compared(&before, &array(5000).json()).unwrap(), []);
}

/// A map from strings to objects in a property of an instance, which is a property of a global object.
fn map(size: u32) -> Heap {
    let mut heap = Heap::new();
    let global = heap.node("object", "global", 3, 8);
    let store = heap.node("object", "Store", 5, 24);
    heap.edge(0, "element", "1", global);
    heap.edge(global, "property", "store", store);
    let capacity = size.next_power_of_two();
    let (_, memory) = heap.container((store, "property", "items"), "Map", ("table", 40 + 28 * capacity));
    heap.edge(memory, "internal", "map", 0);
    for object in heap.objects(size) {
        let key = heap.node("string", "key", 2_000_001, 16);
        heap.edge(memory, "internal", "5", key);
        heap.edge(memory, "internal", "6", object);
    }
    heap
}

#[test]
fn a_pair_of_a_map_counts_once() {
    let grown = growth([600, 1300], map);
    assert_eq!((grown[0].kind, grown[0].entries, grown.len()), (Kind::Map, [600, 1300], 1));
    assert_eq!((grown[0].name.as_str(), grown[0].path.as_str()), ("Store.items", "globalThis.store → Store.items"));
}

#[test]
fn numbers_count_by_the_room_for_them() {
    // A set of numbers has no edges.
    let set = |size: u32| {
        let mut heap = Heap::new();
        heap.container((0, "property", "ids"), "Set", ("table", 40 + 20 * size.next_power_of_two()));
        heap
    };
    let grown = growth([512, 2000], set);
    assert_eq!((grown[0].kind, grown[0].entries), (Kind::Set, [512, 2048]));
}

#[test]
fn every_container_is_named_by_its_property() {
    let two = |size: u32| {
        let mut heap = Heap::new();
        for (index, bytes) in [(0, 8), (1, 80)] {
            let owner = heap.node("object", "Array", 11 + index, 0);
            let memory = heap.node("array", "", 15 + index, 16 + size * 8);
            heap.edge(0, "property", if index == 0 { "small" } else { "large" }, owner);
            heap.edge(owner, "internal", "elements", memory);
            for entry in 0..size {
                let object = heap.node("object", "Object", 100 + entry * 2 + index, bytes);
                heap.edge(owner, "element", "0", object);
            }
        }
        heap
    };
    let mut names: Vec<_> = growth([10, 100], two).into_iter().map(|it| it.name).collect();
    names.sort();
    assert_eq!(names, ["(internal).large", "(internal).small"]);
}

#[test]
fn keys_of_a_dictionary_count_with_any_values() {
    let dictionary = |size: u32| {
        let mut heap = Heap::new();
        let (owner, memory) = heap.container((0, "property", "counts"), "Object", ("properties", 16 + size * 24));
        heap.edge(owner, "property", "__proto__", 0);
        heap.edge(memory, "internal", "map", 0);
        for _ in 0..size {
            let key = heap.node("string", "key", 2_000_001, 16);
            heap.edge(memory, "internal", "5", key);
        }
        heap
    };
    let grown = growth([10, 1200], dictionary);
    assert_eq!((grown[0].kind, grown[0].entries), (Kind::Object, [10, 1200]));
}

#[test]
fn weak_collections_are_left_out() {
    let weak = |size: u32| {
        let mut heap = Heap::new();
        heap.container((0, "property", "seen"), "WeakMap", ("table", 40 + 16 * size.next_power_of_two()));
        heap
    };
    assert_eq!(growth([16, 4096], weak), []);
}

fn on_stack(size: u32) -> Heap {
    let mut heap = array(size);
    let roots = heap.node("synthetic", "(Stack roots)", 15, 0);
    heap.edge(0, "element", "2", roots);
    let owner = heap.nodes.iter().position(|node| node[2] == OWNER).unwrap();
    heap.edge(roots, "internal", "3", owner);
    heap
}

#[test]
fn a_path_from_the_stack_is_the_last_resort() {
    assert_eq!(growth([10, 1500], on_stack)[0].name, "cache");
    let only_on_stack = |size: u32| {
        let mut heap = on_stack(size);
        heap.edges.retain(|(_, kind, ..)| *kind != 0);
        heap
    };
    let grown = growth([10, 1500], only_on_stack);
    assert_eq!((grown[0].name.as_str(), grown[0].path.as_str()), ("", "(Stack roots)"));
}

/// A Map in the cell of a variable that a handle keeps alive, after a handle of another variable's name.
fn in_handles(size: u32) -> Heap {
    let mut heap = Heap::new();
    let roots = heap.node("synthetic", "(Strong roots)", 3, 0);
    let name = heap.node("string", "other", 5, 24);
    let cell = heap.node("hidden", "system / Cell", 11, 16);
    heap.edge(0, "element", "1", roots);
    heap.edge(roots, "internal", "1", name);
    heap.edge(roots, "internal", "2", cell);
    let (_, memory) = heap.container((cell, "internal", "value"), "Array", ("elements", 16 + size * 8));
    for (index, object) in heap.objects(size).into_iter().enumerate() {
        heap.edge(memory, "internal", &index.to_string(), object);
    }
    heap
}

#[test]
fn a_handle_does_not_name_the_one_after_it() {
    let grown = growth([10, 1500], in_handles);
    assert_eq!((grown[0].name.as_str(), grown[0].path.as_str()), ("", "(Strong roots) → system / Cell.value"));
}

#[test]
fn a_property_of_an_entry_does_not_name_its_container() {
    let with_parents = |size: u32| {
        let mut heap = array(size);
        let owner = heap.nodes.iter().position(|node| node[2] == OWNER).unwrap();
        let scope = heap.edges.iter().position(|(_, kind, ..)| *kind == 0).unwrap();
        let holder = heap.edges.remove(scope).0;
        heap.edge(holder, "internal", "hidden", owner);
        let entry = heap.nodes.iter().position(|node| node[2] == 1000).unwrap();
        heap.edge(entry, "property", "parent", owner);
        heap
    };
    assert_eq!(growth([10, 1500], with_parents)[0].name, "");
}

#[test]
fn a_container_does_not_hold_the_growing_ones_within_it() {
    let nested = |size: u32| {
        let mut heap = array(size);
        let owner = heap.nodes.iter().position(|node| node[2] == OWNER).unwrap();
        let inner = heap.node("object", "Array", 17, 0);
        let memory = heap.node("array", "", 19, 16 + size * 8);
        heap.edge(owner, "element", "0", inner);
        heap.edge(inner, "internal", "elements", memory);
        heap
    };
    let grown = growth([10, 1500], nested);
    let mut figures: Vec<_> = grown.iter().map(|it| (it.name.as_str(), it.bytes[1])).collect();
    figures.sort_unstable();
    assert_eq!(figures, [("cache", 32 + 16 + 1500 * 18), ("cache[…]", 16 + 1500 * 8)]);
}

#[test]
fn bytes_that_others_hold_are_not_counted() {
    let shared = |size: u32| {
        let mut heap = array(size);
        let entry = heap.nodes.iter().position(|node| node[2] == 1000).unwrap();
        heap.edge(0, "element", "9", entry);
        heap
    };
    assert_eq!(growth([10, 1500], shared)[0].bytes[1], 32 + 16 + 1500 * 18 - 10);
}

#[test]
fn files_that_are_not_snapshots_are_refused() {
    let valid = array(3).json();
    for (text, message) in [
        ("", "Not a heap snapshot at byte 0: expected more data, the file is cut short"),
        ("hello", "Not a heap snapshot at byte 0: expected '{'"),
        ("{}", "Not a heap snapshot at byte 1: expected '\"'"),
        ("{\"nodes\":[]}", "Not a heap snapshot at byte 12: expected nodes, their edges, and strings"),
        ("{\"snapshot\":{}}", "Not a heap snapshot at byte 14: expected a description of nodes and edges"),
    ] {
        let error = compared(text, &valid).unwrap_err();
        assert_eq!(error.located_message(), message);
        assert_eq!(compared(&valid, text).unwrap_err(), error);
    }
    for length in (0..valid.len()).filter(|length| valid.is_char_boundary(*length)) {
        assert!(compared(&valid, &valid[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn indices_are_checked() {
    let valid = array(3).json();
    let edges = valid.find("\"edges\":[").unwrap();
    let first = edges + valid[edges..].find(",6").unwrap();
    let [misaligned, beyond] =
        [",7", ",600"].map(|target| format!("{}{target}{}", &valid[..first], &valid[first + 2..]));
    for text in [misaligned, beyond, valid.replacen("[5,0,1,0,", "[5,0,1,", 1)] {
        assert!(compared(&text, &text).is_err(), "{text}");
    }
}
