//! Authenticated encryption: AES-256-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), by AWS-LC, which uses hardware
//! instructions and wipes its keys.
//!
//! A sealed message consists of nonce, ciphertext and tag. Sealing and opening cannot be interrupted: 64 MiB take tens of
//! milliseconds.

use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::fields;
use crate::transform::memory;
use crate::transform::secret::Secret;
use crate::transform::value::Value;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::Zeroize;

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;

/// A cipher and its key.
struct Key {
    cipher: &'static Algorithm,
    secret: Secret,
}

pub struct Seal(Key);

pub struct Open(Key);

/// `seal(cipher, key)`
pub fn seal(args: &Args) -> BuildResult {
    Ok(Box::new(Seal(Key::read(args)?)))
}

/// `open(cipher, key)`
pub fn open(args: &Args) -> BuildResult {
    Ok(Box::new(Open(Key::read(args)?)))
}

impl Key {
    fn read(args: &Args) -> std::result::Result<Self, ArgumentError> {
        let cipher: &'static Algorithm = match args.one_of(0, "cipher", &["aes-256-gcm", "chacha20-poly1305"])? {
            "aes-256-gcm" => &AES_256_GCM,
            _ => &CHACHA20_POLY1305,
        };
        let key = args.bytes(1, "key")?;
        if key.len() != KEY_LEN {
            return Err(wrong_length("The \"key\" argument", KEY_LEN, key.len()));
        }
        args.options(2, &[])?;
        Ok(Key { cipher, secret: Secret::new(key) })
    }

    /// Returns the expanded key of one task, which AWS-LC wipes.
    fn expand(&self) -> Result<LessSafeKey> {
        let unbound = UnboundKey::new(self.cipher, &self.secret.copy()?).map_err(|_| Error::out_of_memory("a key"))?;
        Ok(LessSafeKey::new(unbound))
    }
}

/// A message to seal or open.
struct Message {
    data: Vec<u8>,
    aad: Vec<u8>,
    nonce: Option<Vec<u8>>,
}

impl Message {
    /// Reads bytes, or the first `N` of the fields `data`, `aad` and `nonce`. The data stay where they are.
    fn read<const N: usize>(input: Value) -> Result<Self> {
        let Value::Fields(mut packed) = input else {
            return Ok(Message { data: input.into_bytes()?.into_owned()?, aad: Vec::new(), nonce: None });
        };
        let fields = fields::split::<N>(&packed)?;
        let field = |index: usize| fields.get(index).copied().flatten();
        let length = field(0).map_or(0, <[u8]>::len);
        let (aad, nonce) = (field(1).unwrap_or_default().to_vec(), field(2).map(<[u8]>::to_vec));
        packed.truncate(length);
        Ok(Message { data: std::mem::take(&mut *packed), aad, nonce })
    }
}

fn wrong_length(name: &str, expected: usize, received: usize) -> ArgumentError {
    ArgumentError::range(format_args!("{name} must be {expected} bytes long"), format_args!("{received} bytes"))
}

fn random_nonce() -> Result<[u8; NONCE_LEN]> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| Error::new(Kind::Resources, "The system random number generator failed"))?;
    Ok(nonce)
}

impl Transform for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.0.secret)
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let Message { data: mut out, aad, nonce } = Message::read::<3>(input)?;
        cancel.check()?;
        let nonce = match nonce {
            Some(nonce) => <[u8; NONCE_LEN]>::try_from(&nonce[..])
                .map_err(|_| wrong_length("The \"input.nonce\" property", NONCE_LEN, nonce.len()))?,
            None => random_nonce()?,
        };
        // In place: if the vector reallocates below, it leaves only ciphertext behind.
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self.0.expand()?.seal_in_place_separate_tag(unique, Aad::from(&aad), &mut out);
        let tag =
            sealed.map_err(|_| Error::new(Kind::OutputLimit, "The message is longer than the cipher supports"))?;
        let len = out.len();
        memory::reserve_exact(&mut out, NONCE_LEN + TAG_LEN)?;
        out.resize(len + NONCE_LEN, 0);
        out.copy_within(..len, NONCE_LEN);
        out[..NONCE_LEN].copy_from_slice(&nonce);
        out.extend_from_slice(tag.as_ref());
        Ok(out.into())
    }
}

