//! Authorizations under way.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, to_hex};
use crate::engine::crypto::{Purpose, SealContext, open_value, put_new, same, seal_value};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Collection, Precondition, RecordId};

use super::secret::Secret;
use super::service::Inner;

/// The collection of authorizations that have begun and not come back.
pub const OAUTH_AUTHORIZATIONS: Collection<PendingAuthorization> =
    Collection::new("oauth_authorizations");

/// The organization's own key that they are sealed under.
const KEY: &str = "oauth-authorizations";

/// What is kept of an authorization, under the SHA-256 of its state. It goes when it comes back, or after a short while.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct PendingAuthorization {
    /// Until when it may come back.
    pub until: Timestamp,
    /// The rest, sealed, in base64.
    pub sealed: String,
}

/// What an answer is held against.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Pending {
    pub(super) account: ConnectorName,
    pub(super) provider: String,
    pub(super) redirect: String,
    pub(super) session: Secret,
    pub(super) verifier: Secret,
    pub(super) nonce: Secret,
    pub(super) scopes: Vec<String>,
}

impl Inner {
    /// Keeps an authorization under its state.
    pub(super) async fn keep_pending(&self, state: &Secret, pending: &Pending) -> Result<()> {
        let now = self.clock.now();
        let until = now.saturating_add(self.options.authorization);
        let id = id(state.expose())?;
        let key = self.keys.shared(KEY).await?;
        let context = self.context(&id)?;
        let sealed = seal_value(key, context, pending, &*self.entropy)?;
        let record = PendingAuthorization { until, sealed };
        put_new(
            &self.store,
            &OAUTH_AUTHORIZATIONS,
            (id, &record),
            now,
            until,
        )
        .await
    }

    /// Takes an authorization out by its state: once, before its end, in the session that began it.
    pub(super) async fn take_pending(&self, state: &str, session: &str) -> Result<Pending> {
        let now = self.clock.now();
        let id = id(state)?;
        let found = self.store.get(&OAUTH_AUTHORIZATIONS, &id).await?;
        let found =
            found.ok_or_else(|| refused("no authorization with this state is under way"))?;
        let key = self.keys.shared(KEY).await?;
        let pending: Pending = open_value(key, self.context(&id)?, &found.value.sealed)?;
        if !same(pending.session.expose().as_bytes(), session.as_bytes()) {
            return Err(refused("the authorization was begun in another session"));
        }
        let mut batch = Batch::new(now);
        batch.delete(&OAUTH_AUTHORIZATIONS, id, Precondition::At(found.version));
        match self.store.commit(batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return Err(refused("no authorization with this state is under way"));
            }
            taken => taken?,
        };
        if found.value.until <= now {
            let message = "the authorization took too long; begin again";
            return Err(Error::new(ErrorKind::Expired, "oauth.finish", message));
        }
        Ok(pending)
    }

    fn context(&self, id: &RecordId) -> Result<SealContext> {
        let organization = self.store.organization();
        SealContext::new(
            organization,
            OAUTH_AUTHORIZATIONS.name().as_str(),
            id.as_str(),
            Purpose::Message,
        )
    }
}

fn id(state: &str) -> Result<RecordId> {
    RecordId::parse(to_hex(&Sha256::digest(state.as_bytes())))
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Refused, "oauth.finish", message)
}
