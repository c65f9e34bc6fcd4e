//! How passwords are hashed.

use crate::engine::crypto::kdf::{Cost, Kdf};
use crate::error::{Error, ErrorKind, Result};

/// How [`Passwords`](super::Passwords) hashes, and how much of it at once.
///
/// # Example
///
/// ```
/// use garland::crypto::PasswordPolicy;
///
/// let policy = PasswordPolicy::default().with_memory(64 << 10).with_at_once(2);
/// assert_eq!((policy.memory, policy.passes, policy.lanes), (65_536, 2, 1));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Memory of one hash in KiB: at least 19,456, at most 1,048,576. Default: 19,456 (19 MiB).
    pub memory: u32,
    /// Passes over it: at least 2, at most 32. Default: 2.
    pub passes: u32,
    /// Lanes: 1 to 16, worked through one after the other. Default: 1.
    pub lanes: u32,
    /// How many hashes are computed at the same time, at least 1; each takes
    /// [`memory`](PasswordPolicy::memory) and a thread. Default: 4.
    pub at_once: usize,
    /// How many more may wait for their turn; beyond that a call is refused with
    /// [`ErrorKind::RateLimited`]. Default: 256.
    pub waiting: usize,
    /// The longest password in bytes; a longer one is refused, never cut. Default: 1,024.
    pub longest: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            memory: 19 << 10,
            passes: 2,
            lanes: 1,
            at_once: 4,
            waiting: 256,
            longest: 1_024,
        }
    }
}

impl PasswordPolicy {
    /// Sets [`PasswordPolicy::memory`].
    #[must_use]
    pub fn with_memory(mut self, kib: u32) -> Self {
        self.memory = kib;
        self
    }

    /// Sets [`PasswordPolicy::passes`].
    #[must_use]
    pub fn with_passes(mut self, passes: u32) -> Self {
        self.passes = passes;
        self
    }

    /// Sets [`PasswordPolicy::lanes`].
    #[must_use]
    pub fn with_lanes(mut self, lanes: u32) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets [`PasswordPolicy::at_once`].
    #[must_use]
    pub fn with_at_once(mut self, hashes: usize) -> Self {
        self.at_once = hashes;
        self
    }

    /// Sets [`PasswordPolicy::waiting`].
    #[must_use]
    pub fn with_waiting(mut self, calls: usize) -> Self {
        self.waiting = calls;
        self
    }

    /// Sets [`PasswordPolicy::longest`].
    #[must_use]
    pub fn with_longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.at_once == 0 || self.longest == 0 {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "passwords.new",
                "a policy that lets nothing through is none",
            ));
        }
        let Cost {
            memory,
            passes,
            lanes,
        } = self.cost();
        Kdf::Argon2id {
            memory,
            passes,
            lanes,
        }
        .check()
    }

    pub(super) fn cost(&self) -> Cost {
        Cost {
            memory: self.memory,
            passes: self.passes,
            lanes: self.lanes,
        }
    }
}
