//! Every interleaving of a few threads that use one cache.

use crate::cache::core::{Cache, Incoming, Lookup, Options, Participant};
use crate::cache::expiry::Lifetime;
use crate::cache::flight::{FlightId, Join, LeaveOutcome};
use crate::cache::key::Key;
use crate::cache::limits::Limits;
use crate::cache::order::Policy;
use crate::clock::Time;
use crate::sync::Arc;
use ::loom::{model, thread};
use std::sync::atomic::Ordering;
use std::time::Duration;

const NOW: Time = Time(0);

fn cache() -> Arc<Cache<u32>> {
    let lifetime = Lifetime {
        ttl: None,
        jitter: 0.0,
        refresh_after: None,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        error_ttl: Duration::ZERO,
    };
    Arc::new(Cache::new(&Options { limits: Limits { entries: 2, bytes: 10 }, lifetime, policy: Policy::Lru }, 1))
}

fn key() -> Key {
    Key::Number(0)
}

fn value(value: u32) -> Incoming<u32> {
    Incoming { value, weight: 1, ttl: None, refresh: None }
}

fn set(cache: &Cache<u32>, number: u32) {
    let _ = cache.set(&[], &key(), value(number), NOW);
}

fn lead(cache: &Cache<u32>, participant: Participant) -> Option<FlightId> {
    match cache.get(&key(), participant, NOW).0 {
        Lookup::Miss { join: Join::Lead(flight), .. } => Some(flight),
        _ => None,
    }
}

fn held(cache: &Cache<u32>) -> Option<u32> {
    cache.peek(&key(), NOW).0.map(|found| found.value)
}

/// Completes a load on another thread.
fn complete_elsewhere(cache: &Arc<Cache<u32>>, flight: FlightId) -> thread::JoinHandle<()> {
    let cache = cache.clone();
    thread::spawn(move || drop(cache.complete(flight, 1, Some(value(1)), Duration::ZERO, NOW)))
}

#[test]
fn one_of_two_callers_loads_and_the_other_follows_or_hits() {
    model(|| {
        let cache = cache();
        let asking: Vec<_> = [1, 2]
            .map(|participant| {
                let cache = cache.clone();
                thread::spawn(move || match cache.get(&key(), participant, NOW).0 {
                    Lookup::Miss { join: Join::Lead(flight), .. } => cache
                        .complete(flight, participant, Some(value(5)), Duration::ZERO, NOW)
                        .expect("led")
                        .followers
                        .len(),
                    Lookup::Miss { join: Join::Follow(_), .. } => 10,
                    Lookup::Hit { found, .. } => {
                        assert_eq!(found.value, 5);
                        20
                    }
                    Lookup::Failing { .. } => unreachable!("nothing failed"),
                })
            })
            .into_iter()
            .collect();
        let mut results: Vec<_> = asking.into_iter().map(|asked| asked.join().unwrap()).collect();
        results.sort_unstable();
        // The second caller either followed, so that the first had a follower to notify, or came after the load.
        assert!(results == [1, 10] || results == [0, 20], "{results:?}");
        assert_eq!(cache.stats().counts.loads, 1);
    });
}

#[test]
fn a_deleted_key_stays_deleted() {
    model(|| {
        let cache = cache();
        let flight = lead(&cache, 1).unwrap();
        let loading = complete_elsewhere(&cache, flight);
        cache.delete(&key(), NOW);
        assert_eq!(held(&cache), None);
        loading.join().unwrap();
        assert_eq!(held(&cache), None);
    });
}

#[test]
fn an_older_load_does_not_overwrite_a_set() {
    model(|| {
        let cache = cache();
        let flight = lead(&cache, 1).unwrap();
        let loading = complete_elsewhere(&cache, flight);
        set(&cache, 2);
        assert_eq!(held(&cache), Some(2));
        loading.join().unwrap();
        assert_eq!(held(&cache), Some(2));
    });
}

#[test]
fn a_removed_leader_is_replaced_unless_its_flight_has_ended() {
    model(|| {
        let cache = cache();
        let flight = lead(&cache, 1).unwrap();
        let following = {
            let cache = cache.clone();
            thread::spawn(move || cache.get(&key(), 2, NOW).0)
        };
        let handed_over = cache.remove_participant(1);
        match following.join().unwrap() {
            // The second participant either followed, and leads now, or began another flight.
            Lookup::Miss { join: Join::Follow(followed), .. } => {
                assert_eq!((followed, handed_over), (flight, vec![(flight, LeaveOutcome::HandedOver(2))]));
            }
            Lookup::Miss { join: Join::Lead(own), .. } => {
                assert!(handed_over.is_empty() && own != flight);
            }
            Lookup::Hit { .. } | Lookup::Failing { .. } => unreachable!("nothing was stored"),
        }
    });
}

#[test]
fn a_copy_with_the_current_version_has_the_current_value() {
    model(|| {
        let cache = cache();
        set(&cache, 1);
        let setting = {
            let cache = cache.clone();
            thread::spawn(move || set(&cache, 2))
        };
        let copy = cache.peek(&key(), NOW).0.expect("replaced under one lock");
        setting.join().unwrap();
        let version = cache.versions()[copy.entry.slot as usize].load(Ordering::Acquire);
        assert!(copy.value == 2 || version != copy.entry.version);
    });
}
