//! Native objects of an environment, which its JavaScript names by handles.

use super::cache::handle as cache;
use super::napi_raw::{Pinned, misuse};
use super::protocol::IN_TURN;
use super::task::input_buffer::InputBuffer;
use crate::cancel::Cancel;
use crate::handle_map::{HandleMap, TooManyHandles};
use crate::pool::{AdmitError, Permit, Pool, Reservation};
use crate::transform::Transform;
use crate::transform::streaming::StreamSession;
use napi::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

/// A task that a pool has admitted and whose outcome JavaScript has not received yet.
pub struct InFlight {
    pub pool: Arc<Pool>,
    pub ticket: u64,
    pub bytes: usize,
    pub cancel: Cancel,
    /// The `ArrayBuffer` that the task borrows.
    pub pinned: Option<Pinned>,
}

#[derive(Default)]
pub struct Handles {
    pub transforms: HandleMap<Arc<dyn Transform>>,
    pub pools: HandleMap<Arc<Pool>>,
    /// By task id, which JavaScript assigns.
    pub tasks: Vec<Option<InFlight>>,
    pub reservations: HandleMap<Reservation>,
    /// For tasks that JavaScript runs.
    pub permits: HandleMap<Permit>,
    /// Waiters for a reservation, by task id: the pool, and the waiter's ticket.
    pub waiting: BTreeMap<u32, (Arc<Pool>, u64)>,
    /// Threads of this environment that run user functions.
    pub function_threads: BTreeSet<u32>,
    pub input_buffers: HandleMap<InputBuffer>,
    pub caches: HandleMap<cache::Handle>,
    pub sessions: HandleMap<Arc<StreamSession>>,
    /// Locked files.
    pub locks: HandleMap<File>,
}

/// Handle of a reservation, or a negative number for none, which may be `IN_TURN`. A function that accepts a reservation owns it, even on
/// failure, so the function starts with [`Handles::take_reservation`].
pub type ReservationHandle = i32;

/// Source of the capacity of a task.
pub enum Capacity {
    Reserved(Reservation),
    /// Capacity that is free now.
    Free,
    /// Capacity that is free now and for which no caller waits.
    FreeInTurn,
}

impl Capacity {
    /// Returns the bytes that are reserved already.
    pub fn bytes(&self) -> usize {
        if let Capacity::Reserved(reservation) = self { reservation.bytes() } else { 0 }
    }
}

impl Handles {
    pub fn pool(&self, handle: u32) -> Result<&Arc<Pool>> {
        self.pools.get(handle).ok_or_else(|| misuse("a pool that is closed"))
    }

    pub fn cache(&self, handle: u32) -> Result<&cache::Handle> {
        self.caches.get(handle).ok_or_else(|| misuse("a cache that is closed"))
    }

    pub fn cache_mut(&mut self, handle: u32) -> Result<&mut cache::Handle> {
        self.caches.get_mut(handle).ok_or_else(|| misuse("a cache that is closed"))
    }

    pub fn transform(&self, handle: u32) -> Result<&Arc<dyn Transform>> {
        self.transforms.get(handle).ok_or_else(|| misuse("a transform that is dropped"))
    }

    /// Returns a transform with the output limit of a pool.
    pub fn transform_in(&self, pool: &Pool, handle: u32) -> Result<Arc<dyn Transform>> {
        let transform = self.transform(handle)?;
        let limited = pool.options().max_output.and_then(|max| transform.limited(max));
        Ok(limited.unwrap_or_else(|| Arc::clone(transform)))
    }

    pub fn session(&self, handle: u32) -> Result<&Arc<StreamSession>> {
        self.sessions.get(handle).ok_or_else(|| misuse("a session that is closed"))
    }

    pub fn permit(&self, handle: u32) -> Result<&Permit> {
        self.permits.get(handle).ok_or_else(|| misuse("a permit that is dropped"))
    }

    pub fn permit_mut(&mut self, handle: u32) -> Result<&mut Permit> {
        self.permits.get_mut(handle).ok_or_else(|| misuse("a permit that is dropped"))
    }

    pub fn input_buffer(&mut self, handle: u32) -> Result<&mut InputBuffer> {
        self.input_buffers.get_mut(handle).ok_or_else(|| misuse("an input buffer that is dropped"))
    }

    pub fn insert_task(&mut self, task: u32, in_flight: InFlight) {
        let index = task as usize;
        if index >= self.tasks.len() {
            self.tasks.resize_with(index + 1, || None);
        }
        self.tasks[index] = Some(in_flight);
    }

    pub fn remove_task(&mut self, task: u32) -> Option<InFlight> {
        self.tasks.get_mut(task as usize).and_then(Option::take)
    }

    /// Stores a new permit. The pool has begun the permit's first task, which can no longer be withdrawn.
    pub fn insert_permit(&mut self, permit: Permit) -> Result<u32> {
        if let Some(task) = permit.first() {
            self.remove_task(task);
        }
        Ok(self.permits.insert(permit)?)
    }

    /// Takes over the reservation that JavaScript passes, if any. Dropping it releases it.
    pub fn take_reservation(&mut self, handle: ReservationHandle) -> Capacity {
        let reservation = u32::try_from(handle).ok().and_then(|handle| self.reservations.remove(handle));
        match reservation {
            Some(reservation) => Capacity::Reserved(reservation),
            None if handle == IN_TURN => Capacity::FreeInTurn,
            None => Capacity::Free,
        }
    }

    /// Returns a reservation of `bytes`.
    pub fn reserve(
        &self,
        pool: u32,
        capacity: Capacity,
        bytes: usize,
    ) -> Result<std::result::Result<Reservation, AdmitError>> {
        let pool = self.pool(pool)?;
        Ok(match capacity {
            Capacity::Reserved(mut reservation) => {
                reservation.resize(bytes).then_some(reservation).ok_or(AdmitError::Bytes)
            }
            Capacity::Free => pool.try_admit(bytes),
            Capacity::FreeInTurn => pool.try_admit_in_turn(bytes),
        })
    }
}

impl From<TooManyHandles> for Error {
    fn from(_: TooManyHandles) -> Self {
        Error::from_reason("offloop holds 16,777,216 objects of one kind for this thread and cannot hold more")
    }
}
