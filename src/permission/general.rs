//! A snapshot as what decides for every service: acts, and objects of weddings.

use crate::clock::Timestamp;

use super::resolver::{Action, Actor, Decision, PermissionSnapshot, Reason, Resource};
use super::rights::{Holder, Object, Verb, When};
use super::snapshot::Snapshot;

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
        let wedding = object.wedding().and_then(|id| self.wedding(id));
        let phase = wedding.map(|wedding| wedding.phase(self.grace(), now, self.zones()));
        let when = When::at(now).with_phase(phase.unwrap_or_default());
        match self.holder(member) {
            Ok(holder) => self.rights().decide(holder, verb, object, &when),
            Err(denial) => denial,
        }
    }

    fn holder(&self, member: &str) -> Result<&Holder, Decision> {
        let deny = |code, text| Err(Decision::deny(Reason::new(code, text)));
        match self.member(member).map(super::member::Member::holder) {
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
        let decide = |resource| match &holder {
            Ok(holder) => self
                .snapshot
                .rights()
                .decide_action(holder, action, resource, &when),
            Err(denial) => denial.clone(),
        };
        resources.iter().map(decide).collect()
    }
}
