//! Sessions and tokens of one organization, for those who administer it.

use crate::clock::Timestamp;
use crate::engine::crypto::tokens::{SessionId, TokenService};
use crate::error::Result;
use crate::id::OrganizationId;
use crate::permission::{Action, Actor};

use super::handle::Organization;

const SESSIONS: Action = Action::new("sessions.manage");

impl Organization {
    /// Returns what ends the sessions of the organization's people. To let people in is for the host: see
    /// [`Orchestrator::tokens`](super::Orchestrator::tokens).
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `sessions.manage`.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): no [keys of
    ///   tokens](super::OrchestratorBuilder::tokens) were given.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn sessions(&self) -> Result<Sessions> {
        self.authorize(&SESSIONS, &[self.resource()]).await?;
        Ok(Sessions {
            tokens: self.shared.security.tokens()?.clone(),
            organization: self.id().clone(),
        })
    }
}

/// Ends sessions and takes back tokens, of one organization and no other.
#[derive(Clone, Debug)]
pub struct Sessions {
    tokens: TokenService,
    organization: OrganizationId,
}

impl Sessions {
    /// Ends a session, with all its tokens; see [`TokenService::end_session`].
    ///
    /// # Errors
    /// Those of the database. It may be ended then.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be ended.
    pub async fn end(&self, session: SessionId) -> Result<()> {
        self.tokens.end_session(&self.organization, session).await
    }

    /// Takes back everything that an actor was given before a moment, or until now; see
    /// [`TokenService::revoke_all_before`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be taken back.
    pub async fn end_all_of(&self, actor: &Actor, before: Option<Timestamp>) -> Result<()> {
        let organization = &self.organization;
        self.tokens
            .revoke_all_before(organization, actor, before)
            .await
    }

    /// Takes back everything that anybody was given before a moment, or until now; see
    /// [`TokenService::revoke_organization_before`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be taken back.
    pub async fn end_all(&self, before: Option<Timestamp>) -> Result<()> {
        let organization = &self.organization;
        self.tokens
            .revoke_organization_before(organization, before)
            .await
    }
}