impl Transform for Open {
    fn name(&self) -> &'static str {
        "open"
    }

    fn accepts_text(&self) -> bool {
        false
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.0.secret)
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let Message { data: mut sealed, aad, .. } = Message::read::<2>(input)?;
        cancel.check()?;
        let key = self.0.expand()?;
        if sealed.len() < NONCE_LEN + TAG_LEN {
            let message = format!(
                "A sealed message must have at least {} bytes for its nonce and tag. Received {} bytes",
                NONCE_LEN + TAG_LEN,
                sealed.len()
            );
            return Err(Error::invalid_data(message));
        }
        let nonce = Nonce::try_assume_unique_for_key(&sealed[..NONCE_LEN]).expect("the length of a nonce");
        let opened = key.open_in_place(nonce, Aad::from(&aad), &mut sealed[NONCE_LEN..]).map(|plain| plain.len());
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
    use crate::transform::testing::{self, arg, args, noise, options, whole};

    fn bytes(bytes: &[u8]) -> Arg {
        Arg::Bytes(bytes.to_vec().into())
    }

    fn pair(cipher: &str) -> (Box<dyn Transform>, Box<dyn Transform>) {
        let args = args([arg(cipher), bytes(&[7; KEY_LEN])]);
        (seal(&args).unwrap(), open(&args).unwrap())
    }

    /// Runs a transform on the fields of a message.
    fn run(transform: &dyn Transform, data: &[u8], aad: &[u8], nonce: Option<&[u8]>) -> Result<Vec<u8>> {
        let fields = [Some(data), Some(aad), nonce];
        let packed = fields::pack(if transform.name() == "seal" { &fields } else { &fields[..2] });
        transform.run(Value::Fields(packed.into()), &Cancel::new()).map(testing::bytes)
    }

    #[test]
    fn round_trips_with_a_fresh_nonce() {
        for cipher in ["aes-256-gcm", "chacha20-poly1305"] {
            let (seal, open) = pair(cipher);
            for plain in [Vec::new(), b"a".to_vec(), noise(100_000)] {
                let sealed = whole(&*seal, &plain).unwrap();
                assert_eq!(sealed.len(), plain.len() + NONCE_LEN + TAG_LEN);
                assert_ne!(sealed, whole(&*seal, &plain).unwrap(), "a fresh nonce");
                assert!(whole(&*open, &sealed).unwrap() == plain);
                let nonce = [3; NONCE_LEN];
                let sealed = run(&*seal, &plain, b"who", Some(&nonce)).unwrap();
                assert_eq!(sealed[..NONCE_LEN], nonce);
                assert!(run(&*open, &sealed, b"who", None).unwrap() == plain);
                assert_eq!(run(&*open, &sealed, b"other", None).unwrap_err().kind, Kind::Authentication);
                assert_eq!(whole(&*open, &sealed).unwrap_err().kind, Kind::Authentication);
            }
        }
    }

    #[test]
    fn any_change_is_detected() {
        let (seal, open) = pair("aes-256-gcm");
        let sealed = whole(&*seal, b"a secret").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(whole(&*open, &changed).unwrap_err().kind, Kind::Authentication);
        }
        assert_eq!(whole(&*pair("chacha20-poly1305").1, &sealed).unwrap_err().kind, Kind::Authentication);
        assert_eq!(whole(&*open, &sealed[..27]).unwrap_err().kind, Kind::InvalidData);
        assert_eq!(whole(&*open, &sealed[..28]).unwrap_err().kind, Kind::Authentication);
    }

    #[test]
    fn wrong_lengths_are_reported() {
        let short = args([arg("aes-256-gcm"), bytes(&[1; 16])]);
        let error = seal(&short).err().unwrap();
        assert_eq!(error.message(), "The \"key\" argument must be 32 bytes long. Received 16 bytes");
        let error = run(&*pair("aes-256-gcm").0, b"", b"", Some(&[0; 11])).unwrap_err();
        assert_eq!(error.kind, Kind::OutOfRange);
        assert_eq!(error.message, "The \"input.nonce\" property must be 12 bytes long. Received 11 bytes");
        let aad = args([arg("aes-256-gcm"), bytes(&[1; 32]), options([("aad", bytes(b""))])]);
        assert_eq!(seal(&aad).err().unwrap().code(), "ERR_INVALID_ARG_VALUE");
        assert_eq!(open(&args([arg("aes-128-gcm"), bytes(&[1; 32])])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE");
    }

    #[test]
    fn a_disposed_key_is_refused() {
        let (seal, open) = pair("aes-256-gcm");
        let sealed = whole(&*seal, b"a secret").unwrap();
        for (transform, input) in [(seal, &b"a secret"[..]), (open, &sealed)] {
            let secret = transform.secret().unwrap();
            assert_eq!(secret.stored(), [7; KEY_LEN]);
            secret.dispose();
            assert_eq!(secret.stored(), [0; KEY_LEN]);
            assert_eq!(whole(&*transform, input).unwrap_err().kind, Kind::Closed);
        }
    }
}
