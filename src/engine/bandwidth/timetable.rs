//! Capacities by weekday and time of the day.

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::wedding::Zones;

use super::local::{LocalTime, Weekday};
use super::rate::Rate;

const DAY: i64 = 24 * 60;
const MINUTE: i64 = 60_000;
const WEEK: i64 = 7 * DAY * MINUTE;

/// How much a link may carry by weekday and local time, over and over every week.
///
/// An entry holds from its time until the next one, across midnight and the end of the week. One for a weekday goes
/// before one for every day at the same time. What the clocks of the zone show decides, whenever they are changed: an
/// entry in an hour that is skipped holds from the change on, and an hour that comes twice is scheduled twice.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::bandwidth::{Rate, Timetable, Weekday};
/// use garland::wedding::UtcOnly;
///
/// let timetable = Timetable::new("UTC")
///     .daily("08:00".parse()?, Some(Rate::megabytes(2)))?
///     .daily("23:00".parse()?, None)?
///     .on(Weekday::Saturday, "08:00".parse()?, Some(Rate::megabytes(6)))?;
/// // A Thursday at midnight.
/// let now = Timestamp::from_millis(0);
/// let scheduled = timetable.at(now, &UtcOnly::new())?;
/// assert_eq!(scheduled.capacity, None);
/// assert_eq!(scheduled.until.unwrap().to_string(), "1970-01-01T08:00:00.000Z");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timetable {
    zone: String,
    /// By minute of the week.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry {
    /// Minutes since Monday 00:00.
    minute: i64,
    capacity: Option<Rate>,
    daily: bool,
}

/// What a [`Timetable`] says of an instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Scheduled {
    /// How much may be carried; nothing means as much as there is.
    pub capacity: Option<Rate>,
    /// When to look again: the next entry, or a change of the clocks. Nothing: never.
    pub until: Option<Timestamp>,
}

impl Timetable {
    /// Makes a timetable without entries, which bounds nothing, for a zone by its IANA name.
    #[must_use]
    pub fn new(zone: impl Into<String>) -> Self {
        Self {
            zone: zone.into(),
            entries: Vec::new(),
        }
    }

    /// Adds an entry for every day.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: there is one for every day at this time.
    pub fn daily(mut self, time: LocalTime, capacity: Option<Rate>) -> Result<Self> {
        for day in 0..7 {
            self.add(day, time, capacity, true)?;
        }
        Ok(self)
    }

    /// Adds an entry for a day of the week.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: there is one for this weekday at this time.
    pub fn on(mut self, day: Weekday, time: LocalTime, capacity: Option<Rate>) -> Result<Self> {
        self.add(day as i64, time, capacity, false)?;
        Ok(self)
    }

    fn add(
        &mut self,
        day: i64,
        time: LocalTime,
        capacity: Option<Rate>,
        daily: bool,
    ) -> Result<()> {
        let minute = day * DAY + i64::from(time.minutes());
        let entry = Entry {
            minute,
            capacity,
            daily,
        };
        match self
            .entries
            .binary_search_by_key(&minute, |entry| entry.minute)
        {
            Err(at) => self.entries.insert(at, entry),
            Ok(at) => match self.entries.get_mut(at) {
                Some(old) if old.daily == daily => {
                    return Err(Error::new(
                        ErrorKind::InvalidInput,
                        "bandwidth.configure",
                        "the timetable has two capacities for one time",
                    )
                    .with_context("time", time));
                }
                Some(old) if old.daily => *old = entry,
                _ => {}
            },
        }
        Ok(())
    }

