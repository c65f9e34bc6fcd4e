//! Signing in, staying signed in, and being let in.

use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::expiry::{SWEPT, sweep};
use crate::engine::crypto::secret::same;
use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::Resource;
use crate::storage::{Batch, JournalName, Precondition, StorageBackend};
use crate::telemetry::{TOKENS_CHECKED, Telemetry};

use super::access::{self, Access, AccessTokens};
use super::denied::{Denied, DenyReason};
use super::grant::{Grant, Issued, SessionId, Verified};
use super::key::{KeySet, KeyUse};
use super::permission::Permission;
use super::policy::TokenPolicy;
use super::records::{Session, TOKEN_SESSIONS};
use super::refresh::{RefreshToken, digest};
use super::revocations::{Revocations, TRIES, busy};
use super::view::Cut;

pub(super) const STARTED: EventKind = EventKind::new("token.session_started");

/// Longest name of a client in bytes.
const LONGEST_CLIENT: usize = 256;

/// How far a cut may lie ahead of a grant that follows it: no further than one made now reaches.
const NEAR: i64 = 1_000;

/// The keys of a [`TokenService`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "one set for each kind of token")]
pub struct TokenKeys {
    /// Those of access tokens.
    pub access: KeySet,
    /// Those of refresh tokens. An older one must be kept as long as a session can last.
    pub refresh: KeySet,
}

/// Makes tokens, takes them, and takes them back: for every organization of one database.
///
/// An access token is a JWS (HS256, `typ` `at+jwt`) that says who may do what in which organization
/// for a few minutes. A refresh token is random and good for one refresh: the second use of one, by
/// whomever, ends the session with everything that came from it
/// ([RFC 9700, 4.14](https://www.rfc-editor.org/rfc/rfc9700#section-4.14)). So does a client that never
/// heard the answer to its refresh and asks again: it must sign in.
///
/// What is taken back is refused from the next check on, by every process that shares the database.
/// When the database does not answer, nobody is let in.
///
/// # What it relies on
///
/// - Whatever expires does so by the clock of the machine that checks. Where the clock of one is ahead,
///   what it gives is good for that much longer; see [`TokenPolicy::leeway`]. What is taken back
///   [until now](TokenService::revoke_all_before) does not rely on clocks.
/// - A database that is restored from a backup no longer knows what was taken back, signed out or
///   refreshed since: call [`revoke_organization_before`](TokenService::revoke_organization_before) for
///   each organization before it is used. Access tokens of this service that were made after the backup
///   and by a clock that was ahead of that call are good until they expire.
///
/// Clones share what they have read. Two services on one backend need not know of each other.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::crypto::{SecretKey, SystemEntropy};
/// use garland::crypto::tokens::{
///     Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
/// };
/// use garland::permission::Actor;
/// use garland::{OrganizationId, SystemClock, backends::Memory};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let root = SecretKey::generate(&SystemEntropy::new())?;
/// let keys = |purpose| -> garland::Result<KeySet> {
///     Ok(KeySet::new(SigningKey::derive(purpose, "2027".parse()?, &root)?))
/// };
/// let keys = TokenKeys {
///     access: keys(KeyUse::Access)?,
///     refresh: keys(KeyUse::Refresh)?,
/// };
/// let known = KnownPermissions::parse(["files:read", "files:write"])?;
/// let tokens = TokenService::new(
///     Arc::new(Memory::new()),
///     keys,
///     TokenPolicy::new("https://studio.test", "studio-api", known),
///     Arc::new(SystemClock::new()),
///     Arc::new(SystemEntropy::new()),
/// )?;
///
/// let grant = Grant::new(Actor::User("u1".into()), OrganizationId::default(), "web")
///     .with_permissions(["files:read".parse()?]);
/// let issued = tokens.issue(&grant).await?;
/// let verified = tokens.verify(issued.access()).await?;
/// assert!(verified.may("files:read") && !verified.may("files:write"));
///
/// let refreshed = tokens.refresh(issued.refresh(), "web").await?;
/// tokens.sign_out(&verified).await?;
/// assert!(tokens.verify(refreshed.access()).await.is_err());
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TokenService {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) access: AccessTokens,
    pub(super) refresh: KeySet,
    pub(super) policy: Arc<TokenPolicy>,
    pub(super) revocations: Revocations,
    pub(super) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenService")
            .field("policy", &self.inner.policy)
            .finish_non_exhaustive()
    }
}

impl TokenService {
    /// Makes the service.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: keys of another purpose, one secret for both, or a policy out of
    /// its bounds.
    pub fn new(
        backend: Arc<dyn StorageBackend>,
        keys: TokenKeys,
        policy: TokenPolicy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        Self::counting(backend, keys, policy, clock, entropy, Telemetry::default())
    }

