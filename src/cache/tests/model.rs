//! Random histories, compared with a model that consists of lists.

use super::support::*;
use crate::cache::flight::{LeaveOutcome, Role};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Get(u8),
    Set(u8, u64, Option<u64>),
    Delete(u8),
    Clear,
    Complete(usize, u64),
    Fail(usize),
    Leave(usize),
    Wait(u64),
    Resize(usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..6_u8;
    prop_oneof![
        6 => name.clone().prop_map(Step::Get),
        3 => (name.clone(), 1..8_u64, proptest::option::of(1..20_u64)).prop_map(|(a, b, c)| Step::Set(a, b, c)),
        1 => name.prop_map(Step::Delete),
        1 => Just(Step::Clear),
        3 => (0..8_usize, 1..8_u64).prop_map(|(a, b)| Step::Complete(a, b)),
        1 => (0..8_usize).prop_map(Step::Fail),
        1 => (0..8_usize).prop_map(Step::Leave),
        2 => (1..12_u64).prop_map(Step::Wait),
        1 => (0..6_usize, 0..20_u64).prop_map(|(a, b)| Step::Resize(a, b)),
    ]
}

#[derive(Debug, Clone)]
struct Line {
    name: u8,
    value: u32,
    weight: u64,
    until: u64,
}

/// Entries from the least to the most recently used.
#[derive(Debug)]
struct Model {
    lines: Vec<Line>,
    entries: usize,
    bytes: u64,
    /// Flight, name, and whether a `get` still joins the flight.
    flights: Vec<(FlightId, u8, bool)>,
    now: u64,
}

impl Model {
    fn drop_expired(&mut self, name: u8) {
        let now = self.now;
        self.lines.retain(|line| line.name != name || line.until > now);
    }

    fn shrink(&mut self) {
        while self.lines.len() > self.entries || self.weight() > self.bytes {
            let expired = (0..self.lines.len()).filter(|&index| self.lines[index].until <= self.now);
            let first = expired.min_by_key(|&index| self.lines[index].until).unwrap_or(0);
            self.lines.remove(first);
        }
    }

    fn weight(&self) -> u64 {
        self.lines.iter().map(|line| line.weight).sum()
    }

    fn store(&mut self, name: u8, value: u32, weight: u64, ttl: Option<u64>) {
        self.lines.retain(|line| line.name != name);
        if weight <= self.bytes && self.entries > 0 {
            self.lines.push(Line { name, value, weight, until: ttl.map_or(u64::MAX, |ttl| self.now + ttl) });
        }
        self.shrink();
    }

    fn forget(&mut self, name: u8) {
        for flight in &mut self.flights {
            flight.2 &= flight.1 != name;
        }
    }
}

/// Makes a deadline unique: the model does not know in which order entries that expire together are evicted.
fn unique(ttl: Option<u64>, count: u32) -> Option<u64> {
    ttl.map(|ttl| ttl * 1000 + u64::from(count))
}

proptest! {
    #[test]
    fn random_histories_match_the_model(steps in proptest::collection::vec(step(), 1..120)) {
        let limits = Limits { entries: 4, bytes: 16 };
        let cache = cache(limits, UNLIMITED);
        let mut model = Model { lines: Vec::new(), entries: 4, bytes: 16, flights: Vec::new(), now: 0 };
        let mut count = 0;
        for step in steps {
            count += 1;
            let now = Time(model.now);
            match step {
                Step::Get(name) => {
                    model.drop_expired(name);
                    let got = get(&cache, &name.to_string(), now);
                    let line = model.lines.iter().position(|line| line.name == name);
                    let flight = model.flights.iter().find(|flight| flight.1 == name && flight.2).copied();
                    match (line, flight) {
                        (Some(index), _) => {
                            let line = model.lines.remove(index);
                            prop_assert_eq!(hit(got), line.value);
                            model.lines.push(line);
                        }
                        (None, Some((flight, ..))) => {
                            prop_assert_eq!(got, Lookup::Miss { join: Join::Follow(flight), previous: None });
                        }
                        (None, None) => model.flights.push((lead(got), name, true)),
                    }
                }
                Step::Set(name, weight, ttl) => {
                    let ttl = unique(ttl, count);
                    let incoming = Incoming { value: count, weight, ttl: ttl.map(Duration::from_micros), refresh: None };
                    drop(cache.set(&[], &key(&name.to_string()), incoming, now));
                    model.forget(name);
                    model.store(name, count, weight, ttl);
                }
                Step::Delete(name) => {
                    model.drop_expired(name);
                    let held = model.lines.iter().any(|line| line.name == name);
                    prop_assert_eq!(cache.delete(&key(&name.to_string()), now).0, held);
                    model.lines.retain(|line| line.name != name);
                    model.forget(name);
                }
                Step::Clear => {
                    drop(cache.clear());
                    model.lines.clear();
                    model.flights.iter_mut().for_each(|flight| flight.2 = false);
                }
                Step::Complete(index, weight) if !model.flights.is_empty() => {
                    let (flight, name, is_current) = model.flights.remove(index % model.flights.len());
                    let incoming = Incoming { value: count, weight, ttl: None, refresh: None };
                    prop_assert!(cache.complete(flight, ME, Some(incoming), MS(1), now).is_some());
                    if is_current {
                        model.store(name, count, weight, None);
                    }
                }
                Step::Fail(index) if !model.flights.is_empty() => {
                    let (flight, ..) = model.flights.remove(index % model.flights.len());
                    prop_assert!(cache.fail(flight, ME, None, MS(1), now).is_some());
                }
                Step::Leave(index) if !model.flights.is_empty() => {
                    let (flight, ..) = model.flights.remove(index % model.flights.len());
                    prop_assert_eq!(cache.leave(flight, ME, Role::Loader), Some(LeaveOutcome::Abandoned { leader: ME }));
                }
                Step::Complete(..) | Step::Fail(_) | Step::Leave(_) => {}
                Step::Wait(millis) => model.now += millis * 1000,
                Step::Resize(entries, bytes) => {
                    drop(cache.resize(Limits { entries, bytes }, now));
                    (model.entries, model.bytes) = (entries, bytes);
                    model.shrink();
                }
            }
            let stats = cache.stats();
            prop_assert_eq!((stats.size, stats.bytes, stats.in_flight), (model.lines.len(), model.weight(), model.flights.len()));
        }
        let now = model.now;
        let fresh = model.lines.iter().rev().filter(|line| line.until > now);
        let fresh: Vec<_> = fresh.map(|line| (key(&line.name.to_string()), line.value)).collect();
        prop_assert_eq!(cache.entries(Time(now)), fresh);
    }
}
