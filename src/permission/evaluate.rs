//! The rules themselves: one member, one section, one moment.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::{AccessLevel, Grace, Phase, PhaseAt, Role, Zones};

use super::capability;
use super::decision::{Grant, SectionDecision, earliest};
use super::denial::{Denial, Denials};
use super::member::Member;
use super::section::{Rules, Section};
use super::wedding::Wedding;

/// In which context, and when, is asked.
///
/// # Example
///
/// ```
/// use garland::{Timestamp, permission::Context};
///
/// let now = Timestamp::from_millis(1_781_913_600_000);
/// let page_of_the_wedding = Context::wedding("june", now);
/// let page_of_the_studio = Context::organization(now);
/// assert_ne!(page_of_the_wedding, page_of_the_studio);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The wedding, if it is about one.
    pub wedding: Option<Arc<str>>,
    /// When. One instant is used for every rule.
    pub now: Timestamp,
}

impl Context {
    /// Asks about the organization itself.
    #[must_use]
    pub const fn organization(now: Timestamp) -> Self {
        Self { wedding: None, now }
    }

    /// Asks about one wedding.
    #[must_use]
    pub fn wedding(id: impl Into<Arc<str>>, now: Timestamp) -> Self {
        Self {
            wedding: Some(id.into()),
            now,
        }
    }

    /// The same, at another instant.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }
}

/// A context with its phase worked out.
#[derive(Clone, Debug)]
pub(super) struct Moment<'a> {
    pub(super) now: Timestamp,
    wedding: Option<WeddingMoment<'a>>,
}

#[derive(Clone, Debug)]
struct WeddingMoment<'a> {
    id: Cow<'a, str>,
    /// The organization of the wedding, if there is such a wedding.
    organization: Option<Option<&'a str>>,
    phase: PhaseAt,
}

impl<'a> Moment<'a> {
    /// `wedding` is the one of the context, if there is such a wedding, and its phase.
    pub(super) fn new(context: &Context, wedding: Option<(&'a Wedding, PhaseAt)>) -> Self {
        let moment = |id: &Arc<str>| match wedding {
            Some((wedding, phase)) => WeddingMoment {
                id: Cow::Borrowed(wedding.id()),
                organization: Some(wedding.organization()),
                phase,
            },
            None => WeddingMoment {
                id: Cow::Owned(id.to_string()),
                organization: None,
                phase: PhaseAt::default(),
            },
        };
        Self {
            now: context.now,
            wedding: context.wedding.as_ref().map(moment),
        }
    }

    pub(super) fn wedding_id(&self) -> Option<&str> {
        self.wedding.as_ref().map(|wedding| &*wedding.id)
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.wedding.as_ref()?.phase.phase
    }

    pub(super) fn phase_until(&self) -> Option<Timestamp> {
        self.wedding.as_ref()?.phase.until
    }

    /// How far `member` is let in here.
    pub(super) fn level(&self, member: &Member) -> AccessLevel {
        self.wedding_id()
            .map_or(AccessLevel::None, |id| member.access(id))
    }
}

/// Decides for one member, one section, one moment: `permissions.md` §3.
pub(super) fn decide(member: &Member, section: &Section, at: &Moment<'_>) -> SectionDecision {
    match guard(member, section, at) {
        Err(denial) => SectionDecision::denied(denial),
        Ok((role, rules)) => restricted(member, role, at.level(member), rules, at),
    }
}

/// A: the first guard that fails is the only reason.
pub(super) fn guard<'a>(
    member: &Member,
    section: &'a Section,
    at: &Moment<'_>,
) -> Result<(Role, &'a Rules), Denial> {
    let role = member.role()?;
    let rules = section.rules().ok_or(Denial::MalformedConfig)?;
    let same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    if !same(member.organization(), section.organization()) {
        return Err(Denial::OrganizationMismatch);
    }
    if !section.applies_to(at.wedding_id()) {
        return Err(Denial::WeddingMismatch);
    }
    if let Some(wedding) = &at.wedding {
        let organization = wedding.organization.ok_or(Denial::WeddingNotFound)?;
        if !same(organization, member.organization()) {
            return Err(Denial::OrganizationMismatch);
        }
    }
    Ok((role, rules))
}

