//! What services are answered out of a stored state.

use crate::clock::Timestamp;
use crate::permission::{Action, Actor, Decision, PermissionSnapshot, Reason, Resource, Snapshot};

/// A state at one instant, as services ask it: [`Snapshot::as_of`], and that every member may ask for their own part.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) state: Snapshot,
    pub(super) now: Timestamp,
}

impl PermissionSnapshot for Answers {
    fn revision(&self) -> u64 {
        self.state.revision()
    }

    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision> {
        let general = self.state.as_of(self.now);
        let mut decisions = general.decide(actor, action, resources);
        let Actor::User(user) = actor else {
            return decisions;
        };
        if action.as_str() != "section.read" || !self.is_known(user) {
            return decisions;
        }
        for (decision, resource) in decisions.iter_mut().zip(resources) {
            let is_own = match &*resource.kind {
                "organization" => resource.id == self.state.organization().as_str(),
                "member" => resource.id == *user,
                _ => false,
            };
            if is_own && !decision.allow {
                let text = "every member may ask for their own part";
                *decision = Decision::allow(Reason::new("own", text));
            }
        }
        decisions
    }
}

impl Answers {
    /// Whether it is a member of this organization whose record can be understood.
    fn is_known(&self, user: &str) -> bool {
        self.state.member(user).is_some_and(|member| {
            let theirs = member.organization();
            member.role().is_ok() && theirs == Some(self.state.organization().as_str())
        })
    }
}
