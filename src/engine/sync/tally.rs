//! What is counted of a run, and the spans around it.

use std::time::Duration;

use tracing::Span;

use crate::connector::ConnectorName;
use crate::error::Result;
use crate::id::RunId;
use crate::telemetry::{self, SYNC_ACTIONS, SYNC_CONFLICTS, SYNC_RUNS, SYNC_SECONDS, Telemetry};

use super::plan::{ConflictKind, Counts};
use super::report::SyncReport;

/// Around everything that a run does.
pub(super) fn run_span(run: RunId, places: &[ConnectorName]) -> Span {
    tracing::info_span!("sync.run", sync.run = %run, sync.places = places.len())
}

/// Around a look at the world that only plans.
pub(super) fn plan_span(places: &[ConnectorName]) -> Span {
    tracing::info_span!("sync.plan", sync.places = places.len())
}

/// Counts a run that is over.
pub(super) fn finished(telemetry: &Telemetry, outcome: &Result<SyncReport>, took: Duration) {
    let label = match outcome {
        Ok(report) if !report.is_complete() => "incomplete",
        outcome => telemetry::outcome(outcome, "complete"),
    };
    telemetry.count(SYNC_RUNS, &[("outcome", label)], 1);
    telemetry.took(SYNC_SECONDS, &[("outcome", label)], took);
    let Ok(report) = outcome else { return };
    for (action, count) in actions(report.done).into_iter().filter(|(_, n)| *n > 0) {
        telemetry.count(SYNC_ACTIONS, &[("action", action)], count);
    }
    for conflict in &report.conflicts {
        telemetry.count(SYNC_CONFLICTS, &[("kind", kind(conflict.kind))], 1);
    }
}

fn actions(done: Counts) -> [(&'static str, u64); 7] {
    [
        ("agree", done.agree),
        ("copy", done.copy),
        ("delete", done.delete),
        ("merge", done.merge),
        ("recover", done.recover),
        ("rename", done.rename),
        ("verify", done.verify),
    ]
}

fn kind(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::CreateCreate => "create_create",
        ConflictKind::CreateModify => "create_modify",
        ConflictKind::DeleteModify => "delete_modify",
        ConflictKind::Extraneous => "extraneous",
        ConflictKind::FileDirectory => "file_directory",
        ConflictKind::ModifyModify => "modify_modify",
        ConflictKind::NameCollision => "name_collision",
        ConflictKind::NameInvalid => "name_invalid",
        ConflictKind::TargetModify => "target_modify",
    }
}
