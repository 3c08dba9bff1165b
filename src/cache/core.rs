//! A cache that loads each key once at a time, bounded in entries and bytes.
//!
//! It does not call loaders: a miss returns whether to load or to wait, and the end of a load returns the participants to
//! notify. One lock guards the whole state, so that entries, order, weights and flights always agree. It is held for a few
//! hundred nanoseconds; no value is dropped and no foreign code runs under it.
//!
//! Guarantee: a call that begins after `set`, `delete` or `clear` has returned never sees an older load's value.

use super::detached::{Detached, Evicted};
use super::expiry::{Age, EntryTimes, ExpiryQueue, Lifetime, SplitMix64};
use super::failure::Failures;
use super::flight::{FlightId, Flights, Join, LeaveOutcome, Role};
use super::index::{Entry, Index};
use super::key::Key;
use super::limits::{Limits, Room};
use super::order::{Order, Policy};
use super::stats::{Counts, Reason, Stats};
use crate::clock::Time;
use crate::metrics::Latencies;
use crate::sync::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Version words. Slots share them, so a change of one entry also invalidates copies of some others.
pub const VERSIONS: u32 = 4096;

/// Number of a handle of the cache, unique in the process.
pub type Participant = u64;

/// Identifies the state of an entry, so that near caches can validate their copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRef {
    pub slot: u32,
    /// Value of the slot's word in [`Cache::versions`] for as long as the entry is unchanged.
    pub version: u32,
    pub times: EntryTimes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<V> {
    pub entry: EntryRef,
    pub value: V,
}

/// Result of [`Cache::get`].
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<V> {
    /// A value to serve now. With `refresh` the caller leads a background flight.
    Hit { found: Found<V>, refresh: Option<FlightId> },
    /// The last load failed recently: serve its error, as passed to [`Cache::fail`].
    Failing { error: Option<V> },
    /// Nothing to serve yet. `previous` is the last known value, for the loader.
    Miss { join: Join, previous: Option<V> },
}

/// A load that succeeded, and the participants to notify.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    pub evicted: Vec<Evicted<V>>,
    pub followers: Vec<Participant>,
}

/// A load that failed, and the participants to notify.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed<V> {
    /// True if the key was not set, deleted or cleared since the load began.
    pub is_current: bool,
    /// Value to serve in place of the error.
    pub fallback: Option<V>,
    pub followers: Vec<Participant>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    pub limits: Limits,
    pub lifetime: Lifetime,
    pub policy: Policy,
}

/// A value to be stored.
#[derive(Debug)]
pub struct Incoming<V> {
    pub value: V,
    pub weight: u64,
    /// Overrides the cache's `ttl`.
    pub ttl: Option<Duration>,
    /// Overrides the cache's `refresh_after`.
    pub refresh: Option<Duration>,
}

struct State<V> {
    index: Index<V>,
    order: Order,
    expiry: ExpiryQueue,
    flights: Flights<Participant>,
    failures: Failures<Option<V>>,
    counts: Counts,
    load_time: Latencies,
    random: SplitMix64,
}

impl<V> State<V> {
    fn touch(&mut self, uses: &[u32]) {
        for slot in uses {
            self.order.touch(*slot);
        }
        self.counts.hits += uses.len() as u64;
    }
}

pub struct Cache<V> {
    lifetime: Lifetime,
    state: Mutex<State<V>>,
    versions: Arc<[AtomicU32]>,
}

impl<V: Clone> Cache<V> {
    /// `seed` seeds the random numbers of the jitter.
    pub fn new(options: &Options, seed: u64) -> Self {
        let state = State {
            index: Index::new(),
            order: Order::new(options.limits, options.policy),
            expiry: ExpiryQueue::default(),
            flights: Flights::new(),
            failures: Failures::new(),
            counts: Counts::default(),
            load_time: Latencies::new(),
            random: SplitMix64(seed),
        };
        let versions = (0..VERSIONS).map(|_| AtomicU32::new(0)).collect();
        Cache { lifetime: options.lifetime, state: Mutex::new(state), versions }
    }

