//! What an organization holds about people: given to them, erased with proof, kept while it must be, and
//! deleted when it is old.
//!
//! [`Coverage`] says of every collection what it has to do with people. Garland's own are covered, and a
//! test fails for one that is not; a host adds its own, and whatever lies outside the database as a
//! [`PersonalSource`]. [`Privacy`] goes by that:
//!
//! - [`export`](Privacy::export): everything about one person, as JSON Lines.
//! - [`plan_erasure`](Privacy::plan_erasure), [`erase`](Privacy::erase),
//!   [`verify_erasure`](Privacy::verify_erasure): a dry run, the erasure in steps that may stop anywhere, and
//!   the look whether anything is left. The proof holds no personal data.
//! - [`plan_retention`](Privacy::plan_retention), [`apply_retention`](Privacy::apply_retention): what is old
//!   enough, and the deletion of exactly that.
//! - [`place_hold`](Privacy::place_hold): a legal hold wins over all of it, in the database to the commit,
//!   elsewhere to the last question a source asked ([`HoldCheck`]).
//! - [`restrict`](Privacy::restrict) and [`incident`](Privacy::incident): data that may only be stored, and
//!   what a report of a breach is made from.
//!
//! # Limits
//!
//! - Journals are never rewritten. They hold the host's ids of people and no other personal data, so a host
//!   chooses ids that say nothing and forgets whose they were.
//! - A backup of the database holds what was there when it was made, the wrapped keys of side records among
//!   it: whoever has it and the organization's root can read them. It is erased when the backup is.
//! - An access token that was handed out is good until it runs out: take back everything of the person
//!   ([`revoke_all_before`](crate::crypto::tokens::TokenService::revoke_all_before)) before the erasure.
//! - Paths of files may name people. They are not found by a person's id: erase the files, and the records
//!   of them go.
//! - Legal holds bind what is erased and deleted here. A part that is told itself to remove something, an
//!   upload or a file of a sync, knows nothing of them.
//! - Retention reads the collection from one end to the other. Journals have none, nor have side records and
//!   uploads: a record of those is the only way to a key or to bytes.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use garland::audit::SubjectVault;
//! use garland::backends::Memory;
//! use garland::crypto::{KeyRing, SystemEntropy};
//! # use garland::crypto::{KekId, KeyProvider, SecretKey};
//! use garland::permission::Actor;
//! use garland::privacy::{Coverage, Finder, PersonalData, Privacy, Subject};
//! use garland::storage::{Batch, Collection, Store};
//! use garland::{Clock, OrganizationId, SystemClock};
//! # #[derive(Debug)]
//! # struct Kms;
//! # #[async_trait::async_trait]
//! # impl KeyProvider for Kms {
//! #     async fn wrap(&self, _: &OrganizationId, _: KekId, key: &SecretKey) -> garland::Result<Vec<u8>> {
//! #         Ok(key.expose().to_vec())
//! #     }
//! #     async fn unwrap(&self, _: &OrganizationId, _: KekId, wrapped: &[u8]) -> garland::Result<SecretKey> {
//! #         SecretKey::from_bytes(wrapped)
//! #     }
//! # }
//!
//! const GUESTS: Collection<String> = Collection::new("guests");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> garland::Result<()> {
//! let clock = Arc::new(SystemClock::new());
//! let entropy = Arc::new(SystemEntropy::new());
//! let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
//! let keys = KeyRing::new(store.clone(), Arc::new(Kms), clock.clone(), entropy.clone());
//! let key = keys.shared("privacy-pseudonyms").await?;
//! let vault = SubjectVault::new(store.clone(), keys, clock.clone(), entropy);
//! let guests = PersonalData::found_by(GUESTS.name().clone(), Finder::Id, "who comes");
//! let coverage = Coverage::garland()?.with(guests)?;
//! let privacy = Privacy::new(store.clone(), vault, coverage, key, clock.clone());
//!
//! let mut batch = Batch::new(clock.now());
//! batch.put(&GUESTS, "guest-7".parse()?, &"Anna".to_owned())?;
//! store.commit(batch).await?;
//!
//! let anna = Subject::new("guest-7".parse()?);
//! let plan = privacy.plan_erasure(&anna).await?;
//! assert_eq!(plan.records(), 1);
//! let proof = privacy.erase(&plan, &Actor::Host).await?;
//! assert_eq!(proof.record.places["guests"].deleted, 1);
//! assert!(privacy.verify_erasure(&anna).await?.is_clean());
//! # Ok(())
//! # }
//! ```

mod builtin;
mod check;
mod coverage;
mod entries;
mod erase;
mod export;
mod field;
mod find;
mod hold;
mod holds;
mod incident;
mod plan;
mod proof;
mod restriction;
mod retention;
mod service;
mod source;
mod subject;
#[cfg(feature = "upload")]
mod uploaded;

pub use check::HoldCheck;
pub use coverage::{Coverage, Finder, OnErasure, PersonalData, Redaction};
pub use field::FieldPath;
pub use holds::{HoldScope, LEGAL_HOLD_MARKS, LEGAL_HOLDS, LegalHold};
pub use incident::IncidentReport;
pub use plan::{ErasurePlan, PlannedStep, Remains};
pub use proof::{ErasedRecords, ErasureProof, ErasureRecord, PRIVACY_ERASURES};
pub use restriction::{PRIVACY_RESTRICTIONS, Restriction};
pub use retention::{RetentionItem, RetentionPlan, RetentionReport, RetentionRule};
pub use service::Privacy;
pub use source::PersonalSource;
pub use subject::Subject;
#[cfg(feature = "upload")]
#[cfg_attr(docsrs, doc(cfg(feature = "upload")))]
pub use uploaded::UploadedFiles;
