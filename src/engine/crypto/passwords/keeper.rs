//! Hashing and verifying, off the runtime and not too much at once.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::entropy::{Entropy, draw};
use crate::engine::crypto::secret::SecretBytes;
use crate::error::{Error, ErrorKind, Result};

use super::argon2id;
use super::policy::PasswordPolicy;

/// A password as it is kept: a [PHC string], or what an older system has left.
///
/// Not a secret like the password, and still not for others' eyes: `Debug` shows the scheme only.
///
/// [PHC string]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as it was stored; [`Passwords::verify`] finds what is wrong with it.
    #[must_use]
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split('$').nth(1).unwrap_or("unknown");
        let known = ["argon2d", "argon2i", "argon2id", "2a", "2b", "2x", "2y"];
        let shown = if known.contains(&scheme) {
            scheme
        } else {
            "unknown"
        };
        write!(f, "PasswordHash({shown})")
    }
}

/// What came of a verification.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct Verdict {
    /// Whether the password is the one.
    pub ok: bool,
    /// Whether it should be hashed anew and stored, now that it is at hand: less memory or fewer passes
    /// than the policy's, a short salt, an older scheme. Never set when [`ok`](Verdict::ok) is not.
    pub needs_rehash: bool,
}

/// Hashes and verifies passwords: argon2id.
///
/// A hash takes tens of milliseconds and megabytes on purpose, so they run off the runtime, a few at
/// a time, and calls beyond a bound are refused. Clones share the bounds. Guessing against one account
/// is bounded elsewhere, by a rate limit.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::crypto::{PasswordPolicy, Passwords, SecretBytes, SystemEntropy};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let passwords = Passwords::new(PasswordPolicy::default(), Arc::new(SystemEntropy::new()))?;
/// let typed = SecretBytes::from("korrekt Pferd Batterie");
/// let stored = passwords.hash(&typed).await?;
/// assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
///
/// let verdict = passwords.verify(&typed, &stored).await?;
/// assert!(verdict.ok && !verdict.needs_rehash);
/// assert!(!passwords.verify(&SecretBytes::from("guess"), &stored).await?.ok);
/// # Ok::<(), garland::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Passwords {
    policy: PasswordPolicy,
    entropy: Arc<dyn Entropy>,
    /// Room for those that are computed.
    running: Arc<Semaphore>,
    /// Room for those and the ones that wait.
    present: Arc<Semaphore>,
}

