//! What is given for what.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::Actor;

use super::access::Access;
use super::permission::Permission;

/// What somebody gets once the host's own sign-in has said who they are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// Who; not [`Actor::Host`].
    pub actor: Actor,
    /// Where.
    pub organization: OrganizationId,
    /// Through which program, as the host calls it: `web`, `phone`. 1 to 256 bytes. Only it can
    /// refresh.
    pub client: String,
    /// What they may do; all known to the policy. Default: nothing.
    pub permissions: Vec<Permission>,
}

impl Grant {
    /// Grants nothing yet.
    #[must_use]
    pub fn new(actor: Actor, organization: OrganizationId, client: impl Into<String>) -> Self {
        Self {
            actor,
            organization,
            client: client.into(),
            permissions: Vec::new(),
        }
    }

    /// Sets [`Grant::permissions`].
    #[must_use]
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.permissions = permissions.into_iter().collect();
        self
    }
}

/// Names a session: everything that came of one sign-in, by 16 random bytes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId([u8; 16]);

impl SessionId {
    pub(super) const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl FromStr for SessionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "session_id.parse",
                "the id of a session has 22 characters of base64url",
            )
        })
    }
}

impl TryFrom<String> for SessionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.to_string()
    }
}

/// Two fresh tokens. They are handed out here and never again; what is kept is a digest.
pub struct Issued {
    access: Zeroizing<String>,
    refresh: Zeroizing<String>,
    session: SessionId,
    expires: Timestamp,
    session_ends: Timestamp,
}

impl Issued {
    pub(super) fn new(
        access: String,
        refresh: Zeroizing<String>,
        session: SessionId,
        expires: Timestamp,
        session_ends: Timestamp,
    ) -> Self {
        Self {
            access: Zeroizing::new(access),
            refresh,
            session,
            expires,
            session_ends,
        }
    }

    /// Returns the access token, for the header `Authorization: Bearer`.
    #[must_use]
    pub fn access(&self) -> &str {
        &self.access
    }

    /// Returns the refresh token: good for one refresh.
    #[must_use]
    pub fn refresh(&self) -> &str {
        &self.refresh
    }

    /// Returns the session that both belong to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Returns when the access token runs out.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Returns when the session ends if nobody refreshes.
    #[must_use]
    pub fn session_ends(&self) -> Timestamp {
        self.session_ends
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("session", &self.session)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Who acts, where, and what they may: proof that a token was checked. Nothing else makes one.
#[derive(Clone, Debug)]
pub struct Verified(Access);

impl Verified {
    pub(super) fn new(access: Access) -> Self {
        Self(access)
    }

    /// Returns who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// Returns the organization they act in.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.0.organization
    }

    /// Returns what they may do.
    #[must_use]
    pub fn permissions(&self) -> &[Permission] {
        &self.0.permissions
    }

    /// Tells whether they may do this.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        let mut all = self.0.permissions.iter();
        all.any(|granted| granted.as_str() == permission)
    }

    /// Returns the id of the token.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the session it came from, if it came from one of ours.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.0.session.as_deref()?.parse().ok()
    }

    /// Returns when it was made.
    #[must_use]
    pub fn issued(&self) -> Timestamp {
        self.0.issued
    }

    /// Returns when it runs out.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }
}
