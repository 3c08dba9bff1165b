//! Keyed digests (RFC 2104, FIPS 198-1).

use super::text_encoding::Encoding;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::value::Value;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use zeroize::ZeroizeOnDrop;

/// Between two looks at the token: well under 1 ms.
const STEP: usize = 256 << 10;

/// Holds the states after the padded key, not the key: they are wiped when it drops, as are their copies.
pub struct Keyed {
    start: Box<dyn Start>,
    encoding: Encoding,
}

/// A MAC that has taken its key and nothing else.
trait Start: Send + Sync {
    fn begin(&self) -> Box<dyn Running>;
}

trait Running: Send {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// `hmac(algorithm, key, { encoding })`
pub fn hmac(args: &Args) -> BuildResult {
    let algorithm = args.one_of(0, "algorithm", &["sha1", "sha256", "sha384", "sha512"])?;
    let key = args.input(1, "key")?;
    let encoding = Encoding::of(args, 2)?;
    let start: Box<dyn Start> = match algorithm {
        "sha1" => started::<sha1::Sha1>(&key),
        "sha256" => started::<sha2::Sha256>(&key),
        "sha384" => started::<sha2::Sha384>(&key),
        _ => started::<sha2::Sha512>(&key),
    };
    Ok(Box::new(Keyed { start, encoding }))
}

/// The states are as good as the key: without the features that erase them this does not compile. (`Hmac` holds two of
/// the hash's cores and a block buffer, of which the same feature takes care.)
fn started<D: EagerHash>(key: &[u8]) -> Box<dyn Start>
where
    D::Core: ZeroizeOnDrop,
    Hmac<D>: Mac + KeyInit + Clone + Send + Sync + 'static,
{
    let mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    Box::new(mac)
}

impl<M: Mac + Clone + Send + Sync + 'static> Start for M {
    fn begin(&self) -> Box<dyn Running> {
        Box::new(self.clone())
    }
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
        run_stream(self.begin(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.begin())
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Keyed {
    fn begin(&self) -> Box<dyn StreamTransform> {
        Box::new(Keying { mac: self.start.begin(), encoding: self.encoding })
    }
}

struct Keying {
    mac: Box<dyn Running>,
    encoding: Encoding,
}

impl StreamTransform for Keying {
    fn push(&mut self, chunk: &[u8], _: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        for step in chunk.chunks(STEP) {
            cancel.check()?;
            self.mac.update(step);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: Vec<u8>, _: &Cancel) -> Result<Value> {
        Ok(self.encoding.encode(self.mac.finish()))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, cuts, options, whole};

    fn hex(algorithm: &str, key: Arg) -> Box<dyn Transform> {
        hmac(&args([arg(algorithm), key, options([("encoding", arg("hex"))])])).unwrap()
    }

    fn bytes(bytes: &[u8]) -> Arg {
        Arg::Bytes(bytes.to_vec().into())
    }

    #[test]
    fn knows_the_answers_of_rfc_4231_and_2202() {
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
    fn wants_a_key() {
        assert_eq!(hmac(&args([arg("sha256")])).err().unwrap().code(), "ERR_INVALID_ARG_TYPE");
    }
}
