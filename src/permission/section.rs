//! What is asked about: one section configuration, compiled to sets of roles.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::wedding::{Phase, PhaseSet, Role, RoleSet, SectionKind, SectionType};

use super::capability::{self, Capabilities};
use super::condition::{CONDITIONS, Condition, ConditionFault, FieldTest};
use super::numbers::whole;
use super::record::{Malformed, list, object, present, text};
use super::table::Keyed;

/// One section configuration, as far as it decides who may see, edit and hide the section.
///
/// A configuration that cannot be understood stays one: it denies everybody.
///
/// # Example
///
/// ```
/// use garland::permission::Section;
/// use serde_json::json;
///
/// let photos = Section::read(&json!({
///     "id": "photos-june", "organizationId": "studio", "weddingId": "june", "sectionType": "photos",
///     "visibility": { "roles": ["couple", "photographer"], "weddingPhase": ["post_wedding"] },
/// }));
/// assert!(!photos.is_malformed());
/// assert_eq!(photos.wedding(), Some("june"));
///
/// let broken = Section::read(&json!({ "id": "x", "sectionType": "photos", "visibility": { "roles": "admin" } }));
/// assert!(broken.is_malformed());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    id: Arc<str>,
    organization: Option<Arc<str>>,
    wedding: Scope,
    section_type: Option<SectionType>,
    /// Any whole number: two of them are compared also where they are none that a position can be.
    position: Option<i64>,
    rules: Option<Rules>,
    version: u64,
    content: u64,
}

/// For which wedding a configuration is.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Scope {
    Organization,
    Wedding(Arc<str>),
    /// Something that is no id, and so no wedding.
    Unreadable(Box<str>),
}

/// Who may what, as sets of roles.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    /// Listed by name.
    pub(super) exact: RoleSet,
    /// Acts as somebody who is listed.
    pub(super) inherited: RoleSet,
    /// The same, but the section is restricted for them.
    pub(super) inherited_barred: RoleSet,
    /// Full access to the wedding opens it.
    pub(super) full: RoleSet,
    /// Not shut out by `canView`.
    pub(super) can_view: RoleSet,
    pub(super) edit: RoleSet,
    pub(super) hide: RoleSet,
    /// Named in `canEdit`.
    pub(super) listed_to_edit: RoleSet,
    /// Named in `canHide`.
    pub(super) listed_to_hide: RoleSet,
    /// Names in lists that are none.
    pub(super) unknown_names: Option<Box<UnknownNames>>,
    pub(super) phases: Option<PhaseSet>,
    /// [`Denial`]s that hold for everybody: conditions that cannot be understood.
    pub(super) malformed: u32,
    pub(super) needs_access: bool,
    /// Whose rank is high enough.
    pub(super) minimum: RoleSet,
    pub(super) window: Option<(Timestamp, Timestamp)>,
    pub(super) field: Option<Box<FieldTest>>,
    pub(super) unknown: Option<Arc<[Box<str>]>>,
    pub(super) kind: Option<SectionKind>,
    /// By role: without editing, and what editing adds.
    pub(super) capabilities: [(Capabilities, Capabilities); 6],
}

/// Names in lists that are none: each once, by bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UnknownNames {
    pub(super) roles: BTreeSet<Box<str>>,
    pub(super) phases: BTreeSet<Box<str>>,
}

impl UnknownNames {
    fn of(roles: [&Option<Vec<&str>>; 4], phases: &Option<Vec<&str>>) -> Option<Box<Self>> {
        let odd = |names: &[&str], known: fn(&str) -> bool| -> BTreeSet<Box<str>> {
            names
                .iter()
                .filter(|name| !known(name))
                .map(|name| Box::from(*name))
                .collect()
        };
        let roles = roles.into_iter().flatten();
        let found = Self {
            roles: roles
                .flat_map(|names| odd(names, |name| name.parse::<Role>().is_ok()))
                .collect(),
            phases: odd(phases.as_deref().unwrap_or_default(), |name| {
                name.parse::<Phase>().is_ok()
            }),
        };
        (found != Self::default()).then(|| Box::new(found))
    }
}

