//! The completion port: how outcomes come back from threads to one environment.
//!
//! Threads push outcomes to a queue and ring a bell when nobody has rung it since the last drain; JavaScript then
//! takes everything that is there in one call. The queue holds at most one outcome for each task that pools admitted.

use super::napi_raw;
use crate::cache::arena::Stored;
use crate::error::Result;
use crate::pool::{Permit, Reservation};
use crate::transform::{Bytes, Document, Lend, Value};
use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What an environment hears of a flight that it shares with others.
pub enum Mail {
    /// The load's value, encoded.
    Value(Stored),
    /// The load's error, encoded.
    Error(Stored),
    /// The load is over, and there is no value.
    Absent,
    /// Whoever loaded is gone: load.
    Lead,
    /// Nobody waits any more.
    Stop,
}

/// How a task ended, that room was granted to a waiter, or mail for a cache.
pub enum Outcome {
    One(Result<Value>),
    /// Of a document whose task goes on.
    Part(Document),
    /// Of a batch, in order, with how long it ran.
    Many {
        results: Vec<Result<Value>>,
        took: Duration,
    },
    Granted(Reservation),
    /// The turn of a task has come that JavaScript runs.
    Begun(Permit),
    Mail {
        token: u64,
        mail: Mail,
    },
}

pub struct Completion {
    pub task: u32,
    pub outcome: Outcome,
}

type Bell = ThreadsafeFunction<(), (), (), Status, false, true>;

pub struct Port {
    sender: Sender<Completion>,
    receiver: Receiver<Completion>,
    bell: Bell,
    /// Whether the bell has rung since it was last armed.
    rung: AtomicBool,
    closed: AtomicBool,
    loans: Arc<Loans>,
}

impl Port {
    /// `drain` is called on the environment's thread whenever there is something to take. The bell is weak: it does
    /// not keep the process alive unless [`Port::keep_alive`] says so.
    pub fn open(drain: &Function<(), ()>) -> napi::Result<Arc<Self>> {
        let bell = drain.build_threadsafe_function().weak::<true>().build()?;
        let (sender, receiver) = unbounded();
        Ok(Arc::new(Port {
            sender,
            receiver,
            bell,
            rung: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            loans: Arc::default(),
        }))
    }

    /// Hands an outcome over, from any thread. After the environment has ended it is dropped.
    pub fn complete(&self, task: u32, outcome: Outcome) {
        if self.closed.load(Ordering::SeqCst) {
            return;
        }
        // The receiver lives as long as the sender: this cannot fail.
        let _ = self.sender.send(Completion { task, outcome });
        if self.closed.load(Ordering::SeqCst) {
            // The environment ended meanwhile; what was sent too late for it must not stay.
            self.drop_all();
        }
        if !self.rung.swap(true, Ordering::SeqCst) {
            self.bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Whatever is pushed from now on rings again. To be called before the last look at the queue.
    pub fn rearm(&self) {
        self.rung.store(false, Ordering::SeqCst);
    }

    pub fn take(&self) -> Option<Completion> {
        self.receiver.try_recv().ok()
    }

    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    pub fn keep_alive(&self, env: &Env, alive: bool) -> napi::Result<()> {
        napi_raw::keep_alive(env, self.bell.raw(), alive)
    }

    /// The environment ends: drops what was not taken and waits until no thread holds memory of JavaScript's.
    /// Every running task has been cancelled by now, so this takes as long as the longest step of one: some milliseconds.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.drop_all();
        self.loans.wait_until_returned();
    }

    fn drop_all(&self) {
        while self.take().is_some() {}
    }

    /// Wraps memory of a pinned `ArrayBuffer` for a task.
    pub fn lend(&self, data: *const u8, length: usize) -> Bytes {
        self.loans.begin();
        Bytes::Lent(Box::new(Loan { data, length, loans: self.loans.clone() }))
    }
}

/// How many loans of JavaScript's memory there are.
#[derive(Default)]
struct Loans {
    count: Mutex<usize>,
    returned: Condvar,
}

impl Loans {
    fn begin(&self) {
        *self.count.lock() += 1;
    }

    fn end(&self) {
        *self.count.lock() -= 1;
        self.returned.notify_all();
    }

    fn wait_until_returned(&self) {
        let mut count = self.count.lock();
        while *count > 0 {
            self.returned.wait(&mut count);
        }
    }
}

/// Memory of an `ArrayBuffer` that nobody but its pin holds, lent to one task.
struct Loan {
    data: *const u8,
    length: usize,
    loans: Arc<Loans>,
}

// SAFETY: the memory belongs to an ArrayBuffer that JavaScript cannot reach (`lib/` transferred it and let go of it),
// so nothing writes, detaches or resizes it; it stays pinned until the task's completion is drained, which is after
// the loan was dropped, or until the environment ends, which waits for all loans. Any thread may read it meanwhile.
unsafe impl Send for Loan {}
// SAFETY: as above: the memory is only ever read.
unsafe impl Sync for Loan {}

impl Lend for Loan {
    fn bytes(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: `data` points to `length` initialized bytes that stay valid and unchanged while the loan lives.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.loans.end();
    }
}
