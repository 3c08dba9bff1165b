//! The calls of Node-API that have no safe form cheap enough for every task, each wrapped once.

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use napi::bindgen_prelude::{BigInt, FromNapiValue, JsValue, Unknown};
use napi::{Env, Error, Result, Status, check_status, sys};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

/// Attaches `data` to the environment, whose end drops it.
pub fn set_instance_data<T: 'static>(env: Env, data: T) -> Result<()> {
    // SAFETY: Node-API calls this once, with the pointer below, when the environment ends.
    unsafe extern "C" fn finalize<T>(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
        // SAFETY: `data` is the pointer that `Box::into_raw` returned below, and Node-API calls this once.
        drop(unsafe { Box::from_raw(data.cast::<T>()) });
    }
    let data = Box::into_raw(Box::new(data));
    // SAFETY: `env` is the live environment of the calling function; Node-API takes over `data` if it succeeds.
    let status = unsafe { sys::napi_set_instance_data(env.raw(), data.cast(), Some(finalize::<T>), ptr::null_mut()) };
    check_status!(status).inspect_err(|_| {
        // SAFETY: the call failed, so Node-API does not keep the pointer that `Box::into_raw` returned.
        drop(unsafe { Box::from_raw(data) });
    })
}

/// Returns the data that [`set_instance_data`] attached. `T` must be its type.
pub fn instance_data<T: 'static>(env: &Env) -> Result<&T> {
    let mut data = ptr::null_mut();
    // SAFETY: `env` is the live environment of the calling function, `data` can hold one pointer.
    check_status!(unsafe { sys::napi_get_instance_data(env.raw(), &raw mut data) })?;
    // SAFETY: the pointer is null or from `set_instance_data`, which `Environment` alone calls (so `T` fits); the
    // data lives as long as the environment and is only ever borrowed shared, on the environment's thread.
    unsafe { data.cast::<T>().as_ref() }.ok_or_else(|| Error::from_reason("offloop is not open in this environment"))
}

/// The classes of typed arrays in the order of `napi_typedarray_type`.
const TYPED_ARRAYS: [&str; 11] = [
    "Int8Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "Float32Array",
    "Float64Array",
    "BigInt64Array",
    "BigUint64Array",
];

/// Names a view or a buffer in messages. Returns `None` for any other value.
pub fn memory_name(env: &Env, value: &Unknown) -> Result<Option<&'static str>> {
    Ok(if value.is_typedarray()? {
        let mut kind = -1;
        let (size, data, handle) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: live handles of the calling function; `kind` can hold the result; results passed as null are skipped.
        unsafe { sys::napi_get_typedarray_info(env.raw(), value.raw(), &raw mut kind, size, data, handle, size) };
        let name = usize::try_from(kind).ok().and_then(|kind| TYPED_ARRAYS.get(kind));
        Some(name.copied().unwrap_or("TypedArray"))
    } else if value.is_arraybuffer()? {
        Some("ArrayBuffer")
    } else {
        value.is_dataview()?.then_some("DataView")
    })
}

/// Returns whether a value is a detached `ArrayBuffer` or a view of one, which look empty.
pub fn is_detached(env: &Env, value: &Unknown) -> bool {
    let mut buffer = ptr::null_mut();
    let skip = ptr::null_mut::<usize>();
    // SAFETY: `env` and `value` are live handles of the calling function; `buffer` can hold one handle; results
    // passed as null are skipped. A value of another kind only changes the status.
    let status = unsafe {
        let (env, value, buffer) = (env.raw(), value.raw(), &raw mut buffer);
        let status = sys::napi_get_typedarray_info(env, value, ptr::null_mut(), skip, ptr::null_mut(), buffer, skip);
        if status == sys::Status::napi_ok {
            status
        } else {
            sys::napi_get_dataview_info(env, value, skip, ptr::null_mut(), buffer, skip)
        }
    };
    let buffer = if status == sys::Status::napi_ok { buffer } else { value.raw() };
    let mut is_detached = false;
    // SAFETY: live handles of the calling function; `is_detached` can hold the result; for a value that is not an
    // `ArrayBuffer` the result is false.
    let status = unsafe { sys::napi_is_detached_arraybuffer(env.raw(), buffer, &raw mut is_detached) };
    status == sys::Status::napi_ok && is_detached
}

