//! Wedding days: when the transfers of an organization are raised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::wedding::{Day, Zones};

use super::class::Class;
use super::local::LocalTime;

/// When an event takes place, and from how long before to how long after it its transfers are raised.
///
/// While it lasts, interactive and normal transfers of its organization count as those of a wedding day. Background
/// and emergency stay what they are, and limits hold.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use garland::bandwidth::EventWindow;
/// use garland::wedding::UtcOnly;
///
/// let day = "2026-06-20".parse()?;
/// let window = EventWindow::local(&UtcOnly::new(), "UTC", (day, "14:00".parse()?), (day.plus(1), "02:00".parse()?))?
///     .with_lead(Duration::from_secs(2 * 3_600));
/// assert_eq!(window.from().to_string(), "2026-06-20T12:00:00.000Z");
/// assert_eq!(window.until().to_string(), "2026-06-21T02:00:00.000Z");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EventWindow {
    start: Timestamp,
    end: Timestamp,
    lead: Duration,
    tail: Duration,
}

impl EventWindow {
    /// Makes a window from `start` to just before `end`, without lead and tail.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it ends before it starts.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self> {
        if end < start {
            let message = "the event ends before it starts";
            return Err(
                Error::new(ErrorKind::InvalidInput, "bandwidth.configure", message)
                    .with_context("start", start)
                    .with_context("end", end),
            );
        }
        Ok(Self {
            start,
            end,
            lead: Duration::ZERO,
            tail: Duration::ZERO,
        })
    }

    /// Makes a window from days and times as the clocks of a zone show them. A time that they show twice is the first of
    /// both, and one that they skip is when they are put forward.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: `zones` does not know the zone. [`ErrorKind::InvalidInput`]: it ends before it starts.
    pub fn local(
        zones: &dyn Zones,
        zone: &str,
        start: (Day, LocalTime),
        end: (Day, LocalTime),
    ) -> Result<Self> {
        let instant = |(day, time): (Day, LocalTime)| {
            time.instant(zones, zone, day).ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "bandwidth.configure",
                    "there is no such zone",
                )
                .with_context("zone", zone)
            })
        };
        Self::new(instant(start)?, instant(end)?)
    }

    /// Sets how long before the event it begins to count.
    #[must_use]
    pub fn with_lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// Sets how long after the event it still counts.
    #[must_use]
    pub fn with_tail(mut self, tail: Duration) -> Self {
        self.tail = tail;
        self
    }

    /// Returns when it begins to count.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        let lead = i64::try_from(self.lead.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.start.as_millis().saturating_sub(lead))
    }

    /// Returns when it no longer counts.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.end.saturating_add(self.tail)
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.from() <= now && now < self.until()
    }
}

/// The events of all organizations.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    events: BTreeMap<Arc<str>, Vec<EventWindow>>,
    /// How many organizations are raised at once, at most.
    most: usize,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            events: BTreeMap::new(),
            most: usize::MAX,
        }
    }
}

impl Calendar {
    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    pub(super) fn set(&mut self, organization: &str, events: Vec<EventWindow>) {
        if events.is_empty() {
            self.events.remove(organization);
        } else {
            self.events.insert(organization.into(), events);
        }
    }

    /// Who is raised at `now`: of those whose event holds, the ones whose event starts first, then by name.
    pub(super) fn raised(&self, now: Timestamp) -> BTreeSet<Arc<str>> {
        let mut holding: Vec<_> = self
            .events
            .iter()
            .filter_map(|(organization, events)| {
                let holding = events.iter().filter(|event| event.holds(now));
                Some((holding.map(|event| event.start).min()?, organization))
            })
            .collect();
        holding.sort_unstable();
        let first = holding.into_iter().take(self.most);
        first.map(|(_, name)| Arc::clone(name)).collect()
    }

    /// When to look again.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let edges = self
            .events
            .values()
            .flatten()
            .flat_map(|event| [event.from(), event.until()]);
        edges.filter(|edge| *edge > now).min()
    }
}

