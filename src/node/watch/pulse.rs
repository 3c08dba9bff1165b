//! The handle of libuv that calls a watched loop at the start of each iteration's poll phase.
//!
//! A handle must be closed before its loop ends, and its memory must remain until libuv has called back: the cleanup hook of the
//! environment waits for that.

use super::runtime::{Runtime, hold_back_profiler, prepare_size};
use super::watched_loop::WatchedLoop;
use napi::{Env, Error, Result, check_status, sys};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// A started prepare handle. Used on the thread of its loop only.
pub struct Pulse {
    runtime: &'static Runtime,
    /// Memory of the handle, aligned as any C type.
    handle: Box<[u128]>,
    /// `None` once the handle is closing.
    watched: RefCell<Option<Arc<WatchedLoop>>>,
    is_closing: Cell<bool>,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
}

impl Pulse {
    /// Calls `watched` in each iteration until [`Pulse::close`], without keeping the loop alive.
    pub fn start(env: &Env, runtime: &'static Runtime, watched: Arc<WatchedLoop>) -> Result<Rc<Self>> {
        let words = prepare_size(runtime).div_ceil(size_of::<u128>());
        let mut handle = vec![0_u128; words].into_boxed_slice();
        let memory = handle.as_mut_ptr().cast::<c_void>();
        let event_loop = watched.event_loop();
        let hook = Cell::new(ptr::null_mut());
        let watched = RefCell::new(Some(watched));
        let pulse = Rc::new(Pulse { runtime, handle, watched, is_closing: Cell::new(false), hook });
        // SAFETY: `memory` has the size of a prepare handle and stays in place until `closed`, which owns a reference to `pulse`; the
        // loop is that of this thread.
        let status = unsafe { (runtime.prepare_init)(event_loop, memory) };
        if status != 0 {
            return Err(Error::from_reason(format!("uv_prepare_init returned {status}")));
        }
        // SAFETY: the loop of this thread.
        unsafe { hold_back_profiler(runtime, event_loop) };
        let data = Rc::into_raw(pulse.clone()).cast_mut().cast::<c_void>();
        // SAFETY: the handle was initialized above; `data` is a reference that `closed` takes back.
        unsafe {
            (runtime.set_data)(memory, data);
            (runtime.unref)(memory);
        }
        let mut hook = ptr::null_mut();
        // SAFETY: the live environment; `data` outlives the hook, which `closed` removes.
        let status =
            unsafe { sys::napi_add_async_cleanup_hook(env.raw(), Some(environment_ends), data, &raw mut hook) };
        if let Err(error) = check_status!(status) {
            pulse.close();
            return Err(error);
        }
        pulse.hook.set(hook);
        pulse.resume();
        Ok(pulse)
    }

    pub fn resume(&self) {
        // SAFETY: an initialized handle that is not closing. Its memory is only written by libuv, on this thread.
        unsafe { (self.runtime.prepare_start)(self.memory(), beat) };
    }

    pub fn pause(&self) {
        // SAFETY: as above.
        unsafe { (self.runtime.prepare_stop)(self.memory()) };
    }

    /// Closes the handle. libuv calls `closed` in a later iteration.
    pub fn close(&self) {
        if !self.is_closing.replace(true) {
            // The loop's files need not wait for libuv.
            self.watched.take();
            // SAFETY: an initialized handle, closed once.
            unsafe { (self.runtime.close)(self.memory(), closed) };
        }
    }

    fn beat(&self) {
        if let Some(watched) = &*self.watched.borrow() {
            watched.beat();
        }
    }

    fn end(&self) {
        if let Some(watched) = &*self.watched.borrow() {
            watched.end();
        }
    }

    fn memory(&self) -> *mut c_void {
        self.handle.as_ptr().cast_mut().cast()
    }
}

/// Returns the pulse of a handle, without its reference.
///
/// # Safety
/// `handle` must be that of a pulse that libuv has not closed.
unsafe fn of<'a>(handle: *mut c_void, runtime: &Runtime) -> &'a Pulse {
    // SAFETY: the data of the handle is the reference that `start` stored.
    unsafe { &*(runtime.get_data)(handle).cast::<Pulse>() }
}

// SAFETY: libuv calls this on the thread of the loop, with the handle that `resume` started.
unsafe extern "C" fn beat(handle: *mut c_void) {
    let Some(runtime) = super::runtime::runtime() else { return };
    // SAFETY: the handle is open.
    let pulse = unsafe { of(handle, runtime) };
    // A panic must not unwind into C.
    let _ = catch_unwind(AssertUnwindSafe(|| pulse.beat()));
}

// SAFETY: Node-API calls this once, on the environment's thread, before `closed` has removed the hook; `data` is then alive.
unsafe extern "C" fn environment_ends(_: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: as above.
    let pulse = unsafe { &*data.cast::<Pulse>() };
    let _ = catch_unwind(AssertUnwindSafe(|| pulse.end()));
    pulse.close();
}

// SAFETY: libuv calls this once, on the thread of the loop, when it no longer needs the handle.
unsafe extern "C" fn closed(handle: *mut c_void) {
    let Some(runtime) = super::runtime::runtime() else { return };
    // SAFETY: the data of the handle is the reference that `start` stored, taken back once.
    let pulse = unsafe { Rc::from_raw((runtime.get_data)(handle).cast::<Pulse>()) };
    let hook = pulse.hook.get();
    if !hook.is_null() {
        // SAFETY: the hook that `start` added, removed once; the environment waits for it.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
    }
    drop(pulse);
}
