//! Time zones: what the clocks of a place show, and from when to when a day lasts there.

use std::collections::BTreeMap;
use std::fmt;

use crate::clock::Timestamp;

use super::day::Day;

/// How far the clocks of a zone are ahead of UTC at some instant, and until when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Offset {
    /// Seconds ahead of UTC; at most a day either way.
    pub seconds: i32,
    /// When the clocks change next, if ever.
    pub until: Option<Timestamp>,
}

impl Offset {
    /// Makes an offset.
    #[must_use]
    pub const fn new(seconds: i32, until: Option<Timestamp>) -> Self {
        Self { seconds, until }
    }
}

/// The rules of all zones, given by whoever has them: the [database of IANA](https://www.iana.org/time-zones), or a
/// table for tests.
///
/// The answers never change for the life of the value, so that what is worked out from them may be kept.
pub trait Zones: fmt::Debug + Send + Sync + 'static {
    /// Returns what the clocks of `zone` show at `at`; nothing if there is no zone of exactly this name.
    fn offset(&self, zone: &str, at: Timestamp) -> Option<Offset>;

    /// Returns the day it is in `zone` at `at`; nothing if there is no such zone.
    fn day(&self, zone: &str, at: Timestamp) -> Option<Day> {
        Some(Day::of(at, self.offset(zone, at)?.seconds))
    }

    /// Returns the first instant at which it is `day` or later in `zone`; nothing if there is no such zone.
    ///
    /// A day may begin at 01:00, where the clocks are put forward at midnight, and a day that a zone skipped begins with the
    /// one after it.
    fn day_start(&self, zone: &str, day: Day) -> Option<Timestamp> {
        // From before the day begins anywhere, through each stretch between two changes of the clocks.
        let mut from = day.plus(-1).midnight(86_400);
        loop {
            let offset = self.offset(zone, from)?;
            let start = day.midnight(offset.seconds).max(from);
            match offset.until {
                Some(until) if until <= start && until > from => from = until,
                _ => return Some(start),
            }
        }
    }
}

/// Knows UTC and no other zone.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct UtcOnly;

impl UtcOnly {
    /// Makes it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Zones for UtcOnly {
    fn offset(&self, zone: &str, _: Timestamp) -> Option<Offset> {
        (zone == "UTC").then_some(Offset::new(0, None))
    }
}

/// Zones from a table of the changes of their clocks: for tests, and for hosts without a database of zones.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::wedding::{ZoneTable, Zones};
///
/// // Cairo put its clocks forward at midnight on 24 April 2026.
/// let change = Timestamp::from_millis(1_776_981_600_000);
/// let zones = ZoneTable::new().with("Africa/Cairo", 7_200, vec![(change, 10_800)]);
/// assert_eq!(zones.day_start("Africa/Cairo", "2026-04-24".parse()?), Some(change));
/// assert_eq!(zones.day("africa/cairo", change), None);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ZoneTable {
    zones: BTreeMap<String, (i32, Vec<(Timestamp, i32)>)>,
}

impl ZoneTable {
    /// Makes a table without zones.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a zone: seconds ahead of UTC before the first change, and from each change on.
    #[must_use]
    pub fn with(
        mut self,
        zone: impl Into<String>,
        initial: i32,
        mut changes: Vec<(Timestamp, i32)>,
    ) -> Self {
        changes.sort_unstable();
        self.zones.insert(zone.into(), (initial, changes));
        self
    }
}

impl Zones for ZoneTable {
    fn offset(&self, zone: &str, at: Timestamp) -> Option<Offset> {
        let (initial, changes) = self.zones.get(zone)?;
        let (before, after) =
            changes.split_at(changes.partition_point(|(change, _)| *change <= at));
        let seconds = before.last().map_or(*initial, |(_, seconds)| *seconds);
        Some(Offset::new(
            seconds,
            after.first().map(|(change, _)| *change),
        ))
    }
}

/// The zones of the database of IANA, as it was when this crate's dependencies were built.
///
/// Each name in exactly the database's spelling; others are not known.
#[cfg(feature = "zones")]
#[derive(Clone, Debug)]
pub struct IanaZones(jiff::tz::TimeZoneDatabase);

#[cfg(feature = "zones")]
impl IanaZones {
    /// Opens the database that is part of the program.
    #[must_use]
    pub fn new() -> Self {
        Self(jiff::tz::TimeZoneDatabase::bundled())
    }
}

#[cfg(feature = "zones")]
impl Default for IanaZones {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "zones")]
impl Zones for IanaZones {
    fn offset(&self, zone: &str, at: Timestamp) -> Option<Offset> {
        let rules = self.0.get(zone).ok()?;
        // The database looks names up without case.
        if rules.iana_name() != Some(zone) {
            return None;
        }
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let until = rules.following(at).next().map(|change| {
            // Changes are at whole seconds.
            Timestamp::from_millis(change.timestamp().as_millisecond())
        });
        Some(Offset::new(rules.to_offset(at).seconds(), until))
    }
}
