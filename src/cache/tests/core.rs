use super::support::*;
use crate::cache::core::{EntryRef, Failed};
use crate::cache::stats::Reason;
use std::sync::atomic::Ordering;

const OTHER: Participant = 2;

fn reasons(evicted: &[Evicted<u32>]) -> Vec<(u32, Reason)> {
    evicted.iter().map(|evicted| (evicted.value, evicted.reason)).collect()
}

#[test]
fn a_value_that_was_set_is_found() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    assert!(put(&cache, "a", 1, NOW).is_empty());
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
    assert_eq!(reasons(&put(&cache, "a", 2, NOW)), [(1, Reason::Replaced)]);
    assert_eq!(cache.peek(&key("a"), NOW).0.unwrap().value, 2);
    assert!(cache.delete(&key("a"), NOW).0);
    assert!(!cache.delete(&key("a"), NOW).0);
    assert!(cache.peek(&key("a"), NOW).0.is_none());
}

#[test]
fn one_caller_loads_and_the_others_follow() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    let flight = lead(get(&cache, "a", NOW));
    let join = Lookup::Miss { join: Join::Follow(flight), previous: None };
    assert_eq!(get(&cache, "a", NOW), join);
    assert_eq!(cache.get(&key("a"), OTHER, NOW).0, join);
    let loaded = cache.complete(flight, ME, Some(value(5)), MS(3), NOW).unwrap();
    assert_eq!(loaded.followers, [OTHER]);
    assert_eq!(hit(get(&cache, "a", NOW)), 5);
    assert_eq!(cache.complete(flight, ME, Some(value(6)), MS(3), NOW), None);
    let counts = cache.stats().counts;
    assert_eq!((counts.misses, counts.loads, counts.coalesced, counts.hits), (3, 1, 2, 1));
    assert_eq!(cache.stats().in_flight, 0);
}

#[test]
fn a_value_set_during_a_load_stays() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    let flight = lead(get(&cache, "a", NOW));
    put(&cache, "a", 1, NOW);
    assert!(cache.complete(flight, ME, Some(value(2)), MS(1), NOW).unwrap().evicted.is_empty());
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
}

#[test]
fn a_key_deleted_during_a_load_stays_deleted() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    for forget in [|cache: &Cache<u32>| drop(cache.delete(&key("a"), NOW)), |cache: &Cache<u32>| drop(cache.clear())] {
        let first = lead(get(&cache, "a", NOW));
        forget(&cache);
        let second = lead(get(&cache, "a", NOW));
        assert_ne!(first, second);
        assert!(cache.complete(first, ME, Some(value(1)), MS(1), NOW).is_some());
        assert_eq!(get(&cache, "a", NOW), Lookup::Miss { join: Join::Follow(second), previous: None });
        // Neither outcome of the old flight affects the new one.
        assert!(cache.fail(first, ME, None, MS(1), NOW).is_none());
        assert!(cache.complete(second, ME, Some(value(2)), MS(1), NOW).is_some());
        assert_eq!(hit(get(&cache, "a", NOW)), 2);
        forget(&cache);
    }
}

#[test]
fn a_failed_load_leaves_no_entry() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    let flight = lead(get(&cache, "a", NOW));
    assert_eq!(cache.get(&key("a"), OTHER, NOW).0, Lookup::Miss { join: Join::Follow(flight), previous: None });
    assert_eq!(
        cache.fail(flight, ME, None, MS(1), NOW),
        Some(Failed { is_current: true, fallback: None, followers: vec![OTHER] })
    );
    lead(get(&cache, "a", NOW));
    assert_eq!(cache.stats().counts.load_failures, 1);
}

#[test]
fn a_value_heavier_than_the_cache_is_not_stored() {
    let cache = cache(Limits { bytes: 10, ..UNBOUNDED }, UNLIMITED);
    let heavy = |weight| Incoming { value: 9, weight, ttl: None, refresh: None };
    put(&cache, "b", 1, NOW);
    put(&cache, "a", 1, NOW);
    assert_eq!(reasons(&cache.set(&[], &key("a"), heavy(11), NOW)), [(1, Reason::Replaced)]);
    assert!(cache.peek(&key("a"), NOW).0.is_none() && cache.peek(&key("b"), NOW).0.is_some());
    assert_eq!(reasons(&cache.set(&[], &key("a"), heavy(10), NOW)), [(1, Reason::Size)]);
    assert_eq!(hit(get(&cache, "a", NOW)), 9);
    assert_eq!(cache.stats().bytes, 10);
}

#[test]
fn expired_entries_are_evicted_before_the_least_recently_used() {
    let cache = cache(Limits { entries: 3, ..UNBOUNDED }, Lifetime { ttl: Some(MS(100)), ..UNLIMITED });
    put(&cache, "a", 1, NOW);
    put(&cache, "b", 2, NOW);
    let _ = cache.set(&[], &key("c"), Incoming { ttl: Some(MS(10)), ..value(3) }, NOW);
    get(&cache, "a", NOW);
    assert_eq!(reasons(&put(&cache, "d", 4, NOW)), [(2, Reason::Size)]);
    assert_eq!(reasons(&put(&cache, "e", 5, Time(10_000))), [(3, Reason::Ttl)]);
    cache.touch(&[cache.peek(&key("a"), NOW).0.unwrap().entry.slot]);
    assert_eq!(reasons(&cache.resize(Limits { entries: 1, ..UNBOUNDED }, NOW)), [(4, Reason::Size), (5, Reason::Size)]);
    assert_eq!(cache.stats().counts.hits, 2);
}

