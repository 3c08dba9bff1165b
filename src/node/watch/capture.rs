//! Captures a stack in an interrupt: an `Error`, made without running JavaScript. V8 formats its stack only when it is read.
//!
//! Two functions of `lib/watch/` run within the interrupt: `describe` of `frames.js`, since the text of a report is needed while the
//! loop is blocked, and `inFlight` of `requests.js`, since later the requests have ended. They must not run code of the program, nor
//! regular expressions: the interrupted one would read their results.

use super::runtime::{is_terminating, without_termination};
use crate::node::napi_raw::{self, Pinned};
use crate::sync::Mutex;
use napi::bindgen_prelude::{JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Result, sys};
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most frames of a stack, those of asynchronous callers included.
const FRAMES: f64 = 64.0;
const LIMIT: &CStr = c"stackTraceLimit";
const FORMATTER: &CStr = c"prepareStackTrace";

/// How an environment makes and describes errors. For the environment's thread only.
pub struct Errors {
    env: sys::napi_env,
    /// `None` after [`Errors::release`].
    functions: Mutex<Option<Functions<Pinned>>>,
    /// Whether JavaScript runs for an interrupt. It may answer another one.
    is_running: AtomicBool,
}

/// The result of an interrupt.
pub struct Captured {
    pub error: Pinned,
    /// The requests in flight, unless they could not be listed.
    pub requests: Option<Pinned>,
}

/// Functions of JavaScript.
struct Functions<T> {
    /// The class `Error`.
    class: T,
    /// `Object.getOwnPropertyDescriptor`.
    descriptor: T,
    /// A formatter of stacks that returns the call sites.
    formatter: T,
    /// Makes an error and returns its stack and frames as JSON text.
    describe: T,
    /// Returns the requests in flight.
    in_flight: T,
}

// SAFETY: the environment and the references are only names, which the methods pass to Node-API on the environment's thread.
unsafe impl Send for Errors {}
// SAFETY: as above: all methods are for that thread.
unsafe impl Sync for Errors {}

impl Errors {
    pub fn new(env: &Env, functions: &Object) -> Result<Self> {
        let pin = |name| napi_raw::pin(env, &functions.get_named_property::<Unknown>(name)?);
        let functions = Functions {
            class: pin("errorClass")?,
            descriptor: pin("descriptorOf")?,
            formatter: pin("formatter")?,
            describe: pin("describe")?,
            in_flight: pin("inFlight")?,
        };
        Ok(Errors { env: env.raw(), functions: Mutex::new(Some(functions)), is_running: AtomicBool::new(false) })
    }

    /// Makes an error whose stack is that of the running JavaScript, and lists the requests in flight.
    pub fn capture(&self) -> Option<Captured> {
        self.in_scope(|env, functions| {
            let limit = raise_limit(env, functions);
            let error = error(env);
            restore(env, limit);
            let error = napi_raw::pin(env, &error?).ok()?;
            let requests = self.run(env, functions.in_flight).and_then(|list| napi_raw::pin(env, &list).ok());
            Some(Captured { error, requests })
        })
    }

    /// Describes the running JavaScript as JSON text.
    pub fn report(&self) -> Option<String> {
        self.in_scope(|env, functions| {
            let formatter = Replaced::new(env, functions, FORMATTER, functions.formatter);
            // Without the replacement, reading the stack would call the program's own formatter.
            if formatter.is_none() && has_formatter(env, functions) {
                return None;
            }
            let limit = raise_limit(env, functions);
            let text = self.run(env, functions.describe);
            // V8 refuses to set properties while JavaScript is being terminated.
            without_termination(|| {
                restore(env, limit);
                restore(env, formatter);
            });
            String::from_utf8(napi_raw::utf8(env, &text?)?).ok()
        })
    }

    /// Drops a result that no caller needs.
    pub fn discard(&self, Captured { error, requests }: Captured) {
        let env = Env::from_raw(self.env);
        napi_raw::unpin(&env, error);
        if let Some(requests) = requests {
            napi_raw::unpin(&env, requests);
        }
    }

    /// Drops the functions: no further errors are made.
    pub fn release(&self) {
        let env = Env::from_raw(self.env);
        if let Some(Functions { class, descriptor, formatter, describe, in_flight }) = self.functions.lock().take() {
            for pinned in [class, descriptor, formatter, describe, in_flight] {
                napi_raw::unpin(&env, pinned);
            }
        }
    }

    /// Calls a function, during which no other interrupt is answered.
    fn run<'env>(&self, env: &'env Env, function: sys::napi_value) -> Option<Unknown<'env>> {
        self.is_running.store(true, Ordering::Relaxed);
        let result = call(env, function, &[]);
        self.is_running.store(false, Ordering::Relaxed);
        result
    }

    /// Calls `f` with handles of the functions, unless they were released or one of them is running.
    fn in_scope<T>(&self, f: impl FnOnce(&Env, &Functions<sys::napi_value>) -> Option<T>) -> Option<T> {
        if self.is_running.load(Ordering::Relaxed) || self.functions.lock().is_none() {
            return None;
        }
        let env = Env::from_raw(self.env);
        let mut scope = ptr::null_mut();
        // SAFETY: the environment lives until the functions are released; `scope` can hold the result.
        if unsafe { sys::napi_open_handle_scope(self.env, &raw mut scope) } != sys::Status::napi_ok {
            return None;
        }
        // Not locked during `f`, which may run JavaScript that ends the watch.
        let functions = self.handles(&env);
        let result = functions.and_then(|functions| f(&env, &functions));
        // Node-API takes a termination of the interrupted code for an exception.
        without_termination(|| napi_raw::clear_exception(&env));
        // SAFETY: the scope opened above; no handle of it is used after this.
        unsafe { sys::napi_close_handle_scope(self.env, scope) };
        result
    }

    fn handles(&self, env: &Env) -> Option<Functions<sys::napi_value>> {
        let functions = self.functions.lock();
        let functions = functions.as_ref()?;
        let handle = |pinned| Some(napi_raw::pinned(env, pinned)?.raw());
        Some(Functions {
            class: handle(&functions.class)?,
            descriptor: handle(&functions.descriptor)?,
            formatter: handle(&functions.formatter)?,
            describe: handle(&functions.describe)?,
            in_flight: handle(&functions.in_flight)?,
        })
    }
}

