//! Answers for many at once are those for each.

use std::collections::{BTreeMap, BTreeSet};

use garland::permission::{
    Capability, Context, EffectiveSection, Outcome, Rule, Section, SectionDecision, Snapshot,
};
use proptest::prelude::*;

use crate::worlds::{context, world};

/// `permissions.md` §4 by itself, from single decisions: what one member may with each section type.
fn by_single_decisions(
    snapshot: &Snapshot,
    member: &str,
    context: &Context,
) -> Vec<(String, Combined)> {
    let organization = snapshot
        .member(member)
        .and_then(|member| member.organization());
    let mut groups: BTreeMap<&str, Vec<&Section>> = BTreeMap::new();
    for section in snapshot.sections() {
        let own = section.wedding().is_some() && section.wedding() == context.wedding.as_deref();
        let here = organization.is_some() && section.organization() == organization;
        if here
            && (own || section.is_organization_wide())
            && let Some(name) = section.section_type()
        {
            groups.entry(name.as_str()).or_default().push(section);
        }
    }
    let mut all: Vec<_> = groups
        .into_iter()
        .map(|(name, mut group)| {
            if group.iter().any(|section| section.wedding().is_some()) {
                group.retain(|section| section.wedding().is_some());
            }
            let decisions = group
                .iter()
                .map(|section| snapshot.decide(member, section.id(), context));
            let position = group.iter().filter_map(|section| section.position()).min();
            let ids = group
                .iter()
                .map(|section| section.id().to_owned())
                .collect();
            (
                name.to_owned(),
                Combined::of(decisions.collect(), ids, position),
            )
        })
        .collect();
    all.sort_by_key(|(name, found)| (found.position.is_none(), found.position, name.clone()));
    all
}

#[derive(Debug, PartialEq)]
struct Combined {
    ids: BTreeSet<String>,
    flags: [bool; 3],
    capabilities: BTreeSet<Capability>,
    position: Option<u16>,
    valid_until: Option<garland::Timestamp>,
}

impl Combined {
    fn of(decisions: Vec<SectionDecision>, ids: BTreeSet<String>, position: Option<u16>) -> Self {
        let all = |flag: fn(&SectionDecision) -> bool| decisions.iter().all(flag);
        let has = |capability: &Capability| {
            decisions
                .iter()
                .all(|found| found.capabilities.contains(*capability))
        };
        Self {
            ids,
            flags: [
                all(|d| d.can_view),
                all(|d| d.can_edit),
                all(|d| d.can_hide),
            ],
            capabilities: Capability::ALL.into_iter().filter(has).collect(),
            position,
            valid_until: decisions.iter().filter_map(|found| found.valid_until).min(),
        }
    }

