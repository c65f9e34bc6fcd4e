//! The one who is asked about people.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Clock;
use crate::connector::to_hex;
use crate::engine::audit::{SubjectId, SubjectVault};
use crate::engine::crypto::SecretKey;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{JournalName, Store};

use super::coverage::Coverage;
use super::source::PersonalSource;
use super::subject::Subject;

/// What the pseudonyms of people are told apart by from others under the same key.
const SUBJECT: &[u8] = b"garland/privacy/subject/v1\0";

/// Answers for what an organization holds about people: gives it to them, erases it with a proof, deletes
/// what is old enough, and keeps what is under legal hold.
///
/// Asks nobody whether the caller may: check the permission first.
#[derive(Clone)]
pub struct Privacy {
    pub(super) store: Store,
    pub(super) vault: SubjectVault,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) coverage: Arc<Coverage>,
    pub(super) sources: Vec<Arc<dyn PersonalSource>>,
    pub(super) journals: Vec<JournalName>,
    key: SecretKey,
}

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Privacy")
            .field("organization", self.store.organization())
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl Privacy {
    /// Covers the collections that `coverage` names. Nothing is read yet.
    ///
    /// `key` makes the pseudonyms under which erasures are recorded, always the same for an organization:
    /// [`KeyRing::shared`](crate::crypto::KeyRing::shared) of `privacy-pseudonyms`, as the orchestrator
    /// takes it.
    #[must_use]
    pub fn new(
        store: Store,
        vault: SubjectVault,
        coverage: Coverage,
        key: SecretKey,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            vault,
            clock,
            coverage: Arc::new(coverage),
            sources: Vec::new(),
            journals: vec![JournalName::main()],
            key,
        }
    }

    /// Adds something that holds personal data outside the collections.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn PersonalSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// Also looks for people in this journal; the main one is looked through anyway.
    #[must_use]
    pub fn with_journal(mut self, journal: JournalName) -> Self {
        if !self.journals.contains(&journal) {
            self.journals.push(journal);
        }
        self
    }

    /// Returns the name under which an erasure of this person is recorded: HMAC-SHA256 of their first
    /// id, in hexadecimal. Without the key it says nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`]: the key was not taken.
    pub fn pseudonym(&self, subject: &Subject) -> Result<String> {
        let id = subject.ids().first().map_or("", SubjectId::as_str);
        self.hidden(SUBJECT, id)
    }

    /// As the journal may know somebody who acts: their own erasure does not write their id down again.
    pub(super) fn actor(&self, by: &Actor, subject: Option<&Subject>) -> Result<Actor> {
        match (by, subject) {
            (Actor::User(id), Some(subject)) if subject.is(id) => {
                Ok(Actor::User(self.pseudonym(subject)?))
            }
            _ => Ok(by.clone()),
        }
    }

    /// As the record of an erasure knows who acts: a person by their pseudonym, as one day their id is to be
    /// gone too.
    pub(super) fn pseudonymous(&self, by: &Actor, subject: &Subject) -> Result<Actor> {
        match by {
            Actor::User(id) if subject.is(id) => Ok(Actor::User(self.pseudonym(subject)?)),
            Actor::User(id) => Ok(Actor::User(self.hidden(SUBJECT, id)?)),
            _ => Ok(by.clone()),
        }
    }

    pub(super) fn hidden(&self, label: &[u8], text: &str) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).map_err(|cause| {
            Error::new(
                ErrorKind::Unexpected,
                "privacy.pseudonym",
                "the key was not taken",
            )
            .with_source(cause)
        })?;
        mac.update(label);
        mac.update(text.as_bytes());
        Ok(to_hex(&mac.finalize().into_bytes()))
    }
}
