//! Who goes first.

use serde::{Deserialize, Serialize};

/// How urgent a call is: the greater goes first.
///
/// A number from 0 to 255, default [`NORMAL`](Self::NORMAL). The names are those of the classes of bandwidth.
///
/// # Example
///
/// ```
/// use garland::resilience::pool::Priority;
///
/// assert!(Priority::EMERGENCY > Priority::WEDDING_DAY);
/// assert!(Priority::BACKGROUND < Priority::default());
/// assert!(Priority::new(7) > Priority::EMERGENCY);
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Priority(u8);

impl Priority {
    /// What has time: archives, previews of old galleries.
    pub const BACKGROUND: Self = Self(0);
    /// Everyday work.
    pub const NORMAL: Self = Self(1);
    /// Somebody is looking at the screen.
    pub const INTERACTIVE: Self = Self(2);
    /// The work of a wedding that is under way.
    pub const WEDDING_DAY: Self = Self(3);
    /// What cannot wait.
    pub const EMERGENCY: Self = Self(4);

    /// Makes a priority of its own.
    #[must_use]
    pub const fn new(level: u8) -> Self {
        Self(level)
    }

    /// Returns the number.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}
