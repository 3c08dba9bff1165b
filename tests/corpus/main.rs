//! Runs every file of the fuzz corpus, and deterministic mutations of it, through its target.
//!
//! Tests the core without the N-API boundary.
#![cfg(not(feature = "node"))]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod memory;

use fuzz::dice::Dice;
use fuzz::{TARGETS, Target};
use offloop::transform::registry::REGISTRY;
use std::fs;
use std::path::{Path, PathBuf};

/// Mutations of each file.
const MUTATIONS: usize = 100;
/// Maximum memory of a check, in bytes: a limited output, the largest window of a codec, and a regular expression.
const MAX_MEMORY: usize = 64 << 20;
/// Transforms that do not parse their input.
const PLAIN: [&str; 9] = [
    "json.stringify",
    "digest",
    "hmac",
    "hashPassword",
    "pbkdf2",
    "numeric.sort",
    "numeric.stats",
    "numeric.histogram",
    "numeric.nearest",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Returns the corpus of a target in a deterministic order.
fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("corpus").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} has no corpus", target.name);
    seeds
}

/// Prints the target and the input if the check panics.
struct ReportOnPanic<'a>(&'a str, &'a [u8]);

impl Drop for ReportOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while {} worked on {} bytes:\n{}", self.0, self.1.len(), self.1.escape_ascii());
        }
    }
}

fn check(target: &Target, bytes: &[u8]) {
    let _report = ReportOnPanic(target.name, bytes);
    let peak = memory::peak(|| fuzz::check(target.name, bytes));
    assert!(peak <= MAX_MEMORY, "the check used {peak} bytes of memory");
}

/// Applies one to four mutations: flips bits, replaces, inserts, removes or repeats bytes, or copies from another file.
fn mutated(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    const SIGNS: &[u8] = b"\0\x01\x7f\x80\xff\"\\[]{}(),:.$*?'-0919eE \n";
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let from = dice.below(bytes.len());
        let to = (from + 1 + dice.below(16)).min(bytes.len());
        match dice.below(7) {
            0 if !bytes.is_empty() => bytes[from] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[from] = SIGNS[dice.below(SIGNS.len())],
            2 => bytes.insert(from, SIGNS[dice.below(SIGNS.len())]),
            3 => bytes.truncate(from),
            4 => drop(bytes.drain(from..to)),
            5 => bytes.extend_from_within(from..to),
            _ => {
                let start = dice.below(other.len());
                let end = (start + 1 + dice.below(64)).min(other.len());
                bytes.splice(from..to, other[start..end].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn the_corpus_and_its_mutations_pass() {
    for target in TARGETS {
        let seeds = seeds(target);
        check(target, &[]);
        for (index, (name, seed)) in seeds.iter().enumerate() {
            check(target, seed);
            let mut dice = Dice::of(name.as_bytes());
            for _ in 0..MUTATIONS {
                let other = &seeds[(index + dice.below(seeds.len())) % seeds.len()].1;
                check(target, &mutated(seed, other, &mut dice));
            }
        }
    }
}

#[test]
fn every_transform_that_parses_has_a_target() {
    for entry in REGISTRY {
        let covered = TARGETS.iter().any(|target| target.covers.contains(&entry.name));
        assert!(
            covered || PLAIN.contains(&entry.name),
            "{} needs a target in fuzz/src/lib.rs, or an entry in PLAIN if it parses nothing",
            entry.name
        );
    }
}

#[test]
fn every_target_can_be_run() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let source = format!("fuzz_targets/{}.rs", target.name);
        assert!(manifest.contains(&source), "{} is not in fuzz/Cargo.toml", target.name);
        let text = fs::read_to_string(folder().join(&source)).unwrap();
        assert!(text.contains(&format!("check(\"{}\"", target.name)), "{source} runs another target");
    }
}
