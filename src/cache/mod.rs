//! A cache with one load for an id at a time, bounded in entries and bytes.
//!
//! It knows nothing of loaders and callers: whoever misses is told whether to load or to wait, and whoever has loaded is
//! told whom to tell. One lock guards it all, so that entries, order, weight and flights can never disagree; it is held for some
//! hundred nanoseconds, and no entry's value is dropped and no foreign code runs under it.
//!
//! The races are settled in one sentence: whoever asks after `set`, `delete` or `clear` returned never sees what was loaded
//! before.

pub mod arena;
mod cleared;
mod expiry;
mod failure;
mod flight;
mod id;
mod index;
pub mod named;
mod policy;
mod stats;

pub use cleared::{Cleared, Remains};
pub use expiry::{Age, Lifetime, Times};
pub use flight::{Joined, Left, Lost, Part, Token};
pub use id::Id;
pub use policy::Limits;
pub use stats::{Counts, Evictions, Reason, Stats};

use crate::clock::Time;
use crate::metrics::Latencies;
use crate::sync::Mutex;
use expiry::{Chances, Deadlines};
use failure::Failures;
use flight::Flights;
use index::{Entry, Index};
use policy::Policy;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Words of versions. Slots share them: a change of one entry makes copies of some others look old as well.
pub const VERSIONS: usize = 4096;

/// The number of whoever waits: an environment of the process.
pub type Who = u64;

/// Where an entry is, for copies of it that are kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub slot: u32,
    /// What [`Cache::versions`] holds for the slot as long as the entry is unchanged.
    pub version: u32,
    pub times: Times,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<V> {
    pub place: Place,
    pub value: V,
}

/// What a `get` finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Got<V> {
    /// A value to be served now. With `refresh` the caller leads a flight that nobody waits for.
    Hit { held: Held<V>, refresh: Option<Token> },
    /// The last load failed not long ago: its error is to be served.
    Failing { error: V },
    /// Nothing to be served yet. `previous` is what was known last, if the caller leads.
    Miss { joined: Joined, previous: Option<V> },
}

/// An entry that is not in the cache any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Evicted<V> {
    pub id: Id,
    pub slot: u32,
    pub value: V,
    pub reason: Reason,
}

/// What became of a value that came in. Everything in it drops outside the lock.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored<V> {
    /// `None`: it outweighs the cache, or was not to be kept.
    pub place: Option<Place>,
    pub evicted: Vec<Evicted<V>>,
}

/// A load that ended, and who else waits for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrived<V> {
    pub stored: Stored<V>,
    pub followers: Vec<Who>,
}

/// A load that failed, and who else waits for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed<V> {
    /// Whether nothing was set, deleted or cleared since the load began: the error is the last that is known of the id.
    pub is_current: bool,
    /// To be served in place of the error.
    pub fallback: Option<Held<V>>,
    pub followers: Vec<Who>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    pub limits: Limits,
    pub lifetime: Lifetime,
}

/// A value on its way in.
#[derive(Debug)]
pub struct Incoming<V> {
    pub value: V,
    pub weight: u64,
    /// In place of the cache's own.
    pub ttl: Option<Duration>,
}

struct State<V> {
    index: Index<V>,
    policy: Policy,
    deadlines: Deadlines,
    flights: Flights<Who>,
    failures: Failures<V>,
    counts: Counts,
    load_time: Latencies,
    chances: Chances,
}

pub struct Cache<V> {
    lifetime: Lifetime,
    state: Mutex<State<V>>,
    versions: Arc<[AtomicU32]>,
}

impl<V: Clone> Cache<V> {
    /// `seed` decides how lifetimes are spread.
    pub fn new(options: &Options, seed: u64) -> Self {
        let state = State {
            index: Index::new(),
            policy: Policy::new(options.limits),
            deadlines: Deadlines::default(),
            flights: Flights::new(),
            failures: Failures::new(),
            counts: Counts::default(),
            load_time: Latencies::new(),
            chances: Chances(seed),
        };
        let versions = (0..VERSIONS).map(|_| AtomicU32::new(0)).collect();
        Cache { lifetime: options.lifetime, state: Mutex::new(state), versions }
    }

