//! Password hashes: argon2id (RFC 9106) and scrypt (RFC 7914) as PHC strings, bcrypt in its native format. They cannot be
//! interrupted. The pool does not count the memory that they allocate: argon2id `memoryKiB`, scrypt 128 MiB by default.

use super::bcrypt_hash;
use super::password_limits::{
    BCRYPT_COSTS, MAX_ARGON2_KIB, MAX_ITERATIONS, MAX_LANES, MAX_MEMORY_KIB, MAX_SCRYPT_BLOCKS, MAX_SCRYPT_COST,
    MAX_SCRYPT_WORK, SCRYPT_BLOCKS, product_out_of_range, too_expensive,
};
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Output, Transform};
use crate::transform::fields;
use crate::transform::memory;
use crate::transform::value::Value;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use scrypt::Scrypt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// bcrypt ignores further bytes.
const BCRYPT_BYTES: usize = 72;
const SALT_LEN: usize = 16;
/// Names of the algorithms in PHC strings.
const ALGORITHMS: [&str; 4] = ["argon2id", "argon2i", "argon2d", "scrypt"];
/// Defaults recommended by OWASP: argon2id with 19 MiB, two passes and one lane; scrypt with 2^17, 8 and 1.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const BCRYPT_COST: u32 = 12;
const SCRYPT_COST: u32 = 17;

enum Hash {
    Argon2id(Params),
    Bcrypt(u32),
    Scrypt(scrypt::Params),
}

struct Verify;

/// A hash to verify.
enum Hashed {
    Bcrypt(Zeroizing<String>),
    Phc(Box<PasswordHash>),
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
        if let Some(received) = options.integer(name, i64::MIN..=i64::MAX)? {
            let rule = format_args!("The property 'options.{name}' has no meaning for {algorithm}");
            return Err(ArgumentError::value(rule, received));
        }
    }
    let number = |name: &str, bounds: RangeInclusive<i64>, default: u32| {
        let number = options.integer(name, bounds)?;
        Ok::<_, ArgumentError>(number.map_or(default, |number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    let lanes = number("parallelism", 1..=i64::from(MAX_LANES), 1)?;
    Ok(Box::new(match algorithm {
        "argon2id" => {
            // argon2 requires at least 8 KiB per lane.
            let memory = number("memoryKiB", i64::from(8 * lanes)..=i64::from(MAX_MEMORY_KIB), MEMORY_KIB)?;
            let iterations = number("iterations", 1..=i64::from(MAX_ITERATIONS), ITERATIONS)?;
            let work = u64::from(memory) * u64::from(iterations);
            if work > MAX_ARGON2_KIB {
                let product = format!("\"options.memoryKiB\" times \"options.iterations\" ({memory} * {iterations})");
                return Err(product_out_of_range(&product, MAX_ARGON2_KIB, work));
            }
            Hash::Argon2id(Params::new(memory, iterations, lanes, None).map_err(invalid_options)?)
        }
        "bcrypt" => {
            let costs = i64::from(*BCRYPT_COSTS.start())..=i64::from(*BCRYPT_COSTS.end());
            Hash::Bcrypt(number("cost", costs, BCRYPT_COST)?)
        }
        _ => {
            let cost = number("cost", 1..=i64::from(MAX_SCRYPT_COST), SCRYPT_COST)?;
            let (work, max) = (u64::from(lanes) << cost, MAX_SCRYPT_WORK / u64::from(SCRYPT_BLOCKS));
            if work > max {
                let product = format!("2 ** \"options.cost\" times \"options.parallelism\" (2 ** {cost} * {lanes})");
                return Err(product_out_of_range(&product, max, work));
            }
            let cost = u8::try_from(cost).unwrap_or(u8::MAX);
            Hash::Scrypt(scrypt::Params::new(cost, SCRYPT_BLOCKS, lanes).map_err(invalid_options)?)
        }
    }))
}

fn invalid_options(error: impl std::fmt::Display) -> ArgumentError {
    ArgumentError::range("The options of hashPassword must be valid together", error)
}

/// `verifyPassword()`
pub fn verify(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Verify))
}

