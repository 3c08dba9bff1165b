use super::*;
use crate::clock::Time;

pub(super) const MS: fn(u64) -> Duration = Duration::from_millis;
pub(super) const NONE: Limits = Limits { entries: usize::MAX, bytes: u64::MAX };
pub(super) const FOR_EVER: Lifetime = Lifetime {
    ttl: None,
    jitter: 0.0,
    refresh_after: None,
    stale_while_revalidate: Duration::ZERO,
    stale_if_error: Duration::ZERO,
    error_ttl: Duration::ZERO,
};
pub(super) const NOW: Time = Time(0);
pub(super) const ME: Who = 1;
const OTHER: Who = 2;

pub(super) fn cache(limits: Limits, lifetime: Lifetime) -> Cache<u32> {
    Cache::new(&Options { limits, lifetime }, 7)
}

pub(super) fn id(name: &str) -> Id {
    Id::from(name)
}

pub(super) fn value(value: u32) -> Incoming<u32> {
    Incoming { value, weight: 1, ttl: None }
}

pub(super) fn put(cache: &Cache<u32>, name: &str, number: u32, now: Time) -> Vec<Evicted<u32>> {
    cache.set(&id(name), value(number), now).evicted
}

pub(super) fn get(cache: &Cache<u32>, name: &str, now: Time) -> Got<u32> {
    cache.get(&id(name), ME, now).0
}

pub(super) fn hit(got: Got<u32>) -> u32 {
    match got {
        Got::Hit { held, .. } => held.value,
        other => panic!("{other:?}"),
    }
}

/// The token of the flight that the caller leads.
pub(super) fn lead(got: Got<u32>) -> Token {
    match got {
        Got::Miss { joined: Joined::Leads(token), .. } => token,
        other => panic!("{other:?}"),
    }
}

fn reasons(evicted: &[Evicted<u32>]) -> Vec<(u32, Reason)> {
    evicted.iter().map(|evicted| (evicted.value, evicted.reason)).collect()
}

#[test]
fn what_is_set_is_there() {
    let cache = cache(NONE, FOR_EVER);
    assert!(put(&cache, "a", 1, NOW).is_empty());
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
    assert_eq!(reasons(&put(&cache, "a", 2, NOW)), [(1, Reason::Replaced)]);
    assert_eq!(cache.peek(&id("a"), NOW).0.unwrap().value, 2);
    assert!(cache.delete(&id("a"), NOW).0);
    assert!(!cache.delete(&id("a"), NOW).0);
    assert!(cache.peek(&id("a"), NOW).0.is_none());
}

#[test]
fn one_loads_and_all_learn_who_waits() {
    let cache = cache(NONE, FOR_EVER);
    let token = lead(get(&cache, "a", NOW));
    let joined = Got::Miss { joined: Joined::Follows(token), previous: None };
    assert_eq!(get(&cache, "a", NOW), joined);
    assert_eq!(cache.get(&id("a"), OTHER, NOW).0, joined);
    let arrived = cache.arrive(token, ME, Some(value(5)), MS(3), NOW).unwrap();
    assert_eq!(arrived.followers, [OTHER]);
    assert_eq!(hit(get(&cache, "a", NOW)), 5);
    assert_eq!(cache.arrive(token, ME, Some(value(6)), MS(3), NOW), None);
    let counts = cache.stats().counts;
    assert_eq!((counts.misses, counts.loads, counts.coalesced, counts.hits), (3, 1, 2, 1));
    assert_eq!(cache.stats().in_flight, 0);
}

#[test]
fn what_was_set_during_a_load_stays() {
    let cache = cache(NONE, FOR_EVER);
    let token = lead(get(&cache, "a", NOW));
    put(&cache, "a", 1, NOW);
    assert_eq!(cache.arrive(token, ME, Some(value(2)), MS(1), NOW).unwrap().stored.place, None);
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
}

