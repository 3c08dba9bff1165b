//! Digests, keyed digests, authenticated encryption, passwords.

pub mod aead;
pub mod bcrypt_hash;
pub mod digest;
pub mod hmac;
pub mod password;
pub mod text_encoding;
