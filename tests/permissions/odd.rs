//! Input that nobody means: huge numbers, deep objects, names that only look alike.

use garland::permission::{Change, Context, Denial, Member, Section, SectionDecision, Snapshot};
use serde_json::{Value, json};

use crate::worlds::instant;

fn decide(member: &Value, section: &Value) -> SectionDecision {
    let snapshot = Snapshot::builder("o".parse().unwrap()).build(1);
    let context = Context::organization(instant("2026-06-20T10:00:00Z"));
    snapshot
        .at(&context)
        .decide(&Member::read(member), &Section::read(section))
}

/// Whether a field of the member's own with `found` fits what is asked.
fn fits(operator: &str, found: Value, wanted: Value) -> bool {
    let mut member = json!({ "id": "u", "organizationId": "o", "role": "admin" });
    member["customFields"]["f"] = found;
    let mut test = json!({ "field": "f", "operator": operator });
    test["value"] = wanted;
    let section = json!({
        "id": "c", "organizationId": "o", "sectionType": "photos",
        "visibility": { "roles": ["admin"], "conditions": { "customField": test } },
    });
    let found = decide(&member, &section);
    assert!(
        found.can_view || found.denials.contains(Denial::CustomFieldFailed),
        "{found:?}"
    );
    found.can_view
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn numbers_are_compared_by_value_however_large_or_written() {
    for (one, other, same) in [
        ("8", "8.0", true),
        ("8", "8e0", true),
        ("0", "-0.0", true),
        ("1e2", "100", true),
        ("9007199254740993", "9007199254740993", true),
        // Not the same, though equal as fractions of double precision.
        ("9007199254740993", "9007199254740992", false),
        ("18446744073709551615", "18446744073709551615", true),
        ("18446744073709551615", "1.8446744073709552e19", false),
        ("-9223372036854775808", "-9.223372036854775808e18", true),
        ("9223372036854775807", "-1", false),
        ("1e308", "1e308", true),
        ("1e308", "1.0000001e308", false),
        ("1e-320", "0", false),
        ("0.1", "0.1", true),
        ("0.1", "0.10000000000000002", false),
        ("1e300", "1", false),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            assert_eq!(
                fits("equals", number(one), number(other)),
                same,
                "{one} {other}"
            );
            let list = json!([null, number(one)]);
            assert_eq!(
                fits("contains", list, number(other)),
                same,
                "[{one}] {other}"
            );
        }
    }
}

#[test]
fn values_of_another_type_are_never_equal() {
    let values = [
        json!("1"),
        json!(1),
        json!(true),
        json!("true"),
        json!("gold"),
    ];
    for (at, found) in values.iter().enumerate() {
        for (other, wanted) in values.iter().enumerate() {
            assert_eq!(fits("equals", found.clone(), wanted.clone()), at == other);
        }
    }
    for found in [json!(null), json!([1]), json!({ "1": 1 }), json!(10)] {
        assert!(!fits("equals", found.clone(), json!(1)), "{found}");
    }
    // A part of a number is no part of it.
    assert!(!fits("contains", json!(81), json!(8)));
    assert!(!fits("contains", json!("81"), json!(8)));
    assert!(!fits("contains", json!({ "8": 8 }), json!(8)));
}

/// Objects and lists in one another, deeper than any parser of text goes.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("end"), |inner, level| {
        if level % 2 == 0 {
            json!([inner])
        } else {
            json!({ "in": inner })
        }
    })
}

