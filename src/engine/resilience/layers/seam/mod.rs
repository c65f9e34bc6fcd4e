//! What every layer stands on: what a call is, and one wrapper that leads all calls past a layer.

mod around;
mod call;
mod facets;
mod files;
mod galleries;
mod patient;
mod session;
mod wrapped;

pub use around::{Around, ConnectorLayer};
pub use call::{Call, CallKind, Facet, Repeat};
pub use wrapped::Wrapped;