fn parse(hash: &str) -> std::result::Result<Hashed, ArgumentError> {
    let malformed = |reason: &dyn std::fmt::Display| malformed(reason, hash.len());
    if !hash.starts_with('$') {
        return Err(malformed(if hash.is_empty() { &"it is empty" } else { &"it does not start with '$'" }));
    }
    if hash.starts_with("$2") {
        bcrypt_hash::check(hash)?;
        return Ok(Hashed::Bcrypt(Zeroizing::new(hash.to_owned())));
    }
    let algorithm = hash.strip_prefix('$').and_then(|rest| rest.split('$').next()).unwrap_or_default();
    let is_name = |name: &str| name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !algorithm.is_empty() && is_name(algorithm) && !ALGORITHMS.contains(&algorithm) {
        return Err(unknown(hash));
    }
    let mut parsed = PasswordHash::new(hash).map_err(|error| malformed(&error))?;
    match parsed.algorithm.as_str() {
        "argon2id" | "argon2i" | "argon2d" => {
            check_limits(&parsed, &[("m", MAX_MEMORY_KIB), ("t", MAX_ITERATIONS), ("p", MAX_LANES)])?;
            // Hashes of the first version do not contain it.
            let version = *parsed.version.get_or_insert(Version::V0x10.into());
            let params = Params::try_from(&parsed).map_err(|error| malformed(&error))?;
            let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
            if work > MAX_ARGON2_KIB {
                return Err(too_expensive(format_args!("m * t = {work}, at most {MAX_ARGON2_KIB}")));
            }
            Version::try_from(version).map_err(|error| malformed(&error))?;
            if parsed.salt.as_ref().is_some_and(|salt| salt.len() < argon2::MIN_SALT_LEN) {
                return Err(malformed(&argon2::Error::SaltTooShort));
            }
        }
        "scrypt" => {
            check_limits(&parsed, &[("ln", MAX_SCRYPT_COST), ("r", MAX_SCRYPT_BLOCKS), ("p", MAX_LANES)])?;
            let params = scrypt::Params::try_from(&parsed).map_err(|error| malformed(&error))?;
            let (blocks, lanes) = (u64::from(params.r()), u64::from(params.p()));
            // Each product is below 2^64: `ln` is at most 22, and `r` times `p` at most 512.
            let (width, max_width) = (blocks * lanes, u64::from(SCRYPT_BLOCKS) * u64::from(MAX_LANES));
            if width > max_width {
                return Err(too_expensive(format_args!("r * p = {width}, at most {max_width}")));
            }
            let work = params.n() * width;
            if work > MAX_SCRYPT_WORK {
                return Err(too_expensive(format_args!("2 ** ln * r * p = {work}, at most {MAX_SCRYPT_WORK}")));
            }
        }
        _ => return Err(unknown(hash)),
    }
    if parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(malformed(&"it ends before its digest"));
    }
    Ok(Hashed::Phc(Box::new(parsed)))
}

/// Checks each cost against its limit, before products are computed.
fn check_limits(hash: &PasswordHash, limits: &[(&str, u32)]) -> std::result::Result<(), ArgumentError> {
    for (name, cost) in hash.params.iter().filter_map(|(name, cost)| Some((name, cost.decimal().ok()?))) {
        if let Some((name, max)) = limits.iter().find(|(limited, max)| *limited == name.as_str() && cost > *max) {
            return Err(too_expensive(format_args!("{name} = {cost}, at most {max}")));
        }
    }
    Ok(())
}

/// Returns the error for a malformed hash of a length. The reason must not quote it: it is secret.
fn malformed(reason: impl std::fmt::Display, length: usize) -> ArgumentError {
    let rule = format_args!(
        "The \"input.hash\" property is malformed: {reason}. It must be a PHC string of argon2 or scrypt, or a bcrypt hash \
         ($2b$...)"
    );
    ArgumentError::value(rule, format_args!("a string of {length} bytes"))
}

fn unknown(hash: &str) -> ArgumentError {
    let rule =
        "The \"input.hash\" property must have one of the algorithms argon2id, argon2i, argon2d, scrypt and bcrypt";
    ArgumentError::value(rule, format_args!("another algorithm in a string of {} bytes", hash.len()))
}

