//! Every rule that was asked, what it was asked, and what it said.

use serde_json::{Value, json};

use super::codes::codes;
use super::decision::SectionDecision;
use super::denial::Denial;
use super::evaluate::{Context, granted, guard, limits};
use super::member::Member;
use super::section::{Rules, Section};
use super::snapshot::Snapshot;
use super::view::View;

/// Why one member may or may not see one section: every rule in its order.
///
/// Made by the same code that decides, so both say the same.
///
/// # Example
///
/// ```
/// use garland::permission::{Context, Member, Outcome, Rule, Section, Snapshot};
/// use garland::wedding::parse_instant;
/// use serde_json::json;
///
/// let snapshot = Snapshot::builder("studio".parse()?)
///     .members([Member::read(&json!({ "id": "bo", "organizationId": "studio", "role": "guest" }))])
///     .sections([Section::read(&json!({
///         "id": "b", "organizationId": "studio", "sectionType": "budget",
///         "visibility": { "roles": ["guest"], "conditions": { "minimumRole": "vendor" } },
///     }))])
///     .build(1);
/// let why = snapshot.explain("bo", "b", &Context::organization(parse_instant("2026-06-20T10:00:00Z").unwrap()));
/// let failed: Vec<_> = why.checks.iter().filter(|check| check.outcome == Outcome::Failed).collect();
/// assert_eq!(failed.len(), 1);
/// assert_eq!(failed[0].rule, Rule::MinimumRole);
/// assert_eq!(failed[0].input, json!({ "role": "guest", "minimumRole": ["admin", "coordinator", "photographer", "couple", "vendor"] }));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// What was decided.
    pub decision: SectionDecision,
    /// Every rule that was asked, in its order. After a guard that failed none is asked.
    pub checks: Vec<Check>,
}

/// One rule that was asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// Which one.
    pub rule: Rule,
    /// What it looked at.
    pub input: Value,
    /// What it said.
    pub outcome: Outcome,
}

/// What a rule said.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a rule holds, fails, cannot be understood, or is not there"
)]
pub enum Outcome {
    /// It lets the member through.
    Passed,
    /// It does not.
    Failed,
    /// It cannot be understood, so it does not.
    Malformed,
    /// The configuration does not have it, or has it so that it shuts nobody out.
    Absent,
}

codes! {
    /// The rules, in the order in which they are asked. Names are stable.
    Rule:
    /// Member, role, configuration, organization and wedding fit together.
    Guard = "guard",
    /// Something gives the section to the role.
    Grant = "grant",
    /// `permissions.canView`.
    CanViewList = "canView",
    /// `visibility.weddingPhase`.
    WeddingPhase = "weddingPhase",
    /// The condition `hasWeddingAccess`.
    HasWeddingAccess = "hasWeddingAccess",
    /// The condition `minimumRole`.
    MinimumRole = "minimumRole",
    /// The condition `customField`.
    CustomField = "customField",
    /// The condition `timeRestriction`.
    TimeRestriction = "timeRestriction",
    /// A condition that is not known.
    UnknownCondition = "unknownCondition",
    /// May the section be changed, once it is seen.
    CanEdit = "canEdit",
    /// May the section be hidden, once it is seen.
    CanHide = "canHide",
}

