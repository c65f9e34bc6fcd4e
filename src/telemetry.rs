//! What is counted, for whoever collects it (feature `metrics`; without it nothing is), and the spans of services.
//!
//! Names and labels are a promise to dashboards; they are listed in the documentation of the crate.

use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tracing::{Instrument as _, Span};

use crate::error::{Error, ErrorKind};

pub(crate) const TRANSFER_BYTES: &str = "garland_transfer_bytes_total";
pub(crate) const TRANSFER_FILES: &str = "garland_transfer_files_total";
pub(crate) const TRANSFER_SECONDS: &str = "garland_transfer_seconds";
pub(crate) const RETRIES: &str = "garland_retries_total";
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
pub(crate) const SECTION_CALLS: &str = "garland_sections_calls_total";
pub(crate) const SECTION_FLUSHES: &str = "garland_sections_flushes_total";
pub(crate) const SECTION_RESULTS_STORED: &str = "garland_sections_results_total";
pub(crate) const PARTNER_TRIES: &str = "garland_sections_partner_tries_total";
pub(crate) const STORAGE_COMMITS: &str = "garland_storage_commits_total";
#[cfg(feature = "sqlite")]
pub(crate) const STORAGE_COMMIT_SECONDS: &str = "garland_storage_commit_seconds";

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

/// Runs one public operation of a service in a span of its name, and counts how it ended.
macro_rules! call {
    ($operation:literal, $work:expr) => {
        $crate::telemetry::called($operation, tracing::debug_span!($operation), $work).await
    };
}
pub(crate) use call;

/// What [`call!`] does with the span it makes.
pub(crate) async fn called<T>(
    operation: &'static str,
    span: Span,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let done = work.instrument(span).await;
    let outcome = match done.as_ref().map_err(Error::kind) {
        Err(ErrorKind::Denied) => "denied",
        Err(ErrorKind::NotFound) => "not_found",
        _ => outcome(&done, "done"),
    };
    let labels = [("operation", operation), ("outcome", outcome)];
    count(SECTION_CALLS, &labels, 1);
    done
}

/// Runs whatever a stream does in a span.
pub(crate) fn within<T: 'static>(
    span: Span,
    mut stream: BoxStream<'static, T>,
) -> BoxStream<'static, T> {
    stream::poll_fn(move |context| span.in_scope(|| stream.poll_next_unpin(context))).boxed()
}

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
