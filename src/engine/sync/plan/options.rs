//! What a host can choose about a plan.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the replicas of a sync stand to each other.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relation {
    /// All alike: a change anywhere reaches everybody.
    Peers,
    /// The first replica is the source; the others become equal to it.
    Mirror,
    /// The first replica is the source; the others receive from it and never lose a file.
    Backup,
}

/// What settles a conflict.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictStrategy {
    /// The version with the latest time wins, the others go to the recovery folder. Where times are unknown
    /// or too near to tell: as [`Duplicate`](Self::Duplicate).
    NewerWins,
    /// The version of the replica that comes first wins, the others go to the recovery folder.
    SourceWins,
    /// Every version is kept everywhere; all but one get a new name.
    Duplicate,
    /// Versions of mergeable files are merged; others as [`Duplicate`](Self::Duplicate).
    Merge,
    /// Nothing is done; a person decides.
    ManualReview,
}

/// Options of a plan.
///
/// # Example
///
/// ```
/// use garland::sync::{Limit, PlanOptions};
///
/// let options = PlanOptions::default()
///     .with_track_renames(true)
///     .with_delete_limit(Limit::percent(20));
/// assert_eq!(options.clock_tolerance.as_secs(), 2);
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Times nearer than this do not tell which version is newer. Default: 2 s.
    #[serde(
        rename = "clock_tolerance_ms",
        serialize_with = "to_millis",
        deserialize_with = "from_millis"
    )]
    pub clock_tolerance: Duration,
    /// Extensions that [`ConflictStrategy::Merge`] can merge, in lower case. Default: `xmp`.
    pub mergeable: Vec<Box<str>>,
    /// Whether files that only changed their name are renamed instead of copied. Default: no.
    pub track_renames: bool,
    /// Whether a replica that lists nothing is believed. Default: no; a card that is not mounted looks like that.
    pub allow_empty: bool,
    /// The most files that may be deleted on one replica. Default: no limit.
    pub delete_limit: Limit,
    /// The most files that may be overwritten or merged on one replica. A hijacked account or ransomware
    /// changes many at once. Default: no limit.
    pub change_limit: Limit,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            clock_tolerance: Duration::from_secs(2),
            mergeable: vec!["xmp".into()],
            track_renames: false,
            allow_empty: false,
            delete_limit: Limit::NONE,
            change_limit: Limit::NONE,
        }
    }
}

impl PlanOptions {
    /// Sets [`PlanOptions::clock_tolerance`].
    #[must_use]
    pub fn with_clock_tolerance(mut self, tolerance: Duration) -> Self {
        self.clock_tolerance = tolerance;
        self
    }

    /// Sets [`PlanOptions::mergeable`].
    #[must_use]
    pub fn with_mergeable<S: Into<Box<str>>>(
        mut self,
        extensions: impl IntoIterator<Item = S>,
    ) -> Self {
        self.mergeable = extensions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`PlanOptions::track_renames`].
    #[must_use]
    pub fn with_track_renames(mut self, track: bool) -> Self {
        self.track_renames = track;
        self
    }

    /// Sets [`PlanOptions::allow_empty`].
    #[must_use]
    pub fn with_allow_empty(mut self, allow: bool) -> Self {
        self.allow_empty = allow;
        self
    }

    /// Sets [`PlanOptions::delete_limit`].
    #[must_use]
    pub fn with_delete_limit(mut self, limit: Limit) -> Self {
        self.delete_limit = limit;
        self
    }

    /// Sets [`PlanOptions::change_limit`].
    #[must_use]
    pub fn with_change_limit(mut self, limit: Limit) -> Self {
        self.change_limit = limit;
        self
    }
}

/// A bound on how many files of one replica a plan may touch. Where both parts are set, both hold.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Limit {
    /// At most so many files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// At most so many of each hundred files, of those that the replica lists or held before, whichever
    /// are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
}

impl Limit {
    /// No bound.
    pub const NONE: Self = Self {
        count: None,
        percent: None,
    };

    /// At most `count` files.
    #[must_use]
    pub const fn count(count: u64) -> Self {
        Self {
            count: Some(count),
            percent: None,
        }
    }

    /// At most `percent` of each hundred files.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self {
            count: None,
            percent: Some(percent),
        }
    }

    /// Sets [`Limit::count`].
    #[must_use]
    pub const fn with_count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets [`Limit::percent`].
    #[must_use]
    pub const fn with_percent(mut self, percent: u32) -> Self {
        self.percent = Some(percent);
        self
    }

    /// Tells whether `touched` files out of `all` are too many.
    #[must_use]
    pub fn is_exceeded(&self, touched: u64, all: u64) -> bool {
        let share =
            |percent: u32| u128::from(touched) * 100 > u128::from(percent) * u128::from(all);
        self.count.is_some_and(|count| touched > count) || self.percent.is_some_and(share)
    }
}

fn to_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn from_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_exceeded_above_it_not_at_it() {
        assert!(!Limit::count(3).is_exceeded(3, 3));
        assert!(Limit::count(3).is_exceeded(4, 1_000));
        assert!(!Limit::percent(50).is_exceeded(5, 10));
        assert!(Limit::percent(50).is_exceeded(6, 10));
        assert!(Limit::percent(50).with_count(1).is_exceeded(2, 10));
        assert!(!Limit::NONE.is_exceeded(u64::MAX, 0));
    }

    #[test]
    fn options_are_readable_json() {
        let options = PlanOptions::default().with_delete_limit(Limit::percent(20));
        let json = serde_json::to_string(&options).unwrap();
        assert!(json.starts_with(r#"{"clock_tolerance_ms":2000,"mergeable":["xmp"]"#));
        assert_eq!(serde_json::from_str::<PlanOptions>(&json).unwrap(), options);
        let partial: PlanOptions = serde_json::from_str(r#"{"allow_empty":true}"#).unwrap();
        assert_eq!(partial, PlanOptions::default().with_allow_empty(true));
    }
}
