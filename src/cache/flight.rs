//! Loads in flight: at most one for a key at a time, however many callers ask.
//!
//! Each flight has an id that is never reused, so a late call for a flight that has ended is ignored. Its members are
//! participants (handles of the cache); one of them, the leader, loads.

use super::key::{Key, KeyMap};
use foldhash::fast::RandomState;
use std::collections::HashMap;

pub type FlightId = u64;

#[derive(Debug)]
struct Flight<P> {
    key: Key,
    leader: P,
    /// False if the leader loads for its followers alone.
    leader_waits: bool,
    followers: Vec<P>,
}

/// Result of [`Flights::join`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Load the value, then call [`Flights::complete`].
    Lead(FlightId),
    /// Wait for the outcome.
    Follow(FlightId),
}

/// A flight whose load has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed<P> {
    pub key: Key,
    /// True if the key was not set, deleted or cleared since the flight began: the result may be stored.
    pub is_current: bool,
    pub followers: Vec<P>,
}

/// Role of a participant in the flight it leaves. A leader counts as a waiter if it has not learned yet that it leads, or could
/// not start the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Loader,
    Waiter,
}

/// State of a flight after a participant has left it.
#[derive(Debug, PartialEq, Eq)]
pub enum LeaveOutcome<P> {
    /// Other participants still wait.
    Continues,
    /// This follower is the new leader and has to load.
    HandedOver(P),
    /// No participant waits: the flight has ended, and its leader may stop loading.
    Abandoned { leader: P },
}

impl<P: Clone> Flight<P> {
    /// Makes the oldest follower the leader.
    fn hand_over(&mut self) -> P {
        self.leader = self.followers.remove(0);
        self.leader_waits = true;
        self.leader.clone()
    }
}

#[derive(Debug)]
pub struct Flights<P> {
    all: HashMap<FlightId, Flight<P>, RandomState>,
    /// The flight that [`Flights::join`] finds, by key.
    current: KeyMap<FlightId>,
    last: FlightId,
}

