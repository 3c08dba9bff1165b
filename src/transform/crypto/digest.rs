//! Digests: cryptographic (FIPS 180-4, FIPS 202, BLAKE3, RFC 1321) and not (XXH3, CRC-32 of RFC 1952).

use super::text_encoding::Encoding;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, StreamTransform, Transform};
use crate::transform::value::Value;

/// Bytes between two polls of the cancel flag: at most 2 ms, even for SHA3-512.
const STEP: usize = 256 << 10;
/// Step of BLAKE3, which splits large updates across cores: 1 ms on a single core.
const WIDE_STEP: usize = 4 << 20;

pub struct Digest {
    new: fn() -> Box<dyn Hash>,
    encoding: Encoding,
}

/// A running hash.
trait Hash: Send {
    fn update(&mut self, bytes: &[u8]);

    /// Hashes a large step, on all cores if the algorithm supports it.
    fn update_wide(&mut self, bytes: &[u8]) {
        for step in bytes.chunks(STEP) {
            self.update(step);
        }
    }

    fn wide_step(&self) -> usize {
        STEP
    }

    fn finish(self: Box<Self>) -> Vec<u8>;
}

type Algorithm = (&'static str, fn() -> Box<dyn Hash>);

const ALGORITHMS: &[Algorithm] = &[
    ("sha1", || Box::new(Standard(<sha1::Sha1 as sha2::Digest>::new()))),
    ("sha256", || Box::new(Standard(<sha2::Sha256 as sha2::Digest>::new()))),
    ("sha384", || Box::new(Standard(<sha2::Sha384 as sha2::Digest>::new()))),
    ("sha512", || Box::new(Standard(<sha2::Sha512 as sha2::Digest>::new()))),
    ("sha3-256", || Box::new(Standard(<sha3::Sha3_256 as sha2::Digest>::new()))),
    ("sha3-512", || Box::new(Standard(<sha3::Sha3_512 as sha2::Digest>::new()))),
    ("blake3", || Box::new(blake3::Hasher::new())),
    ("md5", || Box::new(Standard(<md5::Md5 as sha2::Digest>::new()))),
    ("xxh3-64", || Box::new(Xxh3 { hash: xxhash_rust::xxh3::Xxh3::new(), wide: false })),
    ("xxh3-128", || Box::new(Xxh3 { hash: xxhash_rust::xxh3::Xxh3::new(), wide: true })),
    ("crc32", || Box::new(libdeflater::Crc::new())),
];

/// `digest(algorithm, { encoding })`
pub fn digest(args: &Args) -> BuildResult {
    let names = ALGORITHMS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let chosen = args.one_of(0, "algorithm", &names)?;
    let encoding = Encoding::of(args, 1)?;
    let (_, new) = ALGORITHMS.iter().find(|(name, _)| *name == chosen).expect("a name of the table");
    Ok(Box::new(Digest { new: *new, encoding }))
}

impl Transform for Digest {
    fn name(&self) -> &'static str {
        "digest"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let input = input.into_bytes()?;
        let mut hash = (self.new)();
        for step in input.chunks(hash.wide_step()) {
            cancel.check()?;
            hash.update_wide(step);
        }
        Ok(self.encoding.encode(hash.finish()))
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(DigestStream { hash: (self.new)(), encoding: self.encoding }))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

struct DigestStream {
    hash: Box<dyn Hash>,
    encoding: Encoding,
}

impl StreamTransform for DigestStream {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            self.hash.update(step);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: Vec<u8>, _: &Cancel) -> Result<Value> {
        Ok(self.encoding.encode(self.hash.finish()))
    }
}

struct Standard<D>(D);

impl<D: sha2::Digest + Send> Hash for Standard<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl Hash for blake3::Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn update_wide(&mut self, bytes: &[u8]) {
        // Splitting smaller steps costs more than it gains.
        if bytes.len() < 128 << 10 {
            self.update(bytes)
        } else {
            self.update_rayon(bytes)
        };
    }

    fn wide_step(&self) -> usize {
        WIDE_STEP
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().as_bytes().to_vec()
    }
}

/// XXH3 in the canonical, big-endian form of its specification.
struct Xxh3 {
    hash: xxhash_rust::xxh3::Xxh3,
    wide: bool,
}

impl Hash for Xxh3 {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        if self.wide { self.hash.digest128().to_be_bytes().into() } else { self.hash.digest().to_be_bytes().into() }
    }
}

impl Hash for libdeflater::Crc {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.sum().to_be_bytes().into()
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, cuts, options, whole};

    fn hex(algorithm: &str) -> Box<dyn Transform> {
        digest(&args([arg(algorithm), options([("encoding", arg("hex"))])])).unwrap()
    }

    #[test]
    fn matches_known_digests() {
        let of_abc = [
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            ("sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            (
                "sha3-512",
                "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
                 10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
            ),
            ("blake3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("xxh3-64", "78af5f94892f3950"),
            ("xxh3-128", "06b05ab6733a618578af5f94892f3950"),
            ("crc32", "352441c2"),
        ];
        assert_eq!(of_abc.map(|(name, _)| name).as_slice(), ALGORITHMS.iter().map(|it| it.0).collect::<Vec<_>>());
        for (name, expected) in of_abc {
            assert_eq!(whole(&*hex(name), b"abc").unwrap(), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn returns_bytes_without_an_encoding() {
        let transform = digest(&args([arg("crc32")])).unwrap();
        assert_eq!(whole(&*transform, b"abc").unwrap(), [0x35, 0x24, 0x41, 0xc2]);
        assert!(!transform.can_fail());
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        let input = (0..5_000_001u32).map(|n| (n.wrapping_mul(31) >> 3).to_le_bytes()[0]).collect::<Vec<_>>();
        for (name, _) in ALGORITHMS {
            for len in [0, 1, 700] {
                cuts(&*hex(name), &input[..len]);
            }
        }
        for name in ["blake3", "xxh3-64", "sha256"] {
            cuts(&*hex(name), &input);
        }
    }

    #[test]
    fn rejects_unknown_algorithms() {
        let refused = digest(&args([arg("sha257")])).err().unwrap();
        assert_eq!(refused.code(), "ERR_INVALID_ARG_VALUE");
    }

    #[test]
    fn stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(hex("sha256").run(vec![1].into(), &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}