    /// Returns the name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns what holds at `now`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: `zones` does not know the zone.
    pub fn at(&self, now: Timestamp, zones: &dyn Zones) -> Result<Scheduled> {
        let offset = zones.offset(&self.zone, now).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "bandwidth.schedule",
                "there is no such zone",
            )
            .with_context("zone", &self.zone)
        })?;
        let ahead = i64::from(offset.seconds) * 1_000;
        // 1970-01-01 was a Thursday, three days into its week.
        let shown = now
            .as_millis()
            .saturating_add(ahead + 3 * DAY * MINUTE)
            .rem_euclid(WEEK);
        let next = self
            .entries
            .partition_point(|entry| entry.minute * MINUTE <= shown);
        let (before, after) = self.entries.split_at_checked(next).unwrap_or_default();
        // Before the first of the week the last of the week before still holds.
        let holds = before.last().or(after.last());
        let wait = match (after.first(), before.first()) {
            (Some(next), _) => Some(next.minute * MINUTE - shown),
            (None, Some(first)) => Some(first.minute * MINUTE + WEEK - shown),
            (None, None) => None,
        };
        let until = wait.map(|wait| Timestamp::from_millis(now.as_millis().saturating_add(wait)));
        Ok(Scheduled {
            capacity: holds.and_then(|entry| entry.capacity),
            // Without entries no change of the clocks changes anything.
            until: until.map(|until| offset.until.map_or(until, |change| change.min(until))),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::wedding::{UtcOnly, ZoneTable, parse_instant};

    use super::*;

    fn time(text: &str) -> LocalTime {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        parse_instant(text).unwrap()
    }

    fn mb(megabytes: u64) -> Option<Rate> {
        Some(Rate::megabytes(megabytes))
    }

    #[test]
    fn an_entry_holds_across_midnight_and_the_week() {
        let table = Timetable::new("UTC")
            .on(Weekday::Monday, time("08:00"), mb(1))
            .and_then(|table| table.on(Weekday::Friday, time("18:00"), None))
            .unwrap();
        let zones = UtcOnly::new();
        let said = |text| table.at(at(text), &zones).unwrap();
        // 2026-06-19 is a Friday.
        assert_eq!(said("2026-06-19T17:59:59.999Z").capacity, mb(1));
        assert_eq!(said("2026-06-19T18:00:00Z").capacity, None);
        let monday = said("2026-06-22T07:00:00Z");
        assert_eq!(monday.capacity, None);
        assert_eq!(monday.until, Some(at("2026-06-22T08:00:00Z")));
        assert_eq!(said("2026-06-22T08:00:00Z").capacity, mb(1));
        assert_eq!(
            said("2026-06-20T00:00:00Z").until,
            Some(at("2026-06-22T08:00:00Z"))
        );
    }

    #[test]
    fn a_weekday_goes_before_every_day_in_either_order() {
        let one = Timetable::new("UTC")
            .daily(time("08:00"), mb(1))
            .and_then(|table| table.on(Weekday::Saturday, time("08:00"), mb(9)))
            .unwrap();
        let other = Timetable::new("UTC")
            .on(Weekday::Saturday, time("08:00"), mb(9))
            .and_then(|table| table.daily(time("08:00"), mb(1)))
            .unwrap();
        assert_eq!(one, other);
        let said = |text| one.at(at(text), &UtcOnly::new()).unwrap().capacity;
        assert_eq!(said("2026-06-20T09:00:00Z"), mb(9));
        assert_eq!(said("2026-06-21T09:00:00Z"), mb(1));
        assert!(one.daily(time("08:00"), None).is_err());
    }

    /// Berlin in 2026: forward on 29 March at 02:00, back on 25 October at 03:00.
    fn berlin() -> ZoneTable {
        let changes = vec![
            (at("2026-03-29T01:00:00Z"), 7_200),
            (at("2026-10-25T01:00:00Z"), 3_600),
        ];
        ZoneTable::new().with("Europe/Berlin", 3_600, changes)
    }

    #[test]
    fn what_the_clocks_show_decides_when_they_are_changed() {
        let table = Timetable::new("Europe/Berlin")
            .daily(time("01:00"), mb(1))
            .and_then(|table| table.daily(time("02:30"), mb(2)))
            .unwrap();
        let said = |text| table.at(at(text), &berlin()).unwrap();
        // 02:30 is skipped: it holds from 03:00 on, which is the instant of the change.
        let before = said("2026-03-29T00:59:00Z");
        assert_eq!(before.capacity, mb(1));
        assert_eq!(before.until, Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(said("2026-03-29T01:00:00Z").capacity, mb(2));
        // 02:30 comes twice, and 02:00 in between.
        assert_eq!(said("2026-10-25T00:30:00Z").capacity, mb(2));
        assert_eq!(said("2026-10-25T01:00:00Z").capacity, mb(1));
        assert_eq!(said("2026-10-25T01:30:00Z").capacity, mb(2));
        // Summer and winter.
        assert_eq!(said("2026-07-01T00:29:00Z").capacity, mb(1));
        assert_eq!(said("2026-07-01T00:30:00Z").capacity, mb(2));
        assert_eq!(said("2026-12-01T00:30:00Z").capacity, mb(1));
        assert_eq!(said("2026-12-01T01:30:00Z").capacity, mb(2));
    }

    #[test]
    fn no_entries_bound_nothing_and_an_unknown_zone_is_told() {
        let nothing = Timetable::new("UTC")
            .at(at("2026-06-20T00:00:00Z"), &UtcOnly::new())
            .unwrap();
        assert_eq!((nothing.capacity, nothing.until), (None, None));
        let error = Timetable::new("Mars").at(at("2026-06-20T00:00:00Z"), &UtcOnly::new());
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