/// A property of the class `Error` that has another value for a while.
struct Replaced {
    class: sys::napi_value,
    name: &'static CStr,
    value: sys::napi_value,
}

impl Replaced {
    /// Replaces a value, unless the property is absent, read-only, or an accessor, which would run code of the program.
    fn new(
        env: &Env,
        functions: &Functions<sys::napi_value>,
        name: &'static CStr,
        value: sys::napi_value,
    ) -> Option<Self> {
        let descriptor = descriptor(env, functions, name)?;
        let is_writable = boolean(env, property(env, descriptor, c"writable")?)?;
        let own = property(env, descriptor, c"value")?;
        let is_replaced = is_writable && set_property(env, functions.class, name, value);
        is_replaced.then_some(Replaced { class: functions.class, name, value: own })
    }
}

fn raise_limit(env: &Env, functions: &Functions<sys::napi_value>) -> Option<Replaced> {
    Replaced::new(env, functions, LIMIT, env.create_double(FRAMES).ok()?.raw())
}

fn restore(env: &Env, replaced: Option<Replaced>) {
    if let Some(Replaced { class, name, value }) = replaced {
        set_property(env, class, name, value);
    }
}

/// Returns whether reading a stack would call a formatter of the program.
fn has_formatter(env: &Env, functions: &Functions<sys::napi_value>) -> bool {
    let Some(descriptor) = descriptor(env, functions, FORMATTER) else { return true };
    if type_of(env, descriptor) == Some(sys::ValueType::napi_undefined) {
        return false;
    }
    let is_accessor = property(env, descriptor, c"writable").and_then(|it| boolean(env, it)).is_none();
    let value = property(env, descriptor, c"value").and_then(|value| type_of(env, value));
    is_accessor || value != Some(sys::ValueType::napi_undefined)
}

fn descriptor(env: &Env, functions: &Functions<sys::napi_value>, name: &CStr) -> Option<sys::napi_value> {
    let name = env.create_string(name.to_str().ok()?).ok()?;
    Some(call(env, functions.descriptor, &[functions.class, name.raw()])?.raw())
}

fn error(env: &Env) -> Option<Unknown<'_>> {
    let message = env.create_string("The event loop is blocked").ok()?;
    let mut error = ptr::null_mut();
    // SAFETY: live handles of the open scope; a null code is absent; `error` can hold one handle.
    let status = unsafe { sys::napi_create_error(env.raw(), ptr::null_mut(), message.raw(), &raw mut error) };
    // SAFETY: a live handle of the open scope.
    (status == sys::Status::napi_ok).then(|| unsafe { Unknown::from_raw_unchecked(env.raw(), error) })
}

fn property(env: &Env, object: sys::napi_value, name: &CStr) -> Option<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: live handles of the open scope, a name that ends with NUL; `value` can hold one handle.
    let status = unsafe { sys::napi_get_named_property(env.raw(), object, name.as_ptr(), &raw mut value) };
    (status == sys::Status::napi_ok).then_some(value)
}

fn set_property(env: &Env, object: sys::napi_value, name: &CStr, value: sys::napi_value) -> bool {
    // SAFETY: live handles of the open scope, a name that ends with NUL.
    let status = unsafe { sys::napi_set_named_property(env.raw(), object, name.as_ptr(), value) };
    status == sys::Status::napi_ok
}

fn boolean(env: &Env, value: sys::napi_value) -> Option<bool> {
    let mut result = false;
    // SAFETY: a live handle of the open scope; `result` has the requested type.
    let status = unsafe { sys::napi_get_value_bool(env.raw(), value, &raw mut result) };
    (status == sys::Status::napi_ok).then_some(result)
}

fn type_of(env: &Env, value: sys::napi_value) -> Option<sys::napi_valuetype> {
    let mut result = sys::ValueType::napi_undefined;
    // SAFETY: a live handle of the open scope; `result` has the requested type.
    let status = unsafe { sys::napi_typeof(env.raw(), value, &raw mut result) };
    (status == sys::Status::napi_ok).then_some(result)
}

fn call<'env>(env: &'env Env, function: sys::napi_value, arguments: &[sys::napi_value]) -> Option<Unknown<'env>> {
    // JavaScript would run, and end the termination.
    if is_terminating() {
        return None;
    }
    let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: live handles of the open scope; the outputs can hold one handle each.
    let status = unsafe {
        sys::napi_get_undefined(env.raw(), &raw mut receiver);
        let count = arguments.len();
        sys::napi_call_function(env.raw(), receiver, function, count, arguments.as_ptr(), &raw mut result)
    };
    // A thrown error must not keep later calls from running.
    if status != sys::Status::napi_ok {
        napi_raw::clear_exception(env);
        return None;
    }
    // SAFETY: a live handle of the open scope.
    Some(unsafe { Unknown::from_raw_unchecked(env.raw(), result) })
}