#[test]
fn what_was_deleted_during_a_load_stays_away() {
    let cache = cache(NONE, FOR_EVER);
    for forget in [|cache: &Cache<u32>| drop(cache.delete(&id("a"), NOW)), |cache: &Cache<u32>| drop(cache.clear())] {
        let first = lead(get(&cache, "a", NOW));
        forget(&cache);
        let second = lead(get(&cache, "a", NOW));
        assert_ne!(first, second);
        assert_eq!(cache.arrive(first, ME, Some(value(1)), MS(1), NOW).unwrap().stored.place, None);
        assert_eq!(get(&cache, "a", NOW), Got::Miss { joined: Joined::Follows(second), previous: None });
        // The old one's failure harms the new one no more than its success.
        assert!(cache.fail(first, ME, 0, MS(1), NOW).is_none());
        assert!(cache.arrive(second, ME, Some(value(2)), MS(1), NOW).unwrap().stored.place.is_some());
        assert_eq!(hit(get(&cache, "a", NOW)), 2);
        forget(&cache);
    }
}

#[test]
fn a_failed_load_leaves_nothing() {
    let cache = cache(NONE, FOR_EVER);
    let token = lead(get(&cache, "a", NOW));
    assert_eq!(cache.get(&id("a"), OTHER, NOW).0, Got::Miss { joined: Joined::Follows(token), previous: None });
    assert_eq!(
        cache.fail(token, ME, 0, MS(1), NOW),
        Some(Failed { is_current: true, fallback: None, followers: vec![OTHER] })
    );
    lead(get(&cache, "a", NOW));
    assert_eq!(cache.stats().counts.load_failures, 1);
}

#[test]
fn what_outweighs_the_cache_is_not_stored() {
    let cache = cache(Limits { bytes: 10, ..NONE }, FOR_EVER);
    let heavy = |weight| Incoming { value: 9, weight, ttl: None };
    put(&cache, "b", 1, NOW);
    put(&cache, "a", 1, NOW);
    let stored = cache.set(&id("a"), heavy(11), NOW);
    assert_eq!((stored.place, reasons(&stored.evicted)), (None, vec![(1, Reason::Replaced)]));
    assert!(cache.peek(&id("a"), NOW).0.is_none() && cache.peek(&id("b"), NOW).0.is_some());
    let stored = cache.set(&id("a"), heavy(10), NOW);
    assert_eq!((stored.place.is_some(), reasons(&stored.evicted)), (true, vec![(1, Reason::Size)]));
    assert_eq!(cache.stats().bytes, 10);
}

#[test]
fn the_least_recently_used_goes_first_unless_something_is_gone() {
    let cache = cache(Limits { entries: 3, ..NONE }, Lifetime { ttl: Some(MS(100)), ..FOR_EVER });
    put(&cache, "a", 1, NOW);
    put(&cache, "b", 2, NOW);
    let _ = cache.set(&id("c"), Incoming { ttl: Some(MS(10)), ..value(3) }, NOW);
    get(&cache, "a", NOW);
    assert_eq!(reasons(&put(&cache, "d", 4, NOW)), [(2, Reason::Size)]);
    assert_eq!(reasons(&put(&cache, "e", 5, Time(10_000))), [(3, Reason::Ttl)]);
    cache.touch(&[cache.peek(&id("a"), NOW).0.unwrap().place.slot], 1);
    assert_eq!(reasons(&cache.resize(Limits { entries: 1, ..NONE }, NOW)), [(4, Reason::Size), (5, Reason::Size)]);
    assert_eq!(cache.stats().counts.hits, 2);
}

