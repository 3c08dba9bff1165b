//! The form of bcrypt's hashes, which are not PHC strings: `$2b$12$` and 53 characters.

use super::password::{BCRYPT_COSTS, greedy};
use crate::args::ArgumentError;

const LENGTH: usize = 60;
/// The costs that bcrypt defines. [`BCRYPT_COSTS`] refuses the expensive ones among them.
const DEFINED: std::ops::RangeInclusive<u32> = 4..=31;

/// Checks that a hash can be verified in reasonable time.
///
/// # Errors
/// A value error that says what is wrong and does not quote the hash; a range error for a cost that is too high.
pub fn check(hash: &str) -> Result<(), ArgumentError> {
    let refused = |what: &str| Err(ArgumentError::Value(format!("The \"hash\" argument {what}")));
    match hash.split('$').nth(1).unwrap_or_default() {
        "2a" | "2b" | "2y" => {}
        // Computing these as `$2b$` would reject right passwords and accept wrong ones.
        "2x" => {
            return refused(
                "is a bcrypt hash of version $2x$, made by an implementation with a known fault, which cannot be verified. \
                 The password has to be set again",
            );
        }
        "2" => {
            return refused(
                "is a bcrypt hash of version $2$, which does not mark the end of the password and cannot be verified. \
                 The password has to be set again",
            );
        }
        _ => return refused("has an unknown version of bcrypt. The versions are $2a$, $2b$ and $2y$"),
    }
    if hash.len() != LENGTH {
        let len = hash.len();
        return refused(&format!("must have {LENGTH} characters, as hashes of bcrypt do. Received {len} bytes"));
    }
    let cost = match hash.as_bytes() {
        [_, _, _, b'$', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'$', ..] => {
            u32::from(tens - b'0') * 10 + u32::from(ones - b'0')
        }
        _ => return refused("must have a cost of two digits after the version, as hashes of bcrypt do"),
    };
    if !DEFINED.contains(&cost) {
        return refused(&format!("must have a cost from 4 to 31, as hashes of bcrypt do. Received {cost}"));
    }
    if !BCRYPT_COSTS.contains(&cost) {
        return Err(greedy());
    }
    match hash.parse::<bcrypt::HashParts>() {
        Ok(_) => Ok(()),
        Err(_) => {
            refused("has characters, or bits at the end of its salt or digest, that bcrypt's base64 does not have")
        }
    }
}
