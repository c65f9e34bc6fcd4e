//! Strings a wedding or event studio's tools together: an embeddable library that moves files between
//! all the places a studio works with, safely, and puts every act on record.
//!
//! A host gives an [`Orchestrator`] its accounts ([`platforms`], or its own
//! [`PlatformConnector`](connector::PlatformConnector)s) and a database ([`backends`], or its own
//! [`StorageBackend`](storage::StorageBackend)), and asks for what it needs:
//!
//! - [`sync`]: verified sync between any number of places. A plan is a pure value that can be read,
//!   stored, refused or carried out; a run that is killed goes on where it was.
//! - [`transfer`]: one read of a file feeds its hashes and every destination.
//!
//! The three seams are [`connector`], [`storage`] and [`permission`]; each is a small trait that a host
//! may implement, and is held to its promises by the suites of `garland::testing`.
//!
//! # Crate features
//!
//! Turning a feature on adds items and changes nothing else.
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `local` | yes | a folder on a disk, card or mount as a connector |
//! | `sqlite` | yes | SQLite as the database; compiles C |
//! | `filter` | yes | patterns with the meaning of a `.gitignore` |
//! | `metrics` | no | counters and histograms through the `metrics` facade |
//! | `testing` | no | conformance suites, accounts in memory, fault injection |
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![warn(clippy::indexing_slicing, clippy::todo)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backends;
mod clock;
pub mod connector;
mod engine;
mod error;
mod id;
mod orchestrator;
pub mod permission;
pub mod platforms;
pub mod storage;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use clock::{Clock, SystemClock, Timestamp};
pub use engine::{journal, sync, transfer};
pub use error::{Error, ErrorKind, Result};
pub use id::{Chance, Ids, OrganizationId, RunId};
pub use orchestrator::{Orchestrator, OrchestratorBuilder, Organization, SyncRequest, SyncRun};

/// The README's Rust is compiled and run as a test of the documentation.
#[cfg(all(doctest, feature = "local", feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
