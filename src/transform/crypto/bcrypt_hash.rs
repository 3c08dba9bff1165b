//! The format of bcrypt hashes, which are not PHC strings: `$2b$12$` and 53 characters.

use super::password_limits::{BCRYPT_COSTS, too_expensive};
use crate::args::ArgumentError;

const LENGTH: usize = 60;
/// Costs that bcrypt defines. [`BCRYPT_COSTS`] excludes the expensive ones.
const DEFINED: std::ops::RangeInclusive<u32> = 4..=31;

/// Checks that a hash can be verified in reasonable time.
///
/// # Errors
/// A value error, which does not quote the hash; a range error for a cost that is too high.
pub fn check(hash: &str) -> Result<(), ArgumentError> {
    let invalid = |problem: &str| Err(ArgumentError::Value(format!("The \"input.hash\" property {problem}")));
    match hash.split('$').nth(1).unwrap_or_default() {
        "2a" | "2b" | "2y" => {}
        // Verified as `$2b$`, such a hash would reject correct passwords and accept wrong ones.
        "2x" => {
            return invalid(
                "is a bcrypt hash of version $2x$, which a faulty implementation wrote and which cannot be verified. Reset the \
                 password",
            );
        }
        "2" => {
            return invalid(
                "is a bcrypt hash of version $2$, which does not terminate the password and cannot be verified. Reset the \
                 password",
            );
        }
        _ => return invalid("has an unknown bcrypt version. The versions are $2a$, $2b$ and $2y$"),
    }
    if hash.len() != LENGTH {
        let len = hash.len();
        return invalid(&format!("must have {LENGTH} characters, like every bcrypt hash. Received {len} bytes"));
    }
    let cost = match hash.as_bytes() {
        [_, _, _, b'$', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'$', ..] => {
            u32::from(tens - b'0') * 10 + u32::from(ones - b'0')
        }
        _ => return invalid("must have a two-digit cost after the version, like every bcrypt hash"),
    };
    if !DEFINED.contains(&cost) {
        return invalid(&format!("must have a cost from 4 to 31, like every bcrypt hash. Received {cost}"));
    }
    if !BCRYPT_COSTS.contains(&cost) {
        return Err(too_expensive());
    }
    match hash.parse::<bcrypt::HashParts>() {
        Ok(_) => Ok(()),
        Err(_) => invalid(
            "is not valid base64 of bcrypt: it has an invalid character, or stray bits at the end of its salt or digest",
        ),
    }
}
