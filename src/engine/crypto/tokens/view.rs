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

/// Takes back what was given before a moment.
#[derive(Clone, Copy, Debug)]
struct Cut {
    before: Timestamp,
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
            .is_some_and(|before| access.issued < before)
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
        let known = match &wanted.what {
            Revoked::Token(id) => self.tokens.get(id.as_str()).map(|until| (None, *until)),
            Revoked::Session(id) => self.sessions.get(id.as_str()).map(|until| (None, *until)),
            Revoked::Actor(actor) => self
                .actors
                .get(actor)
                .map(|cut| (Some(cut.before), cut.until)),
            Revoked::Organization => self.organization.map(|cut| (Some(cut.before), cut.until)),
        };
        if let Some((before, until)) = known {
            next.before = next.before.max(before);
            next.until = next.until.max(until);
        }
        next
    }

    /// Before when everything of an actor was taken back.
    pub(super) fn cut(&self, actor: &Actor) -> Option<Timestamp> {
        let own = self.actors.get(actor).map(|cut| cut.before);
        own.max(self.organization.map(|cut| cut.before))
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
    fn and(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            until: self.until.max(other.until),
        }
    }
}

fn later<K: Eq + Hash>(map: &mut HashMap<K, Timestamp>, key: K, until: Timestamp) {
    let known = map.entry(key).or_insert(until);
    *known = (*known).max(until);
}
