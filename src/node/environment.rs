//! What belongs to one environment: the handles that its JavaScript holds, its tasks under way, its port.

use super::cache;
use super::completion::Port;
use super::drain::Scratch;
use super::napi_raw::{self, Pinned, misuse};
use crate::cancel::Cancel;
use crate::pool::{self, Permit, Pool, Reservation};
use crate::transform::Transform;
use crate::transform::streaming::Session;
use napi::bindgen_prelude::Function;
use napi::{Env, Result};
use napi_derive::napi;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, TryReserveError};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A task that a pool has admitted and JavaScript has not yet heard of again.
pub struct Live {
    pub pool: Arc<Pool>,
    pub ticket: u64,
    pub bytes: usize,
    pub cancel: Cancel,
    /// The `ArrayBuffer` that it borrows.
    pub pinned: Option<Pinned>,
}

/// An input that JavaScript copies piece by piece.
pub struct Staging {
    pub room: Reservation,
    pub bytes: Vec<u8>,
    /// Whether the bytes are those of a string.
    pub of_string: bool,
}

impl Staging {
    /// What grows beyond this many bytes...
    const LARGE: usize = 8 << 20;
    /// ...gets so many: more than Linux' allocators keep in their heaps. They map it, so that it costs address space until it is
    /// written, and grows and shrinks without a copy, which would hold the loop.
    const MAPPED: usize = if cfg!(target_os = "linux") { 64 << 20 } else { 0 };
    /// More than this is mapped in any case.
    const HEAP: usize = 32 << 20;

    pub fn new(room: Reservation, of_string: bool) -> Self {
        Staging { room, bytes: Vec::new(), of_string }
    }

    /// Makes memory for `more` bytes. What is too much is given back when all are there.
    pub fn reserve(&mut self, more: usize) -> std::result::Result<(), TryReserveError> {
        let bytes = &mut self.bytes;
        let length = bytes.len() + more;
        if length <= bytes.capacity() {
            return Ok(());
        }
        if bytes.is_empty() {
            // As long as it is known to be.
            bytes.try_reserve_exact(more)?;
        } else if length <= Self::LARGE {
            bytes.try_reserve(more)?;
        } else {
            let requested = Self::MAPPED.max(length + length / 2) - bytes.len();
            bytes.try_reserve_exact(requested).or_else(|_| bytes.try_reserve_exact(more))?;
        }
        if bytes.capacity() > Self::HEAP {
            napi_raw::prefer_large_pages(bytes);
        }
        Ok(())
    }
}

#[derive(Default)]
pub struct Tables {
    pub transforms: Slab<Arc<dyn Transform>>,
    pub pools: Slab<Arc<Pool>>,
    /// By the number that JavaScript gave the task.
    pub tasks: Vec<Option<Live>>,
    pub rooms: Slab<Reservation>,
    /// For tasks that JavaScript runs.
    pub permits: Slab<Permit>,
    /// Who waits for room, by the number of the task: the pool, and the number in its line.
    pub waiting: BTreeMap<u32, (Arc<Pool>, u64)>,
    pub stagings: Slab<Staging>,
    pub caches: Slab<cache::Handle>,
    pub sessions: Slab<Arc<Session>>,
}

pub struct Environment {
    /// No other environment of the process has it.
    pub number: u32,
    pub port: Arc<Port>,
    pub tables: RefCell<Tables>,
    pub scratch: Cell<Scratch>,
}

/// The version of the package that this addon belongs to.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Opens this environment's port. Called once, when the package is loaded.
#[napi(catch_unwind, ts_args_type = "drain: () => void")]
pub fn open(env: Env, drain: Function<(), ()>) -> Result<()> {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    let environment = Rc::new(Environment {
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        port: Port::open(&drain)?,
        tables: RefCell::default(),
        scratch: Cell::default(),
    });
    napi_raw::set_instance_data(env, environment.clone())?;
    env.add_env_cleanup_hook(environment, |environment| environment.close())?;
    Ok(())
}

/// Whether pending tasks keep the process alive at the moment.
#[napi(catch_unwind)]
pub fn keep_alive(env: Env, alive: bool) -> Result<()> {
    of(&env)?.port.keep_alive(&env, alive)
}

/// The environment of the calling function.
pub fn of(env: &Env) -> Result<&Environment> {
    napi_raw::instance_data::<Rc<Environment>>(env).map(|environment| &**environment)
}

impl Environment {
    /// Ends everything that JavaScript of this environment began: nobody is left to hear of it.
    fn close(&self) {
        let tables = self.tables.take();
        for live in tables.tasks.into_iter().flatten() {
            live.cancel.cancel();
            drop(live.pool.withdraw(live.ticket, live.bytes));
        }
        let mut waiting: Vec<_> = tables.waiting.into_values().collect();
        waiting.sort_by_key(|(_, number)| *number);
        for (pool, number) in waiting {
            pool.leave(number);
        }
        for (_, cache) in tables.caches {
            cache.close();
        }
        drop((tables.rooms, tables.stagings, tables.permits));
        self.port.close();
        for (_, pool) in tables.pools {
            pool::close(&pool);
        }
    }
}

impl Tables {
    pub fn pool(&self, handle: u32) -> Result<&Arc<Pool>> {
        self.pools.get(handle as usize).ok_or_else(|| misuse("a pool that is closed"))
    }

    pub fn cache(&self, handle: u32) -> Result<&cache::Handle> {
        self.caches.get(handle as usize).ok_or_else(|| misuse("a cache that is closed"))
    }

    pub fn cache_mut(&mut self, handle: u32) -> Result<&mut cache::Handle> {
        self.caches.get_mut(handle as usize).ok_or_else(|| misuse("a cache that is closed"))
    }

    pub fn transform(&self, handle: u32) -> Result<&Arc<dyn Transform>> {
        self.transforms.get(handle as usize).ok_or_else(|| misuse("an unknown transform"))
    }

    pub fn insert_task(&mut self, task: u32, live: Live) {
        let place = task as usize;
        if place >= self.tasks.len() {
            self.tasks.resize_with(place + 1, || None);
        }
        self.tasks[place] = Some(live);
    }

    pub fn remove_task(&mut self, task: u32) -> Option<Live> {
        self.tasks.get_mut(task as usize).and_then(Option::take)
    }
}