impl Transform for Hash {
    fn name(&self) -> &'static str {
        "hashPassword"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let password = Zeroizing::new(input.into_bytes()?.into_owned()?);
        cancel.check()?;
        let mut salt = [0; SALT_LEN];
        rand::fill(&mut salt).map_err(|_| Error::new(Kind::Resources, "The system random number generator failed"))?;
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
                        "A password for bcrypt must be at most {BCRYPT_BYTES} bytes long: bcrypt ignores the rest. Received {} bytes",
                        password.len()
                    );
                    return Err(Error::invalid_data(message));
                }
                if let Some(index) = password.iter().position(|byte| *byte == 0) {
                    let message = "A password for bcrypt must not contain a NUL character: bcrypt ignores the rest";
                    return Err(Error::invalid_data(message).at(index as u64));
                }
                let parts = bcrypt::hash_with_salt(&password[..], *cost, salt).map_err(failed)?;
                parts.format_for_version(bcrypt::Version::TwoB)
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
        let Value::Fields(packed) = input else {
            return Err(Error::new(
                Kind::InvalidType,
                "The input must be an object with the properties 'password' and 'hash'",
            ));
        };
        let [password, hash] = fields::split::<2>(&packed)?.map(Option::unwrap_or_default);
        let hash = parse(std::str::from_utf8(hash).map_err(|error| malformed(error, hash.len()))?)?;
        cancel.check()?;
        let matches = match &hash {
            // hashPassword rejects longer passwords. Other implementations truncate them, so their hashes match truncated ones.
            Hashed::Bcrypt(hash) => bcrypt::verify(password, hash).map_err(failed)?,
            Hashed::Phc(hash) if hash.algorithm.as_str() == "scrypt" => {
                check_memory(scrypt::Params::try_from(&**hash).map_err(failed)?)?;
                matches(Scrypt::default().verify_password(password, &**hash))?
            }
            Hashed::Phc(hash) => matches(Argon2::default().verify_password(password, &**hash))?,
        };
        Ok(Value::Json(matches.to_string()))
    }
}