/// Returns the elements of a typed array, if `value` is one of the `wanted` type and is not detached. They are valid until
/// JavaScript runs again.
fn typed_array<T>(env: &Env, value: &Unknown, wanted: sys::napi_typedarray_type) -> Option<(*mut T, usize)> {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
    // SAFETY: `env` and `value` are live handles of the calling function; the outputs have the requested types.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env.raw(),
            value.raw(),
            &raw mut kind,
            &raw mut length,
            &raw mut data,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    let is_wanted = status == sys::Status::napi_ok && kind == wanted;
    // Asking for the buffer is slow, and an array with a length is not detached.
    (is_wanted && (length > 0 || !is_detached(env, value))).then_some((data.cast(), length))
}

/// Calls `f` with the bytes of a `Uint8Array`.
pub fn with_bytes<R>(env: &Env, value: &Unknown, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let (data, length) = typed_array::<u8>(env, value, sys::TypedarrayType::uint8_array)?;
    if length == 0 {
        return Some(f(&[]));
    }
    // SAFETY: the array's memory holds `length` initialized bytes. This runs on the environment's own thread and
    // JavaScript does not run meanwhile, so nothing frees, moves or (sharing is excluded in `lib/`) writes them.
    Some(f(unsafe { std::slice::from_raw_parts(data, length) }))
}

/// Copies the first `length` bytes of a `Uint8Array`, or all of them if it is shorter.
pub fn copy_bytes(env: &Env, value: &Unknown, length: usize, into: &mut Vec<u8>) -> Option<()> {
    with_bytes(env, value, |bytes| into.extend_from_slice(&bytes[..length.min(bytes.len())]))
}

/// Calls `f` with the elements of a `Uint32Array`.
pub fn with_u32s<R>(env: &Env, value: &Unknown, f: impl FnOnce(&mut [u32]) -> R) -> Option<R> {
    with_elements(env, value, sys::TypedarrayType::uint32_array, f)
}

/// Calls `f` with the elements of a `Float64Array`.
pub fn with_f64s<R>(env: &Env, value: &Unknown, f: impl FnOnce(&mut [f64]) -> R) -> Option<R> {
    with_elements(env, value, sys::TypedarrayType::float64_array, f)
}

/// Calls `f` with the bytes of a `Uint8Array`.
pub fn with_u8s<R>(env: &Env, value: &Unknown, f: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
    with_elements(env, value, sys::TypedarrayType::uint8_array, f)
}

/// Calls `f` with the elements of a typed array. `wanted` must be the type of arrays of `T`.
fn with_elements<T, R>(
    env: &Env,
    value: &Unknown,
    wanted: sys::napi_typedarray_type,
    f: impl FnOnce(&mut [T]) -> R,
) -> Option<R> {
    let (data, length) = typed_array::<T>(env, value, wanted)?;
    if length == 0 {
        return Some(f(&mut []));
    }
    // SAFETY: as in `with_bytes`; besides, V8 aligns typed arrays to their elements, and `lib/` passes a private
    // array, so the borrow is the only one while `f` runs.
    Some(f(unsafe { std::slice::from_raw_parts_mut(data, length) }))
}

