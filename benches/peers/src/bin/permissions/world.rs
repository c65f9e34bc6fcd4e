//! One wedding of a studio: 100 people, 1,000 sections, on the day itself. The same that `benches/permissions.rs` has.

use std::sync::Arc;

use garland::Timestamp;
use garland::permission::{Change, Context, Member, Section, Snapshot, Wedding};
use garland::wedding::{Offset, Role, Zones};
use serde_json::{Value, json};

pub(crate) const USERS: usize = 100;
pub(crate) const SECTIONS: usize = 1_000;
/// Noon in Zurich on 20 June 2026.
pub(crate) const NOW: i64 = 1_781_956_800_000;
pub(crate) const PHASE: &str = "wedding_day";

const TYPES: [&str; 10] = [
    "timeline",
    "billing",
    "admin",
    "budget",
    "guest_list",
    "vendor_management",
    "photos",
    "documents",
    "dashboard",
    "seating",
];

/// What an engine says of one person and one section: see, change, hide.
pub(crate) type Answer = [bool; 3];

pub(crate) fn user_id(n: usize) -> String {
    format!("user-{n:02}")
}

pub(crate) fn section_id(n: usize) -> String {
    format!("section-{n:04}")
}

pub(crate) fn role(n: usize) -> Role {
    Role::ALL[n % 6]
}

pub(crate) fn level(n: usize) -> &'static str {
    ["full", "limited", "none"][n / 7 % 3]
}

pub(crate) fn tier(n: usize) -> &'static str {
    if n.is_multiple_of(2) {
        "gold"
    } else {
        "silver"
    }
}

pub(crate) fn section_type(n: usize) -> &'static str {
    TYPES[n % TYPES.len()]
}

/// The record of a person.
pub(crate) fn user(n: usize) -> Value {
    json!({
        "id": user_id(n), "organizationId": "studio", "role": role(n).as_str(),
        "weddingAccess": [{ "weddingId": "june", "level": level(n) }],
        "customFields": { "tier": tier(n) },
    })
}

/// What one section is bound to. As studios have them: most by role and phase, some with a floor or a window, one in twenty
/// with a field of one's own.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) roles: Vec<Role>,
    pub(crate) phases: Option<[&'static str; 2]>,
    pub(crate) minimum: Option<Role>,
    pub(crate) window: Option<[&'static str; 2]>,
    pub(crate) tier: Option<&'static str>,
}

pub(crate) const EDITS: Role = Role::Coordinator;
pub(crate) const HIDES: Role = Role::Couple;

pub(crate) fn bound(n: usize) -> Bound {
    let listed = Role::ALL.into_iter().enumerate();
    let listed = listed.filter(|(at, _)| n >> at & 1 == 1);
    Bound {
        roles: listed.map(|(_, role)| role).collect(),
        phases: (n.is_multiple_of(3)).then_some(["pre_wedding", PHASE]),
        minimum: (n.is_multiple_of(5)).then_some(Role::Vendor),
        window: (n.is_multiple_of(10)).then_some(["2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z"]),
        tier: (n.is_multiple_of(20)).then_some("gold"),
    }
}

/// The record of a section.
pub(crate) fn section(n: usize, bound: &Bound) -> Value {
    let roles: Vec<&str> = bound.roles.iter().map(|role| role.as_str()).collect();
    let mut config = json!({
        "id": section_id(n), "organizationId": "studio", "sectionType": section_type(n),
        "visibility": { "roles": roles },
        "permissions": { "canEdit": [EDITS.as_str()], "canHide": [HIDES.as_str()] },
        "layout": { "position": n },
    });
    if let Some(phases) = bound.phases {
        config["visibility"]["weddingPhase"] = json!(phases);
    }
    if let Some(floor) = bound.minimum {
        config["visibility"]["conditions"]["minimumRole"] = json!(floor.as_str());
    }
    if let Some([start, end]) = bound.window {
        config["visibility"]["conditions"]["timeRestriction"] =
            json!({ "start": start, "end": end });
    }
    if let Some(tier) = bound.tier {
        config["visibility"]["conditions"]["customField"] =
            json!({ "field": "tier", "operator": "equals", "value": tier });
    }
    config
}

pub(crate) fn context() -> Context {
    Context::wedding("june", Timestamp::from_millis(NOW))
}

/// Garland's own.
pub(crate) fn snapshot() -> garland_peers::Result<Snapshot> {
    let june = json!({
        "id": "june", "organizationId": "studio", "date": "2026-06-20", "timeZone": "Europe/Zurich",
    });
    Ok(Snapshot::builder("studio".parse()?)
        .zones(Arc::new(Zurich))
        .weddings([Wedding::read(&june)])
        .members((0..USERS).map(|n| Member::read(&user(n))))
        .sections((0..SECTIONS).map(|n| Section::read(&section(n, &bound(n)))))
        .build(1))
}

/// Section 7 comes to be shown to guests alone.
pub(crate) fn edited() -> Bound {
    Bound {
        roles: vec![Role::Guest],
        ..bound(7)
    }
}

pub(crate) fn edit() -> Change {
    Change::PutSection(Section::read(&section(7, &edited())))
}

/// One zone is enough here.
#[derive(Debug)]
struct Zurich;

impl Zones for Zurich {
    fn offset(&self, _: &str, _: Timestamp) -> Option<Offset> {
        Some(Offset::new(7_200, None))
    }
}
