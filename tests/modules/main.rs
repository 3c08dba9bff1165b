//! The imports between the files of `src/` form layers without cycles.
//!
//! Test modules are separate nodes: their imports do not count for the file that contains them.

mod graph;

use graph::{Graph, Sources};
use serde_json::json;
use std::fs;
use std::path::Path;

/// The layers from the bottom up. A file may import files of its part and of the layers below. The longest matching part counts.
const LAYERS: [&[&str]; 3] =
    [&["src/"], &["src/pool/", "src/transform/", "src/cache/", "src/watch/", "src/snapshot/"], &["src/node/"]];

/// Returns the index of the layer of a file, and the part that contains the file.
fn part_of(file: &str) -> (usize, &'static str) {
    let parts = LAYERS.iter().enumerate().flat_map(|(layer, parts)| parts.iter().map(move |part| (layer, *part)));
    parts
        .filter(|(_, part)| file.starts_with(part))
        .max_by_key(|(_, part)| part.len())
        .expect("src/ matches every file")
}

fn upward(graph: &Graph) -> Vec<String> {
    let points_down = |from: &str, to: &str| {
        let ((high, from), (low, to)) = (part_of(from), part_of(to));
        low < high || from == to
    };
    let imports = graph.imports.iter().filter(|(from, to)| !points_down(from, to));
    imports.map(|(from, to)| format!("{from} -> {to}")).collect()
}

fn tests_in_use(graph: &Graph) -> Vec<String> {
    let imports = graph.imports.iter().filter(|(from, to)| graph.tests.contains(to) && !graph.tests.contains(from));
    imports.map(|(from, to)| format!("{from} imports the test {to}")).collect()
}

fn cycles(graph: &Graph) -> Vec<String> {
    graph.cycles().iter().map(|files| files.join(", ")).collect()
}

fn read(folder: &Path, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("src/ is readable") {
        let path = entry.expect("src/ is readable").path();
        if path.is_dir() {
            read(&path, sources);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("in the project").to_str().expect("UTF-8");
            sources.insert(name.replace('\\', "/"), fs::read_to_string(&path).expect("src/ is readable"));
        }
    }
}

/// Also writes the graph for `npm run graph`.
#[test]
fn imports_point_down_without_cycles() {
    let mut sources = Sources::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let graph = Graph::of(&sources);
    assert!(graph.imports.len() > graph.files.len(), "{} imports", graph.imports.len());
    let unread: Vec<_> = sources.keys().filter(|file| !graph.files.contains(*file)).collect();
    assert!(unread.is_empty(), "in no module: {unread:?}");

    let (cycles, upward, complaints) = (cycles(&graph), upward(&graph), tests_in_use(&graph));
    let imports = graph.imports.iter().filter(|(from, _)| !graph.tests.contains(from));
    let report = json!({
        "files": graph.files.difference(&graph.tests).collect::<Vec<_>>(),
        "imports": imports.map(|(from, to)| json!({ "from": from, "to": to })).collect::<Vec<_>>(),
        "layers": LAYERS,
        "cycles": cycles,
        "upward": upward,
        "complaints": complaints,
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules.json");
    fs::write(path, report.to_string()).expect("target/tmp is writable");
    let all = [cycles, upward, complaints].concat();
    assert!(all.is_empty(), "{} cycles, upward imports and tests in use:\n{}", all.len(), all.join("\n"));
}

/// Returns the graph of a crate from pairs of path and text.
fn sample(files: &[(&str, &str)]) -> Graph {
    Graph::of(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn follows_every_form_of_import() {
    let imported = |text: &str| {
        let facade = "mod b; pub mod c { pub fn f() {} } pub use b::{B, deep::D as E};";
        let graph = sample(&[
            ("src/lib.rs", "mod a; mod f; mod x;"),
            ("src/a.rs", text),
            ("src/f/mod.rs", facade),
            ("src/f/b.rs", "pub mod deep; pub struct B;"),
            ("src/f/b/deep.rs", ""),
            ("src/x.rs", ""),
            ("src/a/x.rs", ""),
        ]);
        graph.imports.into_iter().filter(|(from, _)| from == "src/a.rs").map(|(_, to)| to).collect::<Vec<_>>().join(" ")
    };
    for (text, to) in [
        ("use crate::f::B;", "src/f/b.rs"),
        ("use crate::{f::{E, c}, x as y};", "src/f/b/deep.rs src/f/mod.rs src/x.rs"),
        ("fn g() { super::f::c::f(); crate::x::h() }", "src/f/mod.rs src/x.rs"),
        ("use crate::f; fn g(_: f::E) {}", "src/f/b/deep.rs src/f/mod.rs"),
        ("fn g() { assert!(m(&[crate::f::B])) }", "src/f/b.rs"),
        ("macro_rules! m { () => { $crate::x::h() } }", "src/x.rs"),
        ("impl crate::x::T for crate::f::B {}", "src/f/b.rs src/x.rs"),
        ("mod c { use super::super::x::*; }", "src/x.rs"),
        ("pub(crate) fn g() { use std::f::B; x::h(); self::k() } // crate::x", ""),
        ("mod x; use ::x::h;", ""),
        ("#[cfg(test)] mod tests { use crate::x::h; }", ""),
        ("fn g() { #[cfg(all(test, not(loom)))] if crate::x::h() {} }", ""),
        ("#[cfg(not(test))] use crate::x::h;", "src/x.rs"),
    ] {
        assert_eq!(imported(text), to, "{text}");
    }
}

#[test]
fn finds_violations() {
    let cycle = sample(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "fn f() { vec![crate::c::g()]; }"),
        ("src/c.rs", "impl super::a::A {}"),
    ]);
    assert_eq!(cycles(&cycle), ["src/a.rs, src/b.rs, src/c.rs"]);

    let facade = sample(&[
        ("src/lib.rs", "mod cache; mod node; mod pool;"),
        ("src/cache/mod.rs", "use crate::pool::Gate; fn f() { crate::node::g() }"),
        ("src/node/mod.rs", "use crate::{cache, pool};"),
        ("src/pool/mod.rs", "mod gate; pub use gate::Gate;"),
        ("src/pool/gate.rs", ""),
    ]);
    assert_eq!(upward(&facade), ["src/cache/mod.rs -> src/node/mod.rs", "src/cache/mod.rs -> src/pool/gate.rs"]);

    let tested = sample(&[
        ("src/lib.rs", "mod a; #[cfg(test)] mod testing;"),
        ("src/a.rs", "fn f() { crate::testing::g() } #[cfg(test)] #[path = \"a_tests.rs\"] mod tests;"),
        ("src/a_tests.rs", "use super::*; use crate::testing::g;"),
        ("src/testing.rs", ""),
    ]);
    assert_eq!(tests_in_use(&tested), ["src/a.rs imports the test src/testing.rs"]);
    assert_eq!(cycles(&tested), [""; 0]);
}