/// What a class counts as while its organization is raised. Only ever more.
pub(super) fn effective_class(class: Class, raised: bool) -> Class {
    match class {
        Class::Interactive | Class::Normal if raised => Class::WeddingDay,
        class => class,
    }
}

#[cfg(test)]
mod tests {
    use crate::wedding::{ZoneTable, parse_instant};

    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_instant(text).unwrap()
    }

    fn event(start: i64, end: i64) -> EventWindow {
        EventWindow::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).unwrap()
    }

    fn names(calendar: &Calendar, now: i64) -> Vec<String> {
        let raised = calendar.raised(Timestamp::from_millis(now));
        raised.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn only_interactive_and_normal_are_raised() {
        let raised = Class::ALL.map(|class| effective_class(class, true));
        let expected = [
            Class::Emergency,
            Class::WeddingDay,
            Class::WeddingDay,
            Class::WeddingDay,
            Class::Background,
        ];
        assert_eq!(raised, expected);
        assert_eq!(
            Class::ALL.map(|class| effective_class(class, false)),
            Class::ALL
        );
    }

    #[test]
    fn a_window_holds_from_lead_to_tail_and_ends_by_itself() {
        let mut calendar = Calendar::default();
        let window = event(1_000, 2_000)
            .with_lead(Duration::from_millis(100))
            .with_tail(Duration::from_millis(50));
        calendar.set("acme", vec![window]);
        for (now, raised) in [(899, 0), (900, 1), (2_049, 1), (2_050, 0)] {
            assert_eq!(names(&calendar, now).len(), raised, "at {now}");
        }
        let next = |now| calendar.next_change(Timestamp::from_millis(now));
        assert_eq!(next(0), Some(Timestamp::from_millis(900)));
        assert_eq!(next(900), Some(Timestamp::from_millis(2_050)));
        assert_eq!(next(2_050), None);
    }

    #[test]
    fn the_earliest_events_come_first_where_not_all_can() {
        let mut calendar = Calendar::default();
        calendar.set("late", vec![event(30, 100)]);
        calendar.set("early", vec![event(10, 50), event(60, 100)]);
        calendar.set("alike", vec![event(30, 100)]);
        calendar.set_most(2);
        assert_eq!(names(&calendar, 20), ["early"]);
        assert_eq!(names(&calendar, 40), ["alike", "early"]);
        assert_eq!(names(&calendar, 55), ["alike", "late"]);
        assert_eq!(names(&calendar, 70), ["alike", "late"]);
        calendar.set_most(0);
        assert!(names(&calendar, 70).is_empty());
    }

    #[test]
    fn local_times_follow_the_changes_of_the_clocks() {
        let changes = vec![
            (at("2026-03-29T01:00:00Z"), 7_200),
            (at("2026-10-25T01:00:00Z"), 3_600),
        ];
        let zones = ZoneTable::new().with("Europe/Berlin", 3_600, changes);
        let instant = |day: &str, time: &str| {
            let time: LocalTime = time.parse().unwrap();
            time.instant(&zones, "Europe/Berlin", day.parse().unwrap())
                .unwrap()
        };
        assert_eq!(instant("2026-06-20", "14:00"), at("2026-06-20T12:00:00Z"));
        assert_eq!(instant("2026-12-20", "14:00"), at("2026-12-20T13:00:00Z"));
        assert_eq!(instant("2026-03-29", "02:30"), at("2026-03-29T01:00:00Z"));
        assert_eq!(instant("2026-10-25", "02:30"), at("2026-10-25T00:30:00Z"));
        assert_eq!(instant("2026-10-25", "03:00"), at("2026-10-25T02:00:00Z"));
        let day = "2026-06-20".parse().unwrap();
        let noon: LocalTime = "12:00".parse().unwrap();
        let unknown = EventWindow::local(&zones, "Mars", (day, noon), (day, noon));
        assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
        let backwards =
            EventWindow::local(&zones, "Europe/Berlin", (day.plus(1), noon), (day, noon));
        assert_eq!(backwards.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
