//! Checks of one fuzz input, for each parser and decoder of the crate. Called by the fuzz targets and by the crate's own
//! `tests/corpus/main.rs`.
//!
//! A new target is a line in [`TARGETS`], a file in `fuzz_targets/`, its name in `Cargo.toml` and a seed or two in `corpus/`.

mod arguments;
mod codecs;
pub mod dice;
mod forms;
mod json;
mod secrets;
mod snapshots;
mod tables;

use forms::parses;

pub struct Target {
    pub name: &'static str,
    /// Transforms of the registry that the check covers.
    pub covers: &'static [&'static str],
    pub check: fn(&[u8]),
}

const fn target(name: &'static str, covers: &'static [&'static str], check: fn(&[u8])) -> Target {
    Target { name, covers, check }
}

pub static TARGETS: &[Target] = &[
    target("gunzip", &["gunzip"], |bytes| codecs::decodes("gunzip", bytes)),
    target("inflate", &["inflate"], |bytes| codecs::decodes("inflate", bytes)),
    target("inflate_raw", &["inflateRaw"], |bytes| codecs::decodes("inflateRaw", bytes)),
    target("brotli", &["brotliDecompress"], |bytes| codecs::decodes("brotliDecompress", bytes)),
    target("zstd", &["zstdDecompress"], codecs::zstd),
    target("zstd_dictionary", &["zstdCompress", "zstdDecompress"], codecs::dictionary),
    target("lz4", &["lz4Decompress"], |bytes| codecs::decodes("lz4Decompress", bytes)),
    target("base64", &["text.base64Decode"], |bytes| parses("text.base64Decode", &[], bytes)),
    target("round_trip", codecs::MAKERS, codecs::round_trip),
    target("csv_parse", &["csv.parse"], tables::parse),
    target("csv_aggregate", &["csv.aggregate"], tables::aggregate),
    target("json_parse", &["json.parse"], json::parse),
    target("json_minify", &["json.minify"], json::minify),
    target("json_select", &["json.select"], json::select),
    target("json_select_path", &["json.select"], arguments::path),
    target("json_validate", &["json.validate"], json::validate),
    target("json_validate_each", &["json.validateEach"], json::validate_each),
    target("json_validate_schema", &["json.validate", "json.validateEach"], arguments::schema),
    target("json_formats", &["json.validate"], json::formats),
    target("open", &["seal", "open"], secrets::open),
    target("verify_password", &["verifyPassword"], secrets::verify_password),
    target("schema_pattern", &["json.validate"], arguments::schema_pattern),
    target("text_pattern", &["text.matches", "text.replace"], arguments::pattern),
    target("heap_snapshot", &[], snapshots::compared),
];

/// Checks an input with the named target.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a line in TARGETS");
    (target.check)(bytes);
}