    /// The value, or the flight that brings it.
    pub fn get(&self, id: &Id, who: Who, now: Time) -> (Got<V>, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        let mut found = state.index.find(id).map(|(slot, entry)| (self.held(slot, entry), entry.times.age(now)));
        let mut gone = None;
        if let Some((held, Age::Gone)) = &found {
            gone = self.evict(state, held.place.slot, Reason::Ttl);
            found = None;
        }
        // What is known to fail is not loaded again as long as anything may be served.
        let failing = if matches!(found, Some((_, Age::Fresh))) { None } else { state.failures.find(id, now).cloned() };
        let got = match (found, failing) {
            (Some((held, age @ (Age::Fresh | Age::Due | Age::Stale))), failing) => {
                state.policy.touch(held.place.slot);
                state.counts.hit(age == Age::Stale);
                let is_loaded_anew = age != Age::Fresh && failing.is_none();
                let refresh = if is_loaded_anew { state.flights.refresh(id, &who) } else { None };
                state.counts.loads += u64::from(refresh.is_some());
                Got::Hit { held, refresh }
            }
            (Some((held, Age::Doubtful)), Some(_)) if now < held.place.times.if_error => {
                state.policy.touch(held.place.slot);
                state.counts.hit(true);
                Got::Hit { held, refresh: None }
            }
            (_, Some(error)) => {
                state.counts.misses += 1;
                Got::Failing { error }
            }
            (doubtful, None) => {
                let joined = state.flights.join(id, &who);
                state.counts.miss(joined);
                Got::Miss { joined, previous: doubtful.map(|(held, _)| held.value) }
            }
        };
        (got, gone)
    }

    /// The flight that loads it anew, whatever is held.
    pub fn refresh(&self, id: &Id, who: Who, now: Time) -> (Joined, Option<V>) {
        let state = &mut *self.state.lock();
        let joined = state.flights.join(id, &who);
        state.counts.flight(joined);
        let previous = state.index.find(id).filter(|(_, entry)| entry.times.age(now) != Age::Gone);
        (joined, previous.map(|(_, entry)| entry.value.clone()))
    }

    /// What is held and fresh. It does not count as a use. What is gone is met, and goes.
    pub fn peek(&self, id: &Id, now: Time) -> (Option<Held<V>>, Option<Evicted<V>>) {
        self.look(&mut self.state.lock(), id, now)
    }

    /// What is held and fresh, for someone who cannot load. It counts as a use.
    pub fn find(&self, id: &Id, now: Time) -> (Option<Held<V>>, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        let (found, gone) = self.look(state, id, now);
        match &found {
            Some(held) => {
                state.policy.touch(held.place.slot);
                state.counts.hit(false);
            }
            None => state.counts.misses += 1,
        }
        (found, gone)
    }

    /// Stores a value; a load under way will not replace it.
    #[must_use = "drop what was evicted where it harms nobody"]
    pub fn set(&self, id: &Id, incoming: Incoming<V>, now: Time) -> Stored<V> {
        let state = &mut *self.state.lock();
        state.flights.forget(id);
        state.failures.forget(id);
        self.store(state, id, incoming, now)
    }

    /// A load has ended with a value, which is to be kept unless it is `None` or came too late. `None`: nobody waits for it
    /// any more.
    pub fn arrive(
        &self,
        token: Token,
        who: Who,
        incoming: Option<Incoming<V>>,
        took: Duration,
        now: Time,
    ) -> Option<Arrived<V>> {
        let state = &mut *self.state.lock();
        let landed = state.flights.land(token, &who)?;
        state.load_time.record(took, 1);
        if landed.is_current {
            state.failures.forget(&landed.id);
        }
        let stored = match incoming {
            Some(incoming) if landed.is_current => self.store(state, &landed.id, incoming, now),
            _ => Stored { place: None, evicted: Vec::new() },
        };
        Some(Arrived { stored, followers: landed.followers })
    }

