//! The functions of libuv and V8 that Node-API lacks, found in the running process. Nothing else looks symbols up by name, except
//! [`napi_raw::is_loop_idle`](super::super::napi_raw::is_loop_idle).
//!
//! libuv's functions are stable for all of version 1. `v8::Isolate::RequestInterrupt` is found by its mangled name, which contains the
//! types of its parameters: if V8 changed them, the name would be absent, and blocks would be reported without stacks.

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// `UV_PREPARE` of `uv_handle_type`.
const PREPARE: c_int = 9;
/// `UV_LOOP_BLOCK_SIGNAL` of `uv_loop_option`.
const BLOCK_SIGNAL: c_int = 0;
/// The signal of V8's CPU profiler, on Linux, macOS and the BSDs.
const SIGPROF: c_int = 27;

#[cfg(not(windows))]
const GET_CURRENT: &str = "_ZN2v87Isolate10GetCurrentEv";
#[cfg(windows)]
const GET_CURRENT: &str = "?GetCurrent@Isolate@v8@@SAPEAV12@XZ";
#[cfg(not(windows))]
const REQUEST_INTERRUPT: &str = "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_";
#[cfg(windows)]
const REQUEST_INTERRUPT: &str = "?RequestInterrupt@Isolate@v8@@QEAAXP6AXPEAV12@PEAX@Z1@Z";

#[cfg(not(windows))]
const TERMINATION: [&str; 3] = [
    "_ZN2v87Isolate22IsExecutionTerminatingEv",
    "_ZN2v87Isolate24CancelTerminateExecutionEv",
    "_ZN2v87Isolate18TerminateExecutionEv",
];
#[cfg(windows)]
const TERMINATION: [&str; 3] = [
    "?IsExecutionTerminating@Isolate@v8@@QEAA_NXZ",
    "?CancelTerminateExecution@Isolate@v8@@QEAAXXZ",
    "?TerminateExecution@Isolate@v8@@QEAAXXZ",
];

#[cfg(not(windows))]
const ON_GC: [&str; 4] = [
    "_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
    "_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
    "_ZN2v87Isolate24RemoveGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_",
    "_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_",
];
#[cfg(windows)]
const ON_GC: [&str; 4] = [
    "?AddGCPrologueCallback@Isolate@v8@@QEAAXP6AXPEAV12@W4GCType@2@W4GCCallbackFlags@2@PEAX@Z2W442@@Z",
    "?AddGCEpilogueCallback@Isolate@v8@@QEAAXP6AXPEAV12@W4GCType@2@W4GCCallbackFlags@2@PEAX@Z2W442@@Z",
    "?RemoveGCPrologueCallback@Isolate@v8@@QEAAXP6AXPEAV12@W4GCType@2@W4GCCallbackFlags@2@PEAX@Z2@Z",
    "?RemoveGCEpilogueCallback@Isolate@v8@@QEAAXP6AXPEAV12@W4GCType@2@W4GCCallbackFlags@2@PEAX@Z2@Z",
];

/// `kGCTypeScavenge`, `kGCTypeMinorMarkSweep` and `kGCTypeMarkSweepCompact` of `v8::GCType`: those that begin and end.
pub const COLLECTIONS: c_int = 7;
/// `kGCTypeMarkSweepCompact`.
pub const MAJOR: c_int = 4;

/// A callback of a prepare handle, or of its end.
pub type HandleCallback = unsafe extern "C" fn(handle: *mut c_void);
/// A callback of an interrupt.
pub type InterruptCallback = unsafe extern "C" fn(isolate: *mut c_void, data: *mut c_void);

/// A callback at the beginning or the end of a garbage collection.
pub type CollectionCallback = unsafe extern "C" fn(isolate: *mut c_void, kind: c_int, flags: c_int, data: *mut c_void);
type AddCollectionCallback =
    unsafe extern "C" fn(isolate: *mut c_void, callback: CollectionCallback, data: *mut c_void, kinds: c_int);
type RemoveCollectionCallback =
    unsafe extern "C" fn(isolate: *mut c_void, callback: CollectionCallback, data: *mut c_void);

pub struct Runtime {
    pub handle_size: unsafe extern "C" fn(kind: c_int) -> usize,
    pub prepare_init: unsafe extern "C" fn(event_loop: *mut c_void, handle: *mut c_void) -> c_int,
    pub prepare_start: unsafe extern "C" fn(handle: *mut c_void, callback: HandleCallback) -> c_int,
    pub prepare_stop: unsafe extern "C" fn(handle: *mut c_void) -> c_int,
    pub unref: unsafe extern "C" fn(handle: *mut c_void),
    pub close: unsafe extern "C" fn(handle: *mut c_void, callback: HandleCallback),
    pub set_data: unsafe extern "C" fn(handle: *mut c_void, data: *mut c_void),
    pub get_data: unsafe extern "C" fn(handle: *const c_void) -> *mut c_void,
    pub idle_time: unsafe extern "C" fn(event_loop: *mut c_void) -> u64,
    configure: unsafe extern "C" fn(event_loop: *mut c_void, option: c_int, ...) -> c_int,
    pub interrupts: Option<Interrupts>,
}