/// Checks that scrypt can allocate its memory: it aborts the process otherwise.
fn check_memory(params: scrypt::Params) -> Result<()> {
    let (blocks, lanes) = (u64::from(params.r()), u64::from(params.p()));
    let bytes = 128 * blocks * (params.n() + lanes);
    memory::check(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Distinguishes a wrong password from a failure, such as a lack of memory.
fn matches(verified: password_hash::Result<()>) -> Result<bool> {
    match verified {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Resources, format!("The password could not be hashed: {error}"))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, bytes, options, whole};

    fn number(value: u32) -> Arg {
        Arg::Number(value.into())
    }

    fn verified(hash: &str, password: &str) -> Result<Vec<u8>> {
        let packed = fields::pack(&[Some(password.as_bytes()), Some(hash.as_bytes())]);
        verify(&args([])).unwrap().run(Value::Fields(packed.into()), &Cancel::new()).map(bytes)
    }

    fn refused(hash: &str) -> Kind {
        verified(hash, "password").unwrap_err().kind
    }

    fn cheap(algorithm: &str) -> Args {
        let fields = match algorithm {
            "argon2id" => [("algorithm", arg(algorithm)), ("memoryKiB", number(16)), ("parallelism", number(2))],
            _ => [("algorithm", arg(algorithm)), ("cost", number(4)), ("memoryKiB", Arg::Undefined)],
        };
        args([options(fields)])
    }

    #[test]
    fn hashes_verify() {
        for (algorithm, begins) in
            [("argon2id", "$argon2id$v=19$m=16,t=2,p=2$"), ("bcrypt", "$2b$04$"), ("scrypt", "$scrypt$ln=4,r=8,p=1$")]
        {
            let hashed =
                String::from_utf8(whole(&*hash(&cheap(algorithm)).unwrap(), b"correct horse").unwrap()).unwrap();
            assert!(hashed.starts_with(begins), "{hashed}");
            assert_eq!(verified(&hashed, "correct horse").unwrap(), b"true");
            assert_eq!(verified(&hashed, "correct hors").unwrap(), b"false");
        }
    }

    #[test]
    fn bcrypt_does_not_truncate() {
        let transform = hash(&cheap("bcrypt")).unwrap();
        whole(&*transform, &[b'x'; 72]).unwrap();
        let error = whole(&*transform, &[b'x'; 73]).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidData);
        assert!(error.message.contains("Received 73 bytes"), "{error}");
    }

    #[test]
    fn malformed_hashes_are_rejected() {
        for bad in [
            "",
            "$2b$",
            "$2b$04$short",
            "$argon2id$v=19$m=16,t=2,p=1",
            "$md5$abc$def",
            "plain",
            "$argon2id$m=0$YWJjZGVmZ2g$YWJj",
        ] {
            assert_eq!(refused(bad), Kind::InvalidValue, "{bad}");
        }
    }

    #[test]
    fn errors_state_the_reason() {
        const DIGEST: &str = "YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g";
        for (hash, reason) in [
            (String::new(), "it is empty"),
            ("secret".into(), "it does not start with '$'"),
            ("$md5$abc$def".into(), "one of the algorithms argon2id, argon2i, argon2d, scrypt and bcrypt"),
            ("$argon2id$v=19$m=16,t=2,p=1".into(), "it ends before its digest"),
            ("$argon2id$v=19$m=16,t=2,p=1$YWJjZGVmZ2g".into(), "it ends before its digest"),
            (format!("$argon2id$v=19$m=secret,t=2,p=1${DIGEST}"), "invalid parameter: \"m\""),
            (format!("$scrypt$ln=secret,r=8,p=1${DIGEST}"), "invalid parameter: \"ln\""),
            (format!("$argon2id$v=17$m=16,t=1,p=1${DIGEST}"), "invalid version"),
        ] {
            let message = verified(&hash, "password").unwrap_err().message;
            assert!(message.contains(reason) && !message.contains("secret"), "{hash}: {message}");
        }
    }

    #[test]
    fn expensive_hashes_are_rejected() {
        for hash in [
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
            assert_eq!(refused(hash), Kind::OutOfRange, "{hash}");
        }
    }

    #[test]
    fn hashes_within_the_limits_are_accepted() {
        for hash in [
            "$2b$18$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm",
            "$argon2id$v=19$m=4194304,t=4,p=4$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=8,t=1048576,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$scrypt$ln=22,r=8,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
        ] {
            assert!(parse(hash).is_ok(), "{hash}");
        }
    }

    #[test]
    fn a_hash_that_cannot_be_computed_is_an_error() {
        for bad in [
            "$2b$03$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm",
            "$2b$32$......................LAtw7/ohmmBAhnXqmkuIz83Rl5Qdjhm",
            // An unknown version, and a salt and a result that are too short.
            "$argon2id$v=17$m=16,t=1,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=16,t=1,p=1$YWJjZA$hVrDq0zOGx4YNNOvVzJx4g",
            "$argon2id$v=19$m=16,t=1,p=1$YWJjZGVmZ2g$YWJj",
            "$scrypt$v=1$ln=4,r=8,p=1$YWJjZGVmZ2g$hVrDq0zOGx4YNNOvVzJx4g",
        ] {
            assert_eq!(refused(bad), Kind::InvalidValue, "{bad}");
        }
    }

    #[test]
    fn argon2_defaults_to_the_first_version() {
        // From the tests of the reference implementation.
        let hash = "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY";
        assert_eq!(verified(hash, "password").unwrap(), b"true");
    }

    #[test]
    fn options_of_other_algorithms_are_rejected() {
        let refused = hash(&args([options([("cost", number(4))])])).err().unwrap();
        assert_eq!(refused.message(), "The property 'options.cost' has no meaning for argon2id. Received 4");
        let few = args([options([("memoryKiB", number(15)), ("parallelism", number(2))])]);
        assert_eq!(hash(&few).err().unwrap().code(), "ERR_OUT_OF_RANGE");
    }
}
