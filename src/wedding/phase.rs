//! Where a wedding stands, by its own calendar.

use std::time::Duration;

use crate::clock::Timestamp;

use super::day::{Day, parse_instant};
use super::word::{word_set, words};
use super::zones::Zones;

words! {
    /// Where a wedding stands.
    Phase, "phase":
    /// More than 30 days before, or without a date.
    Planning = "planning",
    /// The last 30 days.
    PreWedding = "pre_wedding",
    /// The day itself, or all its days, and the grace.
    WeddingDay = "wedding_day",
    /// After it.
    PostWedding = "post_wedding",
}

word_set! {
    /// A set of phases.
    PhaseSet(u8) of Phase
}

impl PhaseSet {
    /// Every phase.
    pub const ALL: Self = Self::of(&Phase::ALL);
}

/// Days before the wedding day from which on it is [`Phase::PreWedding`].
const PRE_WEDDING_DAYS: i32 = 30;

/// How long the wedding day goes on after its midnight: 0 to 720 minutes. Default: 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Grace(u16);

impl Grace {
    /// The longest, in minutes.
    pub const MAX: u16 = 720;

    /// Makes a grace of so many minutes; nothing above [`Grace::MAX`].
    #[must_use]
    pub const fn minutes(minutes: u16) -> Option<Self> {
        if minutes <= Self::MAX {
            Some(Self(minutes))
        } else {
            None
        }
    }

    const fn length(self) -> Duration {
        Duration::from_secs(self.0 as u64 * 60)
    }
}

/// When a wedding is, as its record says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a date is one of these by definition"
)]
pub enum WeddingDate {
    /// Nobody has decided yet.
    #[default]
    Undecided,
    /// On that day of the venue's calendar.
    On(Day),
    /// On the day that it is at the venue at that instant.
    At(Timestamp),
    /// The record says something that is neither.
    Unreadable,
}

impl WeddingDate {
    /// Reads a date as a record has it: a day, or an instant with its offset.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match (text.parse(), parse_instant(text)) {
            (Ok(day), _) => Self::On(day),
            (_, Some(at)) => Self::At(at),
            _ => Self::Unreadable,
        }
    }
}

/// A phase, and how long it lasts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PhaseAt {
    /// The phase; nothing if it cannot be known.
    pub phase: Option<Phase>,
    /// The first instant at which it changes by itself, if it does.
    pub until: Option<Timestamp>,
}

/// Returns the phase of a wedding on `date` in `zone` at `now`: `permissions.md` §2. A date or zone that cannot be read
/// makes it unknown.
///
/// # Example
///
/// ```
/// use garland::wedding::{Grace, Phase, UtcOnly, WeddingDate, parse_instant, phase_at};
///
/// let date = WeddingDate::parse("2026-06-20");
/// let now = parse_instant("2026-06-19T23:59:59.999Z").unwrap();
/// let found = phase_at(date, "UTC", Grace::default(), now, &UtcOnly::new());
/// assert_eq!(found.phase, Some(Phase::PreWedding));
/// assert_eq!(found.until, parse_instant("2026-06-20T00:00:00Z"));
/// ```
#[must_use]
pub fn phase_at(
    date: WeddingDate,
    zone: &str,
    grace: Grace,
    now: Timestamp,
    zones: &dyn Zones,
) -> PhaseAt {
    Calendar::of(date, zone, grace, zones).at(now)
}

/// When the phase of one wedding changes, worked out once for every instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Calendar {
    /// There is no date yet.
    Undecided,
    /// The date or the zone cannot be read.
    Unknown,
    /// The first instants of three of the phases.
    Known {
        pre_wedding: Timestamp,
        wedding_day: Timestamp,
        post_wedding: Timestamp,
    },
}

impl Calendar {
    pub(crate) fn of(date: WeddingDate, zone: &str, grace: Grace, zones: &dyn Zones) -> Self {
        Self::spanning(date, WeddingDate::Undecided, zone, grace, zones)
    }

    /// The same for a wedding of several days; without a last one, its first is its only one.
    pub(crate) fn spanning(
        first: WeddingDate,
        last: WeddingDate,
        zone: &str,
        grace: Grace,
        zones: &dyn Zones,
    ) -> Self {
        let day = |date| match date {
            WeddingDate::Undecided | WeddingDate::Unreadable => None,
            WeddingDate::On(day) => Some(day),
            WeddingDate::At(at) => zones.day(zone, at),
        };
        let (first, last) = match (first, last) {
            (WeddingDate::Undecided, _) => return Self::Undecided,
            (first, WeddingDate::Undecided) => (day(first), day(first)),
            (first, last) => (day(first), day(last)),
        };
        let known = first.zip(last).filter(|(first, last)| first <= last);
        known
            .and_then(|(first, last)| Self::around(first, last, zone, grace, zones))
            .unwrap_or(Self::Unknown)
    }

    fn around(first: Day, last: Day, zone: &str, grace: Grace, zones: &dyn Zones) -> Option<Self> {
        let wedding_day = zones.day_start(zone, first)?;
        let next = zones.day_start(zone, last.plus(1))?;
        Some(Self::Known {
            pre_wedding: zones.day_start(zone, first.plus(-PRE_WEDDING_DAYS))?,
            wedding_day,
            // A day that the zone skipped has no grace either.
            post_wedding: if wedding_day < next {
                next.saturating_add(grace.length())
            } else {
                next
            },
        })
    }

    pub(crate) fn at(self, now: Timestamp) -> PhaseAt {
        let (phase, until) = match self {
            Self::Undecided => (Some(Phase::Planning), None),
            Self::Unknown => (None, None),
            Self::Known { pre_wedding, .. } if now < pre_wedding => {
                (Some(Phase::Planning), Some(pre_wedding))
            }
            Self::Known { wedding_day, .. } if now < wedding_day => {
                (Some(Phase::PreWedding), Some(wedding_day))
            }
            Self::Known { post_wedding, .. } if now < post_wedding => {
                (Some(Phase::WeddingDay), Some(post_wedding))
            }
            Self::Known { .. } => (Some(Phase::PostWedding), None),
        };
        PhaseAt { phase, until }
    }
}
