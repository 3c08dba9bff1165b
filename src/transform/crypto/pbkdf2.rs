//! Key derivation from passwords (PBKDF2, RFC 8018). Cannot be interrupted.

use super::password_limits::{MAX_PBKDF2_BLOCKS, product_out_of_range};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::secret::Secret;
use crate::transform::value::Value;
use aws_lc_rs::pbkdf2 as algorithms;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

struct Derive {
    algorithm: algorithms::Algorithm,
    salt: Secret,
    iterations: NonZeroU32,
    length: usize,
}

/// `pbkdf2(digest, salt, iterations, length)`
pub fn pbkdf2(args: &Args) -> BuildResult {
    let (algorithm, digest_len) = match args.one_of(0, "digest", &["sha1", "sha256", "sha512"])? {
        "sha1" => (algorithms::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (algorithms::PBKDF2_HMAC_SHA256, 32),
        _ => (algorithms::PBKDF2_HMAC_SHA512, 64),
    };
    args.options(4, &[])?;
    let salt = Secret::new(args.bytes(1, "salt")?);
    let iterations = args.integer(2, "iterations", 1..=i64::from(u32::MAX >> 1))?;
    let iterations = u32::try_from(iterations).ok().and_then(NonZeroU32::new).expect("within its bounds");
    let length = usize::try_from(args.integer(3, "length", 1..=1 << 20)?).expect("within its bounds");
    let blocks = length.div_ceil(digest_len) as u64;
    let work = u64::from(iterations.get()) * blocks;
    if work > MAX_PBKDF2_BLOCKS {
        let unit = if blocks == 1 { "block" } else { "blocks" };
        let product = format!("\"iterations\" times {blocks} {unit} of {digest_len} bytes ({iterations} * {blocks})");
        return Err(product_out_of_range(&product, MAX_PBKDF2_BLOCKS, work));
    }
    Ok(Box::new(Derive { algorithm, salt, iterations, length }))
}

impl Transform for Derive {
    fn name(&self) -> &'static str {
        "pbkdf2"
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.salt)
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let password = Zeroizing::new(input.into_bytes()?.into_owned()?);
        cancel.check()?;
        let salt = self.salt.copy()?;
        let mut out = vec![0; self.length];
        algorithms::derive(self.algorithm, self.iterations, &salt, &password, &mut out);
        Ok(out.into())
    }

    fn can_fail(&self) -> bool {
        false
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, whole};

    fn number(value: u32) -> Arg {
        Arg::Number(value.into())
    }

    #[test]
    fn matches_rfc_6070() {
        let derived = |iterations, length| {
            let salt = Arg::Bytes(b"salt".to_vec().into());
            whole(&*pbkdf2(&args([arg("sha1"), salt, number(iterations), number(length)])).unwrap(), b"password")
                .unwrap()
        };
        assert_eq!(derived(1, 4), [0x0c, 0x60, 0xc8, 0x0f]);
        assert_eq!(derived(4096, 4), [0x4b, 0x00, 0x79, 0x01]);
        let salt = Arg::Bytes(b"salt".to_vec().into());
        let refused = pbkdf2(&args([arg("sha1"), salt, number(0), number(4)])).err().unwrap();
        assert_eq!(refused.code(), "ERR_OUT_OF_RANGE");
    }
}
