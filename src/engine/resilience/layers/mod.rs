//! Layers around an account, so that a bad day of a platform stays its own.

mod seam;

pub use seam::{Around, Call, CallKind, ConnectorLayer, Facet, Repeat, Wrapped};
