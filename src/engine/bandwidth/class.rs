//! How urgent a transfer is, and what that is worth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How urgent a transfer is.
///
/// What a class is worth beside others says a [`Policy`].
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// Before everything else: what a day would be lost without.
    Emergency,
    /// What belongs to a wedding that takes place now.
    WeddingDay,
    /// What a person waits for.
    Interactive,
    /// Everything without a reason to be something else.
    #[default]
    Normal,
    /// What has time: archives, backups, copies for later.
    Background,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Emergency,
        Self::WeddingDay,
        Self::Interactive,
        Self::Normal,
        Self::Background,
    ];

    /// Returns the name, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::WeddingDay => "wedding_day",
            Self::Interactive => "interactive",
            Self::Normal => "normal",
            Self::Background => "background",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|class| class.as_str() == text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "bandwidth.parse",
                "there is no such class",
            )
            .with_context("class", text)
        })
    }
}

/// What a class is worth: its tier, and what its weight is multiplied by.
///
/// Tiers are strict: one is served when all with lower numbers have what they can use. Within a tier, weights
/// decide.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    tier: u32,
    multiplier: u32,
}

impl Standing {
    /// Returns the tier; 0 comes first.
    #[must_use]
    pub const fn tier(self) -> u32 {
        self.tier
    }

    /// Returns what weights of the class are multiplied by, at least 1.
    #[must_use]
    pub const fn multiplier(self) -> u32 {
        self.multiplier
    }
}

/// What each [`Class`] is worth beside the others.
///
/// By default only an emergency is strict; all others share one tier by weight: wedding day 16, interactive 8, normal 4,
/// background 1. So none of those four starves beside the others. Nothing at all may be left for a transfer without a
/// guarantee beside emergencies that can use the whole link, or in a later tier of another policy, as of
/// [`strict`](Self::strict); and there is nothing under a limit or a capacity of zero.
///
/// # Example
///
/// ```
/// use garland::bandwidth::{Class, Policy};
///
/// let policy = Policy::default().with(Class::Background, 1, 2)?;
/// assert_eq!(policy.standing(Class::Emergency).tier(), 0);
/// assert_eq!(policy.standing(Class::Background).multiplier(), 2);
/// assert!(policy.with(Class::Normal, 1, 0).is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    emergency: Standing,
    wedding_day: Standing,
    interactive: Standing,
    normal: Standing,
    background: Standing,
}

impl Default for Policy {
    fn default() -> Self {
        let standing = |tier, multiplier| Standing { tier, multiplier };
        Self {
            emergency: standing(0, 1),
            wedding_day: standing(1, 16),
            interactive: standing(1, 8),
            normal: standing(1, 4),
            background: standing(1, 1),
        }
    }
}

impl Policy {
    /// Makes a policy of five tiers: each class only gets what all before it leave. All but emergencies may starve, where
    /// nothing is guaranteed to them.
    #[must_use]
    pub const fn strict() -> Self {
        const fn tier(tier: u32) -> Standing {
            Standing {
                tier,
                multiplier: 1,
            }
        }
        Self {
            emergency: tier(0),
            wedding_day: tier(1),
            interactive: tier(2),
            normal: tier(3),
            background: tier(4),
        }
    }

    /// Sets what one class is worth.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: `multiplier` is 0.
    pub fn with(mut self, class: Class, tier: u32, multiplier: u32) -> Result<Self> {
        if multiplier == 0 {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "bandwidth.configure",
                "a multiplier is at least 1",
            )
            .with_context("class", class));
        }
        *self.standing_mut(class) = Standing { tier, multiplier };
        Ok(self)
    }

    /// Returns what a class is worth.
    #[must_use]
    pub const fn standing(&self, class: Class) -> Standing {
        match class {
            Class::Emergency => self.emergency,
            Class::WeddingDay => self.wedding_day,
            Class::Interactive => self.interactive,
            Class::Normal => self.normal,
            Class::Background => self.background,
        }
    }

    fn standing_mut(&mut self, class: Class) -> &mut Standing {
        match class {
            Class::Emergency => &mut self.emergency,
            Class::WeddingDay => &mut self.wedding_day,
            Class::Interactive => &mut self.interactive,
            Class::Normal => &mut self.normal,
            Class::Background => &mut self.background,
        }
    }
}