    /// The same, and what it does is counted.
    pub(crate) fn counting(
        backend: Arc<dyn StorageBackend>,
        keys: TokenKeys,
        policy: TokenPolicy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        telemetry: Telemetry,
    ) -> Result<Self> {
        policy.validate()?;
        keys.access.expect(KeyUse::Access)?;
        keys.refresh.expect(KeyUse::Refresh)?;
        keys.access.expect_apart(&keys.refresh)?;
        let policy = Arc::new(policy);
        Ok(Self {
            inner: Arc::new(Inner {
                access: AccessTokens::new(keys.access, Arc::clone(&policy)),
                refresh: keys.refresh,
                revocations: Revocations::new(backend, policy.patience, telemetry),
                policy,
                clock,
                entropy,
            }),
        })
    }

    /// Begins a session for somebody whom the host has just recognised.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the host itself, a name that is too long, or a permission that
    ///   the policy does not know.
    /// - [`ErrorKind::LimitExceeded`]: more permissions than fit in a token.
    /// - [`ErrorKind::Unavailable`]: no random bytes.
    /// - Those of the database; nothing was given then.
    ///
    /// # Cancel safety
    ///
    /// After a drop there may be a session that nobody has the tokens of; it ends by itself.
    pub async fn issue(&self, grant: &Grant) -> Result<Issued> {
        let permissions = self.granted(grant)?;
        let inner = &*self.inner;
        let id = SessionId::new(draw(&*inner.entropy)?);
        let store = inner.revocations.store(&grant.organization);
        for _ in 0..TRIES {
            let now = inner.clock.now();
            let asked = inner
                .revocations
                .ask_anew(&grant.organization, now, |view| view.cut(&grant.actor));
            let (cut, unchanged) = asked.await?;
            let started = after(cut, now)?;
            let mut session = Session {
                actor: grant.actor.clone(),
                client: grant.client.clone(),
                permissions: permissions.clone(),
                started,
                refreshed: started,
                idle_end: started,
                end: started.saturating_add(inner.policy.session_life),
                number: unchanged.number,
                refreshes: 0,
                current: String::new(),
                ended: None,
            };
            let place = (&grant.organization, unchanged.number);
            let issued = self.give(&mut session, id, place, started)?;
            let mut batch = Batch::new(now);
            unchanged.guard(&mut batch)?;
            sweep(&mut batch, &store, &TOKEN_SESSIONS, SWEPT, None).await?;
            let (record, indexes) = (Session::id(id)?, session.indexes()?);
            batch.put_with(
                &TOKEN_SESSIONS,
                record,
                &session,
                Precondition::Absent,
                indexes,
            )?;
            let event = Event::new(STARTED)
                .by(grant.actor.clone())
                .about(Resource::new("session", id.to_string()));
            batch.append(JournalName::main(), &event)?;
            match store.commit(batch).await {
                Ok(_) => return Ok(issued),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    /// Gives two new tokens for a refresh token, which is spent by that.
    ///
    /// Of several that come with one token at once, exactly one gets something, and then the session
    /// ends, because a token was used twice; see [`TokenPolicy::reuse_leeway`].
    ///
    /// # Errors
    /// [`Denied`]: whatever the reason; the client has to sign in.
    ///
    /// # Cancel safety
    ///
    /// After a drop the token may be spent.
    pub async fn refresh(&self, token: &str, client: &str) -> Result<Issued, Denied> {
        let inner = &*self.inner;
        let shown = RefreshToken::read(token, &inner.refresh, inner.clock.now())?;
        let digest = digest(token);
        for _ in 0..TRIES {
            match self.try_refresh(&shown, &digest, client).await? {
                Some(issued) => return Ok(issued),
                // Somebody was quicker: with the same token, or by taking something back.
                None => continue,
            }
        }
        Err(Denied::storage(busy()))
    }

    /// One try; `None` if the commit met another.
    async fn try_refresh(
        &self,
        shown: &RefreshToken,
        digest: &str,
        client: &str,
    ) -> Result<Option<Issued>, Denied> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let organization = &shown.organization;
        let store = inner.revocations.store(organization);
        let record = Session::id(shown.session).map_err(Denied::storage)?;
        let found = store.get(&TOKEN_SESSIONS, &record).await;
        let found = found.map_err(Denied::storage)?.ok_or(DenyReason::Unknown)?;
        let mut session = found.value;
        let asked = inner
            .revocations
            .ask_anew(organization, now, |view| view.cut(&session.actor))
            .await;
        let (cut, unchanged) = asked.map_err(Denied::storage)?;
        let cut_off = |cut: Cut| cut.takes_back(session.started, Some(session.number));
        if session.ended.is_some() || cut.is_some_and(cut_off) {
            return Err(DenyReason::Revoked.into());
        }
        if session.end.min(session.idle_end) <= now {
            return Err(DenyReason::Expired.into());
        }
        if shown.number < session.refreshes {
            let first = shown.number.saturating_add(1) == session.refreshes;
            let since = now.saturating_since(session.refreshed);
            if !(first && since < inner.policy.reuse_leeway) {
                self.end_reused(organization, shown.session, &session)
                    .await
                    .map_err(Denied::storage)?;
            }
            return Err(DenyReason::Reused.into());
        }
        let current = same(session.current.as_bytes(), digest.as_bytes());
        if shown.number > session.refreshes || !current {
            // An older copy of the database was put in its place.
            return Err(DenyReason::Unknown.into());
        }
        if session.client != client {
            return Err(DenyReason::Binding.into());
        }
        let names = session.permissions.iter().map(Permission::as_str);
        session.permissions = inner.policy.permissions.all(names)?;
        session.refreshes = session.refreshes.saturating_add(1);
        session.refreshed = now;
        let issued = after(cut, now)
            .and_then(|moment| {
                let place = (organization, unchanged.number);
                self.give(&mut session, shown.session, place, moment)
            })
            .map_err(Denied::storage)?;
        let written = async {
            let mut batch = Batch::new(now);
            unchanged.guard(&mut batch)?;
            let (at, indexes) = (Precondition::At(found.version), session.indexes()?);
            batch.put_with(&TOKEN_SESSIONS, record, &session, at, indexes)?;
            store.commit(batch).await
        };
        match written.await {
            Ok(_) => Ok(Some(issued)),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            Err(error) => Err(Denied::storage(error)),
        }
    }

    /// Checks an access token: its form, its signature, every claim, and that it was not taken back.
    ///
    /// # Errors
    /// [`Denied`]: whatever the reason.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn verify(&self, token: &str) -> Result<Verified, Denied> {
        let verified = self.check(token).await;
        let outcome = if verified.is_ok() {
            "accepted"
        } else {
            "denied"
        };
        let telemetry = &self.inner.revocations.telemetry;
        telemetry.count(TOKENS_CHECKED, &[("outcome", outcome)], 1);
        verified
    }

    async fn check(&self, token: &str) -> Result<Verified, Denied> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let access = inner.access.check(token, now)?;
        let taken_back = inner
            .revocations
            .ask(&access.organization, now, |view| view.takes_back(&access))
            .await
            .map_err(Denied::storage)?;
        if taken_back {
            return Err(DenyReason::Revoked.into());
        }
        Ok(Verified::new(access))
    }

