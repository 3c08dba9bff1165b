//! Captures a stack in an interrupt: an `Error`, made without running JavaScript. V8 formats its stack only when it is read.

use crate::node::napi_raw::{self, Pinned};
use napi::bindgen_prelude::{Function, JsValue, Unknown};
use napi::{Env, Result, check_status, sys};
use std::ptr;

/// Most frames of a stack, those of asynchronous callers included.
const FRAMES: f64 = 64.0;
const LIMIT: &std::ffi::CStr = c"stackTraceLimit";

/// How an environment makes and describes errors.
pub struct Errors {
    env: sys::napi_env,
    /// The class `Error`, if its `stackTraceLimit` can be changed without running JavaScript.
    class: Option<Pinned>,
    /// Returns the frames of an error as JSON text.
    describe: Pinned,
}

// SAFETY: the environment and the references are only names, which the methods pass to Node-API on the environment's thread.
unsafe impl Send for Errors {}
// SAFETY: as above: all methods are for that thread.
unsafe impl Sync for Errors {}

impl Errors {
    pub fn new(env: &Env, class: Option<Unknown>, describe: Function<Unknown, Unknown>) -> Result<Self> {
        let class = class.map(|class| napi_raw::pin(env, &class)).transpose()?;
        Ok(Errors { env: env.raw(), class, describe: napi_raw::pin(env, &describe.to_unknown())? })
    }

    /// Makes an error whose stack is that of the running JavaScript. On the environment's thread only.
    pub fn capture(&self) -> Option<Pinned> {
        self.in_scope(|env| {
            let error = self.make(env)?;
            napi_raw::pin(env, &error).ok()
        })
    }

    /// Captures a stack and describes it, which runs JavaScript. On the environment's thread only.
    pub fn report(&self) -> Option<String> {
        self.in_scope(|env| {
            let error = self.make(env)?;
            let describe = napi_raw::pinned(env, &self.describe)?;
            let text = call(env, describe.raw(), error.raw())?;
            String::from_utf8(napi_raw::utf8(env, &text)?).ok()
        })
    }

    /// Drops an error that no caller needs. On the environment's thread only.
    pub fn discard(&self, error: Pinned) {
        napi_raw::unpin(&Env::from_raw(self.env), error);
    }

    /// Drops the class and the function.
    pub fn release(self) {
        let env = Env::from_raw(self.env);
        for pinned in self.class.into_iter().chain([self.describe]) {
            napi_raw::unpin(&env, pinned);
        }
    }

    fn in_scope<T>(&self, f: impl FnOnce(&Env) -> Option<T>) -> Option<T> {
        let env = Env::from_raw(self.env);
        let mut scope = ptr::null_mut();
        // SAFETY: the live environment of this thread; `scope` can hold the result.
        if unsafe { sys::napi_open_handle_scope(self.env, &raw mut scope) } != sys::Status::napi_ok {
            return None;
        }
        let result = f(&env);
        napi_raw::clear_exception(&env);
        // SAFETY: the scope opened above; no handle of it is used after this.
        unsafe { sys::napi_close_handle_scope(self.env, scope) };
        result
    }

    fn make<'env>(&self, env: &'env Env) -> Option<Unknown<'env>> {
        let class = self.class.as_ref().and_then(|class| napi_raw::pinned(env, class));
        let Some(class) = class else { return error(env) };
        let limit = property(env, class.raw())?;
        let raised = env.create_double(FRAMES).ok()?;
        // A frozen class refuses without an exception: the stack has as many frames as the program's own errors.
        set_property(env, class.raw(), raised.raw());
        let made = error(env);
        set_property(env, class.raw(), limit);
        made
    }
}

fn error(env: &Env) -> Option<Unknown<'_>> {
    let message = env.create_string("The event loop is blocked").ok()?;
    let mut error = ptr::null_mut();
    // SAFETY: live handles of the open scope; a null code is absent; `error` can hold one handle.
    let status = unsafe { sys::napi_create_error(env.raw(), ptr::null_mut(), message.raw(), &raw mut error) };
    // SAFETY: a live handle of the open scope.
    (status == sys::Status::napi_ok).then(|| unsafe { Unknown::from_raw_unchecked(env.raw(), error) })
}

fn property(env: &Env, class: sys::napi_value) -> Option<sys::napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: live handles of the open scope, a name that ends with NUL; `value` can hold one handle.
    let status = unsafe { sys::napi_get_named_property(env.raw(), class, LIMIT.as_ptr(), &raw mut value) };
    (status == sys::Status::napi_ok).then_some(value)
}

fn set_property(env: &Env, class: sys::napi_value, value: sys::napi_value) {
    // SAFETY: live handles of the open scope, a name that ends with NUL.
    unsafe { sys::napi_set_named_property(env.raw(), class, LIMIT.as_ptr(), value) };
}

fn call(env: &Env, function: sys::napi_value, argument: sys::napi_value) -> Option<Unknown<'_>> {
    let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
    let arguments = [argument];
    // SAFETY: live handles of the open scope; the outputs can hold one handle each.
    let status = unsafe {
        let status = sys::napi_get_undefined(env.raw(), &raw mut receiver);
        check_status!(status).ok()?;
        sys::napi_call_function(env.raw(), receiver, function, 1, arguments.as_ptr(), &raw mut result)
    };
    // SAFETY: a live handle of the open scope.
    (status == sys::Status::napi_ok).then(|| unsafe { Unknown::from_raw_unchecked(env.raw(), result) })
}
