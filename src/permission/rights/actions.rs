//! Who in an organization may use which service, as data.

use crate::permission::resolver::{Action, Decision, Reason, Resource};
use crate::wedding::OrganizationRole;

use super::evaluate::{Rights, When, foreign};
use super::holder::Holder;

use OrganizationRole as R;

/// Which roles of an organization may do an action of a service. Couples, vendors and guests call no service themselves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ActionRule {
    /// The action: `sync.run`.
    pub action: &'static str,
    /// The only [kind of resource](Resource::kind) that the rule is for; any that has no rule of its own, if there is none.
    pub kind: Option<&'static str>,
    /// Who may, to every resource of the organization.
    pub everywhere: &'static [OrganizationRole],
    /// Who else may, to what they are [assigned to](Holder::assigned_to): an account, a wedding.
    pub assigned: &'static [OrganizationRole],
}

const fn rule(
    action: &'static str,
    everywhere: &'static [OrganizationRole],
    assigned: &'static [OrganizationRole],
) -> ActionRule {
    ActionRule {
        action,
        kind: None,
        everywhere,
        assigned,
    }
}

impl ActionRule {
    const fn on(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }
}

const OWNER: &[OrganizationRole] = &[R::Owner];
const ADMINS: &[OrganizationRole] = &[R::Owner, R::Admin];
const COORDINATORS: &[OrganizationRole] = &[R::Owner, R::Admin, R::Coordinator];
const NOBODY: &[OrganizationRole] = &[];

/// Every action that the services of this crate ask about, ordered by name. What is not in it is denied to everybody.
///
/// - `keys.manage` is the owner's: who destroys the keys ends the organization.
/// - `store.open` is the host's, whom no table binds: the records themselves know no personal rights.
/// - `section.read`, `section.edit` and `section.watch` are nobody's by their role alone: each section says who may, and
///   everybody watches what they see themselves.
pub const KNOWN_ACTIONS: &[ActionRule] = &[
    rule("audit.manage", ADMINS, NOBODY),
    rule("connectors.open", ADMINS, NOBODY),
    rule("keys.manage", OWNER, NOBODY),
    rule("permissions.read", COORDINATORS, NOBODY),
    rule("privacy.manage", ADMINS, NOBODY),
    rule("section.edit", NOBODY, NOBODY),
    rule("section.manage", COORDINATORS, NOBODY),
    rule("section.manage_protected", ADMINS, NOBODY),
    rule("section.read", NOBODY, NOBODY),
    rule("section.watch", NOBODY, NOBODY),
    rule("sessions.manage", ADMINS, NOBODY),
    rule("store.open", NOBODY, NOBODY),
    rule("subjects.read", ADMINS, NOBODY),
    rule(
        "sync.plan",
        COORDINATORS,
        &[R::Photographer, R::Editor, R::Assistant],
    ),
    rule("sync.resolve", COORDINATORS, &[R::Photographer]),
    rule("sync.run", COORDINATORS, &[R::Photographer]),
    // Who belongs to the organization is for its administration, who works at a wedding for whoever runs it.
    rule("team.manage", ADMINS, NOBODY),
    rule("team.manage", COORDINATORS, NOBODY).on("wedding"),
    rule("team.manage_owners", OWNER, NOBODY),
    rule("team.read", COORDINATORS, NOBODY),
    rule(
        "team.read",
        COORDINATORS,
        &[R::Photographer, R::Editor, R::Assistant, R::Viewer],
    )
    .on("wedding"),
    rule("transfer.run", COORDINATORS, &[R::Photographer, R::Editor]),
    rule("uploads.manage", COORDINATORS, &[R::Photographer]),
];

impl Rights {
    /// Decides whether `holder` may do `action` of a service to `resource`, by [`KNOWN_ACTIONS`]. The organization's own
    /// statements, which are about objects, have no part in it.
    ///
    /// | code | meaning |
    /// |---|---|
    /// | `role` | the role may, everywhere in the organization |
    /// | `assigned` | the role may, to what the holder is assigned to |
    /// | `not_assigned` | the role may, but the holder is not assigned to this |
    /// | `role_too_low` | the role may not |
    /// | `no_role` | the holder has no role in the organization |
    /// | `unknown_action` | no service is known to ask this |
    /// | `organization_mismatch` | the holder or the resource is of another organization |
    ///
    /// # Example
    ///
    /// ```
    /// use garland::permission::rights::{Holder, Rights, Term, When};
    /// use garland::permission::{Action, Resource};
    /// use garland::wedding::OrganizationRole;
    ///
    /// let rights = Rights::new("studio");
    /// let anna = Holder::new("anna", "studio")
    ///     .with_organization_role(OrganizationRole::Photographer)
    ///     .assigned_to("connector", "card-3", Term::always());
    /// let (run, now) = (Action::new("sync.run"), When::default());
    /// let own = rights.decide_action(&anna, &run, &Resource::new("connector", "card-3"), &now);
    /// assert!(own.allow);
    /// let other = rights.decide_action(&anna, &run, &Resource::new("connector", "archive"), &now);
    /// assert_eq!(other.reasons[0].code, "not_assigned");
    /// ```
    #[must_use]
    pub fn decide_action(
        &self,
        holder: &Holder,
        action: &Action,
        resource: &Resource,
        when: &When,
    ) -> Decision {
        let is_foreign = resource.kind == "organization" && resource.id != self.organization();
        if is_foreign || holder.organization() != self.organization() {
            return foreign();
        }
        let name = action.as_str();
        let Some(rule) = rule_for(name, &resource.kind) else {
            let text = format!("no service is known to ask `{}`", name.escape_debug());
            return Decision::deny(Reason::new("unknown_action", text));
        };
        let Some(role) = holder.organization_role() else {
            let text = "the holder has no role in the organization";
            return Decision::deny(Reason::new("no_role", text));
        };
        if rule.everywhere.contains(&role) {
            return Decision::allow(Reason::new("role", format!("role `{role}` may `{name}`")));
        }
        if !rule.assigned.contains(&role) {
            let text = format!("role `{role}` may not `{name}`");
            return Decision::deny(Reason::new("role_too_low", text));
        }
        let terms = || holder.terms(&resource.kind, &resource.id);
        let mut decision = if terms().any(|term| term.holds(when.now)) {
            let text = format!("role `{role}` may `{name}` where assigned");
            Decision::allow(Reason::new("assigned", text))
        } else {
            let text = format!("role `{role}` may `{name}` only where assigned");
            Decision::deny(Reason::new("not_assigned", text))
        };
        decision.valid_until = terms().filter_map(|term| term.next(when.now)).min();
        decision
    }
}

/// The rule for this kind of resource, or else the one for any.
fn rule_for(action: &str, kind: &str) -> Option<&'static ActionRule> {
    let rules = || KNOWN_ACTIONS.iter().filter(|rule| rule.action == action);
    rules()
        .find(|rule| rule.kind == Some(kind))
        .or_else(|| rules().find(|rule| rule.kind.is_none()))
}
