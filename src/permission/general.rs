//! A snapshot as what decides for every service: acts, and objects of weddings.

use std::cell::OnceCell;

use crate::clock::Timestamp;

use super::decision::{Grant, SectionDecision, earliest};
use super::denial::Denial;
use super::evaluate::Context;
use super::resolver::{Action, Actor, Decision, PermissionSnapshot, Reason, Resource};
use super::rights::{Holder, Object, Verb, When};
use super::snapshot::Snapshot;
use super::view::View;
use super::wedding::Wedding;

/// A [`Snapshot`] at one instant, as services ask it.
///
/// The host itself may do everything. A person or a service of the host's is a [`Member`](super::Member) by its id, and may
/// what their [standing](super::Member::holder) gives by [`KNOWN_ACTIONS`](super::rights::KNOWN_ACTIONS); anybody else
/// may nothing.
///
/// # Example
///
/// ```
/// use garland::permission::{Action, Actor, Member, PermissionSnapshot, Resource, Snapshot};
/// use garland::wedding::parse_instant;
/// use serde_json::json;
///
/// let snapshot = Snapshot::builder("studio".parse()?)
///     .members([Member::read(&json!({ "id": "cora", "organizationId": "studio", "role": "coordinator" }))])
///     .build(1);
/// let now = snapshot.as_of(parse_instant("2026-06-20T10:00:00Z").unwrap());
/// let (cora, archive) = (Actor::User("cora".into()), [Resource::new("connector", "archive")]);
/// assert!(now.decide(&cora, &Action::new("sync.run"), &archive)[0].allow);
/// assert_eq!(now.decide(&cora, &Action::new("keys.manage"), &archive)[0].reasons[0].code, "role_too_low");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AsOf {
    snapshot: Snapshot,
    now: Timestamp,
}

impl Snapshot {
    /// Returns the snapshot as services ask it, at one instant.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> AsOf {
        AsOf {
            snapshot: self.clone(),
            now,
        }
    }

    /// Decides whether a member may do `verb` to `object` at `now`: D-ROL-1 to 5 of the wedding domain, by the default
    /// tables and the organization's own [statements](super::rights::Statement).
    ///
    /// One answer for every way to the object: page, thumbnail, metadata, stream and socket ask this.
    #[must_use]
    pub fn may(&self, member: &str, verb: Verb, object: &Object, now: Timestamp) -> Decision {
        let mut when = When::at(now);
        if let Some(id) = object.wedding() {
            let ours =
                |wedding: &&Wedding| wedding.organization() == Some(self.organization().as_str());
            let Some(wedding) = self.wedding(id).filter(ours) else {
                return Decision::deny(Reason::new(
                    "wedding_not_found",
                    "there is no such wedding",
                ));
            };
            when = when.with_phase(wedding.phase(self.grace(), now, self.zones()));
        }
        match self.holder(member) {
            Ok(holder) => self.rights().decide(holder, verb, object, &when),
            Err(denial) => denial,
        }
    }

    fn holder(&self, member: &str) -> Result<&Holder, Decision> {
        let deny = |code, text| Err(Decision::deny(Reason::new(code, text)));
        match self.member(member).map(super::member::Member::holder) {
            Some(Some(holder)) if holder.organization() != self.organization().as_str() => deny(
                "organization_mismatch",
                "the member is of another organization",
            ),
            Some(Some(holder)) => Ok(holder),
            Some(None) => deny("malformed_user", "the member's record cannot be understood"),
            None => deny("user_not_found", "there is no such member"),
        }
    }
}

impl PermissionSnapshot for AsOf {
    fn revision(&self) -> u64 {
        self.snapshot.revision()
    }

    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision> {
        let holder = match actor {
            Actor::Host => {
                let yes = Decision::allow(Reason::new("host", "the host itself acts"));
                return vec![yes; resources.len()];
            }
            Actor::User(id) | Actor::Service(id) => self.snapshot.holder(id),
        };
        let when = When::at(self.now);
        let contexts = OnceCell::new();
        let decide = |resource: &Resource| match &holder {
            Err(denial) => denial.clone(),
            Ok(holder) => match by_section(action, resource) {
                _ if self.is_own(action, resource, holder) => {
                    Decision::allow(Reason::new("own", "everybody may ask for what they see"))
                }
                Some((section, wanted)) => {
                    self.decide_section(holder.id(), section, wanted, &contexts)
                }
                None => self
                    .snapshot
                    .rights()
                    .decide_action(holder, action, resource, &when),
            },
        };
        resources.iter().map(decide).collect()
    }
}

type Wanted = fn(&SectionDecision) -> bool;

/// Acts on a section that the section itself decides.
fn by_section<'a>(action: &Action, resource: &'a Resource) -> Option<(&'a str, Wanted)> {
    let wanted: Wanted = match action.as_str() {
        "section.read" => |found| found.can_view,
        "section.edit" => |found| found.can_edit,
        _ => return None,
    };
    (resource.kind == "section").then_some((resource.id.as_str(), wanted))
}

impl AsOf {
    /// Whether somebody asks for what they themselves see of the sections.
    fn is_own(&self, action: &Action, resource: &Resource, holder: &Holder) -> bool {
        let own = match &*resource.kind {
            "member" => resource.id == holder.id(),
            "organization" => resource.id == self.snapshot.organization().as_str(),
            _ => false,
        };
        own && matches!(action.as_str(), "section.read" | "section.watch")
    }

    /// Whether `member` may with `section` what is wanted in the context of its wedding; with one of the whole
    /// organization, in that of the organization or of any of its weddings. Which of them counts is for the service to
    /// decide, which knows where it is asked.
    fn decide_section<'a>(
        &'a self,
        member: &str,
        section: &str,
        wanted: Wanted,
        contexts: &OnceCell<Vec<View<'a>>>,
    ) -> Decision {
        let Some(found) = self.snapshot.section(section) else {
            return section_denied(&SectionDecision::denied(Denial::ConfigNotFound), None);
        };
        let Some(member) = self.snapshot.member(member) else {
            return section_denied(&SectionDecision::denied(Denial::UserNotFound), None);
        };
        let own = found
            .wedding()
            .map(|wedding| [self.snapshot.at(&Context::wedding(wedding, self.now))]);
        let all = || {
            let weddings = self.snapshot.weddings();
            let weddings = weddings.map(|wedding| Context::wedding(wedding.id(), self.now));
            let contexts = std::iter::once(Context::organization(self.now)).chain(weddings);
            contexts.map(|context| self.snapshot.at(&context)).collect()
        };
        let views = own.as_ref().map_or_else(
            || contexts.get_or_init(all).as_slice(),
            |own| own.as_slice(),
        );
        let mut valid_until = None;
        let mut denied = None;
        for view in views {
            let decision = view.decide(member, found);
            valid_until = earliest(valid_until, decision.valid_until);
            if wanted(&decision) {
                let grant = decision.grant.map_or("section", Grant::as_str);
                let mut allowed = Decision::allow(Reason::new(grant, "the section is for them"));
                allowed.valid_until = decision.valid_until;
                return allowed;
            }
            denied.get_or_insert(decision);
        }
        let denied = denied.unwrap_or_else(|| SectionDecision::denied(Denial::WeddingNotFound));
        section_denied(&denied, valid_until)
    }
}

fn section_denied(decision: &SectionDecision, valid_until: Option<Timestamp>) -> Decision {
    let code = decision
        .denials
        .iter()
        .next()
        .map_or("not_in_can_edit_list", Denial::as_str);
    let mut denied = Decision::deny(Reason::new(code, "the section is not for them"));
    denied.valid_until = valid_until;
    denied
}
