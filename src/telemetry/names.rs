//! The names of what is counted: a promise to dashboards, listed in the documentation of the crate.

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
pub(crate) const STORAGE_COMMIT_SECONDS: &str = "garland_storage_commit_seconds";
pub(crate) const JOURNAL_LAG_SECONDS: &str = "garland_journal_lag_seconds";
