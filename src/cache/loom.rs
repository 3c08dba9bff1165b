//! Every interleaving of a few threads that use one cache.

use super::*;
use crate::sync::Arc;
use ::loom::{model, thread};

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
    Arc::new(Cache::new(&Options { limits: Limits { entries: 2, bytes: 10 }, lifetime }, 1))
}

fn id() -> Id {
    Id::Number(0)
}

fn value(value: u32) -> Incoming<u32> {
    Incoming { value, weight: 1, ttl: None }
}

fn set(cache: &Cache<u32>, number: u32) {
    let _ = cache.set(&id(), value(number), NOW);
}

fn lead(cache: &Cache<u32>, who: Who) -> Option<Token> {
    match cache.get(&id(), who, NOW).0 {
        Got::Miss { joined: Joined::Leads(token), .. } => Some(token),
        _ => None,
    }
}

fn held(cache: &Cache<u32>) -> Option<u32> {
    cache.peek(&id(), NOW).0.map(|held| held.value)
}

/// A load that ends on another thread, some time.
fn arriving(cache: &Arc<Cache<u32>>, token: Token) -> thread::JoinHandle<()> {
    let cache = cache.clone();
    thread::spawn(move || drop(cache.arrive(token, 1, Some(value(1)), Duration::ZERO, NOW)))
}

#[test]
fn one_of_many_loads_and_the_others_are_told() {
    model(|| {
        let cache = cache();
        let asking: Vec<_> = [1, 2]
            .map(|who| {
                let cache = cache.clone();
                thread::spawn(move || match cache.get(&id(), who, NOW).0 {
                    Got::Miss { joined: Joined::Leads(token), .. } => {
                        cache.arrive(token, who, Some(value(5)), Duration::ZERO, NOW).expect("led").followers.len()
                    }
                    Got::Miss { joined: Joined::Follows(_), .. } => 10,
                    Got::Hit { held, .. } => {
                        assert_eq!(held.value, 5);
                        20
                    }
                    Got::Failing { .. } => unreachable!("nothing failed"),
                })
            })
            .into_iter()
            .collect();
        let mut came: Vec<_> = asking.into_iter().map(|asked| asked.join().unwrap()).collect();
        came.sort_unstable();
        // Either the second one followed, and the first was told so, or it came after.
        assert!(came == [1, 10] || came == [0, 20], "{came:?}");
        assert_eq!(cache.stats().counts.loads, 1);
    });
}

#[test]
fn what_was_deleted_does_not_come_back() {
    model(|| {
        let cache = cache();
        let token = lead(&cache, 1).unwrap();
        let loading = arriving(&cache, token);
        cache.delete(&id(), NOW);
        assert_eq!(held(&cache), None);
        loading.join().unwrap();
        assert_eq!(held(&cache), None);
    });
}

#[test]
fn what_was_set_is_not_overwritten_by_an_older_load() {
    model(|| {
        let cache = cache();
        let token = lead(&cache, 1).unwrap();
        let loading = arriving(&cache, token);
        set(&cache, 2);
        assert_eq!(held(&cache), Some(2));
        loading.join().unwrap();
        assert_eq!(held(&cache), Some(2));
    });
}

#[test]
fn a_lost_leader_is_replaced_or_was_done() {
    model(|| {
        let cache = cache();
        let token = lead(&cache, 1).unwrap();
        let following = {
            let cache = cache.clone();
            thread::spawn(move || cache.get(&id(), 2, NOW).0)
        };
        let handed_over = cache.lose(1);
        match following.join().unwrap() {
            // It came first, and loads now; or it began anew.
            Got::Miss { joined: Joined::Follows(followed), .. } => {
                assert_eq!((followed, handed_over), (token, vec![(token, Lost::Leads(2))]));
            }
            Got::Miss { joined: Joined::Leads(own), .. } => {
                assert!(handed_over.is_empty() && own != token);
            }
            Got::Hit { .. } | Got::Failing { .. } => unreachable!("nothing was stored"),
        }
    });
}

#[test]
fn a_copy_whose_version_is_current_is_current() {
    model(|| {
        let cache = cache();
        set(&cache, 1);
        let setting = {
            let cache = cache.clone();
            thread::spawn(move || set(&cache, 2))
        };
        let copy = cache.peek(&id(), NOW).0.expect("replaced under one lock");
        setting.join().unwrap();
        let version = cache.versions()[copy.place.slot as usize].load(Ordering::Acquire);
        assert!(copy.value == 2 || version != copy.place.version);
    });
}
