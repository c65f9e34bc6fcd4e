//! What services are answered out of a stored state.

use crate::clock::Timestamp;
use crate::permission::{
    Action, Actor, Context, Decision, Member, PermissionSnapshot, Reason, Resource, Section,
    Snapshot, View,
};

/// A state at one instant, as services ask it.
///
/// Acts in general are for the [roles](Snapshot::as_of). That somebody may `section.read` or `section.edit` a section is
/// for the section to say: they may if it is so in the organization or in one of its weddings. Which of them counts, the
/// service works out by itself.
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
        let mut decisions = self.state.as_of(self.now).decide(actor, action, resources);
        let edits = match action.as_str() {
            "section.read" => false,
            "section.edit" => true,
            _ => return decisions,
        };
        let Actor::User(user) = actor else {
            return decisions;
        };
        let Some(member) = self.state.member(user) else {
            return decisions;
        };
        let mut question = Question {
            state: &self.state,
            now: self.now,
            member,
            edits,
            weddings: None,
        };
        for (decision, resource) in decisions.iter_mut().zip(resources) {
            if !decision.allow
                && let Some(answer) = question.answer(resource)
            {
                *decision = answer;
            }
        }
        decisions
    }
}

struct Question<'a> {
    state: &'a Snapshot,
    now: Timestamp,
    member: &'a Member,
    edits: bool,
    /// Every wedding's moment, once one is asked about that is for all.
    weddings: Option<Vec<View<'a>>>,
}

impl<'a> Question<'a> {
    fn answer(&mut self, resource: &Resource) -> Option<Decision> {
        match &*resource.kind {
            "section" => {
                let section = self.state.section(&resource.id)?;
                Some(self.section(section))
            }
            // What they get is their own part.
            "organization" if !self.edits && resource.id == self.state.organization().as_str() => {
                self.own("every member may ask for their part")
            }
            "member" if !self.edits && resource.id == self.member.id() => {
                self.own("it is the member's own")
            }
            _ => None,
        }
    }

    fn own(&self, text: &str) -> Option<Decision> {
        let is_known = self.member.role().is_ok();
        is_known.then(|| Decision::allow(Reason::new("own", text)))
    }

    fn section(&mut self, section: &Section) -> Decision {
        let mut until = None;
        let (member, edits) = (self.member, self.edits);
        let mut holds = |view: &View<'_>| {
            let found = view.decide(member, section);
            until = [until, found.valid_until].into_iter().flatten().min();
            found.can_view && (!edits || found.can_edit)
        };
        let allow = match section.wedding() {
            Some(wedding) => holds(&self.state.at(&Context::wedding(wedding, self.now))),
            None => {
                holds(&self.state.at(&Context::organization(self.now)))
                    || self.weddings().iter().any(&mut holds)
            }
        };
        let mut decision = if allow {
            Decision::allow(Reason::new("section", "the section says so"))
        } else {
            let text = "the section is not shown to the member, or not for this";
            Decision::deny(Reason::new("not_in_section", text))
        };
        decision.valid_until = until;
        decision
    }

    fn weddings(&mut self) -> &[View<'a>] {
        let (state, now) = (self.state, self.now);
        self.weddings.get_or_insert_with(|| {
            let weddings = state.weddings();
            weddings
                .map(|wedding| state.at(&Context::wedding(wedding.id(), now)))
                .collect()
        })
    }
}