impl<P: Clone + PartialEq> Flights<P> {
    pub fn new() -> Self {
        Flights { all: HashMap::default(), current: KeyMap::default(), last: 0 }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Joins the flight for a key, or begins one.
    pub fn join(&mut self, key: &Key, participant: &P) -> Join {
        let in_flight = self.current.get(key).and_then(|id| Some((*id, self.all.get_mut(id)?)));
        if let Some((id, flight)) = in_flight {
            if flight.leader == *participant {
                flight.leader_waits = true;
            } else if !flight.followers.contains(participant) {
                flight.followers.push(participant.clone());
            }
            return Join::Follow(id);
        }
        Join::Lead(self.begin(key, participant))
    }

    /// Begins a flight unless the key has one.
    pub fn refresh(&mut self, key: &Key, participant: &P) -> Option<FlightId> {
        if self.current.contains_key(key) { None } else { Some(self.begin(key, participant)) }
    }

    fn begin(&mut self, key: &Key, participant: &P) -> FlightId {
        self.last += 1;
        let flight =
            Flight { key: key.clone(), leader: participant.clone(), leader_waits: true, followers: Vec::new() };
        self.all.insert(self.last, flight);
        self.current.insert(key.clone(), self.last);
        self.last
    }

    /// Unlinks the flight of a key: it continues for its participants, and the next caller begins another one.
    pub fn forget(&mut self, key: &Key) {
        self.current.remove(key);
    }

    pub fn forget_all(&mut self) {
        self.current.clear();
    }

    /// Ends a flight whose leader has an outcome. `None`: the flight has ended already, or has another leader by now.
    pub fn complete(&mut self, id: FlightId, participant: &P) -> Option<Completed<P>> {
        if self.all.get(&id)?.leader != *participant {
            return None;
        }
        let (flight, is_current) = self.take(id)?;
        Some(Completed { key: flight.key, is_current, followers: flight.followers })
    }

    /// Unlinks a flight from its key, as [`Flights::forget`] does.
    pub fn retire(&mut self, id: FlightId) {
        if let Some(flight) = self.all.get(&id)
            && self.current.get(&flight.key) == Some(&id)
        {
            self.current.remove(&flight.key);
        }
    }

    /// Removes a participant whose callers have all stopped waiting. `None`: the flight has ended already.
    pub fn leave(&mut self, id: FlightId, participant: &P, role: Role) -> Option<LeaveOutcome<P>> {
        let flight = self.all.get_mut(&id)?;
        if flight.leader == *participant {
            if role == Role::Waiter && !flight.followers.is_empty() {
                return Some(LeaveOutcome::HandedOver(flight.hand_over()));
            }
            flight.leader_waits = false;
        } else {
            flight.followers.retain(|follower| follower != participant);
        }
        if flight.leader_waits || !flight.followers.is_empty() {
            return Some(LeaveOutcome::Continues);
        }
        let (flight, _) = self.take(id)?;
        Some(LeaveOutcome::Abandoned { leader: flight.leader })
    }

    /// Removes a participant from all flights. Returns those that now have another leader or no waiter.
    pub fn remove_participant(&mut self, participant: &P) -> Vec<(FlightId, LeaveOutcome<P>)> {
        let mut outcomes = Vec::new();
        let mut ended = Vec::new();
        for (id, flight) in &mut self.all {
            flight.followers.retain(|follower| follower != participant);
            let led = flight.leader == *participant;
            if led && !flight.followers.is_empty() {
                outcomes.push((*id, LeaveOutcome::HandedOver(flight.hand_over())));
            } else if led {
                ended.push(*id);
            } else if !flight.leader_waits && flight.followers.is_empty() {
                outcomes.push((*id, LeaveOutcome::Abandoned { leader: flight.leader.clone() }));
                ended.push(*id);
            }
        }
        for id in ended {
            self.take(id);
        }
        outcomes
    }

    /// Ends a flight. Returns with it whether [`Flights::join`] would have found it.
    fn take(&mut self, id: FlightId) -> Option<(Flight<P>, bool)> {
        let flight = self.all.remove(&id)?;
        let is_current = self.current.get(&flight.key) == Some(&id);
        if is_current {
            self.current.remove(&flight.key);
        }
        Some((flight, is_current))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn flights() -> (Flights<u32>, Key) {
        (Flights::new(), Key::from("a"))
    }

    #[test]
    fn one_leads_and_others_follow() {
        let (mut flights, key) = flights();
        assert_eq!(flights.join(&key, &1), Join::Lead(1));
        assert_eq!(flights.join(&key, &2), Join::Follow(1));
        assert_eq!(flights.join(&key, &2), Join::Follow(1));
        assert_eq!(flights.join(&key, &1), Join::Follow(1));
        assert_eq!(flights.complete(1, &2), None);
        assert_eq!(flights.complete(1, &1), Some(Completed { key: key.clone(), is_current: true, followers: vec![2] }));
        assert_eq!(flights.complete(1, &1), None);
        assert_eq!(flights.join(&key, &1), Join::Lead(2));
    }

    #[test]
    fn a_forgotten_flight_completes_without_a_trace() {
        let (mut flights, key) = flights();
        flights.join(&key, &1);
        flights.forget(&key);
        assert_eq!(flights.join(&key, &2), Join::Lead(2));
        assert!(!flights.complete(1, &1).unwrap().is_current);
        assert_eq!(flights.join(&key, &1), Join::Follow(2));
        flights.forget_all();
        assert!(!flights.complete(2, &2).unwrap().is_current);
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn a_flight_ends_when_the_last_one_leaves() {
        let (mut flights, key) = flights();
        flights.join(&key, &1);
        flights.join(&key, &2);
        assert_eq!(flights.leave(1, &1, Role::Loader), Some(LeaveOutcome::Continues));
        assert_eq!(flights.leave(1, &2, Role::Waiter), Some(LeaveOutcome::Abandoned { leader: 1 }));
        assert_eq!(flights.leave(1, &2, Role::Waiter), None);
        assert_eq!(flights.join(&key, &1), Join::Lead(2));
        assert_eq!(flights.leave(2, &1, Role::Loader), Some(LeaveOutcome::Abandoned { leader: 1 }));
        // A participant that left may come back while others keep the flight alive.
        flights.join(&key, &1);
        flights.join(&key, &2);
        flights.leave(3, &1, Role::Loader);
        flights.join(&key, &1);
        assert_eq!(flights.leave(3, &2, Role::Waiter), Some(LeaveOutcome::Continues));
    }

    #[test]
    fn a_leader_that_has_not_begun_passes_the_lead_on() {
        let (mut flights, key) = flights();
        for participant in [1, 2, 3] {
            flights.join(&key, &participant);
        }
        assert_eq!(flights.remove_participant(&1), [(1, LeaveOutcome::HandedOver(2))]);
        assert_eq!(flights.leave(1, &2, Role::Waiter), Some(LeaveOutcome::HandedOver(3)));
        assert_eq!(flights.leave(1, &2, Role::Waiter), Some(LeaveOutcome::Continues));
        assert_eq!(flights.leave(1, &3, Role::Waiter), Some(LeaveOutcome::Abandoned { leader: 3 }));
    }

    #[test]
    fn a_retired_flight_continues_beside_the_next_one() {
        let (mut flights, key) = flights();
        flights.join(&key, &1);
        flights.join(&key, &2);
        flights.retire(1);
        assert_eq!(flights.leave(1, &2, Role::Waiter), Some(LeaveOutcome::Continues));
        assert_eq!(flights.join(&key, &2), Join::Lead(2));
        flights.retire(1);
        assert!(!flights.complete(1, &1).unwrap().is_current);
        assert!(flights.complete(2, &2).unwrap().is_current);
        flights.retire(2);
    }

    #[test]
    fn the_next_follower_replaces_a_removed_leader() {
        let (mut flights, key) = flights();
        let other = Key::from("b");
        for participant in [1, 2, 3] {
            flights.join(&key, &participant);
        }
        flights.join(&other, &1);
        assert_eq!(flights.remove_participant(&1), [(1, LeaveOutcome::HandedOver(2))]);
        assert_eq!(flights.len(), 1);
        assert_eq!(flights.complete(1, &1), None);
        assert_eq!(flights.remove_participant(&2), [(1, LeaveOutcome::HandedOver(3))]);
        assert!(flights.complete(1, &3).unwrap().followers.is_empty());
        assert_eq!(flights.join(&other, &3), Join::Lead(3));
    }
}
