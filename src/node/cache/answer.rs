//! Answers of the cache calls, as numbers.

use super::handle::{Handle, Pending, Reports, Value};
use crate::cache::{EntryRef, Evicted, FlightId, Join, StoreOutcome};
use crate::node::convert::{f64_of, millis_of};
use crate::node::environment;
use crate::node::napi_raw::{self, misuse};
use crate::node::protocol::{ANSWER_WORDS, AnswerKind, AnswerWord, EvictionReason, FETCH, NO_SLOT};
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};

/// An answer in JavaScript's array, by [`AnswerWord`].
pub(super) struct Answer<'a>(pub(super) &'a mut [f64]);

impl Answer<'_> {
    fn set(&mut self, word: AnswerWord, value: f64) {
        self.0[word as usize] = value;
    }

    pub(super) fn kind(&mut self, kind: AnswerKind, flight: Option<FlightId>) {
        self.set(AnswerWord::Kind, f64::from(kind as i32));
        self.set(AnswerWord::Flight, flight.map_or(0.0, f64_of));
        self.set(AnswerWord::EvictedSlot, f64::from(NO_SLOT));
    }

    pub(super) fn entry(&mut self, entry: &EntryRef) {
        self.set(AnswerWord::Slot, f64::from(entry.slot));
        self.set(AnswerWord::Version, f64::from(entry.version));
        self.set(AnswerWord::RefreshAt, millis_of(entry.times.refresh_at));
        self.set(AnswerWord::FreshUntil, millis_of(entry.times.fresh_until));
    }

    /// Returns the previous value. The slot word is 0 if there is one, otherwise [`NO_SLOT`].
    pub(super) fn join(&mut self, join: Join, previous: Option<Value>) -> Value {
        match join {
            Join::Lead(flight) => self.kind(AnswerKind::Lead, Some(flight)),
            Join::Follow(flight) => self.kind(AnswerKind::Follow, Some(flight)),
        }
        self.set(AnswerWord::Slot, if previous.is_some() { 0.0 } else { f64::from(NO_SLOT) });
        previous.flatten()
    }

    /// Call this last: `kind` overwrites the eviction.
    pub(super) fn evicted(&mut self, handle: &mut Handle, evicted: impl IntoIterator<Item = Evicted<Value>>) {
        if handle.reports == Reports::Nothing {
            return drop(evicted);
        }
        handle.pending.extend(evicted.into_iter().map(Pending::Entry));
        match (handle.reports, handle.pending.len()) {
            (_, 0) => {}
            (Reports::Slots, 1) => {
                while let Some(evicted) = handle.next_evicted() {
                    self.set(AnswerWord::EvictedSlot, f64::from(evicted.slot));
                    self.set(AnswerWord::EvictionReason, f64::from(EvictionReason::from(evicted.reason) as i32));
                }
            }
            (_, count) => {
                self.set(AnswerWord::EvictedSlot, f64::from(FETCH));
                self.set(AnswerWord::EvictionReason, f64_of(count as u64));
            }
        }
    }

    pub(super) fn stored(&mut self, handle: &mut Handle, stored: StoreOutcome<Value>) {
        self.kind(if stored.entry.is_some() { AnswerKind::Stored } else { AnswerKind::Nothing }, None);
        if let Some(entry) = &stored.entry {
            self.entry(entry);
        }
        self.evicted(handle, stored.evicted);
    }
}

/// Calls `f` with the handle and an answer in `out`.
pub(super) fn answer<R>(
    env: &Env,
    cache: u32,
    out: &Unknown,
    f: impl FnOnce(&mut Handle, &mut Answer) -> R,
) -> Result<R> {
    let environment = environment::of(env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let handle = handles.cache_mut(cache)?;
    napi_raw::with_f64s(env, out, |out| (out.len() >= ANSWER_WORDS as usize).then(|| f(handle, &mut Answer(out))))
        .flatten()
        .ok_or_else(|| misuse("an array that is too small for the answer"))
}
