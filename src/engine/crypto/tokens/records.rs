//! What is kept of tokens: never one that could be used.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::crypto::expiry::ends;
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Actor;
use crate::storage::{Collection, IndexKey, IndexName, RecordId};

use super::grant::SessionId;
use super::permission::Permission;

/// The collection of sessions: one record a sign-in, until it has ended for good.
pub const TOKEN_SESSIONS: Collection<Session> = Collection::new("token_sessions");

/// The collection of what was taken back, until it would have run out by itself.
pub const TOKEN_REVOCATIONS: Collection<Revocation> = Collection::new("token_revocations");

/// The collection of one record, `last`: how many revocations there have been.
pub const TOKEN_REVOCATION_COUNT: Collection<RevocationCount> =
    Collection::new("token_revocation_count");

/// Orders revocations by their number.
pub(super) const BY_NUMBER: IndexName = IndexName::new("number");

/// One sign-in and what became of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Session {
    /// Who signed in.
    pub actor: Actor,
    /// Through which program.
    pub client: String,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// When.
    pub started: Timestamp,
    /// When it was last refreshed.
    pub refreshed: Timestamp,
    /// When it ends unless it is refreshed.
    pub idle_end: Timestamp,
    /// When it ends in any case.
    pub end: Timestamp,
    /// The number of the last revocation of the organization before it began.
    #[serde(default)]
    pub number: u64,
    /// How often it was refreshed.
    pub refreshes: u64,
    /// The SHA-256 of the one refresh token that is good, in hexadecimal.
    pub current: String,
    /// When it was ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl Session {
    pub(super) fn id(session: SessionId) -> Result<RecordId> {
        RecordId::parse(session.to_string())
    }

    pub(super) fn indexes(&self) -> Result<Vec<(IndexName, IndexKey)>> {
        Ok(vec![ends(self.end)?])
    }
}

/// What was taken back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Revoked {
    /// One access token, by its id.
    Token(String),
    /// A session, and every access token that came from it.
    Session(String),
    /// Everything that this actor got before `before`.
    Actor(Actor),
    /// Everything that anybody in the organization got before `before`.
    Organization,
}

/// One taking back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Revocation {
    /// The how-manieth of the organization it is: a later one has a higher number.
    pub number: u64,
    /// What was taken back.
    pub what: Revoked,
    /// For actors and organizations: what was given before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// For actors and organizations: also what was given before the revocation of this number,
    /// whatever the clock said that it was given by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_number: Option<u64>,
    /// When it was taken back.
    pub at: Timestamp,
    /// From when on everything it concerns has run out by itself.
    pub until: Timestamp,
}

impl Revocation {
    pub(super) fn id(&self) -> Result<RecordId> {
        RecordId::parse(match &self.what {
            Revoked::Token(id) => format!("token/{id}"),
            Revoked::Session(id) => format!("session/{id}"),
            Revoked::Actor(actor) => target(actor)?,
            Revoked::Organization => "organization".into(),
        })
    }

    pub(super) fn indexes(&self) -> Result<Vec<(IndexName, IndexKey)>> {
        Ok(vec![
            (BY_NUMBER, number_key(self.number)?),
            ends(self.until)?,
        ])
    }
}

/// How many revocations there have been.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RevocationCount {
    /// The number of the last.
    pub number: u64,
}

impl RevocationCount {
    pub(super) fn id() -> Result<RecordId> {
        RecordId::parse("last")
    }
}

/// Ordered by number as text.
pub(super) fn number_key(number: u64) -> Result<IndexKey> {
    IndexKey::parse(format!("{number:020}"))
}

/// Tells a person from a program of the same id.
pub(super) fn target(actor: &Actor) -> Result<String> {
    match actor {
        Actor::User(id) => Ok(format!("user/{id}")),
        Actor::Service(id) => Ok(format!("service/{id}")),
        Actor::Host => Err(Error::new(
            ErrorKind::InvalidInput,
            "token.target",
            "the host itself has no tokens",
        )),
    }
}