impl View<'_> {
    /// Explains the decision for one member and one section at hand.
    #[must_use]
    pub fn explain(&self, member: &Member, section: &Section) -> Explanation {
        let decision = self.decide(member, section);
        let guarded = guard(member, section, &self.moment);
        let mut checks = vec![Check {
            rule: Rule::Guard,
            input: json!({
                "member": { "id": member.id(), "organizationId": member.organization() },
                "section": {
                    "id": section.id(), "organizationId": section.organization(), "weddingId": section.wedding(),
                },
                "weddingId": self.moment.wedding_id(),
                "denial": guarded.as_ref().err().map(|denial| denial.as_str()),
            }),
            outcome: passed(guarded.is_ok()),
        }];
        if let Ok((_, rules)) = guarded {
            checks.extend(self.rules(member, rules, &decision));
        }
        Explanation { decision, checks }
    }

    fn rules(&self, member: &Member, rules: &Rules, decision: &SectionDecision) -> Vec<Check> {
        let Ok(role) = member.role() else {
            return Vec::new();
        };
        let level = self.moment.level(member);
        let (grant, bits) = granted(rules, role, level);
        let bits = bits | limits(rules, role, level, &self.moment);
        let denied =
            |denial: Denial| bits >> denial as u32 & 1 == 1 || decision.denials.contains(denial);
        let rule = |there: bool, failed: Denial, malformed: Option<Denial>| match malformed {
            Some(malformed) if denied(malformed) => Outcome::Malformed,
            _ if denied(failed) => Outcome::Failed,
            _ if there => Outcome::Passed,
            _ => Outcome::Absent,
        };
        let names =
            |set: crate::wedding::RoleSet| set.iter().map(|role| role.as_str()).collect::<Vec<_>>();
        let all_roles = crate::wedding::RoleSet::ALL;
        let no_grant = [Denial::RestrictedSection, Denial::NoRoleGrant]
            .into_iter()
            .find(|denial| denied(*denial));
        let mut checks = Vec::new();
        let mut ask = |rule: Rule, input: Value, outcome: Outcome| {
            checks.push(Check {
                rule,
                input,
                outcome,
            })
        };
        ask(
            Rule::Grant,
            json!({
                "role": role.as_str(), "roles": names(rules.exact), "inheritedBy": names(rules.inherited),
                "access": level.as_str(), "fullAccessOpensFor": names(rules.full),
                "grant": grant.map(|grant| grant.as_str()),
                "denial": no_grant.map(|denial| denial.as_str()),
            }),
            passed(grant.is_some()),
        );
        ask(
            Rule::CanViewList,
            json!({ "role": role.as_str(), "lets": names(rules.can_view) }),
            rule(rules.can_view != all_roles, Denial::NotInCanViewList, None),
        );
        let phases = rules.phases.map(|phases| {
            phases
                .iter()
                .map(|phase| phase.as_str())
                .collect::<Vec<_>>()
        });
        ask(
            Rule::WeddingPhase,
            json!({ "phase": self.phase().map(|phase| phase.as_str()), "weddingPhase": phases }),
            if denied(Denial::PhaseUnavailable) {
                Outcome::Failed
            } else {
                rule(rules.phases.is_some(), Denial::PhaseNotAllowed, None)
            },
        );
        ask(
            Rule::HasWeddingAccess,
            json!({ "access": level.as_str(), "needed": rules.needs_access }),
            rule(
                rules.needs_access,
                Denial::HasWeddingAccessFailed,
                Some(Denial::HasWeddingAccessMalformed),
            ),
        );
        ask(
            Rule::MinimumRole,
            json!({ "role": role.as_str(), "minimumRole": names(rules.minimum) }),
            rule(
                rules.minimum != all_roles,
                Denial::MinimumRoleFailed,
                Some(Denial::MinimumRoleMalformed),
            ),
        );
        // What the member's field says is personal, so only its name is told.
        ask(
            Rule::CustomField,
            json!({ "field": rules.field.as_ref().map(|test| &test.field) }),
            rule(
                rules.field.is_some(),
                Denial::CustomFieldFailed,
                Some(Denial::CustomFieldMalformed),
            ),
        );
        let window = rules
            .window
            .map(|(start, end)| json!({ "start": start.to_string(), "end": end.to_string() }));
        ask(
            Rule::TimeRestriction,
            json!({ "now": self.moment.now.to_string(), "timeRestriction": window }),
            rule(
                rules.window.is_some(),
                Denial::TimeRestrictionFailed,
                Some(Denial::TimeRestrictionMalformed),
            ),
        );
        for name in decision.denials.unknown_conditions() {
            ask(
                Rule::UnknownCondition,
                json!({ "name": name }),
                Outcome::Malformed,
            );
        }
        if decision.can_view {
            ask(
                Rule::CanEdit,
                json!({ "role": role.as_str(), "lets": names(rules.edit) }),
                passed(decision.can_edit),
            );
            ask(
                Rule::CanHide,
                json!({ "role": role.as_str(), "lets": names(rules.hide) }),
                passed(decision.can_hide),
            );
        }
        checks
    }
}

const fn passed(holds: bool) -> Outcome {
    if holds {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

impl Snapshot {
    /// Explains the decision for one member and one section by their ids. For somebody or something that is not there the
    /// decision says so, and no rule is asked.
    #[must_use]
    pub fn explain(&self, member: &str, section: &str, context: &Context) -> Explanation {
        let view = self.at(context);
        match (self.member(member), self.section(section)) {
            (Some(member), Some(section)) => view.explain(member, section),
            _ => Explanation {
                decision: view.decide_id(member, section),
                checks: Vec::new(),
            },
        }
    }
}
