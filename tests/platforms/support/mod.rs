//! What tests of connectors share.

mod python;
mod record;
mod serve;

pub(crate) use python::python;
pub(crate) use record::{Recorded, Recorder};
pub(crate) use serve::{Server, serve};
