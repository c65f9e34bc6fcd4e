//! What a host says about organizations, platforms and transfers.

use std::fmt;

use crate::error::Result;

use super::check::{check_bounds, wrong};
use super::class::Class;
use super::rate::Rate;

/// Which way bytes go. Each way is a link of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Direction {
    /// To a platform.
    Upload,
    /// From a platform.
    Download,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upload => "upload",
            Self::Download => "download",
        })
    }
}

/// The part of an organization, or of one of its platforms, in one direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// Its weight against its siblings, at least 1. Default 1.
    pub weight: u32,
    /// What it is guaranteed, shared by those below it whatever they are guaranteed. Default: what those below it are.
    pub min: Option<Rate>,
    /// The most it may have. Default: no limit.
    pub cap: Option<Rate>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            weight: 1,
            min: None,
            cap: None,
        }
    }
}

impl Share {
    /// Sets [`Share::weight`].
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets [`Share::min`].
    #[must_use]
    pub fn with_min(mut self, min: Rate) -> Self {
        self.min = Some(min);
        self
    }

    /// Sets [`Share::cap`].
    #[must_use]
    pub fn with_cap(mut self, cap: Rate) -> Self {
        self.cap = Some(cap);
        self
    }

    pub(super) fn check(&self, node: &str) -> Result<()> {
        if self.weight < 1 {
            return Err(wrong(node, "a weight is at least 1"));
        }
        check_bounds(node, self.min.map(Rate::as_f64), self.cap.map(Rate::as_f64))
    }
}

/// A transfer that wants to take part.
///
/// # Example
///
/// ```
/// use garland::bandwidth::{Class, Direction, Rate, Stream};
///
/// let stream = Stream::upload("acme", "gdrive").with_class(Class::Background).with_cap(Rate::megabytes(2));
/// assert_eq!(stream.direction, Direction::Upload);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stream {
    /// Whose transfer it is.
    pub organization: String,
    /// Which of its platforms it goes to or comes from.
    pub platform: String,
    /// Which way its bytes go.
    pub direction: Direction,
    /// How urgent it is. Default [`Class::Normal`].
    pub class: Class,
    /// Its weight against transfers of the same platform and class, at least 1. Default 1.
    pub weight: u32,
    /// What it is guaranteed. Default: nothing.
    pub min: Option<Rate>,
    /// The most it may have. Default: no limit.
    pub cap: Option<Rate>,
}

impl Stream {
    /// Makes a transfer to a platform.
    #[must_use]
    pub fn upload(organization: impl Into<String>, platform: impl Into<String>) -> Self {
        Self::new(Direction::Upload, organization, platform)
    }

    /// Makes a transfer from a platform.
    #[must_use]
    pub fn download(organization: impl Into<String>, platform: impl Into<String>) -> Self {
        Self::new(Direction::Download, organization, platform)
    }

    /// Makes a transfer in either direction.
    #[must_use]
    pub fn new(
        direction: Direction,
        organization: impl Into<String>,
        platform: impl Into<String>,
    ) -> Self {
        Self {
            organization: organization.into(),
            platform: platform.into(),
            direction,
            class: Class::default(),
            weight: 1,
            min: None,
            cap: None,
        }
    }

    /// Sets [`Stream::class`].
    #[must_use]
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Sets [`Stream::weight`].
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets [`Stream::min`].
    #[must_use]
    pub fn with_min(mut self, min: Rate) -> Self {
        self.min = Some(min);
        self
    }

    /// Sets [`Stream::cap`].
    #[must_use]
    pub fn with_cap(mut self, cap: Rate) -> Self {
        self.cap = Some(cap);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let share = Share {
            weight: self.weight,
            min: self.min,
            cap: self.cap,
        };
        share.check(&format_args!("{}/{}", self.organization, self.platform).to_string())
    }
}