    /// Returns the value, or joins the flight that loads it. An expired entry is evicted.
    pub fn get(&self, key: &Key, participant: Participant, now: Time) -> (Lookup<V>, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        // After a miss the loaded value will evict this entry: the processor overlaps its reads with those of the lookup.
        if let Some(victim) = state.order.likely_victim() {
            state.index.read_ahead(victim);
        }
        let mut found = state.index.find_mut(key).map(|(slot, entry)| (self.found(slot, entry), entry.times.age(now)));
        let mut expired = None;
        if let Some((Found { entry, .. }, Age::Expired)) = &found {
            expired = self.evict(state, entry.slot, Reason::Ttl);
            found = None;
        }
        // A key whose load failed recently is not reloaded.
        let failing =
            if matches!(found, Some((_, Age::Fresh))) { None } else { state.failures.find(key, now).cloned() };
        let lookup = match (found, failing) {
            (Some((found, age @ (Age::Fresh | Age::RefreshDue | Age::Stale))), failing) => {
                state.order.touch(found.entry.slot);
                state.counts.hit(age == Age::Stale);
                let reloads = age != Age::Fresh && failing.is_none();
                let refresh = if reloads { state.flights.refresh(key, &participant) } else { None };
                state.counts.loads += u64::from(refresh.is_some());
                Lookup::Hit { found, refresh }
            }
            (Some((found, Age::ErrorOnly)), Some(_)) if now < found.entry.times.if_error_until => {
                state.order.touch(found.entry.slot);
                state.counts.hit(true);
                Lookup::Hit { found, refresh: None }
            }
            (_, Some(error)) => {
                state.counts.misses += 1;
                Lookup::Failing { error }
            }
            (error_only, None) => {
                let join = state.flights.join(key, &participant);
                state.counts.miss(join);
                Lookup::Miss { join, previous: error_only.map(|(found, _)| found.value) }
            }
        };
        (lookup, expired)
    }

    /// Joins or begins a flight for the key even if its entry is fresh. Returns the last known value with it.
    pub fn refresh(&self, key: &Key, participant: Participant, now: Time) -> (Join, Option<V>) {
        let state = &mut *self.state.lock();
        let join = state.flights.join(key, &participant);
        state.counts.join(join);
        let previous = state.index.find(key).filter(|(_, entry)| entry.times.age(now) != Age::Expired);
        (join, previous.map(|(_, entry)| entry.value.clone()))
    }

    /// Returns a fresh value without counting a use. An expired entry is evicted.
    pub fn peek(&self, key: &Key, now: Time) -> (Option<Found<V>>, Option<Evicted<V>>) {
        self.find_fresh(&mut self.state.lock(), key, now)
    }

    /// Returns a fresh value, for a caller that cannot load, and counts a hit or a miss.
    pub fn find(&self, key: &Key, now: Time) -> (Option<Found<V>>, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        let (found, expired) = self.find_fresh(state, key, now);
        match &found {
            Some(found) => {
                state.order.touch(found.entry.slot);
                state.counts.hit(false);
            }
            None => state.counts.misses += 1,
        }
        (found, expired)
    }

    /// Records `uses` of copies, as [`Cache::touch`] does, then stores a value unless it is too heavy or has expired already. A load
    /// in flight will not replace it. One lock for both is contended less than two.
    #[must_use = "drop the evicted entries where that may take time"]
    pub fn set(&self, uses: &[u32], key: &Key, incoming: Incoming<V>, now: Time) -> Vec<Evicted<V>> {
        let state = &mut *self.state.lock();
        state.touch(uses);
        state.flights.forget(key);
        state.failures.forget(key);
        self.store(state, key, incoming, now)
    }

    /// Ends a flight whose load has succeeded, and stores the value unless `incoming` is `None` or the flight is not the
    /// key's current one. `None`: the flight has ended already, or has another leader by now.
    pub fn complete(
        &self,
        flight: FlightId,
        participant: Participant,
        incoming: Option<Incoming<V>>,
        took: Duration,
        now: Time,
    ) -> Option<Loaded<V>> {
        let state = &mut *self.state.lock();
        let completed = state.flights.complete(flight, &participant)?;
        state.load_time.record(took, 1);
        if completed.is_current {
            state.failures.forget(&completed.key);
        }
        let evicted = match incoming {
            Some(incoming) if completed.is_current => self.store(state, &completed.key, incoming, now),
            _ => Vec::new(),
        };
        Some(Loaded { evicted, followers: completed.followers })
    }

