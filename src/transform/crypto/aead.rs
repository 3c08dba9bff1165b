//! Authenticated encryption: AES-256-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), by AWS-LC, which uses hardware
//! instructions and wipes its keys.
//!
//! A sealed message consists of nonce, ciphertext and tag. Sealing and opening cannot be interrupted: 64 MiB take tens of
//! milliseconds.

use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::memory;
use crate::transform::value::Value;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::{Zeroize, Zeroizing};

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;

pub struct Seal {
    key: LessSafeKey,
    aad: Vec<u8>,
    nonce: Option<[u8; NONCE_LEN]>,
}

pub struct Open {
    key: LessSafeKey,
    aad: Vec<u8>,
}

/// `seal(cipher, key, { aad, nonce })`
pub fn seal(args: &Args) -> BuildResult {
    let key = key(args)?;
    let options = args.options(2, &["aad", "nonce"])?;
    let nonce = match options.bytes("nonce")? {
        None => None,
        Some(nonce) => Some(
            <[u8; NONCE_LEN]>::try_from(&nonce[..])
                .map_err(|_| wrong_length("The \"options.nonce\" property", NONCE_LEN, nonce.len()))?,
        ),
    };
    Ok(Box::new(Seal { key, aad: aad(options.bytes("aad")?), nonce }))
}

/// `open(cipher, key, { aad })`
pub fn open(args: &Args) -> BuildResult {
    let key = key(args)?;
    let options = args.options(2, &["aad"])?;
    Ok(Box::new(Open { key, aad: aad(options.bytes("aad")?) }))
}

fn key(args: &Args) -> std::result::Result<LessSafeKey, ArgumentError> {
    let cipher: &'static Algorithm = match args.one_of(0, "cipher", &["aes-256-gcm", "chacha20-poly1305"])? {
        "aes-256-gcm" => &AES_256_GCM,
        _ => &CHACHA20_POLY1305,
    };
    let key = args.bytes(1, "key")?;
    let unbound =
        UnboundKey::new(cipher, &key).map_err(|_| wrong_length("The \"key\" argument", KEY_LEN, key.len()))?;
    Ok(LessSafeKey::new(unbound))
}

fn aad(bytes: Option<Zeroizing<Vec<u8>>>) -> Vec<u8> {
    bytes.map(|bytes| bytes.to_vec()).unwrap_or_default()
}

fn wrong_length(name: &str, expected: usize, received: usize) -> ArgumentError {
    ArgumentError::Range(format!("{name} must be {expected} bytes long. Received {received} bytes"))
}

impl Transform for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let mut out = input.into_bytes()?.into_owned()?;
        cancel.check()?;
        let mut nonce = self.nonce.unwrap_or_default();
        if self.nonce.is_none() {
            rand::fill(&mut nonce)
                .map_err(|_| Error::new(Kind::Resources, "The system random number generator failed"))?;
        }
        // In place: if the vector reallocates below, it leaves only ciphertext behind.
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self.key.seal_in_place_separate_tag(unique, Aad::from(&self.aad), &mut out);
        let tag =
            sealed.map_err(|_| Error::new(Kind::OutputLimit, "The message is longer than the cipher supports"))?;
        let len = out.len();
        memory::reserve(&mut out, NONCE_LEN + TAG_LEN)?;
        out.resize(len + NONCE_LEN, 0);
        out.copy_within(..len, NONCE_LEN);
        out[..NONCE_LEN].copy_from_slice(&nonce);
        out.extend_from_slice(tag.as_ref());
        Ok(out.into())
    }

    fn can_fail(&self) -> bool {
        false
    }
}

impl Transform for Open {
    fn name(&self) -> &'static str {
        "open"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let mut sealed = input.into_bytes()?.into_owned()?;
        cancel.check()?;
        if sealed.len() < NONCE_LEN + TAG_LEN {
            let message = format!(
                "A sealed message must have at least {} bytes for its nonce and tag. Received {} bytes",
                NONCE_LEN + TAG_LEN,
                sealed.len()
            );
            return Err(Error::invalid_data(message));
        }
        let nonce = Nonce::try_assume_unique_for_key(&sealed[..NONCE_LEN]).expect("the length of a nonce");
        let opened =
            self.key.open_in_place(nonce, Aad::from(&self.aad), &mut sealed[NONCE_LEN..]).map(|plain| plain.len());
        let Ok(len) = opened else {
            sealed.zeroize();
            return Err(Error::new(
                Kind::Authentication,
                "The message is not authentic: it was changed, or sealed with another key, cipher or aad",
            ));
        };
        sealed.copy_within(NONCE_LEN..NONCE_LEN + len, 0);
        sealed[len..].zeroize();
        sealed.truncate(len);
        Ok(sealed.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, noise, options, whole};

    fn bytes(bytes: &[u8]) -> Arg {
        Arg::Bytes(bytes.to_vec().into())
    }

    fn pair(cipher: &str, aad: &[u8]) -> (Box<dyn Transform>, Box<dyn Transform>) {
        let with = |aad| args([arg(cipher), bytes(&[7; KEY_LEN]), options([("aad", bytes(aad))])]);
        (seal(&with(aad)).unwrap(), open(&with(aad)).unwrap())
    }

    #[test]
    fn round_trips_with_a_fresh_nonce() {
        for cipher in ["aes-256-gcm", "chacha20-poly1305"] {
            let (seal, open) = pair(cipher, b"who");
            for plain in [Vec::new(), b"a".to_vec(), noise(100_000)] {
                let sealed = whole(&*seal, &plain).unwrap();
                assert_eq!(sealed.len(), plain.len() + NONCE_LEN + TAG_LEN);
                assert_ne!(sealed, whole(&*seal, &plain).unwrap(), "a fresh nonce");
                assert!(whole(&*open, &sealed).unwrap() == plain);
            }
        }
    }

    #[test]
    fn any_change_is_detected() {
        let (seal, open) = pair("aes-256-gcm", b"");
        let sealed = whole(&*seal, b"a secret").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(whole(&*open, &changed).unwrap_err().kind, Kind::Authentication);
        }
        assert_eq!(whole(&*pair("chacha20-poly1305", b"").1, &sealed).unwrap_err().kind, Kind::Authentication);
        assert_eq!(whole(&*pair("aes-256-gcm", b"other").1, &sealed).unwrap_err().kind, Kind::Authentication);
        assert_eq!(whole(&*open, &sealed[..27]).unwrap_err().kind, Kind::InvalidData);
        assert_eq!(whole(&*open, &sealed[..28]).unwrap_err().kind, Kind::Authentication);
    }

    #[test]
    fn wrong_lengths_are_reported() {
        let short = args([arg("aes-256-gcm"), bytes(&[1; 16])]);
        let error = seal(&short).err().unwrap();
        assert_eq!(error.message(), "The \"key\" argument must be 32 bytes long. Received 16 bytes");
        let nonce = args([arg("aes-256-gcm"), bytes(&[1; 32]), options([("nonce", bytes(&[0; 11]))])]);
        assert_eq!(seal(&nonce).err().unwrap().code(), "ERR_OUT_OF_RANGE");
        assert_eq!(open(&args([arg("aes-128-gcm"), bytes(&[1; 32])])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE");
    }
}
