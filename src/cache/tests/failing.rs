use super::support::*;
use crate::cache::core::Found;

/// A cache with a value that is fresh until 100 ms, stale until 150 and only for errors until 300, and a failed reload.
fn failed_at(millis: u64) -> Cache<u32> {
    let lifetime = Lifetime {
        ttl: Some(MS(100)),
        stale_while_revalidate: MS(50),
        stale_if_error: MS(200),
        error_ttl: MS(1000),
        ..UNLIMITED
    };
    let cache = cache(UNBOUNDED, lifetime);
    put(&cache, "a", 1, NOW);
    let flight = match get(&cache, "a", at(millis)) {
        Lookup::Hit { refresh: Some(flight), .. } => flight,
        other => lead(other),
    };
    assert!(cache.fail(flight, ME, Some(77), MS(1), at(millis)).is_some());
    cache
}

fn at(millis: u64) -> Time {
    NOW.after(MS(millis))
}

#[test]
fn a_failed_key_is_not_reloaded_before_its_error_expires() {
    let cache = failed_at(120);
    for millis in [121, 149, 151, 299] {
        assert!(matches!(get(&cache, "a", at(millis)), Lookup::Hit { found: Found { value: 1, .. }, refresh: None }));
    }
    // The value has expired, the error has not.
    assert_eq!(get(&cache, "a", at(301)), Lookup::Failing { error: Some(77) });
    assert_eq!(get(&cache, "a", at(1119)), Lookup::Failing { error: Some(77) });
    lead(get(&cache, "a", at(1120)));
}

#[test]
fn later_changes_of_a_key_discard_its_failure() {
    for end in [
        |cache: &Cache<u32>| drop(cache.delete(&key("a"), at(130))),
        |cache: &Cache<u32>| drop(cache.clear()),
        |cache: &Cache<u32>| {
            let flight = match cache.refresh(&key("a"), ME, at(130)).0 {
                Join::Lead(flight) | Join::Follow(flight) => flight,
            };
            assert!(cache.complete(flight, ME, None, MS(1), at(130)).is_some());
            drop(cache.delete(&key("a"), at(130)));
        },
    ] {
        let cache = failed_at(120);
        end(&cache);
        lead(get(&cache, "a", at(301)));
    }
    let cache = failed_at(120);
    put(&cache, "a", 2, at(130));
    assert_eq!(hit(get(&cache, "a", at(131))), 2);
    // The failure of a key that was deleted meanwhile is ignored.
    let flight = lead(get(&cache, "b", at(131)));
    let _ = cache.delete(&key("b"), at(131));
    assert!(cache.fail(flight, ME, Some(5), MS(1), at(131)).is_some());
    lead(get(&cache, "b", at(132)));
}
