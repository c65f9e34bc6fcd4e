//! What was taken back in one organization, as far as this process has read it.

use std::collections::HashMap;
use std::hash::Hash;

use crate::clock::Timestamp;
use crate::permission::Actor;

use super::access::Access;
use super::records::{Revocation, Revoked};

/// Sweeps are put off until there is this much.
const WORTH_A_SWEEP: usize = 256;

/// Everything up to a number. It only ever grows, but for what has run out; so whoever reads along
/// at the same time can only add to it, and nothing that was taken back is given again.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The number of the last revocation that is surely in it.
    pub(super) number: u64,
    /// The backend's count of writes before it was last brought up to date.
    pub(super) count: Option<u64>,
    tokens: HashMap<Box<str>, Timestamp>,
    sessions: HashMap<Box<str>, Timestamp>,
    actors: HashMap<Actor, Cut>,
    organization: Option<Cut>,
    /// How much was left by the last sweep.
    swept: usize,
}

/// Takes back what was given before a moment, and before a revocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) before: Timestamp,
    before_number: Option<u64>,
    until: Timestamp,
}

impl View {
    /// Adds what was read, of which everything up to `number` is there.
    pub(super) fn add(
        &mut self,
        news: &[Revocation],
        number: u64,
        count: Option<u64>,
        now: Timestamp,
    ) {
        for revocation in news {
            self.add_one(revocation);
        }
        self.number = self.number.max(number);
        self.count = self.count.max(count);
        if self.len() >= WORTH_A_SWEEP.max(self.swept.saturating_mul(2)) {
            self.sweep(now);
        }
    }

    fn add_one(&mut self, revocation: &Revocation) {
        let until = revocation.until;
        let cut = Cut {
            before: revocation
                .before
                .unwrap_or(Timestamp::from_millis(i64::MAX)),
            before_number: revocation.before_number,
            until,
        };
        match &revocation.what {
            Revoked::Token(id) => later(&mut self.tokens, id.as_str().into(), until),
            Revoked::Session(id) => later(&mut self.sessions, id.as_str().into(), until),
            Revoked::Actor(actor) => {
                let known = self.actors.entry(actor.clone()).or_insert(cut);
                *known = known.and(cut);
            }
            Revoked::Organization => {
                self.organization = Some(self.organization.map_or(cut, |known| known.and(cut)));
            }
        }
    }

    /// Whether a token was taken back.
    pub(super) fn takes_back(&self, access: &Access) -> bool {
        self.cut(&access.actor)
            .is_some_and(|cut| cut.takes_back(access.issued, access.number))
            || self.tokens.contains_key(&access.id)
            || access
                .session
                .as_ref()
                .is_some_and(|session| self.sessions.contains_key(session))
    }

    /// Makes of what is wanted the next revocation: with the next number, and never less than what
    /// was taken back of the same before.
    pub(super) fn next(&self, wanted: &Revocation) -> Revocation {
        let mut next = wanted.clone();
        next.number = self.number.saturating_add(1);
        // Until now: whatever was given before this one.
        next.before_number = wanted.before_number.map(|_| next.number);
        let (cut, until) = match &wanted.what {
            Revoked::Token(id) => (None, self.tokens.get(id.as_str()).copied()),
            Revoked::Session(id) => (None, self.sessions.get(id.as_str()).copied()),
            Revoked::Actor(actor) => (self.actors.get(actor), None),
            Revoked::Organization => (self.organization.as_ref(), None),
        };
        if let Some(cut) = cut {
            next.before = next.before.max(Some(cut.before));
            next.before_number = next.before_number.max(cut.before_number);
        }
        if let Some(until) = until.or(cut.map(|cut| cut.until)) {
            next.until = next.until.max(until);
        }
        next
    }

    /// Before when everything of an actor was taken back.
    pub(super) fn cut(&self, actor: &Actor) -> Option<Cut> {
        match (self.actors.get(actor).copied(), self.organization) {
            (Some(own), Some(all)) => Some(own.and(all)),
            (own, all) => own.or(all),
        }
    }

    fn len(&self) -> usize {
        self.tokens.len() + self.sessions.len() + self.actors.len()
    }

    /// Drops what has run out by itself.
    fn sweep(&mut self, now: Timestamp) {
        self.tokens.retain(|_, until| *until > now);
        self.sessions.retain(|_, until| *until > now);
        self.actors.retain(|_, cut| cut.until > now);
        self.swept = self.len();
    }
}

impl Cut {
    /// Whether it takes back what was given at a moment, after the revocation of a number.
    pub(super) fn takes_back(&self, given: Timestamp, number: Option<u64>) -> bool {
        // Clocks differ and are set; numbers only grow, unless an older copy of the database was put
        // in its place, and then the moment is left.
        given < self.before || number.is_some_and(|number| Some(number) < self.before_number)
    }

    fn and(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            before_number: self.before_number.max(other.before_number),
            until: self.until.max(other.until),
        }
    }
}

fn later<K: Eq + Hash>(map: &mut HashMap<K, Timestamp>, key: K, until: Timestamp) {
    let known = map.entry(key).or_insert(until);
    *known = (*known).max(until);
}
