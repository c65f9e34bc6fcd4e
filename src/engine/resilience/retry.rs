//! When to try again.

use std::time::Duration;

use crate::error::Error;
use crate::id::Chance;

/// How often a failed call is tried again, and after what wait.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::transfer::RetryPolicy;
///
/// let policy = RetryPolicy::default();
/// assert_eq!(policy.ceiling(1), Duration::from_millis(250));
/// assert_eq!(policy.ceiling(3), Duration::from_secs(1));
/// assert_eq!(policy.ceiling(60), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many tries in all, the first one included. Default 5, at least 1.
    pub attempts: u32,
    /// The longest wait after the first failure. Default 250 ms.
    pub base: Duration,
    /// The longest wait at all, unless the platform asks for a longer one. Default 30 s.
    pub cap: Duration,
    /// The longest wait asked for by a platform that is still obeyed; beyond it the call fails. Default 5 min.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(30),
            patience: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// Sets [`RetryPolicy::attempts`].
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets [`RetryPolicy::base`].
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`RetryPolicy::cap`].
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Returns the longest wait after `failures` failures in a row: `base · 2^(failures − 1)`, at most the cap.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// Returns how long to wait before the next try, or `None` to give up.
    ///
    /// The wait is drawn evenly from zero to [`ceiling`](Self::ceiling) ([full jitter]), so that
    /// many that failed together do not come back together; what the platform asks for is added
    /// as the least.
    ///
    /// [full jitter]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    #[must_use]
    pub fn wait(&self, failures: u32, error: &Error, chance: &Chance) -> Option<Duration> {
        let asked = error.retry_after().unwrap_or_default();
        if !error.is_retryable() || failures >= self.attempts || asked > self.patience {
            return None;
        }
        Some(asked.saturating_add(self.ceiling(failures).mul_f64(chance.unit())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let (policy, chance) = (RetryPolicy::default(), Chance::seeded(1));
        let error = |kind| Error::new(kind, "test", "failed");
        let busy = error(ErrorKind::Unavailable);
        assert!(policy.wait(4, &busy, &chance).unwrap() <= policy.ceiling(4));
        assert_eq!(policy.wait(5, &busy, &chance), None);
        assert_eq!(policy.wait(1, &error(ErrorKind::Denied), &chance), None);
        let limited = error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(7));
        assert!(policy.wait(1, &limited, &chance).unwrap() >= Duration::from_secs(7));
        let tomorrow = error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(86_400));
        assert_eq!(policy.wait(1, &tomorrow, &chance), None);
    }
}
