//! Converts keys from and to JavaScript values.

use crate::cache::Key;
use crate::node::napi_raw;
use napi::bindgen_prelude::{BigInt, JsValue, ToNapiValue, Unknown};
use napi::{Env, Result, ValueType};

/// Replaces lone surrogates in UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Returns `None` if the value is not a string, number or bigint.
pub fn read(env: &Env, value: &Unknown) -> Option<Key> {
    if let Some(utf8) = napi_raw::utf8(env, value) {
        if utf8.windows(REPLACEMENT.len()).any(|window| window == REPLACEMENT) {
            return napi_raw::utf16(env, value).map(|units| Key::Utf16(units.into()));
        }
        return String::from_utf8(utf8).ok().map(|text| Key::Text(text.into()));
    }
    match value.get_type().ok()? {
        ValueType::Number => napi_raw::number(env, value).map(Key::number),
        ValueType::BigInt => napi_raw::bigint(env, value).map(|BigInt { sign_bit, mut words }| {
            words.truncate(words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1));
            Key::BigInt(sign_bit && !words.is_empty(), words.into())
        }),
        _ => None,
    }
}

/// Returns a key as a JavaScript value.
pub fn write<'env>(env: &'env Env, key: &Key) -> Result<Unknown<'env>> {
    Ok(match key {
        Key::Text(text) => env.create_string(&**text)?.to_unknown(),
        Key::Utf16(units) => env.create_string_utf16(&**units)?.to_unknown(),
        Key::Number(bits) => env.create_double(f64::from_bits(*bits))?.to_unknown(),
        Key::BigInt(sign_bit, words) => BigInt { sign_bit: *sign_bit, words: words.to_vec() }.into_unknown(env)?,
    })
}
