//! Nothing crosses organizations, and nothing that cannot be understood gives anything.

use garland::permission::{Denial, Grant, Member, Section, Wedding, decide_one};
use garland::wedding::Grace;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::worlds::{context, instant, world, zones};

const GUARDS: [Denial; 7] = [
    Denial::MalformedUser,
    Denial::UnknownRole,
    Denial::MalformedConfig,
    Denial::OrganizationMismatch,
    Denial::WeddingMismatch,
    Denial::WeddingNotFound,
    Denial::InvalidNow,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A section is seen by members of its own organization, in its own wedding, by records that can be read.
    #[test]
    fn nothing_crosses_organizations_or_weddings(world in world(), context in context()) {
        let snapshot = world.snapshot(1);
        for member in snapshot.members() {
            for section in snapshot.sections() {
                let found = snapshot.decide(member.id(), section.id(), &context);
                let guarded: Vec<_> = found.denials.iter().filter(|denial| GUARDS.contains(denial)).collect();
                if !guarded.is_empty() {
                    // The first guard that fails is the only reason, and says nothing else.
                    prop_assert_eq!(found.denials.codes().len(), 1);
                    prop_assert_eq!((found.grant, found.phase, found.valid_until), (None, None, None));
                    prop_assert!(found.capabilities.is_empty() && !found.can_edit && !found.can_hide);
                    continue;
                }
                // From here on something was weighed, so that everything fits together.
                let organization = member.organization();
                prop_assert!(organization.is_some() && member.role().is_ok() && !section.is_malformed());
                prop_assert_eq!(section.organization(), organization);
                prop_assert!(section.is_organization_wide() || section.wedding() == context.wedding.as_deref());
                if let Some(id) = &context.wedding {
                    let wedding = snapshot.wedding(id);
                    prop_assert_eq!(wedding.and_then(|wedding| wedding.organization()), organization);
                }
            }
        }
    }

    /// The same records in another organization: whoever comes from the first sees nothing of the second.
    #[test]
    fn records_of_another_organization_are_as_if_they_were_not_there(world in world(), context in context()) {
        let mut elsewhere = world.clone();
        for records in [&mut elsewhere.sections, &mut elsewhere.weddings] {
            for record in records.iter_mut() {
                record["organizationId"] = json!("elsewhere");
            }
        }
        let snapshot = elsewhere.snapshot(1);
        for member in snapshot.members() {
            prop_assert!(snapshot.decide_all(member.id(), &context).is_empty());
            for section in snapshot.sections() {
                let found = snapshot.decide(member.id(), section.id(), &context);
                prop_assert!(!found.can_view);
                prop_assert!(found.denials.iter().all(|denial| GUARDS.contains(&denial)), "{:?}", found);
            }
        }
        for section in snapshot.sections() {
            prop_assert!(snapshot.subjects(section.id(), &context).is_empty());
        }
    }
}

/// The order of the guards: each record here fails more than one, and the first is told.
#[test]
fn the_first_guard_that_fails_is_told() {
    let good = json!({ "id": "u", "organizationId": "o", "role": "admin" });
    let broken = json!({ "id": "u", "organizationId": "p", "role": "boss", "customFields": 7 });
    let boss = json!({ "id": "u", "organizationId": "p", "role": "boss" });
    let open = json!({ "id": "c", "organizationId": "o", "sectionType": "photos", "visibility": { "roles": ["admin"] } });
    let with = |mut record: Value, key: &str, value: Value| {
        record[key] = value;
        record
    };
    let malformed = with(open.clone(), "visibility", json!(1));
    let theirs = with(
        with(open.clone(), "organizationId", json!("p")),
        "weddingId",
        json!("x"),
    );
    let of_another = with(open.clone(), "weddingId", json!("x"));
    let wedding = json!({ "id": "w", "organizationId": "o" });
    let other_wedding = json!({ "id": "x", "organizationId": "p" });
    let their_wedding = with(wedding.clone(), "organizationId", json!("p"));
    for (member, section, wedding, wanted) in [
        (
            &broken,
            &malformed,
            &their_wedding,
            Some(Denial::MalformedUser),
        ),
        (&boss, &malformed, &their_wedding, Some(Denial::UnknownRole)),
        (
            &good,
            &malformed,
            &their_wedding,
            Some(Denial::MalformedConfig),
        ),
        (
            &good,
            &theirs,
            &their_wedding,
            Some(Denial::OrganizationMismatch),
        ),
        (
            &good,
            &of_another,
            &other_wedding,
            Some(Denial::WeddingMismatch),
        ),
        (&good, &open, &other_wedding, Some(Denial::WeddingNotFound)),
        (
            &good,
            &open,
            &their_wedding,
            Some(Denial::OrganizationMismatch),
        ),
        (&good, &open, &wedding, None),
    ] {
        let context = garland::permission::Context::wedding("w", instant("2026-06-20T10:00:00Z"));
        let (member, section) = (Member::read(member), Section::read(section));
        let wedding = Wedding::read(wedding);
        let found = decide_one(
            &member,
            &section,
            Some(&wedding),
            &context,
            Grace::default(),
            &*zones(),
        );
        assert_eq!(found.denials.iter().next(), wanted);
        assert_eq!(found.grant, wanted.is_none().then_some(Grant::RoleExact));
    }
}
