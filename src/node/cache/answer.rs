//! Answers of the cache calls, as numbers.

use super::handle::{Handle, Pending};
use crate::cache::arena::Stored;
use crate::cache::{EntryRef, Evicted, FlightId, Join};
use crate::node::convert::{f64_of, millis_of};
use crate::node::environment;
use crate::node::napi_raw::{self, misuse};
use crate::node::protocol::{ANSWER_WORDS, AnswerKind, AnswerWord};
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
        self.set(AnswerWord::Evictions, 0.0);
    }

    pub(super) fn entry(&mut self, entry: &EntryRef) {
        self.set(AnswerWord::Slot, f64::from(entry.slot));
        self.set(AnswerWord::Version, f64::from(entry.version));
        self.set(AnswerWord::RefreshAt, millis_of(entry.times.refresh_at));
        self.set(AnswerWord::FreshUntil, millis_of(entry.times.fresh_until));
    }

    pub(super) fn join(&mut self, join: Join) {
        match join {
            Join::Lead(flight) => self.kind(AnswerKind::Lead, Some(flight)),
            Join::Follow(flight) => self.kind(AnswerKind::Follow, Some(flight)),
        }
    }

    /// Call this last: `kind` overwrites the number of evictions.
    pub(super) fn evicted(&mut self, handle: &mut Handle, evicted: impl IntoIterator<Item = Evicted<Stored>>) {
        if let Some(pending) = &mut handle.pending {
            pending.extend(evicted.into_iter().map(Pending::Entry));
            self.set(AnswerWord::Evictions, f64_of(pending.len() as u64));
        }
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
