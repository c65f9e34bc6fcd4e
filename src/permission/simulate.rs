//! What a change would give and take, before it is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::SectionType;

use super::decision::earliest;
use super::evaluate::Context;
use super::snapshot::{Change, Snapshot};
use super::view::EffectiveSection;

/// What changes would do to what people see.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Impact {
    /// Whose view becomes different, ordered by id.
    pub members: Vec<MemberImpact>,
    /// The first instant at which time alone may change this.
    pub valid_until: Option<Timestamp>,
}

/// What becomes different for one member.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MemberImpact {
    /// The host's id.
    pub member: Arc<str>,
    /// What they come to see.
    pub gained: Vec<SectionType>,
    /// What they see no longer.
    pub lost: Vec<SectionType>,
    /// What they see before and after, with other rights or at another place.
    pub changed: Vec<SectionType>,
}

impl Impact {
    /// Returns whose view becomes different, ordered.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.members.iter().map(|impact| &*impact.member).collect()
    }
}

impl Snapshot {
    /// Works out what `changes` would give and take, for whom, at the instant of `context`, without making them.
    ///
    /// The changes are applied to a copy and both are asked, so that the answer is what would happen.
    #[must_use]
    pub fn simulate(&self, changes: &[Change], context: &Context) -> Impact {
        self.impact(
            &self.with(self.revision(), changes.iter().cloned()),
            context,
        )
    }

    /// Returns what is different in `after`, at the instant of `context`.
    #[must_use]
    pub fn impact(&self, after: &Self, context: &Context) -> Impact {
        let (old, new) = (self.at(context), after.at(context));
        let mut ids: Vec<_> = self
            .members()
            .chain(after.members())
            .map(super::member::Member::shared_id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut impact = Impact::default();
        for id in ids {
            let (before, after) = (old.sections(&id), new.sections(&id));
            let all = before.iter().chain(&after);
            impact.valid_until = all
                .map(|section| section.valid_until)
                .fold(impact.valid_until, earliest);
            impact.members.extend(difference(id, before, after));
        }
        impact
    }
}

fn difference(
    member: Arc<str>,
    before: Vec<EffectiveSection>,
    after: Vec<EffectiveSection>,
) -> Option<MemberImpact> {
    let seen = |sections: Vec<EffectiveSection>| -> BTreeMap<_, _> {
        let seen = sections.into_iter().filter(|section| section.can_view);
        seen.map(|section| (section.section_type.clone(), section))
            .collect()
    };
    let (before, after) = (seen(before), seen(after));
    let only_in = |one: &BTreeMap<SectionType, EffectiveSection>,
                   other: &BTreeMap<SectionType, EffectiveSection>| {
        one.keys()
            .filter(|name| !other.contains_key(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    let differs = |old: &EffectiveSection, new: &EffectiveSection| {
        (
            old.can_edit,
            old.can_hide,
            old.capabilities,
            old.position,
            &old.config_ids,
        ) != (
            new.can_edit,
            new.can_hide,
            new.capabilities,
            new.position,
            &new.config_ids,
        )
    };
    let changed = after
        .iter()
        .filter(|(name, new)| before.get(*name).is_some_and(|old| differs(old, new)));
    let changed: Vec<_> = changed.map(|(name, _)| name.clone()).collect();
    let (gained, lost) = (only_in(&after, &before), only_in(&before, &after));
    let any = !(gained.is_empty() && lost.is_empty() && changed.is_empty());
    any.then_some(MemberImpact {
        member,
        gained,
        lost,
        changed,
    })
}
