//! Digests, keyed digests, authenticated encryption, passwords.

pub mod aead;
mod bcrypt_hash;
pub mod digest;
pub mod hmac;
pub mod password;
mod password_limits;
pub mod pbkdf2;
pub mod text_encoding;
