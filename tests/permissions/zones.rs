//! When days begin and weddings are, by the database of zones: by what the clocks show, and nothing else.

use garland::Timestamp;
use garland::wedding::{
    Day, Grace, IanaZones, Offset, Phase, PhaseAt, WeddingDate, ZoneTable, Zones, phase_at,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::worlds::instant;

/// Zones whose clocks change at midnight, by half an hour, over a whole day, often, or never.
const ZONES: [&str; 20] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "UTC",
];

const QUARTER: i64 = 15 * 60 * 1_000;
const HOUR: i64 = 4 * QUARTER;

fn moved(at: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + by)
}

/// A table with what the database says of `zone` around `from`.
fn table(zone: &str, from: Timestamp) -> ZoneTable {
    let database = IanaZones::new();
    let offset = |at| database.offset(zone, at).unwrap();
    let start = moved(from, -400 * 24 * HOUR);
    let mut changes = Vec::new();
    let mut at = start;
    while let Some(until) = offset(at).until
        && until < moved(from, 400 * 24 * HOUR)
    {
        changes.push((until, offset(until).seconds));
        at = until;
    }
    ZoneTable::new().with(zone, offset(start).seconds, changes)
}

/// The database by its offsets alone: without what it may know better of days.
#[derive(Debug)]
struct OffsetsOnly(IanaZones);

impl Zones for OffsetsOnly {
    fn offset(&self, zone: &str, at: Timestamp) -> Option<Offset> {
        self.0.offset(zone, at)
    }
}

fn day() -> impl Strategy<Value = Day> {
    let first: Day = "1990-01-01".parse().unwrap();
    // To the end of 2037, beyond the last change that a database writes down.
    (0..48 * 365).prop_map(move |days| first.plus(days))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_day_begins_at_the_first_instant_that_shows_it(zone in select(ZONES.to_vec()), day in day()) {
        let zones = IanaZones::new();
        let start = zones.day_start(zone, day).unwrap();
        prop_assert!(zones.day(zone, start).unwrap() >= day);
        prop_assert!(zones.day(zone, moved(start, -1)).unwrap() < day);
        for quarters in 1..200 {
            let before = moved(start, -quarters * QUARTER);
            prop_assert!(zones.day(zone, before).unwrap() < day, "already at {}", before);
        }
        prop_assert_eq!(OffsetsOnly(zones).day_start(zone, day), Some(start));
        prop_assert_eq!(table(zone, start).day_start(zone, day), Some(start));
    }

    /// The phase and its end are those that the beginnings of days give, from whichever rules they come.
    #[test]
    fn a_phase_is_what_the_days_say(
        zone in select(ZONES.to_vec()), day in day(), grace in select(vec![0_u16, 1, 720]),
        off in -40 * 24 * HOUR..4 * 24 * HOUR, near in -2_i64..3, edge in 0..5_usize,
    ) {
        let zones = IanaZones::new();
        let start = |days| zones.day_start(zone, day.plus(days)).unwrap();
        let there = zones.day(zone, start(0)).unwrap() == day;
        let length = if there { i64::from(grace) * 60_000 } else { 0 };
        let (pre, on, post) = (start(-30), start(0), moved(start(1), length));
        let now = match edge {
            0 => moved(pre, near),
            1 => moved(on, near),
            2 => moved(post, near),
            _ => moved(on, off),
        };
        let wanted = if now < pre {
            (Phase::Planning, Some(pre))
        } else if now < on {
            (Phase::PreWedding, Some(on))
        } else if now < post {
            (Phase::WeddingDay, Some(post))
        } else {
            (Phase::PostWedding, None)
        };
        let ask = |date, zones: &dyn Zones| -> (Option<Phase>, Option<Timestamp>) {
            let PhaseAt { phase, until, .. } = phase_at(date, zone, Grace::minutes(grace).unwrap(), now, zones);
            (phase, until)
        };
        let wanted = (Some(wanted.0), wanted.1);
        prop_assert_eq!(ask(WeddingDate::On(day), &zones), wanted);
        prop_assert_eq!(ask(WeddingDate::On(day), &table(zone, on)), wanted);
        if there {
            prop_assert_eq!(ask(WeddingDate::At(on), &zones), wanted);
        }
    }
}

#[test]
fn days_that_are_short_long_or_not_there() {
    let zones = IanaZones::new();
    for (zone, day, start, hours) in [
        // The clocks jump over midnight.
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", 23),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", 23),
        // They go back over midnight: the day before shows its last hour twice.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 25),
        ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00:00Z", 25),
        ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z", 24),
        // At some other hour.
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", 25),
        ("Pacific/Auckland", "2026-04-05", "2026-04-04T11:00:00Z", 25),
        // Samoa left 30 December 2011 out: it begins, and ends, with the 31st.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24),
        ("Pacific/Fakaofo", "2011-12-30", "2011-12-30T11:00:00Z", 0),
    ] {
        let day: Day = day.parse().unwrap();
        let (begins, ends) = (
            zones.day_start(zone, day),
            zones.day_start(zone, day.plus(1)),
        );
        assert_eq!(begins, Some(instant(start)), "{zone} {day}");
        assert_eq!(
            ends,
            Some(moved(instant(start), hours * HOUR)),
            "{zone} {day}"
        );
    }
}

#[test]
fn a_skipped_day_is_never_a_wedding_day() {
    let zones = IanaZones::new();
    let grace = Grace::minutes(Grace::MAX).unwrap();
    let at = |now: &str| {
        let date = WeddingDate::On("2011-12-30".parse().unwrap());
        phase_at(date, "Pacific/Apia", grace, instant(now), &zones).phase
    };
    assert_eq!(at("2011-12-30T09:59:59.999Z"), Some(Phase::PreWedding));
    assert_eq!(at("2011-12-30T10:00:00.000Z"), Some(Phase::PostWedding));
}

#[test]
fn only_the_exact_names_of_zones_are_known() {
    let zones = IanaZones::new();
    let now = instant("2026-06-20T00:00:00Z");
    assert!(zones.offset("Europe/Zurich", now).is_some());
    for name in [
        "europe/zurich",
        "Europe/Zurich ",
        "Europe/zurich",
        "Mars/Olympus",
        "",
        "+02:00",
        "../UTC",
    ] {
        assert_eq!(zones.offset(name, now), None, "{name:?}");
        let date = WeddingDate::On("2026-06-20".parse().unwrap());
        let found = phase_at(date, name, Grace::default(), now, &zones);
        assert_eq!((found.phase, found.until), (None, None), "{name:?}");
    }
}
