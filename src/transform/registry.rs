//! Every transform there is: its name, and what makes it of its arguments.

use super::{Args, ArgumentError, Transform};
use super::{brotli, deflate, digest, hmac, identity, inflate, lz4, zstd};

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

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn entries_are_called_what_their_transforms_are() {
        for entry in REGISTRY.iter().filter(|entry| !matches!(entry.name, "digest" | "hmac")) {
            assert_eq!((entry.build)(&Args::default()).unwrap().name(), entry.name);
        }
    }
}
