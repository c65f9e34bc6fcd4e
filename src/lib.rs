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
//! - [`bandwidth`]: who may send how fast: guarantees, limits and shares on one link.
//! - [`resilience`]: layers around an account, so that a bad day of a platform stays its own.
//! - [`cache`]: values kept near, bounded by weight, loaded once for all who ask.
//! - [`telemetry`]: what is counted and timed, and where it goes.
//! - [`text`]: names, paths and words of people, kept as written and encoded where they come out.
//! - [`journal`]: every change on record, in the same commit, in order.
//! - [`permission`]: who sees which section of a wedding, when and why; who may do what to which object.
//! - [`section`], [`team`], [`wedding`]: section configurations and live views of them, the people and weddings of an
//!   organization, and the words of the trade.
#![cfg_attr(
    feature = "crypto",
    doc = "- [`crypto`]: sealed files and accounts, keys, tokens, passwords, signatures.",
    doc = "- [`audit`]: the journal signed at its heads, with proofs; personal data apart from it.",
    doc = "- [`privacy`]: export, erasure, retention and legal hold over every collection."
)]
#![cfg_attr(
    feature = "upload",
    doc = "- [`upload`]: files that people hand in, checked before anybody sees them."
)]
#![cfg_attr(
    feature = "oauth",
    doc = "- [`oauth`]: accounts connected by OAuth 2.0, their tokens sealed and kept fresh."
)]
#![cfg_attr(
    feature = "outbound",
    doc = "- [`outbound`]: URLs that people hand in, judged before anybody calls them."
)]
//!
//! The three seams are [`connector`], [`storage`] and [`permission`]; each is a small trait that a host
//! may implement, and is held to its promises by the suites of `garland::testing`.
//!
//! # Crate features
//!
//! Turning a feature on adds items and changes nothing else in garland.
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `local` | yes | a folder on a disk, card or mount as a connector |
//! | `sqlite` | yes | SQLite as the database; compiles C |
//! | `filter` | yes | patterns with the meaning of a `.gitignore` |
//! | `xmp` | yes | a merger for XMP sidecars |
//! | `crypto` | yes | sealed files, keys, tokens, passwords, signatures, the signed record, privacy; pure Rust |
//! | `zones` | yes | the time zones of the world, as part of the program |
//! | `aws-lc` | no | a faster implementation of the same cipher; compiles C |
//! | `bcrypt` | no | reads bcrypt hashes of an older system, to replace them |
//! | `upload` | no | checks of files that people hand in |
//! | `html` | no | rich text through an allow list |
//! | `outbound` | no | the policy for URLs that people hand in |
//! | `http` | no | an HTTP client that holds to it; compiles C |
//! | `cedar` | no | permissions by a host's own policies of Cedar: `permission::cedar`; compiles a little assembly, and turns on `preserve_order` of `serde_json` in the whole program |
//! | `compression` | no | a cache may keep its larger entries compressed |
//! | `metrics` | no | counters and histograms through the `metrics` facade |
//! | `kit` | no | what connectors over HTTP are made of: `connector::kit`; compiles C |
//! | `oauth` | no | accounts connected by OAuth 2.0, their tokens sealed in the database; compiles C |
//! | `testing` | no | conformance suites, accounts in memory, fault injection |
//! | `testing-http` | no | a proxy that spoils what goes through it: `testing::http`; compiles C |
//!
//! # Observability
//!
//! Operations that do I/O run in [`tracing`](https://docs.rs/tracing) spans. No field holds a secret or the
//! content of a file.
//!
//! | span | level | fields |
//! |---|---|---|
//! | `sync.run` | info | `sync.run`, `sync.places` |
//! | `sync.plan` | info | `sync.places` |
//! | `transfer.run` | debug | `file.path`, `file.size`, `transfer.source`, `transfer.destinations` |
//! | `transfer.hash` | debug | `file.path`, `file.size`, `transfer.source` |
//! | `storage.commit` | debug | `storage.writes` |
//! | `keys.rotate` | info | |
//! | `audit.seal` | debug | |
//! | `privacy.erase` | info | |
//! | `oauth.finish`, `oauth.refresh` | debug | |
//! | `upload.check` | debug | `upload.id` |
//! | `http.send` | debug | `http.body` |
//! | `team.read`, `team.list`, `team.write`, `team.remove` | debug | |
//! | `section.read`, `section.list`, `section.create`, `section.patch`, `section.remove` | debug | |
//! | `section.history`, `section.undo`, `section.erase_history` | debug | |
//! | `section.personalize`, `section.arrangement` | debug | |
//! | `section.template`, `section.templates`, `section.keep_template`, `section.remove_template`, `section.use_template`, `section.copy` | debug | |
//! | `section.recompute`, `section.results`, `section.check`, `section.check_results` | debug | |
//! | `section.queue`, `section.mark`, `section.watch` | debug | |
//! | `section.flush` | debug | `section.queue`: `changes`, `marks` |
//! | `section.sync` | info | |
//! | `partner.put`, `partner.get`, `partner.resume`, `partner.remove` | debug | |
//! | `partner.deliver` | info | `partner.id` |
//!
//! These are counted. [`Orchestrator::metrics`] returns them, and a host may add a [`telemetry::Metrics`] of its own; with
//! the feature `metrics` there is one that passes them on to the [`metrics`](https://docs.rs/metrics) facade. Durations
//! are in seconds, by the host's own [`Clock`].
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `garland_transfer_bytes_total` | counter of bytes that destinations took, those sent again included | |
//! | `garland_transfer_files_total` | counter, one for each destination | `outcome`: `delivered`, `conflict`, `cancelled`, `refused`, `failed` |
//! | `garland_transfer_seconds` | histogram | `outcome`: as above, of the file as a whole |
//! | `garland_retries_total` | counter | `operation`: `transfer.run`, `sync.merge`, `files.stat` … |
//! | `garland_resilience_events_total` | counter | `event`: as [`resilience::ResilienceEventKind::code`] |
//! | `garland_resilience_refusals_total` | counter of calls that a layer refused | `layer`: `resilience.breaker`, `resilience.bulkhead` … |
//! | `garland_sync_runs_total` | counter | `outcome`: `complete`, `incomplete`, `conflict`, `cancelled`, `refused`, `failed` |
//! | `garland_sync_seconds` | histogram | `outcome`: as above |
//! | `garland_sync_actions_total` | counter of what was done | `action`: `agree`, `copy`, `delete`, `merge`, `recover`, `rename`, `verify` |
//! | `garland_sync_conflicts_total` | counter of what was met | `kind`: as [`sync::ConflictKind`], in snake case |
//! | `garland_tokens_checked_total` | counter of access tokens | `outcome`: `accepted`, `denied` |
//! | `garland_keys_rewrapped_total` | counter of keys that a rotation wrapped anew | |
//! | `garland_audit_heads_total` | counter of heads signed and recorded | |
//! | `garland_uploads_checked_total` | counter | `outcome`: `clean`, `rejected`, `quarantined`, `failed` |
//! | `garland_bandwidth_bytes_per_second` | gauge of what transfers are given, as of the last look at [`Orchestrator::metrics`] | `direction`: `upload`, `download`; `class`: as [`bandwidth::Class`] |
//! | `garland_bandwidth_streams` | gauge of transfers that share a link, as above | as above |
//! | `garland_cache_questions` | gauge, as a host [tells](cache::CacheStats::tell) it | `cache`: the host's name for it; `answer`: `hit`, `miss`, `stale`, `absent` |
//! | `garland_cache_loads` | gauge, as above | `cache`; `outcome`: `loaded`, `failed` |
//! | `garland_cache_entries`, `garland_cache_weight` | gauges, as above | `cache` |
//! | `garland_journal_lag_seconds` | histogram of how old changes are when a reader takes note of them | `reader`: `permissions` |
//! | `garland_storage_commits_total` | counter | `outcome`: `committed`, `conflict`, `cancelled`, `failed` |
//! | `garland_storage_commit_seconds` | histogram | `outcome`: as above |
//! | `garland_sections_calls_total` | counter of calls of people and sections | `operation`: the span, but for streams; `outcome`: `done`, `denied`, `not_found`, `conflict`, `cancelled`, `refused`, `failed` |
//! | `garland_sections_flushes_total` | counter of tries | `queue`: `changes`, `marks`; `outcome`: `done`, `failed` |
//! | `garland_sections_results_total` | counter of results stored or removed | |
//! | `garland_sections_partner_tries_total` | counter | `outcome`: `delivered`, `retry`, `refused` |
//! | `garland_pool_calls_total` | counter of calls under a permit | `platform`; `outcome`: `answered`, `rate_limited`, `unavailable`, `unauthenticated`, `cancelled` |
//! | `garland_pool_wait_seconds` | histogram of waits for a permit; a free one is no wait | `platform` |
//! | `garland_pool_health_changes_total` | counter | `platform`; `state`: `healthy`, `degraded`, `draining`, `down` |
//! | `garland_sessions_total` | counter | `platform`; `event`: `opened`, `reused`, `connect_failed`, `retired`, `idle`, `invalid`, `broken`, `closing` |
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![warn(clippy::indexing_slicing, clippy::todo)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backends;
mod caching;
mod clock;
pub mod connector;
mod engine;
mod error;
mod id;
mod orchestrator;
pub mod permission;
pub mod platforms;
pub mod storage;
mod studio;
pub mod telemetry;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod wedding;

pub use clock::{Clock, SystemClock, Timestamp};
#[cfg(feature = "crypto")]
pub use engine::audit;
#[cfg(feature = "crypto")]
pub use engine::crypto;
#[cfg(feature = "oauth")]
pub use engine::oauth;
#[cfg(feature = "outbound")]
pub use engine::outbound;
#[cfg(feature = "crypto")]
pub use engine::privacy;
pub use engine::resilience::{layers as resilience, limits};
#[cfg(feature = "upload")]
pub use engine::upload;
#[cfg(all(feature = "crypto", feature = "kit"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crypto", feature = "kit"))))]
pub use engine::webhooks;
pub use engine::{bandwidth, cache, journal, sync, text, transfer};
pub use error::{Error, ErrorKind, Result};
pub use id::{Chance, Ids, OrganizationId, RunId};
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub use orchestrator::Sessions;
pub use orchestrator::{Orchestrator, OrchestratorBuilder, Organization, SyncRequest, SyncRun};
pub use studio::{section, team};

/// The README's Rust is compiled and run as a test of the documentation.
#[cfg(all(doctest, feature = "crypto", feature = "local", feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
