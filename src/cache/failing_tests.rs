use super::tests::{FOR_EVER, ME, MS, NONE, NOW, cache, get, hit, id, lead, put};
use super::*;

/// A cache with a value that is fresh until 100 ms, stale until 150 and doubtful until 300, whose load then failed.
fn failed_at(millis: u64) -> Cache<u32> {
    let lifetime = Lifetime {
        ttl: Some(MS(100)),
        stale_while_revalidate: MS(50),
        stale_if_error: MS(200),
        error_ttl: MS(1000),
        ..FOR_EVER
    };
    let cache = cache(NONE, lifetime);
    put(&cache, "a", 1, NOW);
    let token = match get(&cache, "a", at(millis)) {
        Got::Hit { refresh: Some(token), .. } => token,
        other => lead(other),
    };
    assert!(cache.fail(token, ME, 77, MS(1), at(millis)).is_some());
    cache
}

fn at(millis: u64) -> Time {
    NOW.after(MS(millis))
}

#[test]
fn what_failed_is_not_loaded_again_for_a_while() {
    let cache = failed_at(120);
    for millis in [121, 149, 151, 299] {
        assert!(matches!(get(&cache, "a", at(millis)), Got::Hit { held: Held { value: 1, .. }, refresh: None }));
    }
    // The value is no good any more, but the error is.
    assert_eq!(get(&cache, "a", at(301)), Got::Failing { error: 77 });
    assert_eq!(get(&cache, "a", at(1119)), Got::Failing { error: 77 });
    lead(get(&cache, "a", at(1120)));
}

#[test]
fn whatever_is_known_of_an_id_is_stronger_than_its_failure() {
    for end in [
        |cache: &Cache<u32>| drop(cache.delete(&id("a"), at(130))),
        |cache: &Cache<u32>| drop(cache.clear()),
        |cache: &Cache<u32>| {
            let token = match cache.refresh(&id("a"), ME, at(130)).0 {
                Joined::Leads(token) | Joined::Follows(token) => token,
            };
            assert!(cache.arrive(token, ME, None, MS(1), at(130)).is_some());
            drop(cache.delete(&id("a"), at(130)));
        },
    ] {
        let cache = failed_at(120);
        end(&cache);
        lead(get(&cache, "a", at(301)));
    }
    let cache = failed_at(120);
    put(&cache, "a", 2, at(130));
    assert_eq!(hit(get(&cache, "a", at(131))), 2);
    // What was deleted meanwhile has not failed.
    let token = lead(get(&cache, "b", at(131)));
    let _ = cache.delete(&id("b"), at(131));
    assert!(cache.fail(token, ME, 5, MS(1), at(131)).is_some());
    lead(get(&cache, "b", at(132)));
}
