//! Tests that every transform reports an allocation that fails.

use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Kind;
use crate::transform::memory::with_limit;
use crate::transform::registry::{REGISTRY, example, find};
use crate::transform::testing::{arg, prose, whole};

/// Returns an input for which a transform has a large output, or allocates much.
fn input(name: &str) -> Vec<u8> {
    let text = prose(1 << 20);
    let plain = [&b"\""[..], &text, b"\""].concat();
    let packed = |name: &str| whole(&*example(name), &text).unwrap();
    match name {
        "gunzip" => packed("gzip"),
        "inflate" => packed("deflate"),
        "inflateRaw" => packed("deflateRaw"),
        "brotliDecompress" => packed("brotliCompress"),
        "zstdDecompress" => packed("zstdCompress"),
        "lz4Decompress" => packed("lz4Compress"),
        "open" => packed("seal"),
        "text.base64Decode" => packed("text.base64Encode"),
        "json.stringify" => text,
        name if name.starts_with("json.") => plain,
        "csv.parse" => [b"\"", &text[..], b"\""].concat(),
        _ => text,
    }
}

#[test]
fn paths_and_patterns_with_many_matches_fail_alone() {
    let rows = format!("[{}0]", r#"{"a":[1,"é"]},"#.repeat(50_000));
    let text = prose(1 << 20);
    let build = |name: &str, arguments: &[&str]| {
        (find(name).unwrap().build)(&Args::new(arguments.iter().map(|it| arg(it)).collect())).unwrap()
    };
    for (transform, input) in [
        (build("json.select", &["$[*].a"]), rows.as_bytes()),
        (build("json.select", &["$[*].a[1]"]), rows.as_bytes()),
        (build("json.select", &["$..a"]), rows.as_bytes()),
        (build("json.select", &["$[?@.a].a[0]"]), rows.as_bytes()),
        (build("text.matches", &["(\\w+)(x)?"]), &text),
        (build("text.matches", &["(?<all>(?:.|\n)*)"]), &text),
        (build("text.replace", &["\\w", "$&$&"]), &text),
        (build("text.replace", &["^.", "$`$'"]), &text),
        (build("text.replace", &["^x", ""]), &text),
    ] {
        let whole = whole(&*transform, input).unwrap();
        for limit in [70_000, 300_000] {
            let result = with_limit(limit, || transform.run(input.to_vec().into(), &Cancel::new()));
            let Err(error) = result else { panic!("{} returned {} bytes", transform.name(), whole.len()) };
            assert_eq!(error.kind, Kind::Resources, "{}: {error}", transform.name());
        }
    }
}

#[test]
fn every_transform_fails_alone() {
    // These allocate as much as their input or output in one piece, on the thread of the task.
    let greedy = [
        "gunzip",
        "inflate",
        "inflateRaw",
        "brotliDecompress",
        "zstdDecompress",
        "lz4Decompress",
        "text.base64Encode",
        "text.base64Decode",
        "csv.parse",
        "json.minify",
        "json.select",
        "text.matches",
        "text.replace",
        "numeric.sort",
        "numeric.stats",
        "numeric.histogram",
    ];
    // These have a short output, or allocate little.
    let frugal = [
        "digest",
        "hmac",
        "hashPassword",
        "verifyPassword",
        "pbkdf2",
        "csv.aggregate",
        "json.validate",
        "json.validateEach",
    ];
    for entry in REGISTRY.iter().filter(|it| !frugal.contains(&it.name) && !it.name.starts_with("fault.")) {
        let transform = example(entry.name);
        let input = input(entry.name);
        whole(&*transform, &input).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        for limit in [70_000, 300_000] {
            match with_limit(limit, || transform.run(input.clone().into(), &Cancel::new())) {
                Err(error) => assert_eq!(error.kind, Kind::Resources, "{}: {error}", entry.name),
                Ok(_) => assert!(!greedy.contains(&entry.name), "{} needs only {limit} bytes", entry.name),
            }
        }
    }
}
