//! Every transform there is: its name, and what makes it of its arguments.

use super::{Args, ArgumentError, Transform};
use super::{
    base64, brotli, csv_aggregate, csv_parse, deflate, digest, hmac, identity, inflate, json_minify, json_parse,
    json_select, json_validate, json_validate_each, lz4, matching, nearest, numeric, password, seal, zstd,
};

pub type Build = fn(&Args) -> Result<Box<dyn Transform>, ArgumentError>;

/// A line of the registry. JavaScript makes one factory of each.
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
    entry("gzip", deflate::gzip),
    entry("gunzip", inflate::gunzip),
    entry("deflate", deflate::deflate),
    entry("inflate", inflate::inflate),
    entry("deflateRaw", deflate::deflate_raw),
    entry("inflateRaw", inflate::inflate_raw),
    entry("brotliCompress", brotli::compress),
    entry("brotliDecompress", brotli::decompress),
    entry("zstdCompress", zstd::compress),
    entry("zstdDecompress", zstd::decompress),
    entry("lz4Compress", lz4::compress),
    entry("lz4Decompress", lz4::decompress),
    entry("seal", seal::seal),
    entry("open", seal::open),
    entry("hashPassword", password::hash),
    entry("verifyPassword", password::verify),
    entry("pbkdf2", password::derive),
    entry("csv.parse", csv_parse::parse),
    entry("csv.aggregate", csv_aggregate::aggregate),
    entry("text.base64Encode", base64::encode),
    entry("text.base64Decode", base64::decode),
    entry("text.matches", matching::matches),
    entry("text.replace", matching::replace),
    entry("json.minify", json_minify::minify),
    entry("json.parse", json_parse::parse),
    entry("json.stringify", identity::written),
    entry("json.select", json_select::select),
    entry("json.validate", json_validate::validate),
    entry("json.validateEach", json_validate_each::validate_each),
    entry("numeric.sort", numeric::sort),
    entry("numeric.stats", numeric::stats),
    entry("numeric.histogram", numeric::histogram),
    entry("numeric.nearest", nearest::nearest),
    #[cfg(feature = "fault")]
    entry("fault.panic", super::fault::panic),
    #[cfg(feature = "fault")]
    entry("fault.spin", super::fault::spin),
];

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// One of each, for tests that go through all of them.
#[cfg(all(test, not(feature = "loom")))]
pub fn example(name: &str) -> Box<dyn Transform> {
    use super::testing::{arg, args, options};
    use super::{Arg, password};
    let bytes = |len| Arg::Bytes(vec![7; len].into());
    let arguments = match name {
        "digest" => args([arg("sha256")]),
        "hmac" => args([arg("sha256"), arg("key")]),
        "seal" | "open" => args([arg("aes-256-gcm"), bytes(32)]),
        "verifyPassword" => args([arg(password::EXAMPLE)]),
        "pbkdf2" => args([arg("sha256"), bytes(16), Arg::Number(1.0), Arg::Number(32.0)]),
        "json.validate" | "json.validateEach" => args([arg("true")]),
        "numeric.sort" | "numeric.stats" => args([arg("f64")]),
        "numeric.histogram" => args([arg("f64"), options([("bins", Arg::Number(9.0))])]),
        "numeric.nearest" => args([bytes(4), options([("k", Arg::Number(1.0)), ("dimensions", Arg::Number(1.0))])]),
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
    fn entries_are_called_what_their_transforms_are() {
        for entry in REGISTRY {
            assert_eq!(example(entry.name).name(), entry.name);
        }
    }
}