impl Section {
    /// Reads a configuration; what does not decide is passed over.
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let empty = Map::new();
        let map = record.as_object().unwrap_or(&empty);
        let section_type: Option<SectionType> =
            text(map, "sectionType").and_then(|name| name.parse().ok());
        let rules = section_type
            .as_ref()
            .and_then(|section_type| Rules::read(map, section_type.kind()).ok());
        let position = object(map, "layout")
            .ok()
            .flatten()
            .and_then(|layout| present(layout, "position"));
        Self {
            id: text(map, "id").unwrap_or_default().into(),
            organization: text(map, "organizationId").map(Into::into),
            wedding: match present(map, "weddingId") {
                None => Scope::Organization,
                Some(Value::String(id)) => Scope::Wedding(id.as_str().into()),
                Some(other) => Scope::Unreadable(other.to_string().into()),
            },
            section_type,
            position: position
                .and_then(Value::as_number)
                .and_then(whole)
                .and_then(|place| place.try_into().ok()),
            rules,
            version: 0,
            content: 0,
        }
    }

    /// Says which state of its record it is: the record's version, and a hash of all it holds. Neither decides anything;
    /// they tell those who see the section that there is something new to read.
    #[must_use]
    pub const fn of_record(mut self, version: u64, content: u64) -> Self {
        self.version = version;
        self.content = content;
        self
    }

    /// Returns the version of its record; 0 if nobody has said.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Returns the hash of what its record holds; 0 if nobody has said.
    #[must_use]
    pub const fn content(&self) -> u64 {
        self.content
    }

    /// Returns the id; empty if the record has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the organization the configuration belongs to.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Returns the wedding it is for; nothing if it is for the whole organization.
    #[must_use]
    pub fn wedding(&self) -> Option<&str> {
        match &self.wedding {
            Scope::Wedding(id) => Some(id),
            Scope::Organization | Scope::Unreadable(_) => None,
        }
    }

    /// Whether it is for every wedding of the organization.
    #[must_use]
    pub fn is_organization_wide(&self) -> bool {
        self.wedding == Scope::Organization
    }

    /// Returns what the section is; nothing if that cannot be read.
    #[must_use]
    pub const fn section_type(&self) -> Option<&SectionType> {
        self.section_type.as_ref()
    }

    /// Returns where it stands on the page, 0 to 65,535; nothing if it does not say.
    #[must_use]
    pub fn position(&self) -> Option<u16> {
        self.position?.try_into().ok()
    }

    /// Whether it cannot be understood, and so denies everybody.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        self.rules.is_none()
    }

    /// Whether it is for `wedding`, or for all if there is none.
    pub(super) fn applies_to(&self, wedding: Option<&str>) -> bool {
        match &self.wedding {
            Scope::Organization => true,
            Scope::Wedding(id) => Some(&**id) == wedding,
            Scope::Unreadable(_) => false,
        }
    }

    /// The place it says it has, whether or not there is such a place.
    pub(super) const fn place(&self) -> Option<i64> {
        self.position
    }

    /// What it says for which wedding it is, whether or not that is an id.
    pub(super) fn scope(&self) -> Option<&str> {
        match &self.wedding {
            Scope::Organization => None,
            Scope::Wedding(id) => Some(id),
            Scope::Unreadable(text) => Some(text),
        }
    }

    pub(super) const fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }
}

impl Keyed for Section {
    fn key(&self) -> &Arc<str> {
        &self.id
    }
}

impl Rules {
    /// What `role` may besides seeing: without editing, and what editing adds.
    pub(super) fn capabilities_of(&self, role: Role) -> (Capabilities, Capabilities) {
        self.capabilities
            .get(role as usize)
            .copied()
            .unwrap_or_default()
    }

    fn read(record: &Map<String, Value>, kind: Option<SectionKind>) -> Result<Self, Malformed> {
        let empty = Map::new();
        let visibility = object(record, "visibility")?.unwrap_or(&empty);
        let permissions = object(record, "permissions")?.unwrap_or(&empty);
        let conditions = object(visibility, "conditions")?.unwrap_or(&empty);
        let shown = list(visibility, "roles")?;
        let can_view = list(permissions, "canView")?;
        let can_edit = list(permissions, "canEdit")?;
        let can_hide = list(permissions, "canHide")?;
        let phases = list(visibility, "weddingPhase")?;
        let unknown_names = UnknownNames::of([&shown, &can_view, &can_edit, &can_hide], &phases);
        let roles = |list: Option<Vec<&str>>| list.map(RoleSet::known);
        let (shown, can_view) = (roles(shown).unwrap_or_default(), roles(can_view));
        let can_edit = roles(can_edit).unwrap_or_default();
        let can_hide = roles(can_hide).unwrap_or_default();
        let phases = phases.map(PhaseSet::known);

        let restricted = kind.map_or(RoleSet::EMPTY, SectionKind::restricted_roles);
        let protected = kind.is_some_and(SectionKind::is_protected);
        let acting = |list: RoleSet| those(|role| role.acts_also_as().meets(list));
        let listed = |list: RoleSet| if protected { list } else { list | acting(list) };
        let mut rules = Self {
            exact: shown,
            inherited: those(|role| acting(shown).contains(role) && !restricted.contains(role)),
            inherited_barred: those(|role| {
                acting(shown).contains(role) && restricted.contains(role)
            }),
            full: those(|role| !protected && !restricted.contains(role)),
            can_view: can_view.map_or(RoleSet::ALL, |list| list | acting(list)),
            edit: RoleSet::of(&[Role::Admin])
                | if protected {
                    RoleSet::EMPTY
                } else {
                    RoleSet::of(&[Role::Coordinator])
                }
                | listed(can_edit),
            hide: listed(can_hide),
            listed_to_edit: can_edit,
            listed_to_hide: can_hide,
            unknown_names,
            phases,
            malformed: 0,
            needs_access: false,
            minimum: RoleSet::ALL,
            window: None,
            field: None,
            unknown: None,
            kind,
            capabilities: Role::ALL.map(|role| capability::of(kind, role)),
        };
        rules.bind(conditions);
        Ok(rules)
    }

    fn bind(&mut self, conditions: &Map<String, Value>) {
        let mut unknown = Vec::new();
        for (key, value) in conditions {
            match Condition::read(key, value) {
                Ok(Condition::HasWeddingAccess(needed)) => self.needs_access = needed,
                Ok(Condition::MinimumRole(floor)) => {
                    self.minimum = those(|role| role.rank() >= floor.rank());
                }
                Ok(Condition::CustomField(test)) => self.field = Some(Box::new(test)),
                Ok(Condition::TimeRestriction(start, end)) => self.window = Some((start, end)),
                Err(ConditionFault::Malformed) => self.malformed |= malformed(key),
                Err(ConditionFault::Unknown) => unknown.push(key.as_str().into()),
            }
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            self.unknown = Some(unknown.into());
        }
    }
}

fn those(wanted: impl Fn(Role) -> bool) -> RoleSet {
    Role::ALL.into_iter().filter(|role| wanted(*role)).collect()
}

fn malformed(key: &str) -> u32 {
    let found = CONDITIONS.into_iter().find(|(name, _)| *name == key);
    found.map_or(0, |(_, denial)| 1 << denial as u32)
}
