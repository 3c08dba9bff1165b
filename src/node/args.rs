//! JavaScript values as the arguments of transforms and pools.

use super::napi_raw;
use crate::args::{Arg, Args, ArgumentError};
use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Error, Result, Status, ValueType};
use zeroize::Zeroizing;

/// Deepest nesting of arguments; options are shallow.
const MAX_DEPTH: u32 = 4;

/// The only property of the object that `lib/internal/detached.js` passes in place of detached memory.
const LOST: &str = "offloop.lost";
/// The only property of the object that `lib/native/argument.js` passes in place of a value of a type that no argument has.
const OTHER: &str = "offloop.other";

pub fn read_args(values: &Array) -> Result<Args> {
    (0..values.len()).map(|index| read(element(values, index)?, 0)).collect::<Result<Vec<_>>>().map(Args::new)
}

pub fn read_arg(value: Unknown) -> Result<Arg> {
    read(value, 0)
}

/// Throws a `TypeError` or a `RangeError` with a `code`, as Node does.
pub fn throw(env: &Env, error: &ArgumentError) -> Error {
    // Node-API truncates at a NUL, which a message may quote from an argument.
    let message = error.message().replace('\0', "\\0");
    let thrown = match error.code() {
        "ERR_OUT_OF_RANGE" => env.throw_range_error(&message, Some(error.code())),
        code => env.throw_type_error(&message, Some(code)),
    };
    thrown.err().unwrap_or_else(|| Error::new(Status::PendingException, String::new()))
}

fn read(value: Unknown, depth: u32) -> Result<Arg> {
    if depth > MAX_DEPTH {
        return Ok(Arg::Other("an object nested too deeply".into()));
    }
    Ok(match value.get_type()? {
        ValueType::Undefined => Arg::Undefined,
        ValueType::Boolean => Arg::Bool(cast(value)?),
        ValueType::Number => Arg::Number(cast(value)?),
        ValueType::String => Arg::Text(Zeroizing::new(cast(value)?)),
        ValueType::Null => Arg::Other("null".into()),
        ValueType::BigInt => Arg::Other("type bigint".into()),
        ValueType::Symbol => Arg::Other("type symbol".into()),
        ValueType::Function => Arg::Other("a function".into()),
        ValueType::Object => read_object(value, depth)?,
        _ => Arg::Other("an external value".into()),
    })
}

/// Reads an object. `lib/transform/index.js` has turned bytes in arguments and options into `Uint8Array`s; other views can only
/// be nested deeper, where no view is expected.
fn read_object(value: Unknown, depth: u32) -> Result<Arg> {
    let env = Env::from_raw(value.value().env);
    if let Some(view) = napi_raw::memory_name(&env, &value)? {
        if napi_raw::is_detached(&env, &value) {
            return Ok(Arg::Lost(format!("a detached {view}")));
        }
        let bytes = napi_raw::with_bytes(&env, &value, |bytes| Zeroizing::new(bytes.to_vec()));
        return Ok(bytes.map_or_else(|| Arg::Other(format!("an instance of {view}")), Arg::Bytes));
    }
    if value.is_array()? {
        let values: Array = cast(value)?;
        let list = (0..values.len()).map(|index| read(element(&values, index)?, depth + 1));
        return list.collect::<Result<_>>().map(Arg::List);
    }
    let object: Object = cast(value)?;
    let mut fields = Vec::new();
    for name in Object::keys(&object)? {
        let field = read(object.get_named_property::<Unknown>(&name)?, depth + 1)?;
        match (name.as_str(), &field) {
            (LOST, Arg::Text(received)) => return Ok(Arg::Lost(received.to_string())),
            (OTHER, Arg::Text(received)) => return Ok(Arg::Other(received.to_string())),
            _ => {}
        }
        fields.push((name, field));
    }
    Ok(Arg::Record(fields))
}

fn element<'a>(values: &'a Array, index: u32) -> Result<Unknown<'a>> {
    values.get(index)?.ok_or_else(|| Error::from_reason("an array changed while it was read"))
}

fn cast<T: FromNapiValue>(value: Unknown) -> Result<T> {
    // SAFETY: `value` is a live handle of the calling function, and its own environment is the one it is cast in;
    // `from_napi_value` itself checks that the type fits.
    unsafe { T::from_napi_value(value.value().env, value.raw()) }
}
