//! A message to a partner, and the bytes of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Result};

use super::super::configuration::Configuration;
use super::super::patch::Patch;
use super::canonical::canonical;
use super::settings::{PartnerGrant, PartnerSettings};

/// What one partner is told of one event. There is a message only if there is something to tell.
///
/// [`body`](Self::body) gives the bytes that are sent and, with a timestamp, signed, as by the crate's `WebhookSigner`.
/// Whoever delivers signs those and sends those, and never writes them anew in between.
///
/// # Example
///
/// ```
/// use garland::section::{Configuration, PartnerMessage, PartnerSettings, Patch};
/// use serde_json::json;
///
/// let settings = PartnerSettings::read(&json!({ "syncLayout": true }));
/// let stored = Configuration::try_from(json!({
///     "id": "c1", "organizationId": "studio", "sectionType": "timeline", "layout": { "position": 3 },
/// }))?;
/// let patch = Patch::try_from(json!({ "layout": { "position": 3 }, "customization": { "title": "x" } }))?;
/// let message = PartnerMessage::changed(&settings, &stored, 7, &patch)?.unwrap();
/// assert_eq!(
///     message.body(),
///     concat!(
///         r#"{"changes":{"layout":{"position":3}},"configId":"c1","organizationId":"studio","#,
///         r#""sectionType":"timeline","type":"section.changed","version":7,"weddingId":null}"#,
///     ),
/// );
///
/// let title = Patch::try_from(json!({ "customization": { "title": "x" } }))?;
/// assert_eq!(PartnerMessage::changed(&settings, &stored, 8, &title)?, None);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartnerMessage(Bytes);

impl PartnerMessage {
    /// Tells of a change that was made to a shared configuration, which has `version` since. Nothing if the partner is sent
    /// nothing of it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the configuration has no id or organization.
    pub fn changed(
        settings: &PartnerSettings,
        configuration: &Configuration,
        version: u64,
        patch: &Patch,
    ) -> Result<Option<Self>> {
        let Some(changes) = settings.configuration(patch) else {
            return Ok(None);
        };
        let mut message = about(configuration, version, "section.changed")?;
        message.insert("changes".into(), changes.into_value());
        Ok(Some(Self::new(message)))
    }

    /// Tells that a shared configuration is deleted; `version` is the one that the deletion made. It says so whatever the
    /// settings are now, because they may have been others before.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the configuration has no id or organization.
    pub fn deleted(configuration: &Configuration, version: u64) -> Result<Self> {
        about(configuration, version, "section.deleted").map(Self::new)
    }

    /// States what a user may do in a wedding, or in the organization, as of `revision`. Nothing if no section type is
    /// listed.
    #[must_use]
    pub fn permissions(
        settings: &PartnerSettings,
        organization: &str,
        wedding: Option<&str>,
        user: &str,
        revision: u64,
        granted: &BTreeMap<String, PartnerGrant>,
    ) -> Option<Self> {
        let permissions = settings.permissions(granted);
        if permissions.is_empty() {
            return None;
        }
        let message = json!({
            "type": "permissions.stated",
            "organizationId": organization,
            "weddingId": wedding,
            "userId": user,
            "revision": revision,
            "permissions": permissions,
        });
        Some(Self(canonical(&message).into()))
    }

    /// Returns the exact bytes to sign and to send: JSON with its keys in order and without white space.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.0.clone()
    }

    fn new(message: Map<String, Value>) -> Self {
        Self(canonical(&Value::Object(message)).into())
    }
}

/// Which configuration a message is about.
fn about(
    configuration: &Configuration,
    version: u64,
    event: &'static str,
) -> Result<Map<String, Value>> {
    let missing = |key| {
        let message = "a configuration that is sent has an id and an organization";
        Error::new(ErrorKind::InvalidInput, "section.external", message)
            .with_context("missing", key)
    };
    let id = configuration.id().ok_or_else(|| missing("id"))?;
    let organization = configuration
        .organization()
        .ok_or_else(|| missing("organizationId"))?;
    let fields: [(&str, Value); 6] = [
        ("type", event.into()),
        ("configId", id.into()),
        ("organizationId", organization.into()),
        ("weddingId", configuration.wedding().into()),
        ("sectionType", configuration.section_type().into()),
        ("version", version.into()),
    ];
    let fields = fields.map(|(key, value)| (key.to_owned(), value));
    Ok(fields.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_told_and_names_what_is_gone_only() {
        let stored = json!({ "id": "c1", "organizationId": "o", "weddingId": "w", "sectionType": "budget",
            "customization": { "title": "Private" } });
        let message =
            PartnerMessage::deleted(&Configuration::try_from(stored).unwrap(), 9).unwrap();
        let wanted = r#"{"configId":"c1","organizationId":"o","sectionType":"budget","type":"section.deleted","version":9,"weddingId":"w"}"#;
        assert_eq!(message.body(), wanted);
    }

    #[test]
    fn a_configuration_without_identity_is_not_sent() {
        let error = PartnerMessage::deleted(&Configuration::default(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn permissions_are_stated_for_what_is_listed_and_for_nothing_else() {
        let settings = PartnerSettings::read(&json!({ "syncSections": ["photos", "budget"] }));
        let stored = json!({ "canView": true, "canEdit": true, "canHide": true, "capabilities": ["canUploadPhotos"] });
        let granted = [("photos", &stored), ("billing", &stored)];
        let granted = granted
            .map(|(name, grant)| (name.to_owned(), PartnerGrant::read(grant)))
            .into();
        let message =
            PartnerMessage::permissions(&settings, "o", Some("w"), "u", 3, &granted).unwrap();
        let sent: Value = serde_json::from_slice(&message.body()).unwrap();
        let wanted = json!({ "budget": { "canView": false, "canEdit": false }, "photos": { "canView": true, "canEdit": true } });
        assert_eq!(sent["permissions"], wanted);
        let nothing = PartnerSettings::default();
        assert_eq!(
            PartnerMessage::permissions(&nothing, "o", None, "u", 3, &granted),
            None
        );
    }
}
