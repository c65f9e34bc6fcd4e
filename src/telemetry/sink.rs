//! Where counts go.

use std::fmt;

/// A label and its value. Values come from short fixed lists, never from a file, a name or an account.
pub type Label = (&'static str, &'static str);

/// Takes what is counted and timed. Called on the way of the work: it must neither wait nor fail.
///
/// # Example
///
/// A host that only wants to know how many files failed:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use garland::telemetry::{Label, Metrics};
///
/// #[derive(Debug, Default)]
/// struct Failures(AtomicU64);
///
/// impl Metrics for Failures {
///     fn add(&self, name: &'static str, labels: &[Label], amount: u64) {
///         if name == "garland_transfer_files_total" && labels.contains(&("outcome", "failed")) {
///             self.0.fetch_add(amount, Ordering::Relaxed);
///         }
///     }
///     fn set(&self, _: &'static str, _: &[Label], _: f64) {}
///     fn record(&self, _: &'static str, _: &[Label], _: f64) {}
/// }
///
/// let failures = Failures::default();
/// failures.add("garland_transfer_files_total", &[("outcome", "failed")], 2);
/// assert_eq!(failures.0.load(Ordering::Relaxed), 2);
/// ```
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// Adds `amount` to a counter.
    fn add(&self, name: &'static str, labels: &[Label], amount: u64);
    /// Sets a gauge to what it is now.
    fn set(&self, name: &'static str, labels: &[Label], value: f64);
    /// Adds one value, in seconds, to a histogram.
    fn record(&self, name: &'static str, labels: &[Label], seconds: f64);
}
