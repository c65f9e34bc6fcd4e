//! The configurations of an organization.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::permission::condition::CONDITIONS;
use crate::permission::section::{Rules, Section};
use crate::permission::snapshot::Snapshot;
use crate::permission::wedding::Wedding;
use crate::wedding::{Role, RoleSet, SectionKind};

use super::issue::{IssueCode, IssueReport};

/// Checks the configurations of `organization` against each other and against its weddings, both as they are stored:
/// `sections.md` §6. `None` is what could not be read, and is never valid.
///
/// # Example
///
/// ```
/// use garland::permission::{IssueCode, check_configurations};
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
    let sections: Vec<_> = configurations.iter().map(Section::read).collect();
    let weddings: Vec<_> = weddings.iter().map(Wedding::read).collect();
    check(organization, sections.iter(), weddings.iter())
}

impl Snapshot {
    /// Checks the sections against each other and against the weddings: as [`check_configurations`].
    #[must_use]
    pub fn check(&self) -> IssueReport {
        check(
            self.organization().as_str(),
            self.sections(),
            self.weddings(),
        )
    }
}

fn check<'a>(
    organization: &str,
    sections: impl Iterator<Item = &'a Section>,
    weddings: impl Iterator<Item = &'a Wedding>,
) -> IssueReport {
    let weddings: BTreeMap<_, _> = weddings
        .map(|wedding| (wedding.id(), wedding.organization()))
        .collect();
    let mut report = IssueReport::default();
    let mut places = Places::default();
    for section in sections {
        let subject = Some(section.id()).filter(|id| !id.is_empty());
        if section.organization() != Some(organization) {
            report.error(subject, IssueCode::ForeignOrganization, []);
            continue;
        }
        if let Some(wedding) = section.scope() {
            let code = match weddings.get(wedding) {
                Some(owner) if *owner == Some(organization) => None,
                Some(_) => Some(IssueCode::ForeignWedding),
                None => Some(IssueCode::OrphanedWedding),
            };
            if let Some(code) = code {
                report.error(subject, code, [wedding.to_owned()]);
            }
        }
        let Some(rules) = section.rules() else {
            report.error(subject, IssueCode::MalformedConfig, []);
            continue;
        };
        places.add(section);
        check_rules(rules, subject, &mut report);
    }
    places.check(&mut report);
    report.sorted()
}

/// What stands where: ids by position and by section type, each within a wedding or none (empty text).
#[derive(Default)]
struct Places<'a> {
    positions: BTreeMap<(i64, &'a str), Vec<&'a str>>,
    sections: BTreeMap<(&'a str, &'a str), Vec<&'a str>>,
}

impl<'a> Places<'a> {
    fn add(&mut self, section: &'a Section) {
        let (id, wedding) = (section.id(), section.scope().unwrap_or_default());
        if let Some(place) = section.place() {
            self.positions.entry((place, wedding)).or_default().push(id);
        }
        if let Some(section_type) = section.section_type() {
            self.sections
                .entry((section_type.as_str(), wedding))
                .or_default()
                .push(id);
        }
    }

    fn check(self, report: &mut IssueReport) {
        for ((position, wedding), ids) in self.positions {
            let place = [position.to_string(), wedding.to_owned()];
            duplicate(report, IssueCode::DuplicatePosition, place, ids);
        }
        for ((section, wedding), ids) in self.sections {
            let place = [section.to_owned(), wedding.to_owned()];
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

fn check_rules(rules: &Rules, subject: Option<&str>, report: &mut IssueReport) {
    for name in rules.unknown.iter().flat_map(|names| names.iter()) {
        report.error(subject, IssueCode::UnknownCondition, [name.to_string()]);
    }
    for (name, malformed) in CONDITIONS {
        if rules.malformed >> malformed as u32 & 1 == 1 {
            report.error(subject, IssueCode::MalformedCondition, [name.to_owned()]);
        }
    }
    if let Some(names) = &rules.unknown_names {
        let lists = [
            (IssueCode::UnknownRole, &names.roles),
            (IssueCode::UnknownPhase, &names.phases),
        ];
        for (code, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            report.warning(subject, code, names.iter().map(ToString::to_string));
        }
    }
    if rules.exact.is_empty() {
        report.warning(subject, IssueCode::NoRoleListed, []);
    }
    if rules.phases.is_some_and(crate::wedding::PhaseSet::is_empty) {
        report.warning(subject, IssueCode::NoPhaseListed, []);
    }
    let restricted = rules
        .kind
        .map_or(RoleSet::EMPTY, SectionKind::restricted_roles);
    let granted = rules.exact | rules.inherited;
    let sees = |role| granted.contains(role) && rules.can_view.contains(role);
    let found = [
        (
            IssueCode::EditWithoutView,
            those(rules.listed_to_edit, |role| !sees(role)),
        ),
        (
            IssueCode::HideWithoutView,
            those(rules.listed_to_hide, |role| !sees(role)),
        ),
        (
            IssueCode::RestrictedRoleListed,
            those(rules.exact, |role| restricted.contains(role)),
        ),
    ];
    for (code, roles) in found.into_iter().filter(|(_, roles)| !roles.is_empty()) {
        report.warning(subject, code, roles);
    }
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