    /// A load has failed. `None`: nobody waits for it any more. Whoever asks within `errorTtl` gets the same error.
    pub fn fail(&self, token: Token, who: Who, error: V, took: Duration, now: Time) -> Option<Failed<V>> {
        let state = &mut *self.state.lock();
        let landed = state.flights.land(token, &who)?;
        state.load_time.record(took, 1);
        state.counts.load_failures += 1;
        let stale = state.index.find(&landed.id).filter(|(_, entry)| {
            landed.is_current
                && matches!(entry.times.age(now), Age::Stale | Age::Doubtful)
                && now < entry.times.if_error
        });
        let fallback = stale.map(|(slot, entry)| self.held(slot, entry));
        if landed.is_current && !self.lifetime.error_ttl.is_zero() {
            state.failures.remember(landed.id, error, now.after(self.lifetime.error_ttl));
        }
        Some(Failed { is_current: landed.is_current, fallback, followers: landed.followers })
    }

    /// Nobody waits for the flight on this side any more.
    pub fn leave(&self, token: Token, who: Who, part: Part) -> Option<Left<Who>> {
        let state = &mut *self.state.lock();
        let left = state.flights.leave(token, &who, part);
        state.counts.loads += u64::from(matches!(left, Some(Left::Leads(_))));
        left
    }

    /// Whoever waits here has waited for too long: leaves, and whoever asks next loads anew.
    pub fn give_up(&self, token: Token, who: Who) -> Option<Left<Who>> {
        self.state.lock().flights.retire(token);
        self.leave(token, who, Part::Waits)
    }

    /// Someone is gone. Says what follows for which flight.
    pub fn lose(&self, who: Who) -> Vec<(Token, Lost<Who>)> {
        let state = &mut *self.state.lock();
        let lost = state.flights.lose(&who);
        state.counts.loads += lost.iter().filter(|(_, lost)| matches!(lost, Lost::Leads(_))).count() as u64;
        lost
    }

    /// Whether there was one; a load under way will not store its result.
    pub fn delete(&self, id: &Id, now: Time) -> (bool, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        state.flights.forget(id);
        state.failures.forget(id);
        let gone = self.evict_if_gone(state, id, now);
        let slot = state.index.find(id).map(|(slot, _)| slot);
        let deleted = slot.and_then(|slot| self.evict(state, slot, Reason::Deleted));
        (deleted.is_some(), deleted.or(gone))
    }

    /// Everything goes; loads under way will not store their results.
    #[must_use = "drop what was held where it harms nobody"]
    pub fn clear(&self) -> Cleared<V> {
        let state = &mut *self.state.lock();
        state.flights.forget_all();
        state.failures.clear();
        let (slots, entries) = state.index.take();
        let limits = state.policy.limits();
        state.counts.evictions.deleted += entries.len() as u64;
        for version in &*self.versions {
            version.fetch_add(1, Ordering::Release);
        }
        let order = std::mem::replace(&mut state.policy, Policy::new(limits));
        Cleared { slots, entries, order, deadlines: std::mem::take(&mut state.deadlines) }
    }

    /// New bounds, from now on.
    #[must_use = "drop what was evicted where it harms nobody"]
    pub fn resize(&self, limits: Limits, now: Time) -> Vec<Evicted<V>> {
        let state = &mut *self.state.lock();
        state.policy.set_limits(limits);
        self.shrink(state, now)
    }

    /// Copies of entries were used, in this order.
    pub fn touch(&self, slots: &[u32], hits: u64) {
        let state = &mut *self.state.lock();
        for slot in slots {
            state.policy.touch(*slot);
        }
        state.counts.hits += hits;
    }

    /// What is fresh at one moment, the most recently used first.
    pub fn entries(&self, now: Time) -> Vec<(Id, Held<V>)> {
        let state = self.state.lock();
        let held = |slot| state.index.get(slot).map(|entry| (entry.id.clone(), self.held(slot, entry)));
        state.policy.slots().filter_map(held).filter(|(_, held)| now < held.place.times.fresh).collect()
    }

