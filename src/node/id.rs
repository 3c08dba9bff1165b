//! Ids of cache entries, from JavaScript values and back.

use super::napi_raw;
use crate::cache::Id;
use napi::bindgen_prelude::{BigInt, JsValue, ToNapiValue, Unknown};
use napi::{Env, Result, ValueType};

/// What stands for code units that are no character, in UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// `None`: it is no string, number or bigint.
pub fn read(env: &Env, value: &Unknown) -> Option<Id> {
    if let Some(utf8) = napi_raw::utf8(env, value) {
        if utf8.windows(REPLACEMENT.len()).any(|window| window == REPLACEMENT) {
            return napi_raw::utf16(env, value).map(|units| Id::Units(units.into()));
        }
        return String::from_utf8(utf8).ok().map(|text| Id::Text(text.into()));
    }
    match value.get_type().ok()? {
        ValueType::Number => napi_raw::number(env, value).map(Id::number),
        ValueType::BigInt => napi_raw::bigint(env, value).map(|BigInt { sign_bit, mut words }| {
            words.truncate(words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1));
            Id::Big(sign_bit && !words.is_empty(), words.into())
        }),
        _ => None,
    }
}

/// The same id as JavaScript spells it.
pub fn write<'env>(env: &'env Env, id: &Id) -> Result<Unknown<'env>> {
    Ok(match id {
        Id::Text(text) => env.create_string(&**text)?.to_unknown(),
        Id::Units(units) => env.create_string_utf16(&**units)?.to_unknown(),
        Id::Number(bits) => env.create_double(f64::from_bits(*bits))?.to_unknown(),
        Id::Big(sign_bit, words) => BigInt { sign_bit: *sign_bit, words: words.to_vec() }.into_unknown(env)?,
    })
}