#[test]
fn deep_records_deny_or_do_not_count() {
    let member = json!({ "id": "u", "organizationId": "o", "role": "admin" });
    let open = json!({ "id": "c", "organizationId": "o", "sectionType": "photos", "visibility": { "roles": ["admin"] } });
    assert!(decide(&member, &open).can_view);
    for (path, wanted) in [
        (&["visibility", "roles"][..], Denial::MalformedConfig),
        (&["visibility", "weddingPhase"], Denial::MalformedConfig),
        (&["permissions", "canHide"], Denial::MalformedConfig),
        (
            &["visibility", "conditions", "timeRestriction"],
            Denial::TimeRestrictionMalformed,
        ),
        (
            &["visibility", "conditions", "customField"],
            Denial::CustomFieldMalformed,
        ),
        (&["organizationId"], Denial::OrganizationMismatch),
        (&["weddingId"], Denial::WeddingMismatch),
    ] {
        let mut section = open.clone();
        let place = path
            .iter()
            .fold(&mut section, |value, key| &mut value[*key]);
        *place = deep(1_000);
        let found = decide(&member, &section);
        assert_eq!(
            found.denials.iter().collect::<Vec<_>>(),
            [wanted],
            "{path:?}"
        );
    }
    let mut unknown = open.clone();
    unknown["visibility"]["conditions"]["zodiac"] = deep(1_000);
    assert_eq!(
        decide(&member, &unknown).denials.codes(),
        ["condition_unknown:zodiac"]
    );
    // What decides nothing may be as deep as it likes.
    let mut layout = open.clone();
    layout["customization"] = deep(1_000);
    assert!(decide(&member, &layout).can_view);
    let mut fields = member;
    fields["customFields"] = json!({ "f": deep(1_000) });
    assert!(decide(&fields, &open).can_view);
    assert!(!fits("contains", deep(1_000), json!("end")));
}

#[test]
fn names_that_look_alike_are_other_names() {
    let open = json!({ "id": "c", "organizationId": "o", "sectionType": "photos", "visibility": { "roles": ["admin", "аdmin", "admin\u{0}"] } });
    for role in [
        "аdmin",
        "Admin",
        " admin",
        "admin\u{0}",
        "admin\u{301}",
        "ａｄｍｉｎ",
        "",
    ] {
        let member = json!({ "id": "u", "organizationId": "o", "role": role });
        let found = decide(&member, &open);
        assert_eq!(found.denials.codes(), ["unknown_role"], "{role:?}");
    }
    for organization in ["O", "o ", "ο"] {
        let member = json!({ "id": "u", "organizationId": organization, "role": "admin" });
        assert_eq!(
            decide(&member, &open).denials.codes(),
            ["organization_mismatch"],
            "{organization:?}"
        );
    }
}

#[test]
fn records_that_are_no_records_deny() {
    for nothing in [json!(null), json!(7), json!("admin"), json!([]), json!({})] {
        let (member, section) = (Member::read(&nothing), Section::read(&nothing));
        assert_eq!((member.id(), section.id()), ("", ""));
        let found = decide(&nothing, &nothing);
        assert!(!found.can_view && !found.denials.is_empty(), "{nothing}");
    }
    // Two that belong to no organization do not belong to the same one.
    let member = json!({ "id": "u", "role": "admin" });
    let section =
        json!({ "id": "c", "sectionType": "photos", "visibility": { "roles": ["admin"] } });
    assert_eq!(
        decide(&member, &section).denials.codes(),
        ["organization_mismatch"]
    );
}

#[test]
fn positions_that_are_none_come_last() {
    for (position, wanted) in [
        (json!(0), Some(0)),
        (json!(65_535), Some(65_535)),
        (json!(65_536), None),
        (json!(-1), None),
        (json!(1.5), None),
        (number("1e30"), None),
        (json!("1"), None),
        (json!(null), None),
    ] {
        let section =
            Section::read(&json!({ "sectionType": "photos", "layout": { "position": position } }));
        assert_eq!(section.position(), wanted, "{position}");
    }
}

#[test]
fn what_has_no_id_takes_no_place_and_is_not_found() {
    let photos = |roles: &[&str]| {
        Section::read(
            &json!({ "organizationId": "o", "sectionType": "photos", "visibility": { "roles": roles } }),
        )
    };
    let guest = Member::read(&json!({ "id": "u", "organizationId": "o", "role": "guest" }));
    let shut = Snapshot::builder("o".parse().unwrap())
        .members([guest])
        .sections([photos(&[])])
        .build(1);
    // The strictest of several counts, so the one that lets nobody in has to stay.
    let both = shut.with(2, [Change::PutSection(photos(&["guest"]))]);
    let context = Context::organization(instant("2026-06-20T10:00:00Z"));
    assert_eq!(both.sections().len(), 2);
    assert!(both.visible("u", &context).is_empty());
    assert_eq!(
        both.decide("u", "", &context).denials.codes(),
        ["config_not_found"]
    );
    let same = both.with(3, [Change::RemoveSection("".into())]);
    assert_eq!(same.sections().len(), 2);
}
