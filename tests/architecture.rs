//! Holds the plan of the house: which room may know which, and what a file may look like.
//!
//! The table is the one of the design. A new room gets its row there and here.

#[path = "architecture/house.rs"]
mod house;
#[path = "architecture/lexer.rs"]
mod lexer;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/tells.rs"]
mod tells;

use std::path::Path;

use house::{Findings, House, Place, Row};

const TABLE: &[Row] = &[
    Row {
        name: "server",
        place: Place::Floor(6),
        rooms: &[],
    },
    Row {
        name: "orchestrator",
        place: Place::Floor(5),
        rooms: &[],
    },
    Row {
        name: "studio",
        place: Place::Floor(4),
        rooms: &[
            "section", "hub", "exchange", "gallery", "social", "team", "notify", "media",
        ],
    },
    Row {
        name: "engine",
        place: Place::Floor(3),
        rooms: &[
            "transfer",
            "sync",
            "workflow",
            "journal",
            "crypto",
            "audit",
            "privacy",
            "text",
            "upload",
            "outbound",
            "oauth",
            "bandwidth",
            "cache",
            "resilience",
            "webhooks",
        ],
    },
    Row {
        name: "connector",
        place: Place::Floor(2),
        rooms: &[],
    },
    Row {
        name: "storage",
        place: Place::Floor(2),
        rooms: &[],
    },
    Row {
        name: "permission",
        place: Place::Floor(2),
        rooms: &[],
    },
    Row {
        name: "caching",
        place: Place::Floor(1),
        rooms: &[],
    },
    Row {
        name: "wedding",
        place: Place::Floor(1),
        rooms: &[],
    },
    Row {
        name: "error",
        place: Place::Floor(0),
        rooms: &[],
    },
    Row {
        name: "id",
        place: Place::Floor(0),
        rooms: &[],
    },
    Row {
        name: "clock",
        place: Place::Floor(0),
        rooms: &[],
    },
    Row {
        name: "telemetry",
        place: Place::Floor(0),
        rooms: &[],
    },
    Row {
        name: "platforms",
        place: Place::Wing,
        rooms: &[],
    },
    Row {
        name: "backends",
        place: Place::Wing,
        rooms: &[],
    },
    Row {
        name: "testing",
        place: Place::Outside,
        rooms: &[],
    },
];

fn garland() -> House {
    let house = House::read(TABLE, &Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    assert!(house.len() > 20, "only {} files under src/", house.len());
    house
}

#[track_caller]
fn nothing(findings: &Findings) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_room_has_its_row() {
    nothing(&garland().rooms_without_a_row());
}

#[test]
fn imports_run_down_or_stay_in_their_room() {
    nothing(&garland().wrong_imports());
}

#[test]
fn a_file_is_one_idea() {
    nothing(&garland().long_files());
}

#[test]
fn mod_rs_holds_no_logic() {
    nothing(&garland().logic_in_mod_rs());
}

#[test]
fn an_allow_says_why() {
    nothing(&garland().allows_without_reason());
}

#[test]
fn the_product_neither_prints_nor_leaves_gaps() {
    nothing(&garland().forbidden_macros());
}
