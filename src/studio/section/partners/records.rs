//! What is kept about partners, and what the journal says of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::journal::EventKind;
use crate::storage::{Collection, RecordId};

use super::super::external::PartnerSettings;
use super::super::service::is_protected;
use super::outbox::Mark;

/// The collection of external systems, by their ids.
pub const SECTION_PARTNERS: Collection<Partner> = Collection::new("section_partners");

/// The collection that holds how far each external system has been told, by the same ids.
pub const SECTION_PARTNER_PLACES: Collection<PartnerPlace> =
    Collection::new("section_partner_places");

/// An external system is new, has changed, or is told on after it was stopped. Subject `partner`.
pub const SECTION_PARTNER_CHANGED: EventKind = EventKind::new("section.partner_changed");

/// An external system is told no more, as it is gone. Subject `partner`.
pub const SECTION_PARTNER_REMOVED: EventKind = EventKind::new("section.partner_removed");

/// An external system is told no more until somebody resumes it. Subject `partner`.
pub const SECTION_PARTNER_STOPPED: EventKind = EventKind::new("section.partner_stopped");

/// An external system.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Partner {
    /// Where it is told. It may hold a secret, and is not printed.
    pub url: String,
    /// The name of the secret its messages are signed with. The secret itself is kept elsewhere.
    pub secret: String,
    /// What it is told, as [`PartnerSettings::read`] reads it.
    #[serde(default)]
    pub settings: Value,
    /// Whether that is told of sections of a [protected](crate::wedding::SectionKind::is_protected) type too, and of those
    /// whose type cannot be read. Default: no; nothing is told of them then, whatever the settings list. A partner that was
    /// told of them before is not told either that they go.
    #[serde(default)]
    pub protected: bool,
}

impl Partner {
    /// Makes a partner that is told nothing until its settings say so.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secret: secret.into(),
            settings: Value::Null,
            protected: false,
        }
    }

    /// Sets [`Partner::settings`].
    #[must_use]
    pub fn with_settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Sets [`Partner::protected`].
    #[must_use]
    pub fn with_protected(mut self, protected: bool) -> Self {
        self.protected = protected;
        self
    }

    /// Returns what it is told: [`Partner::settings`], without the protected section types unless it is told of them.
    #[must_use]
    pub fn sent(&self) -> PartnerSettings {
        let mut settings = PartnerSettings::read(&self.settings);
        let is_told = |name: &String| self.hears_of(Some(name));
        settings.sections.retain(is_told);
        settings
    }

    /// Whether it is told of sections of this type.
    pub(super) fn hears_of(&self, section_type: Option<&str>) -> bool {
        self.protected || !is_protected(section_type)
    }
}

impl fmt::Debug for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partner")
            .field("secret", &self.secret)
            .field("settings", &self.settings)
            .field("protected", &self.protected)
            .finish_non_exhaustive()
    }
}

/// How far a partner has been told.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PartnerPlace {
    /// The last entry of the main journal of which everything was told.
    pub sequence: u64,
    /// How many messages of the entry behind it were told, where the entry itself says which there are.
    #[serde(default)]
    pub part: u64,
    /// The key of the last stored result that was told of the entry behind it, where that is of all that are stored of
    /// somebody or of a wedding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<RecordId>,
    /// Why it is told no more; nothing while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

impl PartnerPlace {
    /// How far it has been told of the entry behind its place.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            part: self.part,
            pair: self.pair.clone(),
        }
    }
}