    /// Writes both tokens, and into the session what is kept of them. `place` is the organization, with
    /// the number of its last revocation.
    fn give(
        &self,
        session: &mut Session,
        id: SessionId,
        (organization, number): (&OrganizationId, u64),
        now: Timestamp,
    ) -> Result<Issued> {
        let inner = &*self.inner;
        let whole = |moment: Timestamp| {
            Timestamp::from_millis(moment.as_millis().div_euclid(1_000).saturating_mul(1_000))
        };
        session.idle_end = session.end.min(now.saturating_add(inner.policy.idle_life));
        // Tokens count whole seconds, from the one they are made in, and end with their session.
        let expires = whole(now).saturating_add(inner.policy.access_life);
        let expires = whole(expires.min(session.end));
        let refresh = RefreshToken {
            organization: organization.clone(),
            session: id,
            number: session.refreshes,
        };
        let refresh = refresh.write(&inner.refresh, &*inner.entropy)?;
        session.current = digest(&refresh);
        let jti = SessionId::new(draw(&*inner.entropy)?).to_string();
        let access = inner.access.sign(&Access {
            actor: session.actor.clone(),
            organization: organization.clone(),
            permissions: session.permissions.clone(),
            id: jti.into(),
            session: Some(id.to_string().into()),
            number: Some(number),
            issued: now,
            expires,
        })?;
        Ok(Issued::new(access, refresh, id, expires, session.idle_end))
    }

    fn granted(&self, grant: &Grant) -> Result<Vec<Permission>> {
        let invalid = |message: &str| Error::new(ErrorKind::InvalidInput, "token.issue", message);
        access::subject(&grant.actor)?;
        if !(1..=LONGEST_CLIENT).contains(&grant.client.len()) {
            return Err(invalid("the name of a client has 1 to 256 bytes"));
        }
        let known = &self.inner.policy.permissions;
        let unknown = |one: &&Permission| !known.contains(one.as_str());
        if let Some(one) = grant.permissions.iter().find(unknown) {
            return Err(
                invalid("the policy does not know this permission").with_context("permission", one)
            );
        }
        let mut granted = grant.permissions.clone();
        granted.sort_unstable();
        granted.dedup();
        Ok(granted)
    }
}

/// The moment of a grant: now, but not before a cut that was made in this very moment.
fn after(cut: Option<Cut>, now: Timestamp) -> Result<Timestamp> {
    match cut.map(|cut| cut.before) {
        Some(cut) if cut.as_millis().saturating_sub(now.as_millis()) > NEAR => Err(Error::new(
            ErrorKind::Unavailable,
            "token.issue",
            "everything was taken back up to a moment that has not come: the clock was set back",
        )
        .with_context("until", cut)),
        Some(cut) => Ok(now.max(cut)),
        None => Ok(now),
    }
}
