//! Callers that wait for a reservation: first come, first served.

use super::ages::{Ages, TrackAge};
use std::collections::BTreeMap;
use std::time::Instant;

/// A caller that waits.
#[derive(Debug)]
pub struct Waiter<W> {
    pub bytes: usize,
    /// When the caller began to wait, if its time is limited.
    pub since: Option<Instant>,
    pub waiter: W,
}

/// Waiters by ticket. Each is one pending promise of a caller, which bounds their number.
#[derive(Debug)]
pub struct Waiters<W> {
    by_ticket: BTreeMap<u64, Waiter<W>>,
    ages: Ages,
}

impl<W> Waiters<W> {
    pub fn new(track: TrackAge) -> Self {
        Waiters { by_ticket: BTreeMap::new(), ages: Ages::new(track) }
    }

    pub fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }

    pub fn len(&self) -> usize {
        self.by_ticket.len()
    }

    pub fn contains(&self, ticket: u64) -> bool {
        self.by_ticket.contains_key(&ticket)
    }

    pub fn insert(&mut self, ticket: u64, waiter: Waiter<W>) {
        if let Some(since) = waiter.since {
            self.ages.insert(since, ticket);
        }
        self.by_ticket.insert(ticket, waiter);
    }

    pub fn first(&self) -> Option<(u64, &Waiter<W>)> {
        self.by_ticket.first_key_value().map(|(&ticket, waiter)| (ticket, waiter))
    }

    pub fn remove(&mut self, ticket: u64) -> Option<Waiter<W>> {
        let waiter = self.by_ticket.remove(&ticket)?;
        if let Some(since) = waiter.since {
            self.ages.remove(since, ticket);
        }
        Some(waiter)
    }

    /// Returns when the oldest waiter whose time is limited began to wait, if ages are tracked.
    pub fn oldest(&self) -> Option<Instant> {
        self.ages.oldest()
    }

    /// Returns the ticket of the oldest such waiter if it began to wait at `limit` or before.
    pub fn stale(&self, limit: Instant) -> Option<u64> {
        self.ages.stale(limit)
    }
}