    /// Ends a flight whose load has failed. For `error_ttl` from now on the key's callers get the same error; without one, they
    /// only learn that the load failed. `None`: the flight has ended already, or has another leader by now.
    pub fn fail(
        &self,
        flight: FlightId,
        participant: Participant,
        error: Option<V>,
        took: Duration,
        now: Time,
    ) -> Option<Failed<V>> {
        let state = &mut *self.state.lock();
        let completed = state.flights.complete(flight, &participant)?;
        state.load_time.record(took, 1);
        state.counts.load_failures += 1;
        let stale = state.index.find(&completed.key).filter(|(_, entry)| {
            completed.is_current
                && matches!(entry.times.age(now), Age::Stale | Age::ErrorOnly)
                && now < entry.times.if_error_until
        });
        let fallback = stale.map(|(_, entry)| entry.value.clone());
        if completed.is_current && !self.lifetime.error_ttl.is_zero() {
            state.failures.remember(completed.key, error, now.after(self.lifetime.error_ttl));
        }
        Some(Failed { is_current: completed.is_current, fallback, followers: completed.followers })
    }

    /// Removes a participant whose callers have all stopped waiting from a flight. `None`: the flight has ended already.
    pub fn leave(&self, flight: FlightId, participant: Participant, role: Role) -> Option<LeaveOutcome<Participant>> {
        let state = &mut *self.state.lock();
        let outcome = state.flights.leave(flight, &participant, role);
        state.counts.loads += u64::from(matches!(outcome, Some(LeaveOutcome::HandedOver(_))));
        outcome
    }

    /// Leaves a flight that takes too long. The key's next caller begins another one.
    pub fn give_up(&self, flight: FlightId, participant: Participant) -> Option<LeaveOutcome<Participant>> {
        self.state.lock().flights.retire(flight);
        self.leave(flight, participant, Role::Waiter)
    }

    /// Removes a participant from all flights. Returns those that now have another leader or no waiter.
    pub fn remove_participant(&self, participant: Participant) -> Vec<(FlightId, LeaveOutcome<Participant>)> {
        let state = &mut *self.state.lock();
        let outcomes = state.flights.remove_participant(&participant);
        let handed_over = outcomes.iter().filter(|(_, outcome)| matches!(outcome, LeaveOutcome::HandedOver(_)));
        state.counts.loads += handed_over.count() as u64;
        outcomes
    }

    /// Removes an entry, and returns whether there was one. A load in flight will not store its result.
    pub fn delete(&self, key: &Key, now: Time) -> (bool, Option<Evicted<V>>) {
        let state = &mut *self.state.lock();
        state.flights.forget(key);
        state.failures.forget(key);
        let expired = self.evict_if_expired(state, key, now);
        let slot = state.index.find(key).map(|(slot, _)| slot);
        let deleted = slot.and_then(|slot| self.evict(state, slot, Reason::Deleted));
        (deleted.is_some(), deleted.or(expired))
    }

    /// Removes all entries. Loads in flight will not store their results.
    #[must_use = "drop the entries where that may take time"]
    pub fn clear(&self) -> Detached<V> {
        let state = &mut *self.state.lock();
        state.flights.forget_all();
        state.failures.clear();
        let (slots, entries) = state.index.take();
        state.counts.evictions.deleted += entries.len() as u64;
        for version in &*self.versions {
            version.fetch_add(1, Ordering::Release);
        }
        Detached { slots, entries, order: state.order.take(), expiry: std::mem::take(&mut state.expiry) }
    }

    /// Replaces the limits.
    #[must_use = "drop the evicted entries where that may take time"]
    pub fn resize(&self, limits: Limits, now: Time) -> Vec<Evicted<V>> {
        let state = &mut *self.state.lock();
        state.order.set_limits(limits);
        self.make_room(state, Room::NONE, now)
    }

    /// Records uses of copies, each of which is a hit. `uses` are the slots, in order of use.
    pub fn touch(&self, uses: &[u32]) {
        self.state.lock().touch(uses);
    }