#[derive(Clone, Copy)]
pub struct Interrupts {
    pub current_isolate: unsafe extern "C" fn() -> *mut c_void,
    pub request: unsafe extern "C" fn(isolate: *mut c_void, callback: InterruptCallback, data: *mut c_void),
    pub collections: Option<Collections>,
    pub termination: Option<Termination>,
}

/// The termination of JavaScript.
#[derive(Clone, Copy)]
pub struct Termination {
    is_pending: unsafe extern "C" fn(isolate: *mut c_void) -> bool,
    cancel: unsafe extern "C" fn(isolate: *mut c_void),
    request: unsafe extern "C" fn(isolate: *mut c_void),
}

/// Calls `f` while a pending termination of this thread's JavaScript is cancelled, then requests the termination again.
pub fn without_termination(f: impl FnOnce()) {
    let Some((termination, isolate)) = pending_termination() else { return f() };
    // SAFETY: the isolate of this thread, which is the only argument.
    unsafe { (termination.cancel)(isolate) };
    f();
    // SAFETY: as above.
    unsafe { (termination.request)(isolate) };
}

/// Returns whether this thread's JavaScript is being terminated.
pub fn is_terminating() -> bool {
    pending_termination().is_some()
}

fn pending_termination() -> Option<(Termination, *mut c_void)> {
    let Interrupts { current_isolate, termination, .. } = runtime()?.interrupts?;
    let termination = termination?;
    // SAFETY: the functions have no arguments but the isolate of this thread.
    let isolate = unsafe { Some(current_isolate()).filter(|isolate| (termination.is_pending)(*isolate)) };
    isolate.map(|isolate| (termination, isolate))
}

#[derive(Clone, Copy)]
pub struct Collections {
    pub add_prologue: AddCollectionCallback,
    pub add_epilogue: AddCollectionCallback,
    pub remove_prologue: RemoveCollectionCallback,
    pub remove_epilogue: RemoveCollectionCallback,
}

/// Returns the functions, or `None` if one of libuv's is absent.
pub fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(load).as_ref()
}

/// Returns the bytes of a prepare handle.
pub fn prepare_size(runtime: &Runtime) -> usize {
    // SAFETY: the function has no pointer arguments.
    unsafe { (runtime.handle_size)(PREPARE) }
}

/// Lets a loop wait for events undisturbed by a CPU profiler. Each signal of the profiler would end the wait, and libuv would forget
/// that it was idle.
///
/// # Safety
/// The loop must be that of the calling thread.
pub unsafe fn hold_back_profiler(runtime: &Runtime, event_loop: *mut c_void) {
    // SAFETY: the option takes one `int`. libuv refuses it on systems without signals.
    unsafe {
        (runtime.configure)(event_loop, BLOCK_SIGNAL, SIGPROF);
    }
}

fn load() -> Option<Runtime> {
    let library = Library::this();
    #[cfg(windows)]
    let library = library.ok()?;
    // SAFETY: each name is asked for with the type that libuv's `uv.h` declares in every version 1, and V8's `v8-isolate.h` for its
    // mangled name. The process never unloads itself.
    unsafe {
        Some(Runtime {
            handle_size: *library.get("uv_handle_size").ok()?,
            prepare_init: *library.get("uv_prepare_init").ok()?,
            prepare_start: *library.get("uv_prepare_start").ok()?,
            prepare_stop: *library.get("uv_prepare_stop").ok()?,
            unref: *library.get("uv_unref").ok()?,
            close: *library.get("uv_close").ok()?,
            set_data: *library.get("uv_handle_set_data").ok()?,
            get_data: *library.get("uv_handle_get_data").ok()?,
            idle_time: *library.get("uv_metrics_idle_time").ok()?,
            configure: *library.get("uv_loop_configure").ok()?,
            interrupts: library
                .get(GET_CURRENT)
                .and_then(|current| {
                    let request = library.get(REQUEST_INTERRUPT)?;
                    let (collections, termination) = (collections(&library), termination(&library));
                    Ok(Interrupts { current_isolate: *current, request: *request, collections, termination })
                })
                .ok(),
        })
    }
}

fn termination(library: &Library) -> Option<Termination> {
    let [is_pending, cancel, request] = TERMINATION;
    // SAFETY: as in `load`, with the types of `v8-isolate.h`.
    unsafe {
        Some(Termination {
            is_pending: *library.get(is_pending).ok()?,
            cancel: *library.get(cancel).ok()?,
            request: *library.get(request).ok()?,
        })
    }
}

fn collections(library: &Library) -> Option<Collections> {
    let [add_prologue, add_epilogue, remove_prologue, remove_epilogue] = ON_GC;
    // SAFETY: as in `load`, with the types of `v8-isolate.h`. The enumerations are passed as `int`.
    unsafe {
        Some(Collections {
            add_prologue: *library.get(add_prologue).ok()?,
            add_epilogue: *library.get(add_epilogue).ok()?,
            remove_prologue: *library.get(remove_prologue).ok()?,
            remove_epilogue: *library.get(remove_epilogue).ok()?,
        })
    }
}
