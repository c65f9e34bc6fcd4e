//! Questions to a snapshot in one context.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::{Phase, SectionType};

use super::capability::Capabilities;
use super::decision::{SectionDecision, earliest};
use super::denial::Denial;
use super::evaluate::{Context, Moment, decide};
use super::member::Member;
use super::section::Section;
use super::snapshot::{Snapshot, State};

/// A snapshot in one context: its phase is worked out once, and every question uses the same instant.
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub(super) state: &'a State,
    pub(super) moment: Moment<'a>,
}

/// What one member may with one section type: `permissions.md` §4.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EffectiveSection {
    /// The section type.
    pub section_type: SectionType,
    /// The configurations it comes from, ordered.
    pub config_ids: Vec<Arc<str>>,
    /// Whether it is to be seen.
    pub can_view: bool,
    /// Whether it may be changed.
    pub can_edit: bool,
    /// Whether it may be hidden.
    pub can_hide: bool,
    /// What may be done in it.
    pub capabilities: Capabilities,
    /// Where it stands on the page; nothing is last.
    pub position: Option<u16>,
    /// The first instant at which time alone may change this.
    pub valid_until: Option<Timestamp>,
}

impl<'a> View<'a> {
    pub(super) const fn new(state: &'a State, moment: Moment<'a>) -> Self {
        Self { state, moment }
    }

    /// Returns the wedding that is asked about.
    #[must_use]
    pub fn wedding(&self) -> Option<&str> {
        self.moment.wedding_id()
    }

