//! The state of an authorization that is on its way through another service and a browser.
//!
//! [RFC 9700, 2.1.1 and 4.7](https://www.rfc-editor.org/rfc/rfc9700): the state and the verifier are
//! good once, for ten minutes, and only in the session of the browser that began. The verifier is not
//! kept at all: it is derived from the state with a key that neither the browser nor the database has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::{Clock, Timestamp};
use crate::connector::to_hex;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, Collection, Precondition, RecordId, Store};

use super::entropy::{Entropy, draw};
use super::expiry::put_new;
use super::pkce::{Challenge, Verifier};
use super::secret::same;
use super::tokens::{Denied, DenyReason, KeySet, KeyUse, SigningKey};

/// The collection of authorizations that have begun and not come back.
pub const AUTHORIZATIONS: Collection<Authorization> = Collection::new("authorization_states");

/// How long an authorization may take.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// Longest `session` and `target` in bytes.
const LONGEST: usize = 1_024;

const VERIFIER: &[u8] = b"garland/authorization/verifier/v1\0";
const SESSION: &[u8] = b"garland/authorization/session/v1\0";

/// What is kept of an authorization, under the SHA-256 of its state.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Authorization {
    /// Where it leads, in the host's words.
    pub target: String,
    /// A keyed digest of the organization and the session that began it, in hexadecimal.
    pub session: String,
    /// Until when it may come back.
    pub until: Timestamp,
}

/// Begins and ends authorizations of one organization. Cheap to clone.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::crypto::{AuthorizationStates, SecretKey, SystemEntropy};
/// use garland::crypto::tokens::{KeySet, KeyUse, SigningKey};
/// use garland::{OrganizationId, SystemClock, backends::Memory, storage::Store};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let root = SecretKey::generate(&SystemEntropy::new())?;
/// let key = SigningKey::derive(KeyUse::Authorization, "2027".parse()?, &root)?;
/// let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
/// let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
/// let states = AuthorizationStates::new(store, KeySet::new(key), clock, entropy)?;
///
/// let begun = states.begin("browser-session-7", "dropbox").await?;
/// // The browser goes there with `begun.state()` and `begun.challenge()`, and comes back:
/// let ended = states.finish("browser-session-7", begun.state()).await?;
/// assert_eq!(ended.target(), "dropbox");
/// assert!(begun.challenge().fits(ended.verifier()));
/// assert!(states.finish("browser-session-7", begun.state()).await.is_err());
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationStates {
    store: Store,
    keys: Arc<KeySet>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for AuthorizationStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationStates")
            .field("organization", self.store.organization())
            .finish_non_exhaustive()
    }
}

impl AuthorizationStates {
    /// Binds the states in `store` to keys.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: keys of another purpose than [`KeyUse::Authorization`].
    pub fn new(
        store: Store,
        keys: KeySet,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        keys.expect(KeyUse::Authorization)?;
        Ok(Self {
            store,
            keys: Arc::new(keys),
            clock,
            entropy,
        })
    }

    /// Begins one: `session` is the browser's session as the host knows it, `target` where it leads.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: either is empty or longer than 1,024 bytes.
    /// - [`ErrorKind::Unavailable`]: no random bytes.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop there may be a state that nobody has; it ends by itself.
    pub async fn begin(&self, session: &str, target: &str) -> Result<Begun> {
        for text in [session, target] {
            if !(1..=LONGEST).contains(&text.len()) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "authorization.begin",
                    "a session and a target have 1 to 1,024 bytes",
                )
                .with_context("length", text.len()));
            }
        }
        let secret = Zeroizing::new(draw::<32>(&*self.entropy)?);
        let state = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let key = self.keys.signing();
        let now = self.clock.now();
        let until = now.saturating_add(LIFE);
        let authorization = Authorization {
            target: target.to_owned(),
            session: self.session_digest(key, &state, session),
            until,
        };
        let record = (id(&state)?, &authorization);
        put_new(&self.store, &AUTHORIZATIONS, record, now, until).await?;
        Ok(Begun {
            challenge: verifier(key, &state).challenge(),
            state,
        })
    }

    /// Ends one: its state is good once, in the session that began it, before ten minutes are over.
    ///
    /// # Errors
    /// [`Denied`]: whatever the reason.
    ///
    /// # Cancel safety
    ///
    /// After a drop the state may be spent.
    pub async fn finish(&self, session: &str, state: &str) -> Result<Finished, Denied> {
        // A state is 32 bytes, and has one way to be written.
        let known = URL_SAFE_NO_PAD.decode(state).map(Zeroizing::new);
        if known.map_or(0, |bytes| bytes.len()) != 32 {
            return Err(DenyReason::Malformed.into());
        }
        let now = self.clock.now();
        let id = id(state).map_err(Denied::storage)?;
        let found = self.store.get(&AUTHORIZATIONS, &id).await;
        let found = found.map_err(Denied::storage)?.ok_or(DenyReason::Unknown)?;
        let digest = found.value.session.as_bytes();
        let ours =
            |key: &&SigningKey| same(self.session_digest(key, state, session).as_bytes(), digest);
        let key = self.keys.taken(now).find(ours).ok_or(DenyReason::Binding)?;
        if found.value.until <= now {
            return Err(DenyReason::Expired.into());
        }
        let mut batch = Batch::new(now);
        batch.delete(&AUTHORIZATIONS, id, Precondition::At(found.version));
        match self.store.commit(batch).await {
            Ok(_) => Ok(Finished {
                target: found.value.target,
                verifier: verifier(key, state),
            }),
            Err(error) if error.kind() == ErrorKind::Conflict => Err(DenyReason::Reused.into()),
            Err(error) => Err(Denied::storage(error)),
        }
    }
}

impl AuthorizationStates {
    /// Of the organization too, so that a record copied to another ends nothing there.
    fn session_digest(&self, key: &SigningKey, state: &str, session: &str) -> String {
        // A state has one length, and an id of an organization no NUL: no two triples are one text.
        let organization = self.store.organization().as_str().as_bytes();
        let parts = [
            SESSION,
            state.as_bytes(),
            organization,
            b"\0",
            session.as_bytes(),
        ];
        to_hex(&key.sign(&parts))
    }
}

/// An authorization on its way.
pub struct Begun {
    state: Zeroizing<String>,
    challenge: Challenge,
}

impl Begun {
    /// Returns the `state` to send along.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Returns the `code_challenge` to send along.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        self.challenge
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

/// An authorization that came back where it began.
pub struct Finished {
    target: String,
    verifier: Verifier,
}

impl Finished {
    /// Returns where it led, as [`begin`](AuthorizationStates::begin) was told.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the `code_verifier` to send with the code.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

fn id(state: &str) -> Result<RecordId> {
    RecordId::parse(to_hex(&Sha256::digest(state.as_bytes())))
}

fn verifier(key: &SigningKey, state: &str) -> Verifier {
    Verifier::of(&Zeroizing::new(key.sign(&[VERIFIER, state.as_bytes()])))
}
