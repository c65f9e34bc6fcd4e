//! The `metrics` facade as a place where counts go.

use metrics::{counter, gauge, histogram};

use super::sink::{Label, Metrics};

/// Passes every count on to the recorder that the host has installed with the [`metrics`](https://docs.rs/metrics) crate.
///
/// # Example
///
/// ```
/// # async fn run() -> garland::Result<()> {
/// use garland::{Orchestrator, backends::Memory, telemetry::Facade};
///
/// let studio = Orchestrator::builder()
///     .storage(Memory::new())
///     .metrics(Facade::new())
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Facade;

impl Facade {
    /// Makes the bridge. The recorder may be installed before or after.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Metrics for Facade {
    fn add(&self, name: &'static str, labels: &[Label], amount: u64) {
        counter!(name, owned(labels)).increment(amount);
    }

    fn set(&self, name: &'static str, labels: &[Label], value: f64) {
        gauge!(name, owned(labels)).set(value);
    }

    fn record(&self, name: &'static str, labels: &[Label], seconds: f64) {
        histogram!(name, owned(labels)).record(seconds);
    }
}

fn owned(labels: &[Label]) -> Vec<metrics::Label> {
    let labels = labels.iter();
    labels
        .map(|&(name, value)| metrics::Label::from_static_parts(name, value))
        .collect()
}
