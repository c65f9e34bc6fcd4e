//! What the rooms count with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};

use super::sink::{Label, Metrics};

/// Where counts go, and the clock that durations are taken by. Cheap to clone; by default nothing is counted.
#[derive(Clone, Default)]
pub(crate) struct Telemetry(Option<Arc<Ways>>);

struct Ways {
    sinks: Vec<Arc<dyn Metrics>>,
    clock: Arc<dyn Clock>,
}

impl Telemetry {
    pub(crate) fn new(sinks: Vec<Arc<dyn Metrics>>, clock: Arc<dyn Clock>) -> Self {
        Self(Some(Arc::new(Ways { sinks, clock })))
    }

    /// Counts into one place, by the clock of the machine.
    pub(crate) fn of(sink: Arc<dyn Metrics>) -> Self {
        Self::new(vec![sink], Arc::new(SystemClock::new()))
    }

    /// Adds to a counter.
    pub(crate) fn count(&self, name: &'static str, labels: &[Label], amount: u64) {
        for sink in self.sinks() {
            sink.add(name, labels, amount);
        }
    }

    /// Sets a gauge.
    pub(crate) fn set(&self, name: &'static str, labels: &[Label], value: f64) {
        for sink in self.sinks() {
            sink.set(name, labels, value);
        }
    }

    /// Notes how long something took.
    pub(crate) fn took(&self, name: &'static str, labels: &[Label], time: Duration) {
        for sink in self.sinks() {
            sink.record(name, labels, time.as_secs_f64());
        }
    }

    /// Returns when something began; [`since`](Self::since) tells how long it took. Zero where nobody counts.
    pub(crate) fn begin(&self) -> Duration {
        self.0
            .as_ref()
            .map_or(Duration::ZERO, |ways| ways.clock.elapsed())
    }

    /// Notes how long something took that began at `begun`.
    pub(crate) fn since(&self, name: &'static str, labels: &[Label], begun: Duration) {
        if let Some(ways) = &self.0 {
            self.took(name, labels, ways.clock.elapsed().saturating_sub(begun));
        }
    }

    fn sinks(&self) -> &[Arc<dyn Metrics>] {
        self.0.as_ref().map_or(&[], |ways| &ways.sinks)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sinks()).finish()
    }
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