#[test]
fn an_entry_ages() {
    let lifetime = Lifetime {
        ttl: Some(MS(10)),
        refresh_after: Some(MS(5)),
        stale_while_revalidate: MS(10),
        stale_if_error: MS(20),
        ..FOR_EVER
    };
    let cache = cache(NONE, lifetime);
    put(&cache, "a", 1, NOW);
    assert!(matches!(get(&cache, "a", Time(4000)), Got::Hit { refresh: None, .. }));
    let Got::Hit { refresh: Some(token), .. } = get(&cache, "a", Time(5000)) else { panic!("due") };
    assert!(matches!(get(&cache, "a", Time(5001)), Got::Hit { refresh: None, .. }), "one refresh at a time");
    // A refresh that failed is nobody's concern.
    assert_eq!(cache.fail(token, ME, 0, MS(1), Time(5002)).unwrap().fallback, None);
    assert!(cache.peek(&id("a"), Time(10_000)).0.is_none());
    let Got::Hit { refresh: Some(token), .. } = get(&cache, "a", Time(10_000)) else { panic!("stale") };
    assert_eq!(cache.fail(token, ME, 0, MS(1), Time(10_001)).unwrap().fallback.unwrap().value, 1);
    let Got::Miss { joined: Joined::Leads(token), previous: Some(1) } = get(&cache, "a", Time(20_000)) else {
        panic!("doubtful");
    };
    assert_eq!(cache.fail(token, ME, 0, MS(1), Time(29_999)).unwrap().fallback.unwrap().value, 1);
    let (got, gone) = cache.get(&id("a"), ME, Time(30_000));
    assert!(matches!(got, Got::Miss { previous: None, .. }));
    assert_eq!(gone.unwrap().reason, Reason::Ttl);
    assert_eq!(cache.stats().counts.stale_hits, 1);
}

#[test]
fn a_refresh_joins_the_load_under_way() {
    let cache = cache(NONE, FOR_EVER);
    put(&cache, "a", 1, NOW);
    let (Joined::Leads(token), Some(1)) = cache.refresh(&id("a"), ME, NOW) else { panic!("leads") };
    assert_eq!(cache.refresh(&id("a"), OTHER, NOW), (Joined::Follows(token), Some(1)));
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
    let arrived = cache.arrive(token, ME, Some(value(2)), MS(1), NOW).unwrap();
    assert_eq!(reasons(&arrived.stored.evicted), [(1, Reason::Replaced)]);
    assert_eq!(hit(get(&cache, "a", NOW)), 2);
}

#[test]
fn copies_look_old_when_an_entry_changes() {
    let cache = cache(NONE, FOR_EVER);
    let is_current = |place: Place| cache.versions()[place.slot as usize].load(Ordering::Acquire) == place.version;
    let first = cache.set(&id("a"), value(1), NOW).place.unwrap();
    assert_eq!(cache.peek(&id("a"), NOW).0.unwrap().place, first);
    get(&cache, "a", NOW);
    assert!(is_current(first));
    let second = cache.set(&id("a"), value(2), NOW).place.unwrap();
    assert!(is_current(second) && (first.slot != second.slot || !is_current(first)));
    cache.delete(&id("a"), NOW);
    assert!(!is_current(second));
    let third = cache.set(&id("b"), value(2), NOW).place.unwrap();
    drop(cache.clear());
    assert!(!is_current(third));
}

#[test]
fn entries_are_fresh_and_the_last_used_comes_first() {
    let cache = cache(NONE, FOR_EVER);
    for (number, name) in (0..).zip(["a", "b", "c"]) {
        put(&cache, name, number, NOW);
    }
    let _ = cache.set(&id("old"), Incoming { ttl: Some(MS(1)), ..value(9) }, NOW);
    get(&cache, "a", NOW);
    let names: Vec<_> = cache.entries(Time(1000)).into_iter().map(|(id, held)| (id, held.value)).collect();
    assert_eq!(names, [(id("a"), 0), (id("c"), 2), (id("b"), 1)]);
}

