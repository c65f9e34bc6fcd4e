//! Patterns with the meaning of a `.gitignore` file.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, ErrorKind, Result};

use super::options::{PathFilter, StrategyOverride};
use super::plan::ConflictStrategy;

/// Leaves out what its patterns name, as a [`.gitignore`](https://git-scm.com/docs/gitignore) would:
/// later patterns win, `!` takes back in, `/` at the front anchors at the top, `/` at the end means folders.
///
/// # Example
///
/// ```
/// use garland::sync::{Patterns, PathFilter};
///
/// let filter = Patterns::excluding(["*.tmp", "previews/", "!keep.tmp"])?;
/// assert!(!filter.includes("day/a.tmp"));
/// assert!(!filter.includes("day/previews/a.jpg"));
/// assert!(filter.includes("day/keep.tmp"));
///
/// let only = Patterns::including(["*.jpg", "/contracts/"])?;
/// assert!(only.includes("day/a.jpg") && only.includes("contracts/venue.pdf"));
/// assert!(!only.includes("day/contracts/a.pdf"));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patterns {
    matcher: Gitignore,
    /// What a path that no pattern names is.
    otherwise: bool,
}

impl Patterns {
    /// Takes everything but what the patterns name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a pattern that cannot be read.
    pub fn excluding<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Ok(Self {
            matcher: compile(patterns)?,
            otherwise: true,
        })
    }

    /// Takes only what the patterns name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a pattern that cannot be read.
    pub fn including<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Ok(Self {
            matcher: compile(patterns)?,
            otherwise: false,
        })
    }

    fn names(&self, path: &str) -> bool {
        self.matcher
            .matched_path_or_any_parents(path, false)
            .is_ignore()
    }
}

impl PathFilter for Patterns {
    fn includes(&self, path: &str) -> bool {
        self.names(path) != self.otherwise
    }
}

/// A strategy for the paths that its patterns name.
///
/// # Example
///
/// ```
/// use garland::sync::{ConflictStrategy, StrategyFor, StrategyOverride};
///
/// let sidecars = StrategyFor::new(["*.xmp"], ConflictStrategy::Merge)?;
/// assert_eq!(sidecars.strategy("day/a.xmp"), Some(ConflictStrategy::Merge));
/// assert_eq!(sidecars.strategy("day/a.jpg"), None);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StrategyFor {
    matcher: Gitignore,
    strategy: ConflictStrategy,
}

impl StrategyFor {
    /// Uses `strategy` for what the patterns name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a pattern that cannot be read.
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
        strategy: ConflictStrategy,
    ) -> Result<Self> {
        Ok(Self {
            matcher: compile(patterns)?,
            strategy,
        })
    }
}

impl StrategyOverride for StrategyFor {
    fn strategy(&self, path: &str) -> Option<ConflictStrategy> {
        let named = self
            .matcher
            .matched_path_or_any_parents(path, false)
            .is_ignore();
        named.then_some(self.strategy)
    }
}

fn compile<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Gitignore> {
    let fault = |cause: ignore::Error| {
        Error::new(
            ErrorKind::InvalidInput,
            "patterns.parse",
            "a pattern cannot be read",
        )
        .with_source(cause)
    };
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let pattern: String = pattern.nfc().collect();
        let pattern = pattern.as_str();
        builder
            .add_line(None, pattern)
            .map_err(|cause| fault(cause).with_context("pattern", pattern))?;
    }
    builder.build().map_err(fault)
}
