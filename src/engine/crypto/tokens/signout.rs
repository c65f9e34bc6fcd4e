//! Taking back what was given.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::crypto::expiry::sweep;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::{Actor, Resource};
use crate::storage::Batch;

use super::denied::Denied;
use super::grant::{SessionId, Verified};
use super::policy::{ACCESS_CEILING, LEEWAY_CEILING, SESSION_CEILING, SKEW};
use super::records::{Revocation, Revoked, Session, TOKEN_REVOCATIONS, TOKEN_SESSIONS};
use super::refresh::RefreshToken;
use super::service::TokenService;

const REVOKED: EventKind = EventKind::new("token.revoked");
const CUT: EventKind = EventKind::new("token.revoked_before");
const ENDED: EventKind = EventKind::new("token.session_ended");
const REUSED: EventKind = EventKind::new("token.reused");

/// The smallest step of time.
const STEP: Duration = Duration::from_millis(1);

impl TokenService {
    /// Takes one access token back. Its session goes on; see [`sign_out`](TokenService::sign_out).
    ///
    /// # Errors
    /// Those of the database. It may be taken back then.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be taken back.
    pub async fn revoke(&self, token: &Verified) -> Result<()> {
        let now = self.inner.clock.now();
        let until = kept(token.expires());
        let what = Revoked::Token(token.id().to_owned());
        let event = Event::new(REVOKED)
            .by(token.actor().clone())
            .about(Resource::new("token", token.id()));
        let wanted = revocation(what, None, now, until);
        self.inner
            .revocations
            .revoke(token.organization(), &wanted, &event)
            .await
    }

    /// Ends the session that an access token came from, with all its tokens.
    ///
    /// # Errors
    /// As [`revoke`](TokenService::revoke).
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn sign_out(&self, token: &Verified) -> Result<()> {
        match token.session() {
            Some(session) => {
                let by = token.actor().clone();
                self.end(token.organization(), session, by, ENDED).await
            }
            None => self.revoke(token).await,
        }
    }

    /// Ends the session that a refresh token belongs to, for clients that have nothing else left
    /// ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). A token that is spent does as well.
    ///
    /// # Errors
    /// [`Denied`]: not a token of ours, or the database did not answer.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be ended.
    pub async fn sign_out_refresh(&self, token: &str) -> Result<(), Denied> {
        let inner = &*self.inner;
        let shown = RefreshToken::read(token, &inner.refresh, inner.clock.now())?;
        self.end(&shown.organization, shown.session, Actor::Host, ENDED)
            .await
            .map_err(Denied::storage)
    }

    /// Ends a session, with all its tokens. One that is over or unknown is no error.
    ///
    /// # Errors
    /// As [`revoke`](TokenService::revoke).
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn end_session(
        &self,
        organization: &OrganizationId,
        session: SessionId,
    ) -> Result<()> {
        self.end(organization, session, Actor::Host, ENDED).await
    }

    /// Takes back everything that an actor was given before a moment, sessions and access tokens.
    /// With `None` that is everything until now: what is given after this call is good.
    ///
    /// Until now means whatever was committed before this call, though the clock of who gave it was
    /// ahead of this one (a session by up to a day, at the longest life that a session can have). A
    /// moment is compared with what the clock of the giver said; so is, with `None`, an access token
    /// that was made by somebody else with the same key.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the host itself, or a moment that has not come.
    /// - Those of the database. It may be taken back then.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be taken back.
    pub async fn revoke_all_before(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        before: Option<Timestamp>,
    ) -> Result<()> {
        super::access::subject(actor)?;
        let event = Event::new(CUT).about(match actor {
            Actor::Service(id) => Resource::new("service", id),
            Actor::User(id) => Resource::new("user", id),
            Actor::Host => Resource::new("host", ""),
        });
        self.cut(organization, Revoked::Actor(actor.clone()), before, event)
            .await
    }

    /// Takes back everything that anybody in an organization was given before a moment; as
    /// [`revoke_all_before`](TokenService::revoke_all_before).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn revoke_organization_before(
        &self,
        organization: &OrganizationId,
        before: Option<Timestamp>,
    ) -> Result<()> {
        let event = Event::new(CUT).about(Resource::new("organization", organization.as_str()));
        self.cut(organization, Revoked::Organization, before, event)
            .await
    }

    /// Removes what has run out by itself, and says how many records that were. Each call of
    /// [`issue`](TokenService::issue) and each revocation takes some away too.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; a later call goes on.
    pub async fn prune(&self, organization: &OrganizationId) -> Result<usize> {
        let mut pruned = 0;
        loop {
            let store = self.inner.revocations.store(organization);
            let mut batch = Batch::new(self.inner.clock.now());
            let half = Batch::MAX / 2;
            let mut found = sweep(&mut batch, &store, &TOKEN_SESSIONS, half, None).await?;
            found += sweep(&mut batch, &store, &TOKEN_REVOCATIONS, half, None).await?;
            if found == 0 {
                return Ok(pruned);
            }
            match store.commit(batch).await {
                Ok(_) => pruned += found,
                // Somebody else prunes too, or one was written again.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends a session because a token of it was used twice.
    pub(super) async fn end_reused(
        &self,
        organization: &OrganizationId,
        id: SessionId,
        session: &Session,
    ) -> Result<()> {
        self.end(organization, id, session.actor.clone(), REUSED)
            .await
    }

    async fn end(
        &self,
        organization: &OrganizationId,
        id: SessionId,
        by: Actor,
        why: EventKind,
    ) -> Result<()> {
        let revocations = &self.inner.revocations;
        let now = self.inner.clock.now();
        // Whatever came from it has run out by then, by any clock that is taken.
        let until = kept(now.saturating_add(ACCESS_CEILING));
        let what = Revoked::Session(id.to_string());
        let event = Event::new(why)
            .by(by)
            .about(Resource::new("session", id.to_string()));
        let wanted = revocation(what, None, now, until);
        revocations.revoke(organization, &wanted, &event).await
    }

    async fn cut(
        &self,
        organization: &OrganizationId,
        what: Revoked,
        before: Option<Timestamp>,
        event: Event,
    ) -> Result<()> {
        let now = self.inner.clock.now();
        let latest = now.saturating_add(STEP);
        let until_now = before.is_none();
        let before = before.unwrap_or(latest);
        if before > latest {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "token.revoke_all_before",
                "this moment has not come yet",
            )
            .with_context("before", before));
        }
        // As long as a session from before could be refreshed, and what came of that be good.
        let session = latest.saturating_add(SESSION_CEILING);
        let until = kept(session.saturating_add(ACCESS_CEILING));
        let event = event.with_data(&serde_json::json!({ "before": before }))?;
        let mut wanted = revocation(what, Some(before), now, until);
        // The number of the revocation itself, which it is given when it is written.
        wanted.before_number = until_now.then_some(0);
        self.inner
            .revocations
            .revoke(organization, &wanted, &event)
            .await
    }
}

/// Until when a revocation is kept of what runs out at `end`.
fn kept(end: Timestamp) -> Timestamp {
    end.saturating_add(LEEWAY_CEILING).saturating_add(SKEW)
}

fn revocation(
    what: Revoked,
    before: Option<Timestamp>,
    at: Timestamp,
    until: Timestamp,
) -> Revocation {
    Revocation {
        number: 0,
        what,
        before,
        before_number: None,
        at,
        until,
    }
}
