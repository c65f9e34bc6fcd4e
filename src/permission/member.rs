//! Who is asked about: one person in one organization.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::wedding::{AccessLevel, Role};

use super::denial::Denial;
use super::record::{object, present, text};
use super::rights::Holder;
use super::standing;
use super::table::Keyed;

/// One person in one organization, as their record says.
///
/// A record that cannot be understood stays one: everything is denied to it, and why is told.
///
/// # Example
///
/// ```
/// use garland::permission::{Denial, Member};
/// use garland::wedding::{AccessLevel, Role};
/// use serde_json::json;
///
/// let ann = Member::read(&json!({
///     "id": "ann", "organizationId": "studio", "role": "couple",
///     "weddingAccess": [{ "weddingId": "june", "level": "full" }],
/// }));
/// assert_eq!(ann.role(), Ok(Role::Couple));
/// assert_eq!(ann.access("june"), AccessLevel::Full);
///
/// let odd = Member::read(&json!({ "id": "odd", "organizationId": "studio", "role": "Couple" }));
/// assert_eq!(odd.role(), Err(Denial::UnknownRole));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    id: Arc<str>,
    organization: Option<Arc<str>>,
    role: Result<Role, Denial>,
    access: Entries,
    fields: Map<String, Value>,
    /// For general rights; nothing if the record cannot be understood.
    holder: Option<Box<Holder>>,
}

/// Weddings ordered by id, each once, with the weakest level of its entries.
type Entries = Box<[(Box<str>, AccessLevel)]>;

impl Member {
    /// Reads a record: `id`, `organizationId`, `role`, `weddingAccess`, `customFields`; and for [general
    /// rights](super::rights), if they differ from what the role says, `organizationRole`, `weddingRoles` (`weddingId`,
    /// `role`, `vendorTypes`, `vendorId`, `arrival`, `from`, `until`) and `assignments` (`kind`, `id`, `from`, `until`).
    #[must_use]
    pub fn read(record: &Value) -> Self {
        let empty = Map::new();
        let map = record.as_object().unwrap_or(&empty);
        let role = match present(map, "role") {
            None => Ok(Role::Guest),
            Some(role) => role
                .as_str()
                .and_then(|role| role.parse().ok())
                .ok_or(Denial::UnknownRole),
        };
        let (access, fields) = (access(map), object(map, "customFields"));
        let well_formed = record.is_object() && access.is_some() && fields.is_ok();
        let role = if well_formed {
            role
        } else {
            Err(Denial::MalformedUser)
        };
        let id = text(map, "id").unwrap_or_default();
        let organization = text(map, "organizationId");
        let access = access.unwrap_or_default();
        let holder = role
            .ok()
            .zip(organization)
            .and_then(|(role, organization)| {
                let access = access.iter().map(|(id, level)| ((**id).into(), *level));
                standing::holder(map, id, organization, role, access)
            });
        Self {
            id: id.into(),
            organization: organization.map(Into::into),
            role,
            access,
            holder: holder.map(Box::new),
            fields: fields.ok().flatten().cloned().unwrap_or_default(),
        }
    }

    /// Returns the host's id; empty if the record has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the organization the record belongs to.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Returns the role; somebody without one is a guest.
    ///
    /// # Errors
    /// [`Denial::UnknownRole`] or [`Denial::MalformedUser`]: why everything is denied.
    pub const fn role(&self) -> Result<Role, Denial> {
        self.role
    }

    /// Returns how far the member is let into `wedding`: of several entries the weakest counts.
    #[must_use]
    pub fn access(&self, wedding: &str) -> AccessLevel {
        let found = self.access.binary_search_by(|(id, _)| (**id).cmp(wedding));
        found
            .ok()
            .and_then(|at| self.access.get(at))
            .map_or(AccessLevel::None, |(_, level)| *level)
    }

    /// Returns the weddings that an entry names, each once, with how far the member is let in.
    pub fn weddings(&self) -> impl Iterator<Item = (&str, AccessLevel)> {
        self.access.iter().map(|(id, level)| (&**id, *level))
    }

    /// Returns whom general rights see in the member; nothing if a part of the record cannot be understood.
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_deref()
    }

    pub(super) const fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }
}

impl Keyed for Member {
    fn key(&self) -> &Arc<str> {
        &self.id
    }
}

/// The entries of `weddingAccess`, or nothing if they are malformed.
fn access(record: &Map<String, Value>) -> Option<Entries> {
    let Some(list) = present(record, "weddingAccess") else {
        return Some(Box::default());
    };
    let mut levels: BTreeMap<Box<str>, AccessLevel> = BTreeMap::new();
    for entry in list.as_array()? {
        let entry = entry.as_object()?;
        let level = text(entry, "level").map_or(AccessLevel::None, AccessLevel::lenient);
        let weakest = levels
            .entry(text(entry, "weddingId")?.into())
            .or_insert(level);
        *weakest = level.min(*weakest);
    }
    Some(levels.into_iter().collect())
}
