//! Input that nobody means: huge numbers, deep objects, names that only look alike.

use garland::Timestamp;
use garland::permission::rights::{Object, ObjectKind, Verb};
use garland::permission::{
    Change, Context, Denial, Member, Section, SectionDecision, Snapshot, Wedding,
};
use garland::wedding::parse_instant;
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

/// Somebody who is let into one wedding several times is let in as far as the weakest entry says, wherever it is asked.
#[test]
fn of_several_entries_for_one_wedding_the_weakest_counts() {
    use garland::wedding::AccessLevel as L;

    let now = instant("2026-06-20T10:00:00Z");
    let june = json!({ "id": "june", "organizationId": "o", "date": "2026-06-20" });
    let section = json!({
        "id": "c", "organizationId": "o", "weddingId": "june", "sectionType": "photos",
        "visibility": { "roles": ["couple"], "conditions": { "hasWeddingAccess": true } },
    });
    let file = Object::new(ObjectKind::Picture, "first-look", "o").of_wedding("june");
    for (levels, weakest) in [
        (vec!["full"], L::Full),
        (vec!["full", "none"], L::None),
        (vec!["none", "full"], L::None),
        (vec!["full", "limited", "full"], L::Limited),
        (vec!["limited", "full", "none"], L::None),
        (vec!["full", "whatever"], L::None),
    ] {
        let entry = |level: &&str| json!({ "weddingId": "june", "level": level });
        let access: Vec<_> = levels.iter().map(entry).collect();
        let member = Member::read(
            &json!({ "id": "u", "organizationId": "o", "role": "couple", "weddingAccess": access }),
        );
        assert_eq!(member.access("june"), weakest, "{levels:?}");
        let all: Vec<_> = member.weddings().collect();
        assert_eq!(all, [("june", weakest)], "{levels:?}");
        let snapshot = Snapshot::builder("o".parse().unwrap())
            .members([member])
            .weddings([Wedding::read(&june)])
            .sections([Section::read(&section)])
            .build(1);
        let is_in = weakest != L::None;
        let seen = snapshot.decide("u", "c", &Context::wedding("june", now));
        assert_eq!(seen.can_view, is_in, "{levels:?}: {seen:?}");
        let may = snapshot.may("u", Verb::List, &file, now);
        assert_eq!(may.allow, is_in, "{levels:?}: {may:?}");
    }
}

/// No office opens what belongs to a wedding that is not there, or is another organization's.
#[test]
fn what_belongs_to_no_wedding_of_the_organization_is_nobodys() {
    let now = instant("2026-06-20T10:00:00Z");
    let wedding = |id: &str, organization: &str| {
        Wedding::read(&json!({ "id": id, "organizationId": organization, "date": "2026-06-20" }))
    };
    let owner =
        json!({ "id": "u", "organizationId": "o", "role": "admin", "organizationRole": "owner" });
    let snapshot = Snapshot::builder("o".parse().unwrap())
        .members([Member::read(&owner)])
        .weddings([wedding("june", "o"), wedding("theirs", "p")])
        .build(1);
    let file = Object::new(ObjectKind::Picture, "first-look", "o");
    assert!(snapshot.may("u", Verb::List, &file, now).allow);
    for (id, code) in [
        ("june", None),
        ("july", Some(())),
        ("theirs", Some(())),
        ("", Some(())),
    ] {
        let found = snapshot.may("u", Verb::List, &file.clone().of_wedding(id), now);
        let code = code.map(|()| "wedding_not_found");
        assert_eq!(found.allow, code.is_none(), "{id}: {found:?}");
        if let Some(code) = code {
            let codes: Vec<_> = found.reasons.iter().map(|reason| &*reason.code).collect();
            assert_eq!(codes, [code], "{id}");
        }
    }
}

/// RFC 3339 has years of four digits and offsets below 24 hours; all of them are instants, and nothing else is.
#[test]
fn instants_are_read_to_the_ends_of_the_calendar_and_no_further() {
    let day = 86_400_000_i64;
    for (text, millis) in [
        ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
        (
            "0000-01-01T00:00:00+23:59",
            Some(-62_167_219_200_000 - day + 60_000),
        ),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
        ("9999-12-31T23:59:59.999999999Z", Some(253_402_300_799_999)),
        (
            "9999-12-31T23:59:59-23:59",
            Some(253_402_300_799_000 + day - 60_000),
        ),
        ("1969-12-31T23:59:59.9999Z", Some(-1)),
        ("2000-02-29T00:00:00-00:00", Some(951_782_400_000)),
        ("2026-06-20T00:00:00+24:00", None),
        ("2026-06-20T00:00:00-24:00", None),
        ("2026-06-20T00:00:00+25:59", None),
        ("2026-06-20T00:00:00+23:60", None),
        ("2026-06-20T00:00:00+2359", None),
        ("2026-06-20T24:00:00Z", None),
        ("2026-06-20T23:59:60Z", None),
        ("-001-01-01T00:00:00Z", None),
        ("10000-01-01T00:00:00Z", None),
        ("+010000-01-01T00:00:00Z", None),
    ] {
        let found = parse_instant(text).map(Timestamp::as_millis);
        assert_eq!(found, millis, "{text}");
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
