//! The configurations of an organization.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::permission::{Condition, ConditionFault, Section};
use crate::wedding::{Phase, PhaseSet, Role, RoleSet, SectionKind};

use super::super::equality::whole;
use super::issue::{IssueCode, IssueReport};

/// Checks the configurations of `organization` against each other and against its weddings, both as they are stored:
/// `sections.md` §6. `None` is what could not be read, and is never valid.
///
/// # Example
///
/// ```
/// use garland::section::{IssueCode, check_configurations};
/// use serde_json::json;
///
/// let stored = [json!({
///     "id": "c1", "organizationId": "studio", "sectionType": "billing",
///     "visibility": { "roles": ["admin", "vendor"], "conditions": { "zodiac": "libra" } },
/// })];
/// let report = check_configurations("studio", Some(&stored), Some(&[]));
/// assert!(!report.is_valid());
/// let codes: Vec<_> = report.issues().iter().map(|issue| issue.code).collect();
/// assert_eq!(codes, [IssueCode::RestrictedRoleListed, IssueCode::UnknownCondition]);
///
/// assert!(!check_configurations("studio", None, Some(&[])).is_valid());
/// ```
#[must_use]
pub fn check_configurations(
    organization: &str,
    configurations: Option<&[Value]>,
    weddings: Option<&[Value]>,
) -> IssueReport {
    let (Some(configurations), Some(weddings)) = (configurations, weddings) else {
        return IssueReport::unavailable();
    };
    let weddings = owners(weddings);
    let mut report = IssueReport::default();
    let mut places = Places::default();
    for record in configurations {
        let subject = text(record, "id");
        if text(record, "organizationId") != Some(organization) {
            report.error(subject, IssueCode::ForeignOrganization, []);
            continue;
        }
        let wedding = wedding_of(record);
        if let Some(wedding) = &wedding {
            let code = match weddings.get(wedding.as_str()) {
                None => Some(IssueCode::OrphanedWedding),
                Some(owner) if *owner != Some(organization) => Some(IssueCode::ForeignWedding),
                Some(_) => None,
            };
            if let Some(code) = code {
                report.error(subject, code, [wedding.clone()]);
            }
        }
        let section = Section::read(record);
        if section.is_malformed() {
            report.error(subject, IssueCode::MalformedConfig, []);
            continue;
        }
        let section_type = text(record, "sectionType").unwrap_or_default();
        places.add(record, section_type, wedding.unwrap_or_default());
        let kind = section_type.parse().ok();
        Lists::of(record).check(subject, kind, &mut report);
        check_conditions(record, subject, &mut report);
    }
    places.check(&mut report);
    report.sorted()
}

/// Whose the weddings are.
fn owners(weddings: &[Value]) -> BTreeMap<&str, Option<&str>> {
    let owner = |wedding| Some((text(wedding, "id")?, text(wedding, "organizationId")));
    weddings.iter().filter_map(owner).collect()
}

/// The wedding that a record says it is for; what is no text is shown as it stands, and is no wedding.
fn wedding_of(record: &Value) -> Option<String> {
    match record.get("weddingId")? {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        other => Some(other.to_string()),
    }
}

fn text<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    record.get(key)?.as_str()
}

/// What stands where: ids by position and by section type, each within a wedding or none (empty text).
#[derive(Default)]
struct Places<'a> {
    positions: BTreeMap<(i128, String), Vec<&'a str>>,
    sections: BTreeMap<(&'a str, String), Vec<&'a str>>,
}

impl<'a> Places<'a> {
    fn add(&mut self, record: &'a Value, section_type: &'a str, wedding: String) {
        let id = text(record, "id").unwrap_or_default();
        if let Some(Value::Number(position)) = record.pointer("/layout/position")
            && let Some(position) = whole(position)
        {
            let same = self.positions.entry((position, wedding.clone()));
            same.or_default().push(id);
        }
        let same = self.sections.entry((section_type, wedding));
        same.or_default().push(id);
    }

    fn check(self, report: &mut IssueReport) {
        let positions = self
            .positions
            .into_iter()
            .map(|((position, wedding), ids)| ([position.to_string(), wedding], ids));
        for (place, ids) in positions {
            duplicate(report, IssueCode::DuplicatePosition, place, ids);
        }
        let sections = self
            .sections
            .into_iter()
            .map(|((section, wedding), ids)| ([section.to_owned(), wedding], ids));
        for (place, ids) in sections {
            duplicate(report, IssueCode::DuplicateSection, place, ids);
        }
    }
}

fn duplicate(report: &mut IssueReport, code: IssueCode, place: [String; 2], mut ids: Vec<&str>) {
    ids.sort_unstable();
    if let [first, others @ ..] = ids.as_slice()
        && !others.is_empty()
    {
        let others = others.iter().map(|id| (*id).to_owned());
        report.error(Some(first), code, place.into_iter().chain(others));
    }
}

fn check_conditions(record: &Value, subject: Option<&str>, report: &mut IssueReport) {
    let conditions = record.pointer("/visibility/conditions");
    for (key, value) in conditions.and_then(Value::as_object).into_iter().flatten() {
        let code = match Condition::read(key, value) {
            Ok(_) => continue,
            Err(ConditionFault::Unknown) => IssueCode::UnknownCondition,
            Err(ConditionFault::Malformed) => IssueCode::MalformedCondition,
        };
        report.error(subject, code, [key.clone()]);
    }
}

