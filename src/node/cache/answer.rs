//! Answers as numbers: where an entry is, and which flight brings it.

use super::{Gone, Handle, Reports, Value};
use crate::cache::{Evicted, Joined, Place, Reason, Stored, Token, Who};
use crate::clock::Time;
use crate::node::environment;
use crate::node::napi_raw::{self, misuse};
use crate::node::pool::f64_of;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use std::time::Duration;

/// What comes back as numbers.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Nothing = 0,
    Hit = 1,
    Leads = 2,
    Follows = 3,
    Stored = 4,
    Failing = 5,
}

/// The words of `out`, as `lib/cache/` knows them: kind, slot, version, token, when to refresh, until when fresh
/// (milliseconds), and the slot and reason of an entry that went: no slot (-1), or of several (-2) and their count.
pub(super) struct Answer<'a>(pub(super) &'a mut [f64]);

pub(super) const WORDS: usize = 8;
pub(super) const NO_SLOT: f64 = -1.0;
pub(super) const ASK: f64 = -2.0;

impl Answer<'_> {
    pub(super) fn kind(&mut self, kind: Kind, token: Option<Token>) {
        self.0[0] = f64::from(kind as u8);
        self.0[3] = token.map_or(0.0, float);
        self.0[6] = NO_SLOT;
    }

    pub(super) fn place(&mut self, place: &Place) {
        self.0[1] = f64::from(place.slot);
        self.0[2] = f64::from(place.version);
        self.0[4] = to_millis(place.times.refresh);
        self.0[5] = to_millis(place.times.fresh);
    }

    /// There is a slot if something was known before, which is returned.
    pub(super) fn joined(&mut self, joined: Joined, previous: Option<Value>) -> Value {
        match joined {
            Joined::Leads(token) => self.kind(Kind::Leads, Some(token)),
            Joined::Follows(token) => self.kind(Kind::Follows, Some(token)),
        }
        self.0[1] = if previous.is_some() { 0.0 } else { NO_SLOT };
        previous.flatten()
    }

    /// To be called last.
    pub(super) fn evicted(&mut self, handle: &mut Handle, evicted: impl IntoIterator<Item = Evicted<Value>>) {
        if handle.reports == Reports::Nothing {
            return drop(evicted);
        }
        handle.evicted.extend(evicted.into_iter().map(Gone::One));
        match (handle.reports, handle.evicted.len()) {
            (_, 0) => {}
            (Reports::Slots, 1) => {
                while let Some(one) = handle.next_evicted() {
                    self.0[6] = f64::from(one.slot);
                    self.0[7] = f64::from(code(one.reason));
                }
            }
            (_, count) => {
                self.0[6] = ASK;
                self.0[7] = f64_of(count as u64);
            }
        }
    }
}

impl Answer<'_> {
    pub(super) fn stored(&mut self, handle: &mut Handle, stored: Stored<Value>) {
        self.kind(if stored.place.is_some() { Kind::Stored } else { Kind::Nothing }, None);
        if let Some(place) = &stored.place {
            self.place(place);
        }
        self.evicted(handle, stored.evicted);
    }
}

/// Calls `f` with the cache and the array for the answer.
pub(super) fn answer<R>(
    env: &Env,
    cache: u32,
    out: &Unknown,
    f: impl FnOnce(&mut Handle, &mut Answer, Who) -> R,
) -> Result<R> {
    let environment = environment::of(env)?;
    let handles = &mut *environment.handles.borrow_mut();
    let handle = handles.cache_mut(cache)?;
    napi_raw::with_f64s(env, out, |out| {
        (out.len() >= WORDS).then(|| {
            let who = handle.who;
            f(handle, &mut Answer(out), who)
        })
    })
    .flatten()
    .ok_or_else(|| misuse("no array for the answer"))
}

pub(super) fn code(reason: Reason) -> u32 {
    match reason {
        Reason::Size => 0,
        Reason::Ttl => 1,
        Reason::Replaced => 2,
        Reason::Deleted => 3,
    }
}

#[expect(clippy::cast_precision_loss, reason = "tokens count up from one")]
pub(super) fn float(token: Token) -> f64 {
    token as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a safe integer; a negative one is none")]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

/// Milliseconds with a fraction.
pub(super) fn span(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default()
}

pub(super) fn from_millis(now: f64) -> Time {
    Time(whole(now * 1e3))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a process's life")]
pub(super) fn to_millis(time: Time) -> f64 {
    if time == Time::NEVER { f64::INFINITY } else { time.0 as f64 / 1e3 }
}
