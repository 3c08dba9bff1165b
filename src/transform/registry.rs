//! All transforms: their names and factories.

use super::contract::BuildResult;
use super::crypto::{aead, digest, hmac, password, pbkdf2};
use super::deflate::{compress, decompress};
use super::numeric::{histogram, nearest, sort, stats};
use super::text::{base64, regex};
use super::{brotli, csv, identity, json, lz4, zstd};
use crate::args::Args;

pub type Build = fn(&Args) -> BuildResult;

/// An entry of the registry, which becomes a factory in JavaScript.
pub struct Entry {
    pub name: &'static str,
    pub build: Build,
}

const fn entry(name: &'static str, build: Build) -> Entry {
    Entry { name, build }
}

pub static REGISTRY: &[Entry] = &[
    entry("identity", identity::identity),
    entry("digest", digest::digest),
    entry("hmac", hmac::hmac),
    entry("gzip", compress::gzip),
    entry("gunzip", decompress::gunzip),
    entry("deflate", compress::deflate),
    entry("inflate", decompress::inflate),
    entry("deflateRaw", compress::deflate_raw),
    entry("inflateRaw", decompress::inflate_raw),
    entry("brotliCompress", brotli::compress),
    entry("brotliDecompress", brotli::decompress),
    entry("zstdCompress", zstd::compress::compress),
    entry("zstdDecompress", zstd::decompress::decompress),
    entry("lz4Compress", lz4::compress::compress),
    entry("lz4Decompress", lz4::decompress::decompress),
    entry("seal", aead::seal),
    entry("open", aead::open),
    entry("hashPassword", password::hash),
    entry("verifyPassword", password::verify),
    entry("pbkdf2", pbkdf2::pbkdf2),
    entry("csv.parse", csv::parse::parse),
    entry("csv.aggregate", csv::aggregate::aggregate),
    entry("text.base64Encode", base64::encode),
    entry("text.base64Decode", base64::decode),
    entry("text.matches", regex::matches),
    entry("text.replace", regex::replace),
    entry("json.minify", json::minify::minify),
    entry("json.parse", json::parse::parse),
    entry("json.stringify", json::stringify::stringify),
    entry("json.select", json::select::select),
    entry("json.validate", json::validate::validate),
    entry("json.validateEach", json::validate_each::validate_each),
    entry("numeric.sort", sort::sort),
    entry("numeric.stats", stats::stats),
    entry("numeric.histogram", histogram::histogram),
    entry("numeric.nearest", nearest::nearest),
    #[cfg(feature = "fault")]
    entry("fault.panic", super::fault::panic),
    #[cfg(feature = "fault")]
    entry("fault.spin", super::fault::spin),
];

/// Finds an entry by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// Builds an example of a transform, for tests that cover all entries.
#[cfg(all(test, not(feature = "loom")))]
pub fn example(name: &str) -> Box<dyn super::contract::Transform> {
    use super::testing::{arg, args, options};
    use crate::args::Arg;
    let bytes = |len| Arg::Bytes(vec![7; len].into());
    let arguments = match name {
        "digest" => args([arg("sha256")]),
        "hmac" => args([arg("sha256"), arg("key")]),
        "seal" | "open" => args([arg("aes-256-gcm"), bytes(32)]),
        "pbkdf2" => args([arg("sha256"), bytes(16), Arg::Number(1.0), Arg::Number(32.0)]),
        "json.validate" | "json.validateEach" => args([arg("true")]),
        "numeric.sort" | "numeric.stats" => args([arg("f64")]),
        "numeric.histogram" => args([arg("f64"), options([("bins", Arg::Number(9.0))])]),
        "numeric.nearest" => {
            args([Arg::Number(0.0), options([("k", Arg::Number(1.0)), ("dimensions", Arg::Number(1.0))])])
        }
        "json.select" => args([arg("$")]),
        "csv.aggregate" => {
            let count = Arg::List(vec![arg("count")]);
            args([options([("measures", options([("rows", count)]))])])
        }
        "text.matches" => args([arg("a")]),
        "text.replace" => args([arg("a"), arg("b")]),
        _ => Args::default(),
    };
    (find(name).expect("an entry").build)(&arguments).expect("good arguments")
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn entries_have_the_names_of_their_transforms() {
        for entry in REGISTRY {
            assert_eq!(example(entry.name).name(), entry.name);
        }
    }
}