#[test]
fn a_set_records_uses_before_it_evicts() {
    let cache = cache(Limits { entries: 2, ..UNBOUNDED }, UNLIMITED);
    put(&cache, "a", 1, NOW);
    put(&cache, "b", 2, NOW);
    let slot = cache.peek(&key("a"), NOW).0.unwrap().entry.slot;
    assert_eq!(reasons(&cache.set(&[slot, slot], &key("c"), value(3), NOW)), [(2, Reason::Size)]);
    assert_eq!(cache.stats().counts.hits, 2);
}

#[test]
fn an_entry_ages() {
    let lifetime = Lifetime {
        ttl: Some(MS(10)),
        refresh_after: Some(MS(5)),
        stale_while_revalidate: MS(10),
        stale_if_error: MS(20),
        ..UNLIMITED
    };
    let cache = cache(UNBOUNDED, lifetime);
    put(&cache, "a", 1, NOW);
    assert!(matches!(get(&cache, "a", Time(4000)), Lookup::Hit { refresh: None, .. }));
    let Lookup::Hit { refresh: Some(flight), .. } = get(&cache, "a", Time(5000)) else { panic!("due") };
    assert!(matches!(get(&cache, "a", Time(5001)), Lookup::Hit { refresh: None, .. }), "one refresh at a time");
    // A failed background refresh has no fallback: the value is still fresh.
    assert_eq!(cache.fail(flight, ME, None, MS(1), Time(5002)).unwrap().fallback, None);
    assert!(cache.peek(&key("a"), Time(10_000)).0.is_none());
    let Lookup::Hit { refresh: Some(flight), .. } = get(&cache, "a", Time(10_000)) else { panic!("stale") };
    assert_eq!(cache.fail(flight, ME, None, MS(1), Time(10_001)).unwrap().fallback, Some(1));
    let Lookup::Miss { join: Join::Lead(flight), previous: Some(1) } = get(&cache, "a", Time(20_000)) else {
        panic!("error only");
    };
    assert_eq!(cache.fail(flight, ME, None, MS(1), Time(29_999)).unwrap().fallback, Some(1));
    let (got, expired) = cache.get(&key("a"), ME, Time(30_000));
    assert!(matches!(got, Lookup::Miss { previous: None, .. }));
    assert_eq!(expired.unwrap().reason, Reason::Ttl);
    assert_eq!(cache.stats().counts.stale_hits, 1);
}

#[test]
fn a_refresh_joins_the_load_in_flight() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    put(&cache, "a", 1, NOW);
    let (Join::Lead(flight), Some(1)) = cache.refresh(&key("a"), ME, NOW) else { panic!("leads") };
    assert_eq!(cache.refresh(&key("a"), OTHER, NOW), (Join::Follow(flight), Some(1)));
    assert_eq!(hit(get(&cache, "a", NOW)), 1);
    let loaded = cache.complete(flight, ME, Some(value(2)), MS(1), NOW).unwrap();
    assert_eq!(reasons(&loaded.evicted), [(1, Reason::Replaced)]);
    assert_eq!(hit(get(&cache, "a", NOW)), 2);
}

#[test]
fn an_entry_that_was_never_returned_has_no_copies_to_invalidate() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    put(&cache, "a", 1, NOW);
    let before = cache.peek(&key("a"), NOW).0.unwrap().entry;
    let changes = || before.version.abs_diff(cache.versions()[before.slot as usize].load(Ordering::Acquire));
    cache.delete(&key("a"), NOW);
    assert_eq!(changes(), 1);
    put(&cache, "b", 2, NOW);
    cache.delete(&key("b"), NOW);
    assert_eq!(changes(), 1);
    put(&cache, "c", 3, NOW);
    assert_eq!(cache.find(&key("c"), NOW).0.unwrap().entry.slot, before.slot);
    cache.delete(&key("c"), NOW);
    assert_eq!(changes(), 2);
}

#[test]
fn a_change_of_an_entry_invalidates_its_copies() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    let is_current = |entry: EntryRef| cache.versions()[entry.slot as usize].load(Ordering::Acquire) == entry.version;
    let put = |name: &str, number: u32| {
        put(&cache, name, number, NOW);
        cache.peek(&key(name), NOW).0.unwrap().entry
    };
    let first = put("a", 1);
    get(&cache, "a", NOW);
    assert!(is_current(first));
    let second = put("a", 2);
    assert!(is_current(second) && (first.slot != second.slot || !is_current(first)));
    cache.delete(&key("a"), NOW);
    assert!(!is_current(second));
    let third = put("b", 2);
    drop(cache.clear());
    assert!(!is_current(third));
}

#[test]
fn entries_are_fresh_and_ordered_by_last_use() {
    let cache = cache(UNBOUNDED, UNLIMITED);
    for (number, name) in (0..).zip(["a", "b", "c"]) {
        put(&cache, name, number, NOW);
    }
    let _ = cache.set(&[], &key("old"), Incoming { ttl: Some(MS(1)), ..value(9) }, NOW);
    get(&cache, "a", NOW);
    assert_eq!(cache.entries(Time(1000)), [(key("a"), 0), (key("c"), 2), (key("b"), 1)]);
}
