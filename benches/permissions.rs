//! Figures of the calculation of who sees what: many decisions with and without reasons, one alone by ids, a service's
//! question about all weddings, and what an edit takes.
//!
//! `cargo bench --bench permissions`. One thread; the best of several rounds. Wants an idle machine. Cedar and Casbin are
//! measured by `scripts/peers permissions`.
#![expect(clippy::print_stdout, reason = "figures are its product")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use garland::permission::{
    Action, Actor, Change, Context, Member, PermissionSnapshot, Resource, Section, Snapshot,
    Wedding,
};
use garland::wedding::{Day, Offset, Zones};
use garland::{Timestamp, permission::View};
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 15 };
const SECTIONS: usize = if cfg!(debug_assertions) { 100 } else { 1_000 };
const ROLES: [&str; 6] = [
    "admin",
    "coordinator",
    "photographer",
    "couple",
    "vendor",
    "guest",
];
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

fn main() {
    let noon = Timestamp::from_millis(1_781_956_800_000);
    let context = Context::wedding("june", noon);
    let snapshot = build(100);
    let view = snapshot.at(&context);
    let ids: Vec<String> = (0..100).map(|n| format!("user-{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let pairs = ids.len() * SECTIONS;
    println!("100 users x {SECTIONS} sections, best of {ROUNDS}");
    rate("decisions_without_reasons", pairs, || {
        black_box(view.matrix(black_box(&ids)));
    });
    let members: Vec<&Member> = snapshot.members().collect();
    let sections: Vec<&Section> = snapshot.sections().collect();
    rate("decisions_with_reasons", pairs, || {
        with_reasons(&view, &members, &sections)
    });
    rate("one_decision_by_ids", 1_000, || {
        for n in 0..1_000 {
            let (user, section) = (ids[n % ids.len()], sections[n % sections.len()].id());
            black_box(view.decide_id(black_box(user), black_box(section)));
        }
    });
    rate("pages_of_one_member", ids.len(), || {
        for id in &ids {
            black_box(view.sections(id));
        }
    });
    edits(&context);
    all_weddings(noon);
}

fn with_reasons(view: &View<'_>, members: &[&Member], sections: &[&Section]) {
    for member in members {
        for section in sections {
            black_box(view.decide(member, section));
        }
    }
}

/// An edit among 1,000 users, what all of it takes to build, and what it holds.
fn edits(context: &Context) {
    let users: Vec<Member> = (0..1_000).map(|n| Member::read(&user(n))).collect();
    let configs: Vec<Value> = (0..SECTIONS).map(section).collect();
    let built = best(|| {
        let sections = configs.iter().map(Section::read);
        black_box(
            empty()
                .members(users.iter().cloned())
                .sections(sections)
                .build(1),
        );
    });
    println!(
        "figure build_1000_users_{SECTIONS}_sections {:.3} ms",
        built.as_secs_f64() * 1e3
    );
    let before = MEMORY.current_usage();
    let sections: Vec<Section> = configs.iter().map(Section::read).collect();
    let held = (MEMORY.current_usage() - before) as f64 / (SECTIONS * ROLES.len()) as f64;
    println!("figure bytes_a_section_and_role {held:.1}");
    let snapshot = empty().members(users).sections(sections).build(1);
    by_ids(&snapshot, context);
    let mut edited = section(7);
    edited["visibility"]["roles"] = json!(["guest"]);
    let shown = best(|| {
        let after = snapshot.with(2, [Change::PutSection(Section::read(&edited))]);
        black_box(after.decide("user-5", "section-0007", context));
    });
    println!(
        "figure edit_to_decision {:.3} ms",
        shown.as_secs_f64() * 1e3
    );
    let seen = best(|| {
        let after = snapshot.with(2, [Change::PutSection(Section::read(&edited))]);
        let (old, new) = (
            snapshot.section("section-0007"),
            after.section("section-0007"),
        );
        black_box(after.audience(old, new, context));
    });
    println!(
        "figure edit_to_audience_of_1000 {:.3} ms",
        seen.as_secs_f64() * 1e3
    );
}

/// Single questions by ids, each with its phase worked out, in no order that helps.
fn by_ids(snapshot: &Snapshot, context: &Context) {
    let members: Vec<&str> = snapshot.members().map(Member::id).collect();
    let sections: Vec<&str> = snapshot.sections().map(Section::id).collect();
    let pairs: Vec<(&str, &str)> = (0..10_000)
        .map(|n| {
            (
                members[n * 617 % members.len()],
                sections[n * 389 % sections.len()],
            )
        })
        .collect();
    rate("decide_by_ids_of_1000_users", pairs.len(), || {
        for (member, section) in &pairs {
            black_box(snapshot.decide(black_box(member), black_box(section), context));
        }
    });
}

/// What a service asks of a section that is for all of 1,000 weddings, by somebody let into two of them.
fn all_weddings(now: Timestamp) {
    let weddings = (0..SECTIONS).map(|n| {
        Wedding::read(&json!({
            "id": format!("wedding-{n:04}"), "organizationId": "studio",
            "date": format!("{}-{:02}-{:02}", 2024 + n % 5, n % 12 + 1, n % 28 + 1), "timeZone": "Zurich",
        }))
    });
    let member = Member::read(&json!({
        "id": "vic", "organizationId": "studio", "role": "vendor",
        "weddingAccess": [
            { "weddingId": "wedding-0003", "level": "limited" }, { "weddingId": "wedding-0007", "level": "full" },
        ],
    }));
    let snapshot = empty()
        .members([member])
        .weddings(weddings)
        .sections((0..100).map(|n| Section::read(&section(n))))
        .build(1);
    let vic = Actor::User("vic".into());
    let all: Vec<Resource> = snapshot
        .sections()
        .map(|section| Resource::new("section", section.id()))
        .collect();
    let read = Action::new("section.read");
    for (name, asked) in [("one_section", &all[..1]), ("100_sections", &all[..])] {
        rate(&format!("services_{name}_of_1000_weddings"), 1, || {
            black_box(snapshot.as_of(now).decide(&vic, &read, black_box(asked)));
        });
    }
}

fn build(users: usize) -> Snapshot {
    let members = (0..users).map(|n| Member::read(&user(n)));
    let sections = (0..SECTIONS).map(|n| Section::read(&section(n)));
    empty().members(members).sections(sections).build(1)
}

fn empty() -> garland::permission::SnapshotBuilder {
    let june = json!({ "id": "june", "organizationId": "studio", "date": "2026-06-20", "timeZone": "Zurich" });
    Snapshot::builder("studio".parse().expect("an id"))
        .zones(Arc::new(Zurich))
        .weddings([Wedding::read(&june)])
}

/// One zone is enough here, and needs no feature.
#[derive(Debug)]
struct Zurich;

impl Zones for Zurich {
    fn offset(&self, _: &str, at: Timestamp) -> Option<Offset> {
        black_box(Day::of(at, 7_200));
        Some(Offset::new(7_200, None))
    }
}

fn user(n: usize) -> Value {
    let level = ["full", "limited", "none"][n / 7 % 3];
    json!({
        "id": format!("user-{n}"), "organizationId": "studio", "role": ROLES[n % 6],
        "weddingAccess": [{ "weddingId": "june", "level": level }],
        "customFields": { "tier": if n.is_multiple_of(2) { "gold" } else { "silver" } },
    })
}

/// As studios have them: most by role and phase, some with a floor or a window, one in twenty with a field of one's own.
fn section(n: usize) -> Value {
    let roles: Vec<&str> = ROLES
        .iter()
        .enumerate()
        .filter(|(at, _)| n >> at & 1 == 1)
        .map(|(_, role)| *role)
        .collect();
    let mut config = json!({
        "id": format!("section-{n:04}"), "organizationId": "studio", "sectionType": TYPES[n % TYPES.len()],
        "visibility": { "roles": roles }, "permissions": { "canEdit": ["coordinator"], "canHide": ["couple"] },
        "layout": { "position": n },
    });
    if n.is_multiple_of(3) {
        config["visibility"]["weddingPhase"] = json!(["pre_wedding", "wedding_day"]);
    }
    if n.is_multiple_of(5) {
        config["visibility"]["conditions"]["minimumRole"] = json!("vendor");
    }
    if n.is_multiple_of(10) {
        config["visibility"]["conditions"]["timeRestriction"] =
            json!({ "start": "2026-06-01T00:00:00Z", "end": "2026-06-30T00:00:00Z" });
    }
    if n.is_multiple_of(20) {
        config["visibility"]["conditions"]["customField"] =
            json!({ "field": "tier", "operator": "equals", "value": "gold" });
    }
    config
}

fn rate(name: &str, count: usize, run: impl FnMut()) {
    let took = best(run);
    let each = took.as_secs_f64() * 1e9 / count as f64;
    println!("figure {name} {:.1} M/s, {each:.1} ns each", 1e3 / each);
}

fn best(mut run: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    });
    rounds.min().unwrap_or_default()
}
