//! Keyed digests (RFC 2104, FIPS 198-1).

use super::text_encoding::Encoding;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::secret::Secret;
use crate::transform::value::Value;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha2::Digest;
use sha2::digest::block_api::BlockSizeUser;
use std::sync::Arc;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Bytes between two polls of the cancel flag: well under 1 ms.
const STEP: usize = 256 << 10;

pub struct Keyed {
    /// At most a block of the hash: a longer key is replaced by its digest.
    secret: Arc<Secret>,
    start: fn(&[u8]) -> Box<dyn Running>,
    encoding: Encoding,
}

/// A MAC that has absorbed its key. Its states are as secret as the key and are wiped on drop.
trait Running: Send {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// `hmac(algorithm, key, { encoding })`
pub fn hmac(args: &Args) -> BuildResult {
    let algorithm = args.one_of(0, "algorithm", &["sha1", "sha256", "sha384", "sha512"])?;
    let key = args.input(1, "key")?;
    let encoding = Encoding::of(args, 2)?;
    Ok(Box::new(match algorithm {
        "sha1" => keyed::<sha1::Sha1>(key, encoding),
        "sha256" => keyed::<sha2::Sha256>(key, encoding),
        "sha384" => keyed::<sha2::Sha384>(key, encoding),
        _ => keyed::<sha2::Sha512>(key, encoding),
    }))
}

/// Returns the transform of a hash. The bounds require the features that wipe its states. (`Hmac` holds two cores of the hash and
/// a block buffer, which the same feature wipes.)
fn keyed<D: EagerHash + Digest>(key: Zeroizing<Vec<u8>>, encoding: Encoding) -> Keyed
where
    D::Core: ZeroizeOnDrop,
    Hmac<D>: Mac + KeyInit + Send + 'static,
{
    let key =
        if key.len() > <D as BlockSizeUser>::block_size() { Zeroizing::new(D::digest(&key).to_vec()) } else { key };
    Keyed { secret: Arc::new(Secret::new(key)), start: start::<D>, encoding }
}

fn start<D: EagerHash>(key: &[u8]) -> Box<dyn Running>
where
    Hmac<D>: Mac + KeyInit + Send + 'static,
{
    Box::new(<Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC accepts keys of any length"))
}

impl<M: Mac + Send> Running for M {
    fn update(&mut self, bytes: &[u8]) {
        Mac::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().into_bytes().to_vec()
    }
}

impl Transform for Keyed {
    fn name(&self) -> &'static str {
        "hmac"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.open(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.open())
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.secret)
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Keyed {
    fn open(&self) -> Box<dyn StreamTransform> {
        let mac = self.secret.copy().ok().map(|key| (self.start)(&key));
        Box::new(HmacStream { secret: self.secret.clone(), mac, encoding: self.encoding })
    }
}

/// Fails once the key is disposed of: a stream that stays open must not outlive it.
struct HmacStream {
    secret: Arc<Secret>,
    /// `None` if the key was disposed of before.
    mac: Option<Box<dyn Running>>,
    encoding: Encoding,
}

impl StreamTransform for HmacStream {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            self.secret.check()?;
            self.mac.iter_mut().for_each(|mac| mac.update(step));
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: Vec<u8>, _: &Cancel) -> Result<Value> {
        self.secret.check()?;
        let mac = self.mac.map(Running::finish).unwrap_or_default();
        Ok(self.encoding.encode(mac))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, cuts, options, whole};

    fn hex(algorithm: &str, key: Arg) -> Box<dyn Transform> {
        hmac(&args([arg(algorithm), key, options([("encoding", arg("hex"))])])).unwrap()
    }

    fn bytes(bytes: &[u8]) -> Arg {
        Arg::Bytes(bytes.to_vec().into())
    }

    #[test]
    fn matches_rfc_4231_and_2202() {
        // Test case 2 of both: a key of text.
        for (algorithm, expected) in [
            ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                "sha384",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                 8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                "sha512",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let transform = hex(algorithm, arg("Jefe"));
            assert_eq!(whole(&*transform, b"what do ya want for nothing?").unwrap(), expected.as_bytes());
            cuts(&*transform, b"what do ya want for nothing?");
        }
        // Test case 6: a key longer than a block.
        let transform = hex("sha256", bytes(&[0xaa; 131]));
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        let input = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(whole(&*transform, input).unwrap(), expected.as_bytes());
    }

    #[test]
    fn requires_a_key() {
        assert_eq!(hmac(&args([arg("sha256")])).err().unwrap().code(), "ERR_INVALID_ARG_TYPE");
    }

    #[test]
    fn a_disposed_key_ends_open_streams() {
        let transform = hex("sha256", arg("Jefe"));
        let mut stream = transform.stream().unwrap();
        stream.push(b"what", &mut Vec::new(), &Cancel::new()).unwrap();
        let secret = transform.secret().unwrap();
        assert_eq!(secret.stored(), b"Jefe");
        secret.dispose();
        assert_eq!(secret.stored(), [0; 4]);
        assert_eq!(stream.push(b"do ya", &mut Vec::new(), &Cancel::new()).unwrap_err().kind, Kind::Closed);
        let ended = transform.stream().unwrap().finish(Vec::new(), &Cancel::new());
        assert_eq!(ended.unwrap_err().kind, Kind::Closed);
        assert_eq!(whole(&*transform, b"").unwrap_err().kind, Kind::Closed);
    }
}
