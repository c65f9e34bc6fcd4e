//! Counters and durations, as a host reads them.

use crate::world::{CONTENT, sections, sync, sync_over};

#[test]
fn a_small_sync_is_counted_under_the_documented_names() {
    let (report, counted) = sync();
    let count = |name: &str, labels| counted.counter(&format!("garland_{name}"), labels);
    let written = (CONTENT.len() + "other".len()) as u64;
    assert_eq!(count("transfer_bytes_total", &[]), written, "{counted}");
    assert_eq!(
        count("transfer_files_total", &[("outcome", "delivered")]),
        report.done.copy
    );
    assert_eq!(
        count("retries_total", &[("operation", "transfer.upload")]),
        1,
        "{counted}"
    );
    assert_eq!(count("sync_runs_total", &[("outcome", "complete")]), 1);
    assert_eq!(count("sync_actions_total", &[("action", "copy")]), 2);
    assert_eq!(
        count("sync_actions_total", &[("action", "recover")]),
        report.done.recover
    );
    assert_eq!(
        count("sync_conflicts_total", &[("kind", "create_create")]),
        1,
        "{counted}"
    );
    let commits = count("storage_commits_total", &[("outcome", "committed")]);
    assert!(commits > 3);
    let many = |name: &str, outcome| {
        let found = counted.histogram(&format!("garland_{name}"), &[("outcome", outcome)]);
        found.map_or(0, garland::telemetry::Histogram::count)
    };
    assert_eq!(many("sync_seconds", "complete"), 1, "{counted}");
    assert_eq!(many("transfer_seconds", "delivered"), report.done.copy);
    assert_eq!(many("storage_commit_seconds", "committed"), commits);
    // No label is made of what a person wrote.
    let text = counted.to_string();
    assert!(
        !text.contains("day/") && !text.contains("archive"),
        "{text}"
    );
}

#[test]
fn what_is_done_with_sections_is_counted_under_the_documented_names() {
    let collected = Collected::default();
    metrics::with_local_recorder(&collected, sections);
    let counters = collected.counters.lock().unwrap();
    for (operation, outcome, times) in [
        ("team.write", "done", 1),
        ("team.read", "done", 1),
        ("section.create", "done", 1),
        ("section.patch", "done", 1),
        ("section.patch", "conflict", 1),
        ("section.read", "denied", 1),
        ("section.read", "not_found", 1),
        ("section.queue", "done", 1),
        ("section.mark", "done", 1),
        ("partner.put", "done", 1),
    ] {
        let name = format!("sections_calls_total{{operation={operation},outcome={outcome}}}");
        assert_eq!(counters.get(&name), Some(&times), "{name}: {counters:#?}");
    }
    let count = |name: &str| counters.get(&format!("sections_{name}")).copied();
    assert_eq!(count("flushes_total{queue=changes,outcome=done}"), Some(1));
    let marks = count("flushes_total{queue=marks,outcome=done}").unwrap();
    // Each flush of marks is of one member, and so is the bulk work.
    assert_eq!(count("results_total{}"), Some(marks + 1), "{counters:#?}");
    assert_eq!(count("partner_tries_total{outcome=retry}"), Some(1));
    let told = count("partner_tries_total{outcome=delivered}");
    assert_eq!(told, Some(marks + 1), "{counters:#?}");
    for name in counters.keys() {
        assert!(!name.contains("ann") && !name.contains("crm"), "{name}");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn commits_to_sqlite_are_counted_and_timed() {
    use garland::backends::Sqlite;

    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let database = runtime
        .block_on(Sqlite::open(folder.path().join("studio.db")))
        .unwrap();
    let (_, counted) = sync_over(database, false);
    let labels = [("outcome", "committed")];
    let times = counted
        .histogram("garland_storage_commit_seconds", &labels)
        .unwrap();
    let commits = counted.counter("garland_storage_commits_total", &labels);
    assert_eq!(times.count(), commits);
    assert!(commits > 3);
}

#[test]
fn two_orchestrators_count_apart() {
    let (_, one) = sync();
    let (_, other) = sync();
    let name = "garland_sync_runs_total";
    assert_eq!((one.total(name), other.total(name)), (1, 1));
}