/// Returns the UTF-8 bytes of a string, with lone surrogates replaced as by `Buffer.from`, or `None` for another value.
pub fn utf8(env: &Env, value: &Unknown) -> Option<Vec<u8>> {
    // A short string, the usual case, needs one call: if any further character would fit, none was cut off.
    let mut short = [0_u8; 64];
    let mut length = 0;
    // SAFETY: live handles of the calling function; the buffer has the stated length.
    let status = unsafe {
        sys::napi_get_value_string_utf8(env.raw(), value.raw(), short.as_mut_ptr().cast(), short.len(), &raw mut length)
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    if length + 5 <= short.len() {
        return Some(short[..length].to_vec());
    }
    // SAFETY: live handles of the calling function; a null buffer asks for the length alone.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env.raw(), value.raw(), ptr::null_mut(), 0, &raw mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(length + 1);
    let mut written = 0;
    // SAFETY: the buffer has room for `length` bytes and the terminator that Node-API adds.
    let status = unsafe {
        sys::napi_get_value_string_utf8(env.raw(), value.raw(), bytes.as_mut_ptr().cast(), length + 1, &raw mut written)
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    // SAFETY: Node-API wrote the first `written` bytes, at most `length`.
    unsafe { bytes.set_len(written.min(length)) };
    Some(bytes)
}

/// Returns the code units of a string, or `None` for another value.
pub fn utf16(env: &Env, value: &Unknown) -> Option<Vec<u16>> {
    let mut length = 0;
    // SAFETY: live handles of the calling function; a null buffer asks for the length alone.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env.raw(), value.raw(), ptr::null_mut(), 0, &raw mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    let mut units: Vec<u16> = Vec::with_capacity(length + 1);
    let mut written = 0;
    // SAFETY: the buffer has room for `length` code units and the terminator that Node-API adds.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env.raw(), value.raw(), units.as_mut_ptr(), length + 1, &raw mut written)
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    // SAFETY: Node-API wrote the first `written` code units, at most `length`.
    unsafe { units.set_len(written.min(length)) };
    Some(units)
}

/// Returns a number, or `None` for another value.
pub fn number(env: &Env, value: &Unknown) -> Option<f64> {
    let mut number = 0.0;
    // SAFETY: live handles of the calling function; `number` can hold the result.
    let status = unsafe { sys::napi_get_value_double(env.raw(), value.raw(), &raw mut number) };
    (status == sys::Status::napi_ok).then_some(number)
}

/// Returns a bigint, or `None` for another value.
pub fn bigint(env: &Env, value: &Unknown) -> Option<BigInt> {
    // SAFETY: a live handle of the calling function; the type is checked.
    unsafe { BigInt::from_napi_value(env.raw(), value.raw()) }.ok()
}

/// Returns a Buffer of `length` bytes, which `fill` must pass to the function that it receives.
pub fn buffer(env: &Env, length: usize, fill: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Result<Unknown<'_>> {
    let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `env` is the live environment of the calling function; the outputs have the requested types.
    check_status!(unsafe { sys::napi_create_buffer(env.raw(), length, &raw mut data, &raw mut buffer) })?;
    fill(&mut |bytes| {
        assert_eq!(bytes.len(), length, "`fill` must pass `length` bytes");
        // SAFETY: `data` points to `length` bytes that JavaScript cannot reach yet; `bytes` are Rust memory of that length.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast::<u8>(), length) };
    });
    // SAFETY: a live handle of the calling function.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), buffer) })
}

/// Exposes words that native code writes as a `Uint32Array`, and keeps them until the array is collected. Returns `None` if the
/// JavaScript engine does not accept external memory.
pub fn exposed_u32s(env: &Env, words: Arc<[AtomicU32]>) -> Option<Unknown<'_>> {
    // SAFETY: Node-API calls this once, with the pointer below, when V8 has collected the buffer.
    unsafe extern "C" fn release(_: sys::napi_env, _: *mut c_void, owner: *mut c_void) {
        // SAFETY: the pointer that `Box::into_raw` returned below, given back once.
        drop(unsafe { Box::from_raw(owner.cast::<Arc<[AtomicU32]>>()) });
    }
    let (count, first) = (words.len(), words.as_ptr());
    let owner = Box::into_raw(Box::new(words));
    let mut buffer = ptr::null_mut();
    // SAFETY: `first` points to `count` words that `owner` keeps until `release` is called. JavaScript only reads them (`lib/`
    // holds the array and writes nothing), whole words at a time, while native code writes them as atomics.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            first.cast_mut().cast(),
            count * size_of::<AtomicU32>(),
            Some(release),
            owner.cast(),
            &raw mut buffer,
        )
    };
    if status != sys::Status::napi_ok {
        clear_exception(env);
        // SAFETY: the call failed, so Node-API does not keep the pointer that `Box::into_raw` returned.
        drop(unsafe { Box::from_raw(owner) });
        return None;
    }
    let mut array = ptr::null_mut();
    let kind = sys::TypedarrayType::uint32_array;
    // SAFETY: the buffer was created above and holds `count` words.
    let status = unsafe { sys::napi_create_typedarray(env.raw(), kind, count, buffer, 0, &raw mut array) };
    // SAFETY: a live handle of the calling function.
    (status == sys::Status::napi_ok).then(|| unsafe { Unknown::from_raw_unchecked(env.raw(), array) })
}

/// Keeps a JavaScript object alive until [`unpin`] or the end of its environment.
#[derive(Debug)]
pub struct Pinned(sys::napi_ref);

// SAFETY: the reference is only a name, which the functions below pass to Node-API on the thread of the environment.
unsafe impl Send for Pinned {}
// SAFETY: as above: a shared pin gives access to nothing.
unsafe impl Sync for Pinned {}

