//! What a record must be before it is written.
//!
//! A stored record that breaks a rule denies and says so; here it is turned away, so that it never becomes one.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::rights::Statement;
use crate::permission::{Member, Wedding};
use crate::wedding::{Grace, Role, WeddingDate, Zones};

use super::records::Access;

/// Most bytes of an id. Two of them, escaped, fit a key of the database.
const LONGEST_ID: usize = 200;

/// Most bytes of one record as JSON.
const LARGEST: usize = 64 << 10;

/// Most levels of lists and objects in one record. What is written must be readable again.
const DEEPEST: usize = 32;

/// Checks an id of the host: 1 to 200 bytes without control characters.
pub(crate) fn check_id(id: &str, operation: &'static str) -> Result<()> {
    if (1..=LONGEST_ID).contains(&id.len()) && !id.chars().any(char::is_control) {
        return Ok(());
    }
    let message = "an id has 1 to 200 bytes and no control characters";
    Err(Error::new(ErrorKind::InvalidInput, operation, message).with_context("length", id.len()))
}

/// Checks that a value is at most 64 KiB of JSON and 32 levels deep.
pub(super) fn check_size(value: &Value, operation: &'static str) -> Result<()> {
    check_depth(value, operation)?;
    let length = value.to_string().len();
    if length > LARGEST {
        let message = "a record is at most 64 KiB of JSON";
        let error = Error::new(ErrorKind::LimitExceeded, operation, message);
        return Err(error.with_context("length", length));
    }
    Ok(())
}

/// Checks that a value is at most 32 levels deep.
pub(crate) fn check_depth(value: &Value, operation: &'static str) -> Result<()> {
    let mut rest = vec![(value, 1)];
    while let Some((value, depth)) = rest.pop() {
        let inner: &mut dyn Iterator<Item = &Value> = match value {
            Value::Array(items) => &mut items.iter(),
            Value::Object(fields) => &mut fields.values(),
            _ => continue,
        };
        if depth > DEEPEST {
            let message = "a record is at most 32 levels deep";
            return Err(Error::new(ErrorKind::LimitExceeded, operation, message));
        }
        rest.extend(inner.map(|value| (value, depth + 1)));
    }
    Ok(())
}

/// Checks a member, and returns its id.
pub(super) fn check_member<'v>(
    member: &'v Value,
    organization: &OrganizationId,
) -> Result<&'v str> {
    const OPERATION: &str = "team.put_member";
    let (fields, id) = check_record(member, organization, OPERATION)?;
    if let Some(role) = present(fields, "role") {
        let role = role
            .as_str()
            .ok_or_else(|| invalid(OPERATION, "a role is text"))?;
        role.parse::<Role>()?;
    }
    if let Some(access) = present(fields, "weddingAccess") {
        check_access(&read_access(access)?)?;
    }
    if present(fields, "customFields").is_some_and(|fields| !fields.is_object()) {
        return Err(invalid(OPERATION, "`customFields` is an object"));
    }
    if Member::read(member).holder().is_none() {
        let message = "`organizationRole`, `weddingRoles` or `assignments` cannot be read";
        return Err(invalid(OPERATION, message).with_context("id", id));
    }
    Ok(id)
}

/// Checks a statement of rights, and returns its id.
pub(super) fn check_statement(statement: &Value) -> Result<&str> {
    const OPERATION: &str = "team.put_statement";
    check_size(statement, OPERATION)?;
    let read = Statement::read(statement);
    if !read.faults().is_empty() {
        let message = "the statement cannot be read in part";
        let faults = read.faults().join(", ");
        return Err(invalid(OPERATION, message).with_context("faults", faults));
    }
    let id = statement
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    check_id(id, OPERATION)?;
    Ok(id)
}

/// Checks a list of access: each wedding once.
pub(super) fn check_access(access: &[Access]) -> Result<()> {
    const OPERATION: &str = "team.change_access";
    let mut seen = BTreeSet::new();
    for Access { wedding_id, .. } in access {
        check_id(wedding_id, OPERATION)?;
        if !seen.insert(wedding_id) {
            let message = "one wedding stands twice in `weddingAccess`";
            return Err(invalid(OPERATION, message).with_context("wedding", wedding_id));
        }
    }
    Ok(())
}

/// Checks a wedding, and returns its id.
pub(super) fn check_wedding<'v>(
    wedding: &'v Value,
    organization: &OrganizationId,
    zones: &dyn Zones,
) -> Result<&'v str> {
    const OPERATION: &str = "team.put_wedding";
    let (fields, id) = check_record(wedding, organization, OPERATION)?;
    let text = |name: &'static str| match present(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => {
            Err(invalid(OPERATION, "a date and a time zone are text").with_context("field", name))
        }
    };
    for name in ["date", "endDate"] {
        if let Some(date) = text(name)?
            && WeddingDate::parse(date) == WeddingDate::Unreadable
        {
            let message = "a date is a calendar day, or an instant with its offset";
            return Err(invalid(OPERATION, message).with_context(name, date));
        }
    }
    if let Some(zone) = text("timeZone")?
        && zones.offset(zone, Timestamp::default()).is_none()
    {
        let message = "this is no time zone";
        return Err(invalid(OPERATION, message).with_context("zone", zone));
    }
    let (wedding, now) = (Wedding::read(wedding), Timestamp::default());
    if wedding.phase(Grace::default(), now, zones).phase.is_none() {
        let message = "a wedding ends on the day it begins or later, and on days that its zone has";
        return Err(invalid(OPERATION, message).with_context("wedding", id));
    }
    Ok(id)
}

fn check_record<'v>(
    value: &'v Value,
    organization: &OrganizationId,
    operation: &'static str,
) -> Result<(&'v Map<String, Value>, &'v str)> {
    let fields = value
        .as_object()
        .ok_or_else(|| invalid(operation, "a record is an object"))?;
    check_size(value, operation)?;
    let text = |name| present(fields, name).and_then(Value::as_str);
    let id = text("id").ok_or_else(|| invalid(operation, "a record has an `id`"))?;
    check_id(id, operation)?;
    if text("organizationId") != Some(organization.as_str()) {
        let message = "`organizationId` is not the organization the record is written for";
        return Err(invalid(operation, message).with_context("id", id));
    }
    Ok((fields, id))
}

/// A missing field and `null` are the same.
fn present<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn read_access(list: &Value) -> Result<Vec<Access>> {
    Vec::deserialize(list).map_err(|cause| {
        let message = "`weddingAccess` is a list of a `weddingId` and a known `level` each";
        invalid("team.put_member", message).with_source(cause)
    })
}

fn invalid(operation: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, operation, message)
}
