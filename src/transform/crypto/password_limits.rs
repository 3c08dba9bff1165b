//! Limits of one password hash or derived key: 4 GiB of memory, and tens of seconds on one core. They also apply to hashes to
//! verify, which an attacker may have written.

use crate::args::ArgumentError;
use std::fmt::Display;
use std::ops::RangeInclusive;

pub const MAX_MEMORY_KIB: u32 = 4 << 20;
pub const MAX_ITERATIONS: u32 = 1 << 20;
pub const MAX_LANES: u32 = 64;
/// For argon2: memory in KiB times iterations, 16 GiB in total.
pub const MAX_ARGON2_KIB: u64 = 1 << 24;
pub const MAX_SCRYPT_COST: u32 = 22;
/// The parameter r that hashPassword uses.
pub const SCRYPT_BLOCKS: u32 = 8;
pub const MAX_SCRYPT_BLOCKS: u32 = 1 << 24;
/// For scrypt: N times r times p.
pub const MAX_SCRYPT_WORK: u64 = (SCRYPT_BLOCKS as u64) << MAX_SCRYPT_COST;
pub const BCRYPT_COSTS: RangeInclusive<u32> = 4..=18;
/// For PBKDF2: iterations times blocks of the digest's size.
pub const MAX_PBKDF2_BLOCKS: u64 = 1 << 26;

/// Returns the error for options whose product exceeds a limit.
pub fn product_out_of_range(product: &str, max: u64, received: u64) -> ArgumentError {
    ArgumentError::range(format_args!("The value of {product} is out of range. It must be <= {max}"), received)
}

/// Returns the error for a hash whose costs exceed the limits.
pub fn too_expensive(costs: impl Display) -> ArgumentError {
    let rule = "The \"input.hash\" property must not require more memory or time than hashPassword allows";
    ArgumentError::range(rule, costs)
}