/// Pins an `ArrayBuffer`. Returns the pin and the memory.
pub fn pin_array_buffer(env: &Env, value: &Unknown) -> Result<(Pinned, *const u8, usize)> {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: live handles of the calling function; the outputs have the requested types.
    check_status!(unsafe { sys::napi_get_arraybuffer_info(env.raw(), value.raw(), &raw mut data, &raw mut length) })?;
    if length == 0 && is_detached(env, value) {
        return Err(misuse("a detached ArrayBuffer"));
    }
    Ok((pin(env, value)?, data.cast_const().cast(), length))
}

/// Pins an object or a function.
pub fn pin(env: &Env, value: &Unknown) -> Result<Pinned> {
    let mut reference = ptr::null_mut();
    // SAFETY: live handles of the calling function; the reference is owned by the returned value.
    check_status!(unsafe { sys::napi_create_reference(env.raw(), value.raw(), 1, &raw mut reference) })?;
    Ok(Pinned(reference))
}

/// Returns a pinned object, on the thread that pinned it.
pub fn pinned<'env>(env: &'env Env, pinned: &Pinned) -> Option<Unknown<'env>> {
    let mut value = ptr::null_mut();
    // SAFETY: the reference was made in this environment and is not deleted while `pinned` exists; `value` can hold one handle.
    unsafe { sys::napi_get_reference_value(env.raw(), pinned.0, &raw mut value) };
    // SAFETY: a live handle of the calling function.
    (!value.is_null()).then(|| unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

/// Unpins an object, on the thread that pinned it.
pub fn unpin(env: &Env, pinned: Pinned) {
    // SAFETY: the reference was made in this environment (tasks and their pins never leave it) and is used once.
    unsafe { sys::napi_delete_reference(env.raw(), pinned.0) };
}

/// Unpins an `ArrayBuffer` that JavaScript cannot reach, and frees its memory now instead of at the next collection.
pub fn free_pinned(env: &Env, pinned: Pinned) {
    let mut buffer = ptr::null_mut();
    // SAFETY: the reference was made in this environment and is deleted only below; `buffer` can hold one handle.
    unsafe { sys::napi_get_reference_value(env.raw(), pinned.0, &raw mut buffer) };
    if !buffer.is_null() {
        // SAFETY: a live handle of this function. No thread reads the memory any more.
        unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer) };
    }
    unpin(env, pinned);
}

/// Sets whether a thread-safe function keeps the process alive.
pub fn keep_alive(env: &Env, function: sys::napi_threadsafe_function, alive: bool) -> Result<()> {
    // SAFETY: called on the environment's own thread, before its cleanup hooks run, so the function is not finalized.
    let status = unsafe {
        if alive {
            sys::napi_ref_threadsafe_function(env.raw(), function)
        } else {
            sys::napi_unref_threadsafe_function(env.raw(), function)
        }
    };
    check_status!(status)
}

/// Returns whether nothing keeps the event loop of the environment alive. False in a runtime without libuv.
pub fn is_loop_idle(env: &Env) -> bool {
    type IsAlive = unsafe extern "C" fn(*const c_void) -> c_int;
    static IS_ALIVE: OnceLock<Option<IsAlive>> = OnceLock::new();
    let is_alive = IS_ALIVE.get_or_init(|| {
        let runtime = Library::this();
        #[cfg(windows)]
        let runtime = runtime.ok()?;
        // SAFETY: the type is that of `uv_loop_alive` in every libuv 1.x, and the runtime is never unloaded.
        unsafe { runtime.get::<IsAlive>("uv_loop_alive") }.ok().map(|symbol| *symbol)
    });
    let (Some(is_alive), Ok(event_loop)) = (is_alive, env.get_uv_event_loop()) else { return false };
    // SAFETY: the loop of the live environment, which runs on this thread.
    unsafe { is_alive(event_loop.cast_const().cast()) == 0 }
}

/// Clears an exception that a call above left pending.
pub fn clear_exception(env: &Env) {
    let mut exception = ptr::null_mut();
    // SAFETY: the live environment of the calling function; `exception` can hold one handle.
    unsafe { sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception) };
}

/// Returns an error for a value that `lib/` must never pass: a bug in offloop, not in the user's code.
pub fn misuse(value: &str) -> Error {
    Error::new(Status::InvalidArg, format!("offloop's own JavaScript passed {value}"))
}
