//! Passwords: argon2id (RFC 9106), bcrypt and scrypt (RFC 7914), as PHC strings, bcrypt in its own form; and keys made of
//! passwords (PBKDF2, RFC 8018). None of them can be interrupted, and each takes memory of its own besides the queue's: argon2id
//! `memoryKiB`, scrypt 128 MiB at its default.

use super::bcrypt_hash as bcrypt_form;
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Output, Transform};
use crate::transform::memory;
use crate::transform::value::Value;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{pbkdf2, rand};
use scrypt::Scrypt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// bcrypt looks at no more.
const BCRYPT_BYTES: usize = 72;
const SALT_LEN: usize = 16;
/// The algorithms by their names in PHC strings.
const ALGORITHMS: [&str; 4] = ["argon2id", "argon2i", "argon2d", "scrypt"];
/// What OWASP recommends: argon2id with 19 MiB, two passes and one lane; scrypt with 2^17, 8 and 1.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const BCRYPT_COST: u32 = 12;
const SCRYPT_COST: u32 = 17;
const SCRYPT_BLOCKS: u32 = 8;
/// Limits of one hash: 4 GiB of memory, and some tens of seconds of one core. They hold for hashes to verify too, which
/// may come from an attacker.
const MOST_MEMORY_KIB: u32 = 4 << 20;
const MOST_ITERATIONS: u32 = 1 << 20;
const MOST_LANES: u32 = 64;
/// For argon2: memory in KiB times iterations, 16 GiB in all.
const MOST_FILLED_KIB: u64 = 1 << 24;
const MOST_SCRYPT_COST: u32 = 22;
const MOST_SCRYPT_BLOCKS: u32 = 1 << 24;
/// For scrypt: N times r times p.
const MOST_MIXED_BLOCKS: u64 = (SCRYPT_BLOCKS as u64) << MOST_SCRYPT_COST;
pub const BCRYPT_COSTS: RangeInclusive<u32> = 4..=18;
/// For PBKDF2: iterations times blocks of the digest's size.
const MOST_DERIVED: u64 = 1 << 26;

#[cfg(all(test, not(feature = "loom")))]
pub const EXAMPLE: &str = "$2b$04$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm";

enum Hash {
    Argon2id(Params),
    Bcrypt(u32),
    Scrypt(scrypt::Params),
}

enum Verify {
    Bcrypt(Zeroizing<String>),
    Phc(Box<PasswordHash>),
}

struct Derive {
    algorithm: pbkdf2::Algorithm,
    salt: Vec<u8>,
    iterations: NonZeroU32,
    length: usize,
}