    /// Returns the wedding's phase; nothing without a wedding, or if it cannot be known.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.moment.phase()
    }

    /// Decides for one member and one section at hand.
    #[must_use]
    pub fn decide(&self, member: &Member, section: &Section) -> SectionDecision {
        decide(member, section, &self.moment)
    }

    /// Decides by ids. Somebody or something that is not there is denied.
    #[must_use]
    pub fn decide_id(&self, member: &str, section: &str) -> SectionDecision {
        let Some(member) = self.state.members.get(member) else {
            return SectionDecision::denied(Denial::UserNotFound);
        };
        let Some(section) = self.state.sections.get(section) else {
            return SectionDecision::denied(Denial::ConfigNotFound);
        };
        self.decide(member, section)
    }

    /// Returns every section of one member, by section type, in the order of the page. Somebody who is not there has none.
    ///
    /// A wedding's own configurations replace those of the organization. Where several are left, the strictest counts.
    #[must_use]
    pub fn sections(&self, member: &str) -> Vec<EffectiveSection> {
        let Some(member) = self.state.members.get(member) else {
            return Vec::new();
        };
        self.sections_of(member)
    }

    pub(super) fn sections_of(&self, member: &Member) -> Vec<EffectiveSection> {
        let groups = self.state.groups().iter();
        let mut found: Vec<_> = groups
            .filter_map(|(section_type, rows)| self.effective(member, section_type, rows))
            .collect();
        // Stable, so that equal positions stay ordered by section type.
        found.sort_by_key(|section| section.position.map_or(u32::MAX, u32::from));
        found
    }

    /// Returns one section type of one member; nothing if it has no configuration here.
    #[must_use]
    pub fn section(&self, member: &str, section_type: &SectionType) -> Option<EffectiveSection> {
        let member = self.state.members.get(member)?;
        self.effective(member, section_type, self.state.groups().get(section_type)?)
    }

    fn effective(
        &self,
        member: &Member,
        section_type: &SectionType,
        rows: &[usize],
    ) -> Option<EffectiveSection> {
        let sections = self.state.sections.rows();
        let here: Vec<&Section> = rows
            .iter()
            .filter_map(|row| sections.get(*row).map(|section| &**section))
            .filter(|section| {
                section.organization().is_some()
                    && section.organization() == member.organization()
                    && section.applies_to(self.moment.wedding_id())
            })
            .collect();
        // Those for the wedding replace those for all.
        let own = here.iter().any(|section| !section.is_organization_wide());
        let group: Vec<&Section> = here
            .into_iter()
            .filter(|section| !own || !section.is_organization_wide())
            .collect();
        (!group.is_empty()).then(|| self.combine(member, section_type, &group))
    }

    /// Of several configurations, the strictest counts.
    fn combine(
        &self,
        member: &Member,
        section_type: &SectionType,
        group: &[&Section],
    ) -> EffectiveSection {
        let decisions: Vec<_> = group
            .iter()
            .map(|section| self.decide(member, section))
            .collect();
        let all = |holds: fn(&SectionDecision) -> bool| {
            !decisions.is_empty() && decisions.iter().all(holds)
        };
        let capabilities = decisions.iter().map(|decision| decision.capabilities);
        let mut config_ids: Vec<_> = group.iter().map(|section| section.shared_id()).collect();
        config_ids.sort_unstable();
        EffectiveSection {
            section_type: section_type.clone(),
            config_ids,
            can_view: all(|decision| decision.can_view),
            can_edit: all(|decision| decision.can_edit),
            can_hide: all(|decision| decision.can_hide),
            capabilities: capabilities.reduce(Capabilities::and).unwrap_or_default(),
            position: group.iter().filter_map(|section| section.position()).min(),
            valid_until: decisions
                .iter()
                .map(|decision| decision.valid_until)
                .fold(None, earliest),
        }
    }

    /// Returns the section types that one member sees, in the order of the page.
    #[must_use]
    pub fn visible(&self, member: &str) -> Vec<SectionType> {
        let sections = self.sections(member).into_iter();
        sections
            .filter(|section| section.can_view)
            .map(|section| section.section_type)
            .collect()
    }

    /// Returns the ids of all who see `section`, ordered.
    #[must_use]
    pub fn subjects(&self, section: &Section) -> Vec<Arc<str>> {
        let members = self.state.members.rows().iter();
        members
            .filter(|member| self.decide(member, section).can_view)
            .map(|member| member.shared_id())
            .collect()
    }

    /// Returns the ids of all who must hear of a change, ordered: who saw the section before, and who sees it after. A section
    /// that comes or goes was or is nothing.
    #[must_use]
    pub fn audience(&self, before: Option<&Section>, after: Option<&Section>) -> Vec<Arc<str>> {
        let sees = |member: &Member, section: Option<&Section>| {
            section.is_some_and(|section| self.decide(member, section).can_view)
        };
        let members = self.state.members.rows().iter();
        members
            .filter(|member| sees(member, before) || sees(member, after))
            .map(|member| member.shared_id())
            .collect()
    }
}

impl Snapshot {
    /// Decides for one member and one section, by their ids.
    ///
    /// For many questions in one context, take a [`View`] by [`Snapshot::at`].
    #[must_use]
    pub fn decide(&self, member: &str, section: &str, context: &Context) -> SectionDecision {
        self.at(context).decide_id(member, section)
    }

    /// Returns every section of one member: [`View::sections`].
    #[must_use]
    pub fn decide_all(&self, member: &str, context: &Context) -> Vec<EffectiveSection> {
        self.at(context).sections(member)
    }

    /// Returns what one member sees: [`View::visible`].
    #[must_use]
    pub fn visible(&self, member: &str, context: &Context) -> Vec<SectionType> {
        self.at(context).visible(member)
    }

    /// Returns who sees a section, by its id: [`View::subjects`].
    #[must_use]
    pub fn subjects(&self, section: &str, context: &Context) -> Vec<Arc<str>> {
        let section = self.section(section);
        section.map_or_else(Vec::new, |section| self.at(context).subjects(section))
    }

    /// Returns who must hear of a change: [`View::audience`].
    #[must_use]
    pub fn audience(
        &self,
        before: Option<&Section>,
        after: Option<&Section>,
        context: &Context,
    ) -> Vec<Arc<str>> {
        self.at(context).audience(before, after)
    }
}
