//! What a change and a configuration must be before they are written.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::studio::team::{check_depth, check_id};

use super::super::configuration::Configuration;
use super::super::group::Group;
use super::super::patch::Patch;
use super::super::scope::Target;
use super::super::validate::validate;

/// What a configuration has besides its groups.
const IDENTITY: [&str; 5] = [
    "id",
    "organizationId",
    "weddingId",
    "sectionType",
    "metadata",
];

/// Checks a change, and returns what is to be made of it.
pub(super) fn check_changes(changes: &Value, target: Target) -> Result<Patch> {
    check_depth(changes, "section.patch")?;
    validate(changes, target).into_patch()
}

/// Checks that a configuration is not too large.
pub(super) fn check_configuration(configuration: &Configuration) -> Result<()> {
    if configuration.size() <= Configuration::MAX_BYTES {
        return Ok(());
    }
    let message = "a section configuration is at most 256 KiB of JSON";
    Err(Error::new(
        ErrorKind::LimitExceeded,
        "section.check",
        message,
    ))
}

/// Checks a new configuration of `organization`: what it is, and what it says, sanitized.
pub(super) fn check_new(record: &Value, organization: &OrganizationId) -> Result<Configuration> {
    let invalid = |message: &str| Error::new(ErrorKind::InvalidInput, "section.create", message);
    let fields = record
        .as_object()
        .ok_or_else(|| invalid("a configuration is an object"))?;
    check_depth(record, "section.create")?;
    let (mut identity, mut groups) = (Map::new(), Map::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let to = if IDENTITY.contains(&name.as_str()) {
            &mut identity
        } else if Group::ALL.iter().any(|group| group.as_str() == name) {
            &mut groups
        } else {
            return Err(invalid("a configuration has no such field").with_context("field", name));
        };
        to.insert(name.clone(), value.clone());
    }
    let text = |name: &str| identity.get(name).and_then(Value::as_str);
    let id = text("id").ok_or_else(|| invalid("a configuration has an `id`"))?;
    check_id(id, "section.create")?;
    if text("organizationId") != Some(organization.as_str()) {
        let message = "`organizationId` is not the organization the section is made in";
        return Err(invalid(message).with_context("id", id));
    }
    let section_type = text("sectionType").unwrap_or_default();
    check_id(section_type, "section.create").map_err(|cause| {
        invalid("`sectionType` is text of 1 to 200 bytes without control characters")
            .with_source(cause)
    })?;
    match (identity.get("weddingId"), text("weddingId")) {
        (None, _) => {}
        (Some(_), Some(wedding)) => check_id(wedding, "section.create")?,
        (Some(_), None) => return Err(invalid("`weddingId` is text")),
    }
    let patch = check_changes(&Value::Object(groups), Target::Shared)?;
    let configuration = patch.apply(&Configuration::new(identity));
    check_configuration(&configuration)?;
    Ok(configuration)
}
