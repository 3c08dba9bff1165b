//! The completion port: how outcomes return from threads to one environment.
//!
//! Threads push outcomes to a queue and wake the environment unless it has been woken since its last drain; JavaScript then
//! drains the queue in one call. The queue holds at most one outcome for each admitted task, the parts of documents,
//! one report of room for each stream, and memory that threads have released.

use super::batch_results::BatchResults;
use super::borrowed::Borrows;
use super::napi_raw::{self, Pinned};
use crate::cache::arena::Stored;
use crate::error::Result;
use crate::pool::{Permit, Waited};
use crate::transform::{Bytes, Document, Lend, Value};
use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A message to a cache's user in this environment about a shared load.
pub enum Mail {
    /// The load's value, encoded.
    Value(Stored),
    /// The load's error, encoded.
    Error(Stored),
    /// The load ended without a value.
    Absent,
    /// The loader's environment is gone: take the load over.
    Lead,
    /// No caller waits for the load any more.
    Stop,
}

/// An event for a task or a subscriber.
pub enum Outcome {
    One(Result<Value>),
    /// Part of a document; the task goes on.
    Part(Document),
    /// The stream that the task serves has room for input; the task goes on.
    Room,
    /// Results of a batch, in order, and its run time.
    Many {
        results: BatchResults,
        took: Duration,
    },
    /// The end of a wait for capacity.
    Waited(Waited),
    /// A permit for a task that JavaScript runs.
    Begun(Permit),
    Mail {
        flight: u64,
        mail: Mail,
    },
    /// The event loop was blocked, or a major garbage collection has ended.
    Watched,
    /// Memory that native code kept and no longer needs; it belongs to no task.
    Released(Pinned),
}

pub struct Completion {
    /// Id of the task or subscriber.
    pub task: u32,
    pub outcome: Outcome,
}

/// Buffers of a drain, kept between drains.
#[derive(Default)]
pub struct DrainBuffers {
    pub records: Vec<u32>,
    pub bytes: Vec<u8>,
}

type Waker = ThreadsafeFunction<(), (), (), Status, false, true>;

pub struct Port {
    sender: Sender<Completion>,
    receiver: Receiver<Completion>,
    waker: Waker,
    /// Whether the waker was called since the last drain.
    is_woken: AtomicBool,
    is_closed: AtomicBool,
    borrows: Arc<Borrows>,
}

impl Port {
    /// Opens a port that calls `drain` on the environment's thread when outcomes arrive. The waker does not keep the process
    /// alive unless [`Port::keep_alive`] requests it.
    pub fn open(drain: &Function<(), ()>) -> napi::Result<Arc<Self>> {
        let waker = drain.build_threadsafe_function().weak::<true>().build()?;
        let (sender, receiver) = unbounded();
        Ok(Arc::new(Port {
            sender,
            receiver,
            waker,
            is_woken: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            borrows: Arc::default(),
        }))
    }

    /// Sends an outcome, from any thread. After the environment has ended the outcome is dropped.
    pub fn complete(&self, task: u32, outcome: Outcome) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        // The receiver lives as long as the sender: this cannot fail.
        let _ = self.sender.send(Completion { task, outcome });
        if self.is_closed.load(Ordering::SeqCst) {
            // The environment ended meanwhile, so it will not drain this outcome.
            self.drop_all();
        }
        if !self.is_woken.swap(true, Ordering::SeqCst) {
            self.waker.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Makes the next outcome call the waker again. Call it before the final check of the queue.
    pub fn rearm(&self) {
        self.is_woken.store(false, Ordering::SeqCst);
    }

    pub fn take(&self) -> Option<Completion> {
        self.receiver.try_recv().ok()
    }

    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    pub fn keep_alive(&self, env: &Env, alive: bool) -> napi::Result<()> {
        napi_raw::keep_alive(env, self.waker.raw(), alive)
    }

    /// Drops the pending outcomes and waits until no thread borrows memory of this environment, which is ending.
    /// Every running task has been cancelled by now, so this takes as long as the longest step of one: some milliseconds.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.drop_all();
        self.borrows.wait_until_returned();
    }

    fn drop_all(&self) {
        while self.take().is_some() {}
    }

    /// Borrows the memory of a pinned `ArrayBuffer` for a task.
    pub fn borrow(&self, data: *const u8, length: usize) -> Bytes {
        self.borrows.borrow(data, length)
    }

    /// Takes over the memory of a pinned `ArrayBuffer`, which is freed when the bytes are dropped, on any thread.
    pub fn keep(self: &Arc<Self>, pinned: Pinned, data: *const u8, length: usize) -> Bytes {
        let (borrowed, pinned) = (Some(self.borrow(data, length)), Some(pinned));
        Bytes::Lent(Box::new(Kept { borrowed, pinned, port: self.clone() }))
    }
}

/// Memory of an `ArrayBuffer` that native code took over.
struct Kept {
    borrowed: Option<Bytes>,
    pinned: Option<Pinned>,
    port: Arc<Port>,
}

impl Lend for Kept {
    fn bytes(&self) -> &[u8] {
        self.borrowed.as_deref().unwrap_or_default()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // The borrow ends first: the memory may be freed as soon as the port has the pin.
        self.borrowed = None;
        if let Some(pinned) = self.pinned.take() {
            self.port.complete(0, Outcome::Released(pinned));
        }
    }
}
