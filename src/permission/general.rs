//! A snapshot as what decides for every service: acts, and objects of weddings.

use std::cell::OnceCell;

use crate::clock::Timestamp;
use crate::wedding::{AccessLevel, Phase};

use super::decision::{Grant, SectionDecision, earliest};
use super::denial::Denial;
use super::evaluate::{Context, guard};
use super::member::Member;
use super::resolver::{Action, Actor, Decision, PermissionSnapshot, Reason, Resource};
use super::rights::{Holder, Object, Verb, When};
use super::snapshot::Snapshot;
use super::view::View;
use super::wedding::Scheduled;

/// A [`Snapshot`] at one instant, as services ask it.
///
/// The host itself may do everything. A person or a service of the host's is a [`Member`] by its id, and may
/// what their [standing](Member::holder) gives by [`KNOWN_ACTIONS`](super::rights::KNOWN_ACTIONS); anybody else
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
            let own = Some(self.organization().as_str());
            let ours = |row: &&Scheduled| row.wedding().organization() == own;
            let Some(row) = self.scheduled(id).filter(ours) else {
                return Decision::deny(Reason::new(
                    "wedding_not_found",
                    "there is no such wedding",
                ));
            };
            when = when.with_phase(self.phase(row, now));
        }
        match self.holder(member) {
            Ok((_, holder)) => self.rights().decide(holder, verb, object, &when),
            Err(denial) => denial,
        }
    }

    fn holder(&self, member: &str) -> Result<(&Member, &Holder), Decision> {
        let deny = |code, text| Err(Decision::deny(Reason::new(code, text)));
        let Some(member) = self.member(member) else {
            return deny("user_not_found", "there is no such member");
        };
        match member.holder() {
            Some(holder) if holder.organization() != self.organization().as_str() => deny(
                "organization_mismatch",
                "the member is of another organization",
            ),
            Some(holder) => Ok((member, holder)),
            None => deny("malformed_user", "the member's record cannot be understood"),
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
        let weddings = OnceCell::new();
        let decide = |resource: &Resource| match &holder {
            Err(denial) => denial.clone(),
            Ok((member, holder)) => match by_section(action, resource) {
                _ if self.is_own(action, resource, holder) => {
                    Decision::allow(Reason::new("own", "everybody may ask for what they see"))
                }
                Some((section, wanted)) => self.decide_section(member, section, wanted, &weddings),
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
        member: &Member,
        section: &str,
        wanted: Wanted,
        weddings: &OnceCell<Vec<Alike<'a>>>,
    ) -> Decision {
        let Some(section) = self.snapshot.section(section) else {
            return denied(&SectionDecision::denied(Denial::ConfigNotFound));
        };
        let context = match section.wedding() {
            Some(wedding) => Context::wedding(wedding, self.now),
            None => Context::organization(self.now),
        };
        let view = self.snapshot.at(&context);
        let mut first = view.decide(member, section);
        if wanted(&first) {
            return allowed(&first);
        }
        // What a guard turns away here it turns away at every wedding.
        if section.is_organization_wide() && guard(member, section, &view.moment).is_ok() {
            for alike in weddings.get_or_init(|| self.weddings(member)) {
                let there = alike.view.decide(member, section);
                if wanted(&there) {
                    return allowed(&there);
                }
                let until = earliest(alike.until, there.valid_until);
                first.valid_until = earliest(first.valid_until, until);
            }
        }
        denied(&first)
    }

    /// The weddings of the organization, those together in which a section says the same to `member`; ordered by the first
    /// of each.
    fn weddings(&self, member: &Member) -> Vec<Alike<'_>> {
        let mut all: Vec<Alike<'_>> = Vec::new();
        for row in self.snapshot.schedule() {
            let wedding = row.wedding();
            // One without an id cannot be asked about.
            if wedding.organization() != member.organization() || wedding.id().is_empty() {
                continue;
            }
            let (level, at) = (
                member.access(wedding.id()),
                self.snapshot.phase(row, self.now),
            );
            let alike = |other: &&mut Alike<'_>| other.level == level && other.phase == at.phase;
            match all.iter_mut().find(alike) {
                Some(known) => known.until = earliest(known.until, at.until),
                None => all.push(Alike {
                    level,
                    phase: at.phase,
                    until: at.until,
                    view: self.snapshot.at(&Context::wedding(wedding.id(), self.now)),
                }),
            }
        }
        all
    }
}

/// Weddings of one phase, into which a member is let equally far.
#[derive(Debug)]
struct Alike<'a> {
    level: AccessLevel,
    phase: Option<Phase>,
    /// When the first of them leaves the phase.
    until: Option<Timestamp>,
    /// The first of them by id.
    view: View<'a>,
}

fn allowed(decision: &SectionDecision) -> Decision {
    let grant = decision.grant.map_or("section", Grant::as_str);
    let mut allowed = Decision::allow(Reason::new(grant, "the section is for them"));
    allowed.valid_until = decision.valid_until;
    allowed
}

fn denied(decision: &SectionDecision) -> Decision {
    let denial = decision.denials.iter().next();
    let code = denial.map_or("not_in_can_edit_list", Denial::as_str);
    let mut denied = Decision::deny(Reason::new(code, "the section is not for them"));
    denied.valid_until = decision.valid_until;
    denied
}