/// `hashPassword({ algorithm, memoryKiB, iterations, parallelism, cost })`
pub fn hash(args: &Args) -> BuildResult {
    let options = args.options(0, &["algorithm", "memoryKiB", "iterations", "parallelism", "cost"])?;
    let algorithm = options.one_of("algorithm", &["argon2id", "bcrypt", "scrypt"])?.unwrap_or("argon2id");
    let meaningless: &[&str] = match algorithm {
        "argon2id" => &["cost"],
        "bcrypt" => &["memoryKiB", "iterations", "parallelism"],
        _ => &["memoryKiB", "iterations"],
    };
    for name in meaningless {
        if options.integer(name, i64::MIN..=i64::MAX)?.is_some() {
            return Err(ArgumentError::Value(format!("The property 'options.{name}' has no meaning for {algorithm}")));
        }
    }
    let number = |name: &str, bounds: RangeInclusive<i64>, usual: u32| {
        let number = options.integer(name, bounds)?;
        Ok::<_, ArgumentError>(number.map_or(usual, |number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    let lanes = number("parallelism", 1..=i64::from(MOST_LANES), 1)?;
    Ok(Box::new(match algorithm {
        "argon2id" => {
            // As the algorithm has it: 8 KiB for each lane at least.
            let memory = number("memoryKiB", i64::from(8 * lanes)..=i64::from(MOST_MEMORY_KIB), MEMORY_KIB)?;
            let iterations = number("iterations", 1..=i64::from(MOST_ITERATIONS), ITERATIONS)?;
            if u64::from(memory) * u64::from(iterations) > MOST_FILLED_KIB {
                let product = format!("\"options.memoryKiB\" times \"options.iterations\" ({memory} * {iterations})");
                return Err(beyond(&product, MOST_FILLED_KIB));
            }
            Hash::Argon2id(Params::new(memory, iterations, lanes, None).map_err(refused)?)
        }
        "bcrypt" => {
            let costs = i64::from(*BCRYPT_COSTS.start())..=i64::from(*BCRYPT_COSTS.end());
            Hash::Bcrypt(number("cost", costs, BCRYPT_COST)?)
        }
        _ => {
            let cost = number("cost", 1..=i64::from(MOST_SCRYPT_COST), SCRYPT_COST)?;
            if (u64::from(SCRYPT_BLOCKS * lanes) << cost) > MOST_MIXED_BLOCKS {
                let product = format!("2 ** \"options.cost\" times \"options.parallelism\" (2 ** {cost} * {lanes})");
                return Err(beyond(&product, MOST_MIXED_BLOCKS / u64::from(SCRYPT_BLOCKS)));
            }
            let cost = u8::try_from(cost).unwrap_or(u8::MAX);
            Hash::Scrypt(scrypt::Params::new(cost, SCRYPT_BLOCKS, lanes).map_err(refused)?)
        }
    }))
}

fn beyond(product: &str, most: u64) -> ArgumentError {
    ArgumentError::Range(format!("The value of {product} is out of range. It must be <= {most}"))
}

fn refused(error: impl std::fmt::Display) -> ArgumentError {
    ArgumentError::Range(format!("The options of hashPassword do not go together: {error}"))
}

/// `verifyPassword(hash)`
pub fn verify(args: &Args) -> BuildResult {
    let hash = args.text(0, "hash")?;
    if hash.starts_with("$2") {
        bcrypt_form::check(hash)?;
        return Ok(Box::new(Verify::Bcrypt(Zeroizing::new(hash.to_owned()))));
    }
    let algorithm = hash.strip_prefix('$').and_then(|rest| rest.split('$').next()).unwrap_or_default();
    let is_name = |name: &str| name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !algorithm.is_empty() && is_name(algorithm) && !ALGORITHMS.contains(&algorithm) {
        return Err(unknown());
    }
    let mut parsed = PasswordHash::new(hash).map_err(|_| malformed())?;
    let is_known = match parsed.algorithm.as_str() {
        "argon2id" | "argon2i" | "argon2d" => {
            within(&parsed, &[("m", MOST_MEMORY_KIB), ("t", MOST_ITERATIONS), ("p", MOST_LANES)])?;
            // The first version did not say which one it is.
            let version = *parsed.version.get_or_insert(Version::V0x10.into());
            let salt_len = parsed.salt.as_ref().map_or(0, |salt| salt.len());
            let params = Params::try_from(&parsed).map_err(|_| malformed())?;
            if u64::from(params.m_cost()) * u64::from(params.t_cost()) > MOST_FILLED_KIB {
                return Err(greedy());
            }
            Version::try_from(version).is_ok() && salt_len >= argon2::MIN_SALT_LEN
        }
        "scrypt" => {
            within(&parsed, &[("ln", MOST_SCRYPT_COST), ("r", MOST_SCRYPT_BLOCKS), ("p", MOST_LANES)])?;
            let params = scrypt::Params::try_from(&parsed).map_err(|_| malformed())?;
            let (blocks, lanes) = (u64::from(params.r()), u64::from(params.p()));
            let most = u64::from(SCRYPT_BLOCKS);
            // Each product is below 2^64: `ln` is at most 22, and `r` times `p` at most 512.
            if blocks * lanes > most * u64::from(MOST_LANES) || params.n() * blocks * lanes > MOST_MIXED_BLOCKS {
                return Err(greedy());
            }
            true
        }
        _ => return Err(unknown()),
    };
    if !is_known || parsed.hash.is_none() || parsed.salt.is_none() {
        return Err(malformed());
    }
    Ok(Box::new(Verify::Phc(Box::new(parsed))))
}

/// Whether none of the costs is above its limit: looked at before anyone calculates with them.
fn within(hash: &PasswordHash, limits: &[(&str, u32)]) -> std::result::Result<(), ArgumentError> {
    let is_greedy = |name: &str, cost: u32| limits.iter().any(|(limited, most)| *limited == name && cost > *most);
    let mut costs = hash.params.iter().filter_map(|(name, cost)| Some((name, cost.decimal().ok()?)));
    if costs.any(|(name, cost)| is_greedy(name.as_str(), cost)) { Err(greedy()) } else { Ok(()) }
}

pub fn greedy() -> ArgumentError {
    ArgumentError::Range("The \"hash\" argument asks for more memory or time than hashPassword would".into())
}

/// Does not quote the hash, which is secret.
fn malformed() -> ArgumentError {
    ArgumentError::Value(
        "The \"hash\" argument must be a PHC string of argon2 or scrypt, or a hash of bcrypt ($2b$...)".into(),
    )
}

fn unknown() -> ArgumentError {
    ArgumentError::Value(
        "The \"hash\" argument names an unknown algorithm. The algorithms are argon2id, argon2i, argon2d, scrypt and bcrypt"
            .into(),
    )
}

/// `pbkdf2(digest, salt, iterations, length)`
pub fn derive(args: &Args) -> BuildResult {
    let (algorithm, digest_len) = match args.one_of(0, "digest", &["sha1", "sha256", "sha512"])? {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        _ => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
    };
    args.options(4, &[])?;
    let salt = args.bytes(1, "salt")?.to_vec();
    let iterations = args.integer(2, "iterations", 1..=i64::from(u32::MAX >> 1))?;
    let iterations = u32::try_from(iterations).ok().and_then(NonZeroU32::new).expect("within its bounds");
    let length = usize::try_from(args.integer(3, "length", 1..=1 << 20)?).expect("within its bounds");
    let blocks = length.div_ceil(digest_len) as u64;
    if u64::from(iterations.get()) * blocks > MOST_DERIVED {
        let product =
            format!("\"iterations\" times the {blocks} blocks of {digest_len} bytes ({iterations} * {blocks})");
        return Err(beyond(&product, MOST_DERIVED));
    }
    Ok(Box::new(Derive { algorithm, salt, iterations, length }))
}

impl Transform for Hash {
    fn name(&self) -> &'static str {
        "hashPassword"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let password = Zeroizing::new(input.into_bytes()?.into_owned()?);
        cancel.check()?;
        let mut salt = [0; SALT_LEN];
        rand::fill(&mut salt).map_err(|_| Error::new(Kind::Unsupported, "The system gives no random numbers"))?;
        Ok(Value::Text(match self {
            Hash::Argon2id(params) => {
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
                argon2.hash_password_with_salt(&password, &salt).map_err(failed)?.to_string()
            }
            Hash::Scrypt(params) => {
                check_memory(*params)?;
                Scrypt::new_with_params(*params).hash_password_with_salt(&password, &salt).map_err(failed)?.to_string()
            }
            Hash::Bcrypt(cost) => {
                if password.len() > BCRYPT_BYTES {
                    let message = format!(
                        "bcrypt takes passwords of up to {BCRYPT_BYTES} bytes and would ignore the rest. This one has {}",
                        password.len()
                    );
                    return Err(Error::invalid_data(message));
                }
                if let Some(place) = password.iter().position(|byte| *byte == 0) {
                    let message = "bcrypt ends a password at a NUL character. This one has a NUL within it";
                    return Err(Error::invalid_data(message).at(place as u64));
                }
                let made = bcrypt::hash_with_salt(&password[..], *cost, salt).map_err(failed)?;
                made.format_for_version(bcrypt::Version::TwoB)
            }
        }))
    }
}

impl Transform for Verify {
    fn name(&self) -> &'static str {
        "verifyPassword"
    }

    fn output(&self) -> Output {
        Output::Json
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let password = Zeroizing::new(input.into_bytes()?.into_owned()?);
        cancel.check()?;
        let is_right = match self {
            // What is longer was never hashed by hashPassword; others cut it, and so must whoever verifies theirs.
            Verify::Bcrypt(hash) => bcrypt::verify(&password[..], hash).map_err(failed)?,
            Verify::Phc(hash) if hash.algorithm.as_str() == "scrypt" => {
                check_memory(scrypt::Params::try_from(&**hash).map_err(failed)?)?;
                verdict(Scrypt::default().verify_password(&password, &**hash))?
            }
            Verify::Phc(hash) => verdict(Argon2::default().verify_password(&password, &**hash))?,
        };
        Ok(Value::Json(is_right.to_string()))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

/// Whether there is as much memory as scrypt takes, which would end the process if there were not.
fn check_memory(params: scrypt::Params) -> Result<()> {
    let (blocks, lanes) = (u64::from(params.r()), u64::from(params.p()));
    let bytes = 128 * blocks * (params.n() + lanes);
    memory::check(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// A hash that cannot be computed, for want of memory say, is no wrong password.
fn verdict(verified: password_hash::Result<()>) -> Result<bool> {
    match verified {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

impl Transform for Derive {
    fn name(&self) -> &'static str {
        "pbkdf2"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let password = Zeroizing::new(input.into_bytes()?.into_owned()?);
        cancel.check()?;
        let mut out = vec![0; self.length];
        pbkdf2::derive(self.algorithm, self.iterations, &self.salt, &password, &mut out);
        Ok(out.into())
    }

    fn can_fail(&self) -> bool {
        false
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Unsupported, format!("The password could not be hashed: {error}"))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, options, whole};

    fn number(value: u32) -> Arg {
        Arg::Number(value.into())
    }

    fn cheap(algorithm: &str) -> Args {
        let fields = match algorithm {
            "argon2id" => [("algorithm", arg(algorithm)), ("memoryKiB", number(16)), ("parallelism", number(2))],
            _ => [("algorithm", arg(algorithm)), ("cost", number(4)), ("memoryKiB", Arg::Undefined)],
        };
        args([options(fields)])
    }

    #[test]
    fn what_is_hashed_is_verified() {
        for (algorithm, begins) in
            [("argon2id", "$argon2id$v=19$m=16,t=2,p=2$"), ("bcrypt", "$2b$04$"), ("scrypt", "$scrypt$ln=4,r=8,p=1$")]
        {
            let hashed =
                String::from_utf8(whole(&*hash(&cheap(algorithm)).unwrap(), b"correct horse").unwrap()).unwrap();
            assert!(hashed.starts_with(begins), "{hashed}");
            let verify = verify(&args([arg(&hashed)])).unwrap();
            assert_eq!(whole(&*verify, b"correct horse").unwrap(), b"true");
            assert_eq!(whole(&*verify, b"correct hors").unwrap(), b"false");
        }
    }

    #[test]
    fn bcrypt_cuts_nothing_off() {
        let transform = hash(&cheap("bcrypt")).unwrap();
        whole(&*transform, &[b'x'; 72]).unwrap();
        let error = whole(&*transform, &[b'x'; 73]).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidData);
        assert!(error.message.contains("This one has 73"), "{error}");
    }

    #[test]
    fn malformed_hashes_are_refused_when_made() {
        for bad in [
            "",
            "$2b$",
            "$2b$04$short",
            "$argon2id$v=19$m=16,t=2,p=1",
            "$md5$abc$def",
            "plain",
            "$argon2id$m=0$YWJjZGVmZ2g$YWJj",
        ] {
            assert_eq!(verify(&args([arg(bad)])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE", "{bad}");
        }
    }

    #[test]
    fn hashes_that_cost_too_much_are_refused_when_made() {
        for greedy in [
            "$argon2id$v=19$m=4194305,t=1,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=64,t=1048577,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=640,t=1,p=65$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2d$v=19$m=4294967295,t=4294967295,p=16777215$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=23,r=8,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=22,r=9,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=4,r=8,p=65$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=63,r=8,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=1,r=16777215,p=63$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            // Their product is 0 in 32 bits.
            "$scrypt$ln=1,r=65536,p=65536$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
        ] {
            assert_eq!(verify(&args([arg(greedy)])).err().unwrap().code(), "ERR_OUT_OF_RANGE", "{greedy}");
        }
    }

    #[test]
    fn what_cannot_be_computed_is_no_wrong_password() {
        for bad in [
            "$2b$03$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm",
            "$2b$32$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm",
            // An unknown version, and a salt and a result that are too short.
            "$argon2id$v=17$m=16,t=1,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=16,t=1,p=1$YWJjZA$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=16,t=1,p=1$YWJjZGVmZ2g$YWJj",
            "$scrypt$v=1$ln=4,r=8,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
        ] {
            assert_eq!(verify(&args([arg(bad)])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE", "{bad}");
        }
    }

    #[test]
    fn argon2_without_a_version_is_the_first() {
        // Of the reference implementation's tests.
        let hash = "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY";
        assert_eq!(whole(&*verify(&args([arg(hash)])).unwrap(), b"password").unwrap(), b"true");
    }

    #[test]
    fn keys_are_those_of_rfc_6070() {
        let derived = |iterations, length| {
            let salt = Arg::Bytes(b"salt".to_vec().into());
            whole(&*derive(&args([arg("sha1"), salt, number(iterations), number(length)])).unwrap(), b"password")
                .unwrap()
        };
        assert_eq!(derived(1, 4), [0x0c, 0x60, 0xc8, 0x0f]);
        assert_eq!(derived(4096, 4), [0x4b, 0x00, 0x79, 0x01]);
        let salt = Arg::Bytes(b"salt".to_vec().into());
        let refused = derive(&args([arg("sha1"), salt, number(0), number(4)])).err().unwrap();
        assert_eq!(refused.code(), "ERR_OUT_OF_RANGE");
    }

    #[test]
    fn options_of_other_algorithms_are_refused() {
        let refused = hash(&args([options([("cost", number(4))])])).err().unwrap();
        assert_eq!(refused.message(), "The property 'options.cost' has no meaning for argon2id");
        let few = args([options([("memoryKiB", number(15)), ("parallelism", number(2))])]);
        assert_eq!(hash(&few).err().unwrap().code(), "ERR_OUT_OF_RANGE");
    }
}