    pub fn limits(&self) -> Limits {
        self.state.lock().policy.limits()
    }

    /// Entries, and what they weigh.
    pub fn size(&self) -> (usize, u64) {
        let state = self.state.lock();
        (state.index.len(), state.policy.bytes())
    }

    pub fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            size: state.index.len(),
            bytes: state.policy.bytes(),
            in_flight: state.flights.len(),
            counts: state.counts,
            load_time: state.load_time.summary(),
        }
    }

    /// A word for each slot, by its lower bits, that changes whenever an entry there does.
    pub fn versions(&self) -> &Arc<[AtomicU32]> {
        &self.versions
    }

    fn version(&self, slot: u32) -> &AtomicU32 {
        &self.versions[slot as usize % VERSIONS]
    }

    fn place(&self, slot: u32, times: Times) -> Place {
        Place { slot, version: self.version(slot).load(Ordering::Acquire), times }
    }

    fn held(&self, slot: u32, entry: &Entry<V>) -> Held<V> {
        Held { place: self.place(slot, entry.times), value: entry.value.clone() }
    }

    fn look(&self, state: &mut State<V>, id: &Id, now: Time) -> (Option<Held<V>>, Option<Evicted<V>>) {
        let gone = self.evict_if_gone(state, id, now);
        let found = state.index.find(id).filter(|(_, entry)| now < entry.times.fresh);
        (found.map(|(slot, entry)| self.held(slot, entry)), gone)
    }

    fn store(&self, state: &mut State<V>, id: &Id, incoming: Incoming<V>, now: Time) -> Stored<V> {
        let Incoming { value, weight, ttl } = incoming;
        let replaced = state.index.find(id).map(|(slot, _)| slot);
        let mut evicted: Vec<_> =
            replaced.and_then(|slot| self.evict(state, slot, Reason::Replaced)).into_iter().collect();
        let times = self.lifetime.times(now, ttl, state.chances.next());
        let keeps = state.policy.may_hold(weight) && times.age(now) != Age::Gone;
        let slot = if keeps { state.index.insert(Entry { id: id.clone(), value, times }) } else { None };
        let Some(slot) = slot else { return Stored { place: None, evicted } };
        state.policy.insert(slot, weight);
        state.deadlines.insert(&times, slot);
        evicted.append(&mut self.shrink(state, now));
        Stored { place: Some(self.place(slot, times)), evicted }
    }

    /// Until the bounds hold, first what is gone, then what was not used for longest.
    fn shrink(&self, state: &mut State<V>, now: Time) -> Vec<Evicted<V>> {
        let mut evicted = Vec::new();
        while state.policy.is_over() {
            let gone = state.deadlines.first_gone(now).map(|slot| (slot, Reason::Ttl));
            let Some((slot, reason)) = gone.or_else(|| Some((state.policy.oldest()?, Reason::Size))) else { break };
            evicted.extend(self.evict(state, slot, reason));
        }
        evicted
    }

    fn evict_if_gone(&self, state: &mut State<V>, id: &Id, now: Time) -> Option<Evicted<V>> {
        let (slot, entry) = state.index.find(id)?;
        if entry.times.age(now) == Age::Gone { self.evict(state, slot, Reason::Ttl) } else { None }
    }

    fn evict(&self, state: &mut State<V>, slot: u32, reason: Reason) -> Option<Evicted<V>> {
        let Entry { id, value, times } = state.index.remove(slot)?;
        state.policy.remove(slot);
        state.deadlines.remove(&times, slot);
        state.counts.evictions.count(reason);
        self.version(slot).fetch_add(1, Ordering::Release);
        Some(Evicted { id, slot, value, reason })
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod failing_tests;

#[cfg(all(test, not(feature = "loom")))]
mod tests;

#[cfg(all(test, feature = "loom"))]
#[path = "loom.rs"]
mod loom;