mod model {
    //! Random histories against a cache that is nothing but lists.

    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Get(u8),
        Set(u8, u64, Option<u64>),
        Delete(u8),
        Clear,
        Arrive(usize, u64),
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
            3 => (0..8_usize, 1..8_u64).prop_map(|(a, b)| Step::Arrive(a, b)),
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
        /// Name, and whether a `get` still joins it.
        flights: Vec<(Token, u8, bool)>,
        now: u64,
    }

    impl Model {
        fn drop_gone(&mut self, name: u8) {
            let now = self.now;
            self.lines.retain(|line| line.name != name || line.until > now);
        }

        fn shrink(&mut self) {
            while self.lines.len() > self.entries || self.weight() > self.bytes {
                let gone = (0..self.lines.len()).filter(|&at| self.lines[at].until <= self.now);
                let first = gone.min_by_key(|&at| self.lines[at].until).unwrap_or(0);
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

    /// Deadlines of one moment go in the order of slots, which the model does not know: no two entries get the same.
    fn unique(ttl: Option<u64>, count: u32) -> Option<u64> {
        ttl.map(|ttl| ttl * 1000 + u64::from(count))
    }

    proptest! {
        #[test]
        fn random_histories_end_as_in_the_model(steps in proptest::collection::vec(step(), 1..120)) {
            let limits = Limits { entries: 4, bytes: 16 };
            let cache = cache(limits, FOR_EVER);
            let mut model = Model { lines: Vec::new(), entries: 4, bytes: 16, flights: Vec::new(), now: 0 };
            let mut count = 0;
            for step in steps {
                count += 1;
                let now = Time(model.now);
                match step {
                    Step::Get(name) => {
                        model.drop_gone(name);
                        let got = get(&cache, &name.to_string(), now);
                        let line = model.lines.iter().position(|line| line.name == name);
                        let flight = model.flights.iter().find(|flight| flight.1 == name && flight.2).copied();
                        match (line, flight) {
                            (Some(at), _) => {
                                let line = model.lines.remove(at);
                                prop_assert_eq!(hit(got), line.value);
                                model.lines.push(line);
                            }
                            (None, Some((token, ..))) => {
                                prop_assert_eq!(got, Got::Miss { joined: Joined::Follows(token), previous: None });
                            }
                            (None, None) => model.flights.push((lead(got), name, true)),
                        }
                    }
                    Step::Set(name, weight, ttl) => {
                        let ttl = unique(ttl, count);
                        let incoming = Incoming { value: count, weight, ttl: ttl.map(Duration::from_micros) };
                        drop(cache.set(&id(&name.to_string()), incoming, now));
                        model.forget(name);
                        model.store(name, count, weight, ttl);
                    }
                    Step::Delete(name) => {
                        model.drop_gone(name);
                        let held = model.lines.iter().any(|line| line.name == name);
                        prop_assert_eq!(cache.delete(&id(&name.to_string()), now).0, held);
                        model.lines.retain(|line| line.name != name);
                        model.forget(name);
                    }
                    Step::Clear => {
                        drop(cache.clear());
                        model.lines.clear();
                        model.flights.iter_mut().for_each(|flight| flight.2 = false);
                    }
                    Step::Arrive(at, weight) if !model.flights.is_empty() => {
                        let (token, name, is_current) = model.flights.remove(at % model.flights.len());
                        let incoming = Incoming { value: count, weight, ttl: None };
                        prop_assert!(cache.arrive(token, ME, Some(incoming), MS(1), now).is_some());
                        if is_current {
                            model.store(name, count, weight, None);
                        }
                    }
                    Step::Fail(at) if !model.flights.is_empty() => {
                        let (token, ..) = model.flights.remove(at % model.flights.len());
                        prop_assert!(cache.fail(token, ME, 0, MS(1), now).is_some());
                    }
                    Step::Leave(at) if !model.flights.is_empty() => {
                        let (token, ..) = model.flights.remove(at % model.flights.len());
                        prop_assert_eq!(cache.leave(token, ME, Part::Loads), Some(Left::Ends { leader: ME }));
                    }
                    Step::Arrive(..) | Step::Fail(_) | Step::Leave(_) => {}
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
            let fresh: Vec<_> = fresh.map(|line| (id(&line.name.to_string()), line.value)).collect();
            let entries: Vec<_> = cache.entries(Time(now)).into_iter().map(|(id, held)| (id, held.value)).collect();
            prop_assert_eq!(entries, fresh);
        }
    }
}
