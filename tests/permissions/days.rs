//! Weddings of several days.

use garland::permission::{Context, Snapshot, Wedding};
use garland::wedding::{Grace, IanaZones, Phase, parse_instant};
use garland::{OrganizationId, Timestamp};
use serde_json::{Value, json};

fn instant(text: &str) -> Timestamp {
    parse_instant(text).unwrap()
}

fn wedding(fields: &Value) -> Wedding {
    let mut record = json!({"id": "w", "organizationId": "o", "timeZone": "Asia/Kolkata"});
    let all = record.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    Wedding::read(&record)
}

fn phase(fields: &Value, now: &str) -> (Option<Phase>, Option<Timestamp>) {
    let grace = Grace::minutes(360).unwrap();
    let found = wedding(fields).phase(grace, instant(now), &IanaZones::new());
    (found.phase, found.until)
}

#[test]
fn every_day_of_four_is_the_wedding_day_and_the_grace_comes_after_the_last() {
    let four = json!({"date": "2026-12-03", "endDate": "2026-12-06"});
    let end = Some(instant("2026-12-07T06:00:00+05:30"));
    for (now, expected, until) in [
        (
            "2026-11-02T23:59:59+05:30",
            Phase::Planning,
            Some(instant("2026-11-03T00:00:00+05:30")),
        ),
        (
            "2026-12-02T23:59:59+05:30",
            Phase::PreWedding,
            Some(instant("2026-12-03T00:00:00+05:30")),
        ),
        ("2026-12-03T00:00:00+05:30", Phase::WeddingDay, end),
        ("2026-12-05T03:00:00+05:30", Phase::WeddingDay, end),
        ("2026-12-07T05:59:59+05:30", Phase::WeddingDay, end),
        ("2026-12-07T06:00:00+05:30", Phase::PostWedding, None),
    ] {
        assert_eq!(phase(&four, now), (Some(expected), until), "{now}");
    }
}

#[test]
fn one_that_ends_on_its_first_day_has_one_day() {
    let (one, same) = (
        json!({"date": "2026-12-03"}),
        json!({"date": "2026-12-03", "endDate": "2026-12-03"}),
    );
    for now in [
        "2026-12-02T12:00:00Z",
        "2026-12-03T12:00:00Z",
        "2026-12-04T01:00:00Z",
        "2026-12-05T00:00:00Z",
    ] {
        assert_eq!(phase(&one, now), phase(&same, now), "{now}");
    }
}

#[test]
fn an_end_that_is_none_or_comes_first_leaves_the_phase_unknown() {
    for end in [
        json!("2026-12-02"),
        json!("soon"),
        json!(4),
        json!("2026-12-03T10:00:00"),
    ] {
        let found = phase(
            &json!({"date": "2026-12-03", "endDate": end}),
            "2026-12-03T12:00:00Z",
        );
        assert_eq!(found, (None, None), "{end}");
    }
    // Nobody has decided yet, whatever the end says.
    let undecided = phase(&json!({"endDate": "2026-12-03"}), "2026-12-03T12:00:00Z");
    assert_eq!(undecided, (Some(Phase::Planning), None));
}

#[test]
fn a_section_of_the_day_is_seen_on_the_third_day_too() {
    let member = json!({"id": "ann", "organizationId": "o", "role": "couple", "weddingAccess": [{"weddingId": "w", "level": "full"}]});
    let section = json!({"id": "s", "organizationId": "o", "weddingId": "w", "sectionType": "timeline",
        "visibility": {"roles": ["couple"], "weddingPhase": ["wedding_day"]}});
    let snapshot = Snapshot::builder("o".parse::<OrganizationId>().unwrap())
        .zones(std::sync::Arc::new(IanaZones::new()))
        .members([garland::permission::Member::read(&member)])
        .weddings([wedding(
            &json!({"date": "2026-12-03", "endDate": "2026-12-06"}),
        )])
        .sections([garland::permission::Section::read(&section)])
        .build(1);
    let at = |now| snapshot.decide("ann", "s", &Context::wedding("w", instant(now)));
    let during = at("2026-12-05T12:00:00Z");
    assert!(during.can_view, "{during:?}");
    let after = at("2026-12-07T12:00:00Z");
    assert!(!after.can_view, "{after:?}");
}
