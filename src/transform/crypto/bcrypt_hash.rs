//! The format of bcrypt hashes, which are not PHC strings: `$2b$12$` and 53 characters.

use super::password_limits::{BCRYPT_COSTS, too_expensive};
use crate::args::ArgumentError;
use std::fmt::Display;

const LENGTH: usize = 60;
/// Costs that bcrypt defines. [`BCRYPT_COSTS`] excludes the expensive ones.
const DEFINED: std::ops::RangeInclusive<u32> = 4..=31;

/// Checks that a hash can be verified in reasonable time.
///
/// # Errors
/// A value error, which does not quote the hash; a range error for a cost that is too high.
pub fn check(hash: &str) -> Result<(), ArgumentError> {
    let invalid = |rule: &str, received: &dyn Display| {
        Err(ArgumentError::value(format_args!("The \"input.hash\" property {rule}"), received))
    };
    match hash.split('$').nth(1).unwrap_or_default() {
        "2a" | "2b" | "2y" => {}
        // Verified as `$2b$`, such a hash would reject correct passwords and accept wrong ones.
        "2x" => {
            return invalid(
                "must not be a bcrypt hash made by a faulty implementation, which cannot be verified: reset the password",
                &"version $2x$",
            );
        }
        "2" => {
            return invalid(
                "must not be a bcrypt hash of a version that omits the NUL after the password, which cannot be verified: \
                 reset the password",
                &"version $2$",
            );
        }
        _ => return invalid("must have one of the bcrypt versions $2a$, $2b$ and $2y$", &"another version"),
    }
    if hash.len() != LENGTH {
        let rule = format!("must have {LENGTH} characters, like every bcrypt hash");
        return invalid(&rule, &format_args!("{} bytes", hash.len()));
    }
    let cost = match hash.as_bytes() {
        [_, _, _, b'$', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'$', ..] => {
            u32::from(tens - b'0') * 10 + u32::from(ones - b'0')
        }
        _ => {
            return invalid(
                "must have a two-digit cost after the version, like every bcrypt hash",
                &"other characters",
            );
        }
    };
    if !DEFINED.contains(&cost) {
        return invalid("must have a cost from 4 to 31, like every bcrypt hash", &cost);
    }
    if !BCRYPT_COSTS.contains(&cost) {
        return Err(too_expensive(format_args!("cost {cost}, at most {}", BCRYPT_COSTS.end())));
    }
    match hash.parse::<bcrypt::HashParts>() {
        Ok(_) => Ok(()),
        Err(_) => invalid(
            "must have a salt and a digest in valid base64 of bcrypt",
            &"an invalid character, or stray bits at the end of one of them",
        ),
    }
}