    fn told(section: &EffectiveSection) -> (String, Self) {
        let found = Self {
            ids: section
                .config_ids
                .iter()
                .map(|id| (**id).to_owned())
                .collect(),
            flags: [section.can_view, section.can_edit, section.can_hide],
            capabilities: section.capabilities.iter().collect(),
            position: section.position,
            valid_until: section.valid_until,
        };
        (section.section_type.to_string(), found)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_page_of_a_member_is_its_single_decisions(world in world(), context in context()) {
        let snapshot = world.snapshot(1);
        for member in snapshot.members() {
            let found = snapshot.decide_all(member.id(), &context);
            let told: Vec<_> = found.iter().map(Combined::told).collect();
            let wanted = by_single_decisions(&snapshot, member.id(), &context);
            prop_assert_eq!(&told, &wanted);
            let visible = wanted.iter().filter(|(_, found)| found.flags[0]).map(|(name, _)| name.clone());
            let names = snapshot.visible(member.id(), &context);
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            prop_assert_eq!(names, visible.collect::<Vec<_>>());
            for section in found {
                let one = snapshot.at(&context).section(member.id(), &section.section_type);
                prop_assert_eq!(one, Some(section));
            }
        }
    }

    #[test]
    fn the_matrix_is_its_single_decisions(world in world(), context in context()) {
        let snapshot = world.snapshot(1);
        // Also in another order, twice, and with somebody who is not there.
        let mut ids: Vec<&str> = snapshot.members().map(|member| member.id()).collect();
        ids.reverse();
        ids.extend(["nobody", ids[0]]);
        let matrix = snapshot.matrix(&ids, &context);
        let mut earliest = None;
        for (row, member) in ids.iter().enumerate() {
            let mut seen = 0;
            for (column, section) in matrix.sections().enumerate() {
                let found = snapshot.decide(member, section, &context);
                prop_assert_eq!(matrix.can_view(row, column), found.can_view, "{} {}", member, section);
                prop_assert_eq!(matrix.can_edit(row, column), found.can_edit, "{} {}", member, section);
                prop_assert_eq!(matrix.can_hide(row, column), found.can_hide, "{} {}", member, section);
                seen += usize::from(found.can_view);
                earliest = earliest.into_iter().chain(found.valid_until).min();
            }
            prop_assert_eq!(matrix.visible_count(row), seen);
        }
        prop_assert_eq!(matrix.sections().len(), world.sections.len());
        // It may have to be asked anew sooner than needed, never later.
        if let Some(earliest) = earliest {
            prop_assert!(matrix.valid_until().is_some_and(|until| until <= earliest));
        }
        let nothing = matrix.can_view(ids.len(), 0) || matrix.can_view(0, matrix.sections().len());
        prop_assert!(!nothing, "there is no such row or column");
    }

    #[test]
    fn who_sees_a_section_is_whoever_may_view_it(world in world(), context in context()) {
        let snapshot = world.snapshot(1);
        let sees = |section: &str| -> Vec<String> {
            let members = snapshot.members().map(|member| member.id().to_owned());
            members.filter(|member| snapshot.decide(member, section, &context).can_view).collect()
        };
        let told = |ids: Vec<std::sync::Arc<str>>| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>();
        for section in snapshot.sections() {
            prop_assert_eq!(told(snapshot.subjects(section.id(), &context)), sees(section.id()));
            for other in snapshot.sections() {
                let mut both = sees(section.id());
                both.extend(sees(other.id()));
                both.sort();
                both.dedup();
                prop_assert_eq!(told(snapshot.audience(Some(section), Some(other), &context)), both);
            }
            prop_assert_eq!(told(snapshot.audience(Some(section), None, &context)), sees(section.id()));
            prop_assert_eq!(told(snapshot.audience(None, Some(section), &context)), sees(section.id()));
        }
        prop_assert!(snapshot.audience(None, None, &context).is_empty());
    }

    /// An explanation has the same decision, and a rule that stands in the way exactly when there is a denial.
    #[test]
    fn an_explanation_is_the_decision(world in world(), context in context()) {
        let snapshot = world.snapshot(1);
        for member in snapshot.members() {
            for section in snapshot.sections() {
                let found = snapshot.decide(member.id(), section.id(), &context);
                let why = snapshot.explain(member.id(), section.id(), &context);
                prop_assert_eq!(&why.decision, &found);
                let may = |rule: Rule| {
                    let mut checks = why.checks.iter();
                    checks.find(|check| check.rule == rule).is_some_and(|check| check.outcome == Outcome::Passed)
                };
                prop_assert_eq!(may(Rule::CanEdit), found.can_edit);
                prop_assert_eq!(may(Rule::CanHide), found.can_hide);
                let stops = why.checks.iter().filter(|check| {
                    !matches!(check.rule, Rule::CanEdit | Rule::CanHide)
                        && matches!(check.outcome, Outcome::Failed | Outcome::Malformed)
                });
                prop_assert_eq!(stops.count() == 0, found.can_view, "{:?}", why);
                prop_assert_eq!(found.denials.is_empty(), found.can_view);
            }
        }
    }
}
