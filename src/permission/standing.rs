//! What a member is beside their role for sections: in the organization, at weddings, to accounts.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::wedding::{AccessLevel, OrganizationRole, Role, VendorType, WeddingRole, parse_instant};

use super::record::{present, text};
use super::rights::{Arrival, Holder, Part, Term};

/// Whom a record describes for general rights, or nothing if a part of it cannot be understood: half of somebody would
/// have rights that the whole has not, where a statement denies.
///
/// `organizationRole`, `weddingRoles` and `assignments` say it; a record without them is read by its role for sections and
/// the weddings it is let into. They say it more finely, never more: an organization role must be one of the role for
/// sections, and what is said of a wedding counts as long as the member is let into it.
pub(super) fn holder(
    record: &Map<String, Value>,
    id: &str,
    organization: &str,
    role: Role,
    access: impl Iterator<Item = (Arc<str>, AccessLevel)>,
) -> Option<Holder> {
    let mut holder = Holder::new(id, organization);
    let in_organization = match present(record, "organizationRole") {
        Some(name) => Some(name.as_str()?.parse().ok()?),
        None => by_section_role(role),
    };
    if let Some(role) = in_organization {
        holder = holder.with_organization_role(role);
    }
    if in_organization.is_some_and(|own: OrganizationRole| own.for_sections() != role) {
        return None;
    }
    let let_in: Vec<_> = access
        .filter(|(_, level)| *level != AccessLevel::None)
        .map(|(wedding, _)| wedding)
        .collect();
    let parts = match present(record, "weddingRoles") {
        Some(parts) => parts
            .as_array()?
            .iter()
            .map(part)
            .collect::<Option<Vec<_>>>()?,
        None => {
            let role = by_wedding_role(role);
            let_in
                .iter()
                .filter_map(|wedding| Some(Part::new(Arc::clone(wedding), role?)))
                .collect()
        }
    };
    for part in parts
        .into_iter()
        .filter(|part| let_in.contains(&part.wedding))
    {
        holder = holder.with_part(part);
    }
    match present(record, "assignments") {
        Some(list) => {
            for entry in list.as_array()? {
                let entry = entry.as_object()?;
                let (kind, id, term) = (text(entry, "kind")?, text(entry, "id")?, term(entry)?);
                if kind != "wedding" || let_in.iter().any(|wedding| **wedding == *id) {
                    holder = holder.assigned_to(kind, id, term);
                }
            }
        }
        None if in_organization.is_some() => {
            for wedding in let_in {
                holder = holder.assigned_to_wedding(wedding, Term::always());
            }
        }
        None => {}
    }
    Some(holder)
}

const fn by_section_role(role: Role) -> Option<OrganizationRole> {
    match role {
        Role::Admin => Some(OrganizationRole::Admin),
        Role::Coordinator => Some(OrganizationRole::Coordinator),
        Role::Photographer => Some(OrganizationRole::Photographer),
        Role::Couple | Role::Vendor | Role::Guest => None,
    }
}

const fn by_wedding_role(role: Role) -> Option<WeddingRole> {
    match role {
        Role::Couple => Some(WeddingRole::Couple),
        Role::Vendor => Some(WeddingRole::Vendor),
        Role::Guest => Some(WeddingRole::Guest),
        Role::Admin | Role::Coordinator | Role::Photographer => None,
    }
}

fn part(entry: &Value) -> Option<Part> {
    let entry = entry.as_object()?;
    let mut part = Part::new(
        text(entry, "weddingId")?,
        text(entry, "role")?.parse().ok()?,
    );
    if let Some(types) = present(entry, "vendorTypes") {
        let types = types.as_array()?.iter();
        part.vendor_types = types
            .map(|name| name.as_str()?.parse::<VendorType>().ok())
            .collect::<Option<_>>()?;
    }
    part.vendor = match present(entry, "vendorId") {
        Some(vendor) => Some(vendor.as_str()?.into()),
        None => None,
    };
    part.arrival = match present(entry, "arrival") {
        Some(arrival) => Some(arrival.as_str()?.parse::<Arrival>().ok()?),
        None => None,
    };
    part.term = term(entry)?;
    Some(part)
}

fn term(entry: &Map<String, Value>) -> Option<Term> {
    let instant = |key| -> Option<Option<Timestamp>> {
        match present(entry, key) {
            Some(at) => parse_instant(at.as_str()?).map(Some),
            None => Some(None),
        }
    };
    let mut term = Term::always();
    (term.from, term.until) = (instant("from")?, instant("until")?);
    Some(term)
}