/// The lists of a well-formed configuration; nothing for those that are absent.
struct Lists<'a> {
    roles: Option<Vec<&'a str>>,
    phases: Option<Vec<&'a str>>,
    can_view: Option<Vec<&'a str>>,
    can_edit: Option<Vec<&'a str>>,
    can_hide: Option<Vec<&'a str>>,
}

impl<'a> Lists<'a> {
    fn of(record: &'a Value) -> Self {
        let list = |group, name| names(record.get(group)?.as_object()?, name);
        Self {
            roles: list("visibility", "roles"),
            phases: list("visibility", "weddingPhase"),
            can_view: list("permissions", "canView"),
            can_edit: list("permissions", "canEdit"),
            can_hide: list("permissions", "canHide"),
        }
    }

    fn check(&self, subject: Option<&str>, kind: Option<SectionKind>, report: &mut IssueReport) {
        let of_roles = [&self.roles, &self.can_view, &self.can_edit, &self.can_hide];
        let roles = of_roles.into_iter().flatten().flatten();
        let phases = self.phases.iter().flatten();
        let unknown = [
            (IssueCode::UnknownRole, unknown::<Role>(roles)),
            (IssueCode::UnknownPhase, unknown::<Phase>(phases)),
        ];
        for (code, names) in unknown {
            if !names.is_empty() {
                report.warning(subject, code, names);
            }
        }

        let shown = known(self.roles.as_deref()).unwrap_or_default();
        if shown.is_empty() {
            report.warning(subject, IssueCode::NoRoleListed, []);
        }
        if let Some(phases) = &self.phases
            && PhaseSet::known(phases.iter().copied()).is_empty()
        {
            report.warning(subject, IssueCode::NoPhaseListed, []);
        }

        let restricted = kind.map_or(RoleSet::EMPTY, SectionKind::restricted_roles);
        let can_view = known(self.can_view.as_deref());
        let sees = |role: Role| {
            let acts = role.acts_also_as();
            let granted = shown.contains(role) || (acts.meets(shown) && !restricted.contains(role));
            granted && can_view.is_none_or(|list| list.contains(role) || list.meets(acts))
        };
        let restricted_listed = those(shown, |role| restricted.contains(role));
        let listed = |list: &Option<Vec<&str>>| known(list.as_deref()).unwrap_or_default();
        let found = [
            (
                IssueCode::EditWithoutView,
                those(listed(&self.can_edit), |role| !sees(role)),
            ),
            (
                IssueCode::HideWithoutView,
                those(listed(&self.can_hide), |role| !sees(role)),
            ),
            (IssueCode::RestrictedRoleListed, restricted_listed),
        ];
        for (code, roles) in found {
            if !roles.is_empty() {
                report.warning(subject, code, roles);
            }
        }
    }
}

fn names<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a str>> {
    let items = fields.get(name)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).collect())
}

fn known(list: Option<&[&str]>) -> Option<RoleSet> {
    list.map(|names| RoleSet::known(names.iter().copied()))
}

/// Names that are none of the table, each once, by bytes.
fn unknown<'a, T: std::str::FromStr>(names: impl Iterator<Item = &'a &'a str>) -> Vec<String> {
    let unknown: BTreeSet<&str> = names
        .copied()
        .filter(|name| name.parse::<T>().is_err())
        .collect();
    unknown.into_iter().map(Into::into).collect()
}

/// Names of those roles of a set for which something holds, in the order of the table.
fn those(roles: RoleSet, holds: impl Fn(Role) -> bool) -> Vec<String> {
    let found = roles.iter().filter(|role| holds(*role));
    found.map(|role| role.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(configurations: &[Value]) -> Vec<(Option<String>, &'static str, Vec<String>)> {
        let report = check_configurations("o", Some(configurations), Some(&[]));
        let issues = report.issues().iter();
        issues
            .map(|issue| {
                (
                    issue.subject.clone(),
                    issue.code.as_str(),
                    issue.detail.clone(),
                )
            })
            .collect()
    }

    #[test]
    fn a_wedding_id_that_is_no_text_is_no_wedding() {
        let odd = json!({ "id": "c", "organizationId": "o", "weddingId": 5, "sectionType": "x",
            "visibility": { "roles": ["guest"] } });
        let found = codes(&[odd]);
        assert_eq!(
            found,
            [(Some("c".into()), "orphaned_wedding", vec!["5".into()])]
        );
    }

    #[test]
    fn positions_are_compared_by_value_and_only_if_there_are_some() {
        let row = |id: &str, position: Value| {
            json!({ "id": id, "organizationId": "o", "sectionType": id, "visibility": { "roles": ["guest"] },
                "layout": { "position": position } })
        };
        let rows = [
            row("b", json!(2.0)),
            row("a", json!(2)),
            row("c", json!("2")),
            row("d", json!("2")),
        ];
        let wanted = ["2", "", "b"].map(String::from).to_vec();
        assert_eq!(
            codes(&rows),
            [(Some("a".into()), "duplicate_position", wanted)]
        );
    }

    #[test]
    fn what_is_no_record_at_all_belongs_elsewhere() {
        assert_eq!(codes(&[json!(7)]), [(None, "foreign_organization", vec![])]);
    }
}
