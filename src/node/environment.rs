//! An environment: the main thread's or a worker thread's JavaScript, with its handles and its completion port.

use super::completion::{DrainBuffers, Port};
use super::handles::Handles;
use super::napi_raw;
use super::watch::active::ActiveWatch;
use crate::pool::{self, functions};
use napi::bindgen_prelude::{Function, FunctionRef};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Environment {
    /// Unique in the process.
    pub id: u32,
    pub port: Arc<Port>,
    pub handles: RefCell<Handles>,
    pub drain_buffers: Cell<DrainBuffers>,
    throw_resources: FunctionRef<String, ()>,
    /// The watch of the event loop.
    pub watch: RefCell<Option<ActiveWatch>>,
    /// The id of this thread once it has reported that its user function is blocked.
    pub function_thread: Cell<Option<u32>>,
}

/// The version of the package that this addon belongs to.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Opens the environment's completion port. Called once, when the package is loaded. `throw_resources` throws the error
/// of a failed allocation.
#[napi(catch_unwind, ts_args_type = "drain: () => void, throwResources: (message: string) => never")]
pub fn open(env: Env, drain: Function<(), ()>, throw_resources: Function<String, ()>) -> Result<()> {
    static NEXT_ID: AtomicU32 = AtomicU32::new(0);
    let environment = Rc::new(Environment {
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        port: Port::open(&drain)?,
        handles: RefCell::default(),
        drain_buffers: Cell::default(),
        throw_resources: throw_resources.create_ref()?,
        watch: RefCell::default(),
        function_thread: Cell::default(),
    });
    napi_raw::set_instance_data(env, environment.clone())?;
    env.add_env_cleanup_hook(environment, |environment| environment.close())?;
    Ok(())
}

/// Sets whether pending tasks keep the process alive.
#[napi(catch_unwind)]
pub fn keep_alive(env: Env, alive: bool) -> Result<()> {
    of(&env)?.port.keep_alive(&env, alive)
}

/// Returns the environment of the calling function.
pub fn of(env: &Env) -> Result<&Environment> {
    napi_raw::instance_data::<Rc<Environment>>(env).map(|environment| &**environment)
}

impl Environment {
    /// Throws the error of a failed allocation.
    pub fn throw_memory(&self, env: &Env, message: String) -> Error {
        let thrown = self.throw_resources.borrow_back(env).and_then(|throw| throw.call(message));
        thrown.err().unwrap_or_else(|| Error::new(Status::PendingException, String::new()))
    }

    /// Ends everything that this environment began: its JavaScript no longer runs.
    fn close(&self) {
        drop(self.watch.take());
        let handles = self.handles.take();
        for thread in handles.function_threads.into_iter().chain(self.function_thread.take()) {
            functions::remove(thread);
        }
        for task in handles.tasks.into_iter().flatten() {
            task.cancel.cancel();
            drop(task.pool.withdraw(task.ticket, task.bytes));
        }
        let mut waiting: Vec<_> = handles.waiting.into_values().collect();
        waiting.sort_by_key(|(_, ticket)| *ticket);
        for (pool, ticket) in waiting {
            pool.leave(ticket);
        }
        for cache in handles.caches {
            cache.close();
        }
        // The transforms go before the port closes, which waits for the memory that they keep.
        drop((handles.reservations, handles.input_buffers, handles.permits, handles.transforms));
        self.port.close();
        for pool in handles.pools {
            pool::close(&pool);
        }
    }
}
