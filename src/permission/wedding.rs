//! What is asked about: one wedding, its date and its zone.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::wedding::{Grace, PhaseAt, WeddingDate, Zones, phase_at};

use super::record::{present, text};

/// One wedding, as its record says. A date or zone that cannot be understood makes its phase unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wedding {
    id: Arc<str>,
    organization: Option<Arc<str>>,
    date: WeddingDate,
    zone: Box<str>,
}

impl Wedding {
    /// Reads a record: `id`, `organizationId`, `date`, `timeZone` (without one, `UTC`).
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let empty = Map::new();
        let record = record.as_object().unwrap_or(&empty);
        let date = present(record, "date").map_or(WeddingDate::Undecided, |date| {
            date.as_str()
                .map_or(WeddingDate::Unreadable, WeddingDate::parse)
        });
        // No zone has an empty name, so what is not text is no zone.
        let zone =
            present(record, "timeZone").map_or("UTC", |zone| zone.as_str().unwrap_or_default());
        Self {
            id: text(record, "id").unwrap_or_default().into(),
            organization: text(record, "organizationId").map(Into::into),
            date,
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
        phase_at(self.date, &self.zone, grace, now, zones)
    }
}
