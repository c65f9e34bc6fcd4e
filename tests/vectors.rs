//! Runs the shared vectors: `cargo test --test vectors -- sync` runs those whose name begins with `sync`.
//!
//! Every file of cases is one test, named by its path: `sync/rules.jsonl`. Cases come from the folder in
//! `GARLAND_VECTORS`, else from `../shared/vectors`, else from the compressed copies beside this file.
#![expect(
    clippy::disallowed_methods,
    reason = "a test program reads its environment and its own clock"
)]

#[path = "vectors_suite/bandwidth.rs"]
mod bandwidth;
#[path = "vectors_suite/cache.rs"]
mod cache;
#[path = "vectors_suite/permissions.rs"]
mod permissions;
#[path = "vectors_suite/runner.rs"]
mod runner;
#[path = "vectors_suite/sections.rs"]
mod sections;
#[path = "vectors_suite/security/mod.rs"]
mod security;
#[path = "vectors_suite/sync.rs"]
mod sync;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut lists: Vec<(&str, runner::Check)> = vec![
        ("sync/rules.jsonl", sync::check),
        ("sync/plan.jsonl", sync::check),
        ("sync/limits.jsonl", sync::check),
    ];
    lists.extend(bandwidth::LISTS);
    lists.extend(cache::LISTS);
    lists.extend(permissions::LISTS);
    lists.extend(sections::LISTS);
    lists.extend(security::LISTS);
    runner::run(&lists)
}
