//! What tests of connectors share.

#![allow(
    dead_code,
    unused_imports,
    reason = "each connector uses a part of it, and may be left out"
)]

mod bad_days;
mod deeds;
mod description;
mod installed;
mod live;
mod port;
mod proof;
mod python;
mod record;
mod serve;
pub(crate) mod servers;
mod table;

pub(crate) use bad_days::{BadDays, Passed, hasty};
pub(crate) use deeds::Deed;
pub(crate) use description::{Description, Report};
pub(crate) use installed::shared;
pub(crate) use live::Live;
pub(crate) use proof::{ProofKind, proof};
pub(crate) use python::python;
pub(crate) use record::{Recorded, Recorder};
pub(crate) use serve::{Server, serve};
