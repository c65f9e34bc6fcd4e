//! Permission records: what was worked out for every user and stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::wedding::{Role, SectionKind};

use super::issue::{IssueCode, IssueReport};

/// Checks the permission records of `organization` against its users, both as they are stored: `sections.md` §6. `None`
/// is what could not be read, and is never valid.
///
/// # Example
///
/// ```
/// use garland::permission::{IssueCode, check_records};
/// use serde_json::json;
///
/// let users = [json!({ "id": "gus", "organizationId": "studio", "role": "guest" })];
/// let records = [json!({
///     "userId": "gus", "organizationId": "studio", "weddingId": "june", "sectionType": "timeline",
///     "canView": true, "canEdit": false, "canHide": false,
/// })];
/// let report = check_records("studio", Some(&users), Some(&records));
/// assert_eq!(report.issues()[0].code, IssueCode::MissingRequired);
/// assert_eq!(report.issues()[0].detail, ["june", "photos"]);
/// ```
#[must_use]
pub fn check_records(
    organization: &str,
    users: Option<&[Value]>,
    records: Option<&[Value]>,
) -> IssueReport {
    let (Some(users), Some(records)) = (users, records) else {
        return IssueReport::unavailable();
    };
    // A user record is one person in one organization: those of another are nobody here.
    let users: BTreeMap<&str, &Value> = users
        .iter()
        .filter(|user| text(user, "organizationId") == Some(organization))
        .filter_map(|user| Some((text(user, "id")?, user)))
        .collect();
    let mut report = IssueReport::default();
    let mut by_user: BTreeMap<&str, Contexts<'_>> = BTreeMap::new();
    for record in records {
        let subject = text(record, "userId");
        let owner = shown(record, "organizationId");
        if owner.as_deref() != Some(organization) {
            report.error(subject, IssueCode::ForeignOrganization, owner);
            continue;
        }
        let Some(user) = subject.filter(|user| users.contains_key(user)) else {
            report.error(subject, IssueCode::UnknownUser, []);
            continue;
        };
        let wedding = shown(record, "weddingId").unwrap_or_default();
        let contexts = by_user.entry(user).or_default();
        contexts.entry(wedding).or_default().push(record);
    }
    for (id, user) in users {
        let contexts = by_user.remove(id).unwrap_or_default();
        check_user(id, user, contexts, &mut report);
    }
    report.sorted()
}

/// Records by the wedding they are for; empty text for the organization.
type Contexts<'a> = BTreeMap<String, Vec<&'a Value>>;

fn check_user(id: &str, user: &Value, mut contexts: Contexts<'_>, report: &mut IssueReport) {
    let role: Option<Role> = match shown(user, "role") {
        None => {
            if !contexts.is_empty() {
                report.error(Some(id), IssueCode::NoRole, []);
            }
            None
        }
        Some(name) => {
            let role = text(user, "role").and_then(|role| role.parse().ok());
            if role.is_none() {
                report.error(Some(id), IssueCode::UnknownRole, [name]);
            }
            role
        }
    };
    if contexts.is_empty() {
        contexts.insert(String::new(), Vec::new());
    }
    for (wedding, records) in contexts {
        check_shape(id, &wedding, &records, report);
        if let Some(role) = role {
            check_role(id, role, &wedding, &records, report);
        }
    }
}

/// What is wrong whatever the role.
fn check_shape(id: &str, wedding: &str, records: &[&Value], report: &mut IssueReport) {
    let mut seen = BTreeSet::new();
    for record in records {
        let section = shown(record, "sectionType").unwrap_or_default();
        let detail = || [wedding.to_owned(), section.clone()];
        if !may(record, "canView") {
            let impossible = [
                ("canEdit", IssueCode::EditWithoutView),
                ("canHide", IssueCode::HideWithoutView),
            ];
            for (flag, code) in impossible {
                if may(record, flag) {
                    report.error(Some(id), code, detail());
                }
            }
        }
        if !seen.insert(section.clone()) {
            report.error(Some(id), IssueCode::DuplicateRecord, detail());
        }
    }
}

/// What a role must see and does not, and what is restricted for it and it sees.
fn check_role(id: &str, role: Role, wedding: &str, records: &[&Value], report: &mut IssueReport) {
    let visible: BTreeSet<&str> = records
        .iter()
        .filter(|record| may(record, "canView"))
        .filter_map(|record| text(record, "sectionType"))
        .collect();
    let required = role.required().iter().map(|kind| kind.as_str());
    let missing: BTreeSet<&str> = required.filter(|kind| !visible.contains(kind)).collect();
    let is_restricted = |name: &&str| {
        let kind: Option<SectionKind> = name.parse().ok();
        kind.is_some_and(|kind| kind.is_restricted_for(role))
    };
    let restricted: BTreeSet<&str> = visible.iter().copied().filter(is_restricted).collect();
    let detail = |names: &BTreeSet<&str>| {
        let names = names.iter().map(|name| (*name).to_owned());
        [wedding.to_owned()]
            .into_iter()
            .chain(names)
            .collect::<Vec<_>>()
    };
    if !missing.is_empty() {
        report.error(Some(id), IssueCode::MissingRequired, detail(&missing));
    }
    if !restricted.is_empty() {
        report.warning(Some(id), IssueCode::RestrictedSection, detail(&restricted));
    }
}

fn text<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    record.get(key)?.as_str()
}

/// What stands under a key, as text; nothing if it is absent or `null`.
fn shown(record: &Value, key: &str) -> Option<String> {
    match record.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Exactly true: anything else grants nothing.
fn may(record: &Value, flag: &str) -> bool {
    record.get(flag) == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_impossible_is_told_of_users_without_a_known_role_too() {
        let users = [json!({ "id": "u", "organizationId": "o", "role": "boss" })];
        let row = json!({ "userId": "u", "organizationId": "o", "sectionType": "budget", "canView": "yes", "canEdit": true });
        let report = check_records("o", Some(&users), Some(&[row.clone(), row]));
        let found: Vec<_> = report
            .issues()
            .iter()
            .map(|issue| issue.code.as_str())
            .collect();
        assert_eq!(
            found,
            ["duplicate_record", "edit_without_view", "unknown_role"]
        );
    }

    #[test]
    fn somebody_of_another_organization_is_nobody_here() {
        let users = [json!({ "id": "u", "organizationId": "p", "role": "guest" })];
        let row = json!({ "userId": "u", "organizationId": "o", "sectionType": "budget", "canView": true });
        let report = check_records("o", Some(&users), Some(&[row]));
        assert_eq!(report.issues().len(), 1);
        assert_eq!(report.issues()[0].code, IssueCode::UnknownUser);
    }
}
