//! When tokens are refreshed.

use std::time::Duration;

/// When tokens are refreshed, and how long anything may take.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OAuthOptions {
    /// How long before its end an access token is refreshed; up to as much again is added by chance, so that not all
    /// accounts are refreshed at once. Of a token that lives less than four times as long, it is a quarter of its life.
    /// Default 5 min.
    pub ahead: Duration,
    /// How far the clocks of two machines may be apart: for so long before its end a token counts as run out, or for an
    /// eighth of its life if that is less. Default 30 s.
    pub skew: Duration,
    /// How long before its end a refresh token is reported; of one that lives less than four times as long, a quarter of
    /// its life. Default 3 days.
    pub notice: Duration,
    /// The longest wait for one answer of a provider, from 1 s to 5 min. Default 30 s. Who refreshes holds a lease twice
    /// as long, so that nobody else does.
    pub patience: Duration,
    /// How long nothing is tried after a refresh ahead of time has failed. Default 30 s.
    pub pause: Duration,
    /// How long an authorization may take. Default 10 min.
    pub authorization: Duration,
}

impl Default for OAuthOptions {
    fn default() -> Self {
        Self {
            ahead: Duration::from_secs(5 * 60),
            skew: Duration::from_secs(30),
            notice: Duration::from_secs(3 * 24 * 3600),
            patience: Duration::from_secs(30),
            pause: Duration::from_secs(30),
            authorization: Duration::from_secs(10 * 60),
        }
    }
}

impl OAuthOptions {
    /// Sets [`OAuthOptions::ahead`].
    #[must_use]
    pub fn with_ahead(mut self, time: Duration) -> Self {
        self.ahead = time;
        self
    }

    /// Sets [`OAuthOptions::skew`].
    #[must_use]
    pub fn with_skew(mut self, time: Duration) -> Self {
        self.skew = time;
        self
    }

    /// Sets [`OAuthOptions::notice`].
    #[must_use]
    pub fn with_notice(mut self, time: Duration) -> Self {
        self.notice = time;
        self
    }

    /// Sets [`OAuthOptions::patience`](field@Self::patience).
    #[must_use]
    pub fn with_patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// Sets [`OAuthOptions::pause`].
    #[must_use]
    pub fn with_pause(mut self, time: Duration) -> Self {
        self.pause = time;
        self
    }

    /// Sets [`OAuthOptions::authorization`].
    #[must_use]
    pub fn with_authorization(mut self, time: Duration) -> Self {
        self.authorization = time;
        self
    }

    pub(super) fn patience(&self) -> Duration {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(300));
        self.patience.clamp(least, most)
    }

    /// How long who refreshes keeps others away.
    pub(super) fn lease(&self) -> Duration {
        self.patience() * 2
    }
}
