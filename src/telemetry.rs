//! What is counted, for whoever collects it (feature `metrics`). Without the feature nothing is here.
//!
//! Names and labels are a promise to dashboards; they are listed in the documentation of the crate.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

pub(crate) const TRANSFER_BYTES: &str = "garland_transfer_bytes_total";
pub(crate) const TRANSFER_FILES: &str = "garland_transfer_files_total";
pub(crate) const TRANSFER_SECONDS: &str = "garland_transfer_seconds";
pub(crate) const RETRIES: &str = "garland_retries_total";
pub(crate) const RESILIENCE_EVENTS: &str = "garland_resilience_events_total";
pub(crate) const RESILIENCE_REFUSALS: &str = "garland_resilience_refusals_total";
pub(crate) const SYNC_RUNS: &str = "garland_sync_runs_total";
pub(crate) const SYNC_SECONDS: &str = "garland_sync_seconds";
pub(crate) const SYNC_ACTIONS: &str = "garland_sync_actions_total";
pub(crate) const SYNC_CONFLICTS: &str = "garland_sync_conflicts_total";
#[cfg(feature = "crypto")]
pub(crate) const TOKENS_CHECKED: &str = "garland_tokens_checked_total";
#[cfg(feature = "crypto")]
pub(crate) const KEYS_REWRAPPED: &str = "garland_keys_rewrapped_total";
#[cfg(feature = "crypto")]
pub(crate) const AUDIT_HEADS_SIGNED: &str = "garland_audit_heads_total";
#[cfg(feature = "upload")]
pub(crate) const UPLOADS_CHECKED: &str = "garland_uploads_checked_total";
pub(crate) const STORAGE_COMMITS: &str = "garland_storage_commits_total";
#[cfg(feature = "sqlite")]
pub(crate) const STORAGE_COMMIT_SECONDS: &str = "garland_storage_commit_seconds";
pub(crate) const POOL_CALLS: &str = "garland_pool_calls_total";
pub(crate) const POOL_WAIT_SECONDS: &str = "garland_pool_wait_seconds";
pub(crate) const POOL_HEALTH: &str = "garland_pool_health_changes_total";
pub(crate) const SESSIONS: &str = "garland_sessions_total";

/// A label and its value. Values come from short fixed lists, never from a file, a name or an account.
pub(crate) type Label = (&'static str, &'static str);

/// Adds to a counter.
#[cfg(feature = "metrics")]
pub(crate) fn count(name: &'static str, labels: &[Label], amount: u64) {
    metrics::counter!(name, owned(labels)).increment(amount);
}

/// Adds to a counter.
#[cfg(not(feature = "metrics"))]
#[inline]
pub(crate) fn count(_: &'static str, _: &[Label], _: u64) {}

/// Notes how long something took, by the clock of whoever did it.
#[cfg(feature = "metrics")]
pub(crate) fn took(name: &'static str, labels: &[Label], time: Duration) {
    metrics::histogram!(name, owned(labels)).record(time.as_secs_f64());
}

/// Notes how long something took, by the clock of whoever did it.
#[cfg(not(feature = "metrics"))]
#[inline]
pub(crate) fn took(_: &'static str, _: &[Label], _: Duration) {}

/// The outcome of one call, for a label.
pub(crate) fn outcome<T>(result: &Result<T, Error>, good: &'static str) -> &'static str {
    match result.as_ref().map_err(Error::kind) {
        Ok(_) => good,
        Err(ErrorKind::Cancelled) => "cancelled",
        Err(ErrorKind::Conflict) => "conflict",
        Err(ErrorKind::Refused) => "refused",
        Err(_) => "failed",
    }
}

#[cfg(feature = "metrics")]
fn owned(labels: &[Label]) -> Vec<metrics::Label> {
    let labels = labels.iter();
    labels
        .map(|&(name, value)| metrics::Label::from_static_parts(name, value))
        .collect()
}