impl Passwords {
    /// Takes a policy.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: it is too weak: under 19 MiB or 2 passes.
    /// - [`ErrorKind::LimitExceeded`]: over 1 GiB, 32 passes or 16 lanes.
    /// - [`ErrorKind::InvalidInput`]: it lets no password through.
    pub fn new(policy: PasswordPolicy, entropy: Arc<dyn Entropy>) -> Result<Self> {
        policy.check()?;
        let running = policy.at_once.min(Semaphore::MAX_PERMITS);
        let present = running.saturating_add(policy.waiting);
        Ok(Self {
            entropy,
            running: Arc::new(Semaphore::new(running)),
            present: Arc::new(Semaphore::new(present.min(Semaphore::MAX_PERMITS))),
            policy,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: it is empty or longer than the policy allows.
    /// - [`ErrorKind::RateLimited`]: too many wait already.
    /// - [`ErrorKind::Unavailable`]: no random bytes, or not enough memory.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop; a hash that has begun is computed to its end, within the bounds.
    pub async fn hash(&self, password: &SecretBytes) -> Result<PasswordHash> {
        self.check(password)?;
        if password.expose().is_empty() {
            return Err(invalid("passwords.hash", "a password is not empty"));
        }
        let salt = draw(&*self.entropy)?;
        let (password, cost) = (password.clone(), self.policy.cost());
        self.run("passwords.hash", move || {
            argon2id::hash(cost, password.expose(), salt).map(PasswordHash)
        })
        .await
    }

    /// Tells whether a password is the one of a stored hash.
    ///
    /// Read are argon2id, argon2i and argon2d, and with the feature `bcrypt` the forms `$2a$`, `$2b$`
    /// and `$2y$` of an older system, at cost 10 to 16. All but argon2id at least as strong as the
    /// policy say [`needs_rehash`](Verdict::needs_rehash).
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: the stored hash is not one.
    /// - [`ErrorKind::Unsupported`]: of a scheme that is not read here.
    /// - [`ErrorKind::Refused`]: a bcrypt hash of cost 9 or less, which is no protection.
    /// - [`ErrorKind::LimitExceeded`]: it asks for more than is reasonable; nothing was spent on it.
    /// - [`ErrorKind::InvalidInput`]: the password is longer than the policy allows; or for bcrypt over
    ///   72 bytes or with a zero byte, as bcrypt would look at a part of it only.
    /// - [`ErrorKind::RateLimited`]: too many wait already.
    /// - [`ErrorKind::Unavailable`]: not enough memory.
    ///
    /// To the outside every one of these is the same as a wrong password.
    ///
    /// # Cancel safety
    ///
    /// As [`hash`](Self::hash).
    pub async fn verify(&self, password: &SecretBytes, stored: &PasswordHash) -> Result<Verdict> {
        self.check(password)?;
        #[cfg(feature = "bcrypt")]
        if super::bcrypt::is_one(stored.as_str()) {
            super::bcrypt::check(password.expose())?;
            let parsed = super::bcrypt::parse(stored.as_str())?;
            let password = password.clone();
            let verify = move || parsed.verify(password.expose());
            let ok = self.run("passwords.verify", verify).await?;
            let needs_rehash = ok;
            return Ok(Verdict { ok, needs_rehash });
        }
        if !stored.as_str().starts_with("$argon2") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "passwords.verify",
                "the stored hash is of a scheme that is not read here",
            ));
        }
        let parsed = argon2id::parse(stored.as_str())?;
        let is_old = parsed.is_old(self.policy.cost());
        let password = password.clone();
        let verify = move || parsed.verify(password.expose());
        let ok = self.run("passwords.verify", verify).await?;
        let needs_rehash = ok && is_old;
        Ok(Verdict { ok, needs_rehash })
    }

    /// Does for a user that does not exist what [`verify`](Self::verify) does for one that does, so
    /// that the time it takes does not tell. The verdict is always no.
    ///
    /// The work is that of a hash by the policy: as long as hashes of other costs or of bcrypt are
    /// stored, those users stand out from the unknown.
    ///
    /// # Errors
    /// As [`verify`](Self::verify) for a hash by the policy.
    ///
    /// # Cancel safety
    ///
    /// As [`hash`](Self::hash).
    pub async fn verify_absent(&self, password: &SecretBytes) -> Result<Verdict> {
        self.check(password)?;
        let (password, cost) = (password.clone(), self.policy.cost());
        let hash = move || argon2id::hash(cost, password.expose(), [0; 16]);
        self.run("passwords.verify", hash).await?;
        Ok(Verdict {
            ok: false,
            needs_rehash: false,
        })
    }

    fn check(&self, password: &SecretBytes) -> Result<()> {
        if password.expose().len() > self.policy.longest {
            return Err(invalid(
                "passwords.check",
                "the password is too long, and is never cut",
            )
            .with_context("longest", self.policy.longest));
        }
        Ok(())
    }

    /// Runs one hash when it is its turn. Its room is free when it is done, whoever still waits for it.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        hash: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let present = match Arc::clone(&self.present).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => {
                return Err(Error::new(
                    ErrorKind::RateLimited,
                    operation,
                    "too many passwords are being checked",
                ));
            }
            Err(TryAcquireError::Closed) => return Err(closed(operation)),
        };
        let running = Arc::clone(&self.running).acquire_owned().await;
        let running = running.map_err(|_| closed(operation))?;
        off_runtime(operation, move || {
            let _room: [OwnedSemaphorePermit; 2] = [present, running];
            hash()
        })
        .await
    }
}

fn invalid(operation: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, operation, message)
}

fn closed(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unexpected, operation, "the bounds are closed")
}
