//! Loads under way: at most one for an id at a time, however many ask.
//!
//! A flight is known by its token, and never confused with a later one for the same id: what is said of a flight that is
//! over is ignored. Those who wait are participants (environments of the process); one of them, the leader, loads.

use super::id::{ById, Id};
use foldhash::fast::RandomState;
use std::collections::HashMap;

pub type Token = u64;

#[derive(Debug)]
struct Flight<P> {
    id: Id,
    leader: P,
    /// Whether the leader wants the result itself: it may load on for the followers alone.
    leader_waits: bool,
    followers: Vec<P>,
}

/// What a participant does for the id it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Load it, then [`Flights::land`].
    Leads(Token),
    /// Wait for the outcome.
    Follows(Token),
}

/// A flight that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Landed<P> {
    pub id: Id,
    /// Whether nothing was set, deleted or cleared since it began: the result may be stored.
    pub is_current: bool,
    pub followers: Vec<P>,
}

/// What a participant does in a flight that it leaves. A leader only waits if it does not know yet that it leads, or could
/// not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Loads,
    Waits,
}

/// What follows when a participant has nobody left who waits.
#[derive(Debug, PartialEq, Eq)]
pub enum Left<P> {
    /// Others wait: the flight goes on.
    GoesOn,
    /// Others wait, and this one leads now.
    Leads(P),
    /// Nobody waits any more: the flight is over, and its leader may stop loading.
    Ends { leader: P },
}

/// What follows for another participant when one is gone.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost<P> {
    /// It leads now, and must load.
    Leads(P),
    /// It loads for nobody, and may stop.
    Stops(P),
}

impl<P: Clone> Flight<P> {
    /// To the one that has followed for longest.
    fn hand_over(&mut self) -> P {
        self.leader = self.followers.remove(0);
        self.leader_waits = true;
        self.leader.clone()
    }
}

#[derive(Debug)]
pub struct Flights<P> {
    all: HashMap<Token, Flight<P>, RandomState>,
    /// The flight that a `get` joins, by id.
    current: ById<Token>,
    last: Token,
}

