//! What a service of tokens is held to.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

use super::permission::KnownPermissions;

/// Longest life of an access token that any verifier takes.
pub(super) const ACCESS_CEILING: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest life of a session, and so how long a cut through one is remembered.
pub(super) const SESSION_CEILING: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How far the clocks of machines that share a database may differ: what has run out is kept that
/// much longer, lest a machine whose clock is behind takes what another has forgotten.
pub(crate) const SKEW: Duration = Duration::from_secs(60 * 60);

/// Largest difference of clocks that may be allowed.
pub(super) const LEEWAY_CEILING: Duration = Duration::from_secs(60);

/// What tokens are made with and held to. Tokens and verifiers of one host have one policy.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::crypto::tokens::{KnownPermissions, TokenPolicy};
///
/// let known = KnownPermissions::parse(["files:read"])?;
/// let policy = TokenPolicy::new("https://studio.test", "studio-api", known)
///     .with_access_life(Duration::from_secs(300));
/// assert_eq!(policy.leeway, Duration::ZERO);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPolicy {
    /// Who makes the tokens (`iss`), exactly.
    pub issuer: Box<str>,
    /// Who they are for (`aud`), exactly.
    pub audience: Box<str>,
    /// What they may allow.
    pub permissions: KnownPermissions,
    /// How long an access token is good that is made here. Default: 10 minutes.
    pub access_life: Duration,
    /// The longest life of an access token that is taken here, whoever made it; at most 24 hours.
    /// Default: 24 hours.
    pub max_access_life: Duration,
    /// How far other clocks may differ; at most 60 seconds. Default: none.
    pub leeway: Duration,
    /// After how long without a refresh a session ends. Default: 14 days.
    pub idle_life: Duration,
    /// After how long a session ends however often it is refreshed; at most 366 days. Default: 30 days.
    pub session_life: Duration,
    /// For how long after a refresh a second use of the same refresh token is only turned away, and
    /// does not yet end the session; at most 60 seconds. Default: not at all.
    ///
    /// For clients that send one refresh from two windows at once. A thief who is quicker than the
    /// client is not noticed within this time.
    pub reuse_leeway: Duration,
    /// How long the database may take to answer before nobody is let in. Default: 5 seconds.
    pub patience: Duration,
}

impl TokenPolicy {
    /// Names who makes the tokens, who they are for, and what they may allow.
    #[must_use]
    pub fn new(
        issuer: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        permissions: KnownPermissions,
    ) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            permissions,
            access_life: Duration::from_secs(10 * 60),
            max_access_life: ACCESS_CEILING,
            leeway: Duration::ZERO,
            idle_life: Duration::from_secs(14 * DAY),
            session_life: Duration::from_secs(30 * DAY),
            reuse_leeway: Duration::ZERO,
            patience: Duration::from_secs(5),
        }
    }

    /// Sets [`TokenPolicy::access_life`].
    #[must_use]
    pub fn with_access_life(mut self, life: Duration) -> Self {
        self.access_life = life;
        self
    }

    /// Sets [`TokenPolicy::max_access_life`].
    #[must_use]
    pub fn with_max_access_life(mut self, life: Duration) -> Self {
        self.max_access_life = life;
        self
    }

    /// Sets [`TokenPolicy::leeway`].
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets [`TokenPolicy::idle_life`].
    #[must_use]
    pub fn with_idle_life(mut self, life: Duration) -> Self {
        self.idle_life = life;
        self
    }

    /// Sets [`TokenPolicy::session_life`].
    #[must_use]
    pub fn with_session_life(mut self, life: Duration) -> Self {
        self.session_life = life;
        self
    }

    /// Sets [`TokenPolicy::reuse_leeway`].
    #[must_use]
    pub fn with_reuse_leeway(mut self, leeway: Duration) -> Self {
        self.reuse_leeway = leeway;
        self
    }

    /// Sets [`TokenPolicy::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Checks every bound.
    pub(super) fn validate(&self) -> Result<()> {
        let second = Duration::from_secs(1);
        let names = [("issuer", &self.issuer), ("audience", &self.audience)];
        for (field, text) in names {
            if text.is_empty() {
                return Err(invalid(field, "must not be empty"));
            }
        }
        let bounds = [
            (
                "max_access_life",
                self.max_access_life,
                second,
                ACCESS_CEILING,
            ),
            (
                "access_life",
                self.access_life,
                second,
                self.max_access_life,
            ),
            ("leeway", self.leeway, Duration::ZERO, LEEWAY_CEILING),
            ("session_life", self.session_life, second, SESSION_CEILING),
            ("idle_life", self.idle_life, second, SESSION_CEILING),
            (
                "reuse_leeway",
                self.reuse_leeway,
                Duration::ZERO,
                LEEWAY_CEILING,
            ),
            (
                "patience",
                self.patience,
                Duration::from_millis(1),
                Duration::MAX,
            ),
        ];
        for (field, value, least, most) in bounds {
            if value < least || value > most {
                return Err(
                    invalid(field, "is out of range").with_context("value", format!("{value:?}"))
                );
            }
        }
        Ok(())
    }
}

fn invalid(field: &'static str, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "token_policy.validate",
        format!("a field of the policy {what}"),
    )
    .with_context("field", field)
}
