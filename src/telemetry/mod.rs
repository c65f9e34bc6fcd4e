//! What is counted and timed, for whoever collects it.
//!
//! Every [`Orchestrator`](crate::Orchestrator) counts into a [`Registry`] of its own, which
//! [`Orchestrator::metrics`](crate::Orchestrator::metrics) reads, and besides into the [`Metrics`] that its builder was
//! given. Nothing here is global: two orchestrators in one program never mix. Names and labels are listed in the
//! [documentation of the crate](crate#observability).

mod calls;
#[cfg(feature = "metrics")]
mod facade;
mod handle;
mod names;
mod registry;
mod sink;
mod snapshot;

pub(crate) use calls::{call, called, within};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use facade::Facade;
pub(crate) use handle::{Telemetry, outcome};
pub(crate) use names::*;
pub use registry::Registry;
pub use sink::{Label, Metrics};
pub use snapshot::{Histogram, MetricsSnapshot, Series};