impl<P: Clone + PartialEq> Flights<P> {
    pub fn new() -> Self {
        Flights { all: HashMap::default(), current: ById::default(), last: 0 }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Joins the flight for an id, or begins one.
    pub fn join(&mut self, id: &Id, who: &P) -> Joined {
        let under_way = self.current.get(id).and_then(|token| Some((*token, self.all.get_mut(token)?)));
        if let Some((token, flight)) = under_way {
            if flight.leader == *who {
                flight.leader_waits = true;
            } else if !flight.followers.contains(who) {
                flight.followers.push(who.clone());
            }
            return Joined::Follows(token);
        }
        Joined::Leads(self.begin(id, who))
    }

    /// Begins a flight unless there is one.
    pub fn refresh(&mut self, id: &Id, who: &P) -> Option<Token> {
        if self.current.contains_key(id) { None } else { Some(self.begin(id, who)) }
    }

    fn begin(&mut self, id: &Id, who: &P) -> Token {
        self.last += 1;
        let flight = Flight { id: id.clone(), leader: who.clone(), leader_waits: true, followers: Vec::new() };
        self.all.insert(self.last, flight);
        self.current.insert(id.clone(), self.last);
        self.last
    }

    /// Whoever asks from now on starts anew; the flight goes on for those who wait.
    pub fn forget(&mut self, id: &Id) {
        self.current.remove(id);
    }

    pub fn forget_all(&mut self) {
        self.current.clear();
    }

    /// The leader has an outcome. `None`: the flight is over already, or has another leader by now.
    pub fn land(&mut self, token: Token, who: &P) -> Option<Landed<P>> {
        if self.all.get(&token)?.leader != *who {
            return None;
        }
        let (flight, is_current) = self.take(token)?;
        Some(Landed { id: flight.id, is_current, followers: flight.followers })
    }

    /// Whoever asks for the id of this flight from now on starts anew.
    pub fn retire(&mut self, token: Token) {
        if let Some(flight) = self.all.get(&token)
            && self.current.get(&flight.id) == Some(&token)
        {
            self.current.remove(&flight.id);
        }
    }

    /// Nobody waits any more on this participant's side. `None`: the flight is over.
    pub fn leave(&mut self, token: Token, who: &P, part: Part) -> Option<Left<P>> {
        let flight = self.all.get_mut(&token)?;
        if flight.leader == *who {
            if part == Part::Waits && !flight.followers.is_empty() {
                return Some(Left::Leads(flight.hand_over()));
            }
            flight.leader_waits = false;
        } else {
            flight.followers.retain(|follower| follower != who);
        }
        if flight.leader_waits || !flight.followers.is_empty() {
            return Some(Left::GoesOn);
        }
        let (flight, _) = self.take(token)?;
        Some(Left::Ends { leader: flight.leader })
    }

    /// A participant is gone. Says what follows for which flight.
    pub fn lose(&mut self, who: &P) -> Vec<(Token, Lost<P>)> {
        let mut lost = Vec::new();
        let mut over = Vec::new();
        for (token, flight) in &mut self.all {
            flight.followers.retain(|follower| follower != who);
            let led = flight.leader == *who;
            if led && !flight.followers.is_empty() {
                lost.push((*token, Lost::Leads(flight.hand_over())));
            } else if led {
                over.push(*token);
            } else if !flight.leader_waits && flight.followers.is_empty() {
                lost.push((*token, Lost::Stops(flight.leader.clone())));
                over.push(*token);
            }
        }
        for token in over {
            self.take(token);
        }
        lost
    }

    /// Ends a flight. The second is whether a `get` would have joined it.
    fn take(&mut self, token: Token) -> Option<(Flight<P>, bool)> {
        let flight = self.all.remove(&token)?;
        let is_current = self.current.get(&flight.id) == Some(&token);
        if is_current {
            self.current.remove(&flight.id);
        }
        Some((flight, is_current))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn flights() -> (Flights<u32>, Id) {
        (Flights::new(), Id::from("a"))
    }

    #[test]
    fn one_leads_and_others_follow() {
        let (mut flights, id) = flights();
        assert_eq!(flights.join(&id, &1), Joined::Leads(1));
        assert_eq!(flights.join(&id, &2), Joined::Follows(1));
        assert_eq!(flights.join(&id, &2), Joined::Follows(1));
        assert_eq!(flights.join(&id, &1), Joined::Follows(1));
        assert_eq!(flights.land(1, &2), None);
        assert_eq!(flights.land(1, &1), Some(Landed { id: id.clone(), is_current: true, followers: vec![2] }));
        assert_eq!(flights.land(1, &1), None);
        assert_eq!(flights.join(&id, &1), Joined::Leads(2));
    }

    #[test]
    fn a_forgotten_flight_lands_without_a_trace() {
        let (mut flights, id) = flights();
        flights.join(&id, &1);
        flights.forget(&id);
        assert_eq!(flights.join(&id, &2), Joined::Leads(2));
        assert!(!flights.land(1, &1).unwrap().is_current);
        assert_eq!(flights.join(&id, &1), Joined::Follows(2));
        flights.forget_all();
        assert!(!flights.land(2, &2).unwrap().is_current);
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn a_flight_ends_when_the_last_one_leaves() {
        let (mut flights, id) = flights();
        flights.join(&id, &1);
        flights.join(&id, &2);
        assert_eq!(flights.leave(1, &1, Part::Loads), Some(Left::GoesOn));
        assert_eq!(flights.leave(1, &2, Part::Waits), Some(Left::Ends { leader: 1 }));
        assert_eq!(flights.leave(1, &2, Part::Waits), None);
        assert_eq!(flights.join(&id, &1), Joined::Leads(2));
        assert_eq!(flights.leave(2, &1, Part::Loads), Some(Left::Ends { leader: 1 }));
        // Whoever left may come back while others keep the flight up.
        flights.join(&id, &1);
        flights.join(&id, &2);
        flights.leave(3, &1, Part::Loads);
        flights.join(&id, &1);
        assert_eq!(flights.leave(3, &2, Part::Waits), Some(Left::GoesOn));
    }

    #[test]
    fn a_leader_that_has_not_begun_passes_the_lead_on() {
        let (mut flights, id) = flights();
        for who in [1, 2, 3] {
            flights.join(&id, &who);
        }
        assert_eq!(flights.lose(&1), [(1, Lost::Leads(2))]);
        assert_eq!(flights.leave(1, &2, Part::Waits), Some(Left::Leads(3)));
        assert_eq!(flights.leave(1, &2, Part::Waits), Some(Left::GoesOn));
        assert_eq!(flights.leave(1, &3, Part::Waits), Some(Left::Ends { leader: 3 }));
    }

    #[test]
    fn a_retired_flight_goes_on_beside_the_next_one() {
        let (mut flights, id) = flights();
        flights.join(&id, &1);
        flights.join(&id, &2);
        flights.retire(1);
        assert_eq!(flights.leave(1, &2, Part::Waits), Some(Left::GoesOn));
        assert_eq!(flights.join(&id, &2), Joined::Leads(2));
        flights.retire(1);
        assert!(!flights.land(1, &1).unwrap().is_current);
        assert!(flights.land(2, &2).unwrap().is_current);
        flights.retire(2);
    }

    #[test]
    fn the_next_one_takes_over_from_a_lost_leader() {
        let (mut flights, id) = flights();
        let other = Id::from("b");
        for who in [1, 2, 3] {
            flights.join(&id, &who);
        }
        flights.join(&other, &1);
        assert_eq!(flights.lose(&1), [(1, Lost::Leads(2))]);
        assert_eq!(flights.len(), 1);
        assert_eq!(flights.land(1, &1), None);
        assert_eq!(flights.lose(&2), [(1, Lost::Leads(3))]);
        assert!(flights.land(1, &3).unwrap().followers.is_empty());
        assert_eq!(flights.join(&other, &3), Joined::Leads(3));
    }
}