/// B to E, once the guards have let it through.
pub(super) fn restricted(
    member: &Member,
    role: Role,
    level: AccessLevel,
    rules: &Rules,
    at: &Moment<'_>,
) -> SectionDecision {
    let (grant, mut bits) = granted(rules, role, level);
    bits |= limits(rules, role, level, at);
    if let Some(test) = &rules.field
        && !test.holds(member.fields())
    {
        bits |= bit(Denial::CustomFieldFailed);
    }
    let valid_until = earliest(at.phase_until(), window_until(rules, at.now));
    if bits != 0 || rules.unknown.is_some() {
        return SectionDecision {
            grant,
            denials: Denials::new(bits, rules.unknown.as_ref()),
            valid_until,
            ..SectionDecision::default()
        };
    }
    let can_edit = rules.edit.contains(role);
    let (plain, editing) = rules.capabilities_of(role);
    let mut capabilities = if can_edit { plain.or(editing) } else { plain };
    if at.phase() == Some(Phase::WeddingDay) {
        capabilities = capabilities.or(capability::on_wedding_day(rules.kind, role));
    }
    SectionDecision {
        can_view: true,
        can_edit,
        can_hide: rules.hide.contains(role),
        capabilities,
        phase: at.phase(),
        grant,
        denials: Denials::default(),
        valid_until,
    }
}

/// B: what gives the section, or why nothing does.
pub(super) fn granted(rules: &Rules, role: Role, level: AccessLevel) -> (Option<Grant>, u32) {
    let full = level == AccessLevel::Full;
    let grant = if rules.exact.contains(role) {
        Some(Grant::RoleExact)
    } else if rules.inherited.contains(role) {
        Some(Grant::RoleInherited)
    } else if full && rules.full.contains(role) {
        Some(Grant::WeddingFull)
    } else {
        None
    };
    let mut bits = 0;
    if grant.is_none() {
        bits |= bit(if rules.inherited_barred.contains(role) || full {
            Denial::RestrictedSection
        } else {
            Denial::NoRoleGrant
        });
    }
    if !rules.can_view.contains(role) {
        bits |= bit(Denial::NotInCanViewList);
    }
    (grant, bits)
}

/// C: every restriction but the member's own field.
pub(super) fn limits(rules: &Rules, role: Role, level: AccessLevel, at: &Moment<'_>) -> u32 {
    let mut bits = rules.malformed;
    if let Some(phases) = rules.phases {
        bits |= match at.phase() {
            None => bit(Denial::PhaseUnavailable),
            Some(phase) if phases.contains(phase) => 0,
            Some(_) => bit(Denial::PhaseNotAllowed),
        };
    }
    if rules.needs_access && level == AccessLevel::None {
        bits |= bit(Denial::HasWeddingAccessFailed);
    }
    if !rules.minimum.contains(role) {
        bits |= bit(Denial::MinimumRoleFailed);
    }
    if let Some((start, end)) = rules.window
        && !(start..=end).contains(&at.now)
    {
        bits |= bit(Denial::TimeRestrictionFailed);
    }
    bits
}

/// E: when time changes what the window says.
pub(super) fn window_until(rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    let (start, end) = rules.window?;
    if now < start {
        Some(start)
    } else if now <= end {
        end.as_millis().checked_add(1).map(Timestamp::from_millis)
    } else {
        None
    }
}

const fn bit(denial: Denial) -> u32 {
    1 << denial as u32
}

/// Decides without a snapshot, for one member, one configuration and one wedding at hand.
///
/// # Example
///
/// ```
/// use garland::permission::{Context, Grant, Member, Section, decide_one};
/// use garland::wedding::{Grace, UtcOnly, parse_instant};
/// use serde_json::json;
///
/// let coordinator = Member::read(&json!({ "id": "c", "organizationId": "o", "role": "coordinator" }));
/// let timeline = Section::read(&json!({
///     "id": "t", "organizationId": "o", "sectionType": "timeline",
///     "visibility": { "roles": ["vendor"] }, "permissions": { "canHide": ["photographer"] },
/// }));
/// let now = parse_instant("2026-06-20T10:00:00Z").unwrap();
/// let found = decide_one(&coordinator, &timeline, None, &Context::organization(now), Grace::default(), &UtcOnly::new());
/// assert!(found.can_view && found.can_edit && found.can_hide);
/// assert_eq!(found.grant, Some(Grant::RoleInherited));
/// ```
#[must_use]
pub fn decide_one(
    member: &Member,
    section: &Section,
    wedding: Option<&Wedding>,
    context: &Context,
    grace: Grace,
    zones: &dyn Zones,
) -> SectionDecision {
    let here = wedding.filter(|wedding| context.wedding.as_deref() == Some(wedding.id()));
    let here = here.map(|wedding| (wedding, wedding.phase(grace, context.now, zones)));
    decide(member, section, &Moment::new(context, here))
}
