//! Handles of caches: an environment holds one for each cache that it has opened.

use crate::cache::arena::{Arena, Stored};
use crate::cache::{Cache, DetachedEntries, Evicted, FlightId, LeaveOutcome, Participant};
use crate::node::background_drop::drop_entries;
use crate::node::completion::{Mail, Outcome, Port};
use crate::sync::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A completion port, and the number that receives a participant's messages there.
pub(super) type Mailbox = (Arc<Port>, u32);

/// A cache, and the mailboxes of its handles.
pub struct Shared {
    pub(super) cache: Cache<Stored>,
    pub(super) arena: Arena,
    mailboxes: Mutex<BTreeMap<Participant, Mailbox>>,
}

pub struct Handle {
    /// Unique in the process: two handles of one cache are two participants, even in one environment.
    pub(super) participant: Participant,
    pub(super) shared: Arc<Shared>,
    /// Evictions that JavaScript has not fetched yet; `None` if it does not report them.
    pub(super) pending: Option<VecDeque<Pending>>,
}

/// Evictions to report: one entry, or all entries of a cleared cache.
pub(super) enum Pending {
    Entry(Evicted<Stored>),
    Detached(DetachedEntries<Stored>),
}

impl Handle {
    /// `mailbox` is `None` for a cache that no other environment can open.
    pub(super) fn new(shared: Arc<Shared>, mailbox: Option<Mailbox>, reports_evictions: bool) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let participant = COUNT.fetch_add(1, Ordering::Relaxed);
        if let Some(mailbox) = mailbox {
            shared.mailboxes.lock().insert(participant, mailbox);
        }
        Handle { participant, shared, pending: reports_evictions.then(VecDeque::new) }
    }

    /// Passes this participant's flights on to followers. The last handle frees the cache.
    pub fn close(self) {
        self.shared.mailboxes.lock().remove(&self.participant);
        for (flight, outcome) in self.shared.cache.remove_participant(self.participant) {
            self.shared.notify_leader(flight, &outcome);
        }
        if let Some(shared) = Arc::into_inner(self.shared) {
            drop_entries(shared.cache.clear());
        }
    }

    /// Returns the oldest unreported eviction.
    pub(super) fn next_evicted(&mut self) -> Option<Evicted<Stored>> {
        let pending = self.pending.as_mut()?;
        loop {
            match pending.pop_front()? {
                Pending::Entry(evicted) => return Some(evicted),
                Pending::Detached(mut entries) => {
                    if let Some(evicted) = entries.next() {
                        pending.push_front(Pending::Detached(entries));
                        return Some(evicted);
                    }
                }
            }
        }
    }
}

impl Shared {
    pub(super) fn new(cache: Cache<Stored>) -> Self {
        Shared { cache, arena: Arena::new(), mailboxes: Mutex::default() }
    }

    pub(super) fn notify(&self, participant: Participant, flight: FlightId, mail: Mail) {
        let mailbox = self.mailboxes.lock().get(&participant).cloned();
        if let Some((port, number)) = mailbox {
            port.complete(number, Outcome::Mail { flight, mail });
        }
    }

    /// Notifies the leader of a flight that another participant has left.
    pub(super) fn notify_leader(&self, flight: FlightId, outcome: &LeaveOutcome<Participant>) {
        match *outcome {
            LeaveOutcome::Continues => {}
            LeaveOutcome::HandedOver(leader) => self.notify(leader, flight, Mail::Lead),
            LeaveOutcome::Abandoned { leader } => self.notify(leader, flight, Mail::Stop),
        }
    }
}