    /// Returns the fresh entries, from the most to the least likely to stay.
    pub fn entries(&self, now: Time) -> Vec<(Key, V)> {
        let state = self.state.lock();
        let entries = state.order.slots().into_iter().filter_map(|slot| state.index.get(slot));
        let fresh = entries.filter(|entry| now < entry.times.fresh_until);
        fresh.map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    pub fn limits(&self) -> Limits {
        self.state.lock().order.limits()
    }

    /// Number of entries, and their total weight.
    pub fn size(&self) -> (usize, u64) {
        let state = self.state.lock();
        (state.index.len(), state.order.bytes())
    }

    pub fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            size: state.index.len(),
            bytes: state.order.bytes(),
            in_flight: state.flights.len(),
            counts: state.counts,
            load_time: state.load_time.summary(),
        }
    }

    /// Returns the version words. The word at a slot modulo [`VERSIONS`] changes when the entry in the slot is removed, if a call has
    /// returned it.
    pub fn versions(&self) -> &Arc<[AtomicU32]> {
        &self.versions
    }

    fn version(&self, slot: u32) -> &AtomicU32 {
        &self.versions[(slot % VERSIONS) as usize]
    }

    fn found(&self, slot: u32, entry: &mut Entry<V>) -> Found<V> {
        entry.is_copied = true;
        let version = self.version(slot).load(Ordering::Acquire);
        Found { entry: EntryRef { slot, version, times: entry.times }, value: entry.value.clone() }
    }

    fn find_fresh(&self, state: &mut State<V>, key: &Key, now: Time) -> (Option<Found<V>>, Option<Evicted<V>>) {
        let expired = self.evict_if_expired(state, key, now);
        let fresh = state.index.find_mut(key).filter(|(_, entry)| now < entry.times.fresh_until);
        (fresh.map(|(slot, entry)| self.found(slot, entry)), expired)
    }

    fn store(&self, state: &mut State<V>, key: &Key, incoming: Incoming<V>, now: Time) -> Vec<Evicted<V>> {
        let Incoming { value, weight, ttl, refresh } = incoming;
        let replaced = state.index.find(key).map(|(slot, _)| slot);
        let rank = replaced.and_then(|slot| state.order.rank(slot));
        let mut evicted: Vec<_> =
            replaced.and_then(|slot| self.evict(state, slot, Reason::Replaced)).into_iter().collect();
        let mut times = self.lifetime.times(now, ttl, state.random.next());
        times.refresh_at = refresh.map_or(times.refresh_at, |refresh| now.after(refresh));
        if !state.order.may_hold(weight) || times.age(now) == Age::Expired {
            return evicted;
        }
        evicted.append(&mut self.make_room(state, Room::for_one(weight), now));
        if let Some(slot) = state.index.insert(Entry::new(key.clone(), value, times)) {
            state.order.insert(slot, weight, key, rank);
            state.expiry.insert(&times, slot);
        }
        evicted
    }

    /// Evicts expired entries, then those that the policy chooses.
    fn make_room(&self, state: &mut State<V>, room: Room, now: Time) -> Vec<Evicted<V>> {
        let mut evicted = Vec::new();
        while state.order.lacks(room) {
            let expired = state.expiry.first_expired(now).map(|slot| (slot, Reason::Ttl));
            let Some((slot, reason)) = expired.or_else(|| Some((state.order.victim(room)?, Reason::Size))) else {
                break;
            };
            evicted.extend(self.evict(state, slot, reason));
        }
        evicted
    }

    fn evict_if_expired(&self, state: &mut State<V>, key: &Key, now: Time) -> Option<Evicted<V>> {
        let (slot, entry) = state.index.find(key)?;
        if entry.times.age(now) == Age::Expired { self.evict(state, slot, Reason::Ttl) } else { None }
    }

    fn evict(&self, state: &mut State<V>, slot: u32, reason: Reason) -> Option<Evicted<V>> {
        let Entry { key, value, times, is_copied, .. } = state.index.remove(slot)?;
        let returns = matches!(reason, Reason::Size | Reason::Ttl);
        state.order.remove(slot, returns.then_some(&key));
        state.expiry.remove(&times, slot);
        state.counts.evictions.count(reason);
        // Slots share words, so an unnecessary change would invalidate copies of other entries.
        if is_copied {
            self.version(slot).fetch_add(1, Ordering::Release);
        }
        Some(Evicted { key, value, reason })
    }
}
