//! What is asked about: one wedding, its date and its zone.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::wedding::{Calendar, Grace, PhaseAt, WeddingDate, Zones};

use super::record::{present, text};
use super::table::Keyed;

/// One wedding, as its record says. A date or zone that cannot be understood makes its phase unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wedding {
    id: Arc<str>,
    organization: Option<Arc<str>>,
    first: WeddingDate,
    last: WeddingDate,
    zone: Box<str>,
}

impl Wedding {
    /// Reads a record: `id`, `organizationId`, `date`, `endDate` (the last day of a wedding of several; without one, it has
    /// one day), `timeZone` (without one, `UTC`).
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let empty = Map::new();
        let record = record.as_object().unwrap_or(&empty);
        let date = |field| {
            present(record, field).map_or(WeddingDate::Undecided, |date| {
                date.as_str()
                    .map_or(WeddingDate::Unreadable, WeddingDate::parse)
            })
        };
        // No zone has an empty name, so what is not text is no zone.
        let zone =
            present(record, "timeZone").map_or("UTC", |zone| zone.as_str().unwrap_or_default());
        Self {
            id: text(record, "id").unwrap_or_default().into(),
            organization: text(record, "organizationId").map(Into::into),
            first: date("date"),
            last: date("endDate"),
            zone: zone.into(),
        }
    }

    /// Returns the host's id; empty if the record has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the organization the record belongs to.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Returns the phase at `now`, and how long it lasts.
    #[must_use]
    pub fn phase(&self, grace: Grace, now: Timestamp, zones: &dyn Zones) -> PhaseAt {
        self.calendar(grace, zones).at(now)
    }

    fn calendar(&self, grace: Grace, zones: &dyn Zones) -> Calendar {
        Calendar::spanning(self.first, self.last, &self.zone, grace, zones)
    }
}

/// A wedding of a snapshot. There the grace and the zones are always the same, so that its calendar is worked out once.
#[derive(Clone, Debug)]
pub(super) struct Scheduled {
    wedding: Wedding,
    calendar: OnceLock<Calendar>,
}

impl Scheduled {
    pub(super) const fn new(wedding: Wedding) -> Self {
        Self {
            wedding,
            calendar: OnceLock::new(),
        }
    }

    pub(super) const fn wedding(&self) -> &Wedding {
        &self.wedding
    }

    /// The phase at `now`. Grace and zones are to be those of its snapshot.
    pub(super) fn phase(&self, grace: Grace, now: Timestamp, zones: &dyn Zones) -> PhaseAt {
        self.calendar
            .get_or_init(|| self.wedding.calendar(grace, zones))
            .at(now)
    }
}

impl Keyed for Scheduled {
    fn key(&self) -> &Arc<str> {
        &self.wedding.id
    }
}
