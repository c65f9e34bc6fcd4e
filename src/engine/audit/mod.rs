//! Shows that the record of what happened was not bent, cut or swapped for another.
//!
//! Every entry of a journal is committed together with the change it tells of, and tied to those before it
//! by its hash ([`journal`](crate::journal)). Whoever can write to the database could still cut the tail
//! off, or build the whole journal anew. So an [`Auditor`] signs its end again and again, over a Merkle
//! tree as in [RFC 6962], and hands each [`SignedHead`] to the host, who keeps it where the database's
//! writers cannot reach.
//!
//! - [`verify`] holds a journal against heads: it finds a change, a removal, an insertion, a swap, a tail cut
//!   off, a journal built anew and a fork, and names where.
//! - [`prove`] shows one entry to somebody without the database, [`prove_growth`] that nothing before an
//!   earlier head was changed.
//! - [`SubjectVault`] keeps what is personal about an event beside the journal, sealed under a key of the
//!   person: it can be erased, and the chain stays valid.
//! - [`export`] writes everything down as JSON Lines, [`verify_export`] checks that alone.
//!
//! # What it does not show
//!
//! Entries behind the last head hang together, and no more: whoever has the database could have written
//! them. Heads that nobody kept elsewhere do not show that a journal was cut back together with its
//! recorded heads. Whoever has the key of [`HmacHeads`] can sign a second journal; a copy of an earlier head
//! still shows it. And nothing shows that what was written down was true when it was.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use garland::audit::{self, Auditor, HmacHeads, VerifyOptions};
//! use garland::backends::Memory;
//! use garland::crypto::{SecretKey, SystemEntropy};
//! use garland::storage::{Batch, JournalName, Store};
//! use garland::{Clock, OrganizationId, SystemClock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> garland::Result<()> {
//! let clock = Arc::new(SystemClock::new());
//! let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
//! let mut batch = Batch::new(clock.now());
//! batch.append(JournalName::main(), "opened")?.append(JournalName::main(), "paid")?;
//! store.commit(batch).await?;
//!
//! let key = Arc::new(HmacHeads::new(SecretKey::generate(&SystemEntropy::new())?));
//! let main = JournalName::main();
//! let auditor = Auditor::new(store.clone(), main.clone(), key.clone(), clock);
//! let head = auditor.seal_now().await?.expect("there are entries");
//!
//! // Later, with the copy of the head that was kept elsewhere:
//! let kept = [head.clone()];
//! let report = audit::verify(&store, &main, &*key, &kept, &VerifyOptions::default()).await?;
//! assert!(report.is_intact());
//! let proof = audit::prove(&store, &main, 2, &head).await?;
//! proof.verify(&*key).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [RFC 6962]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

mod auditor;
mod checkpoint;
mod export;
mod head;
mod offline;
mod paths;
mod prove;
mod records;
mod sides;
mod signer;
mod tree;
mod verify;
mod walk;

pub use auditor::{Auditor, AuditorOptions, HeadSink};
pub use checkpoint::{Checkpoint, Origin};
pub use export::export;
pub use head::{HeadSignature, SignedHead};
pub use offline::{ExportReport, verify_export};
pub use paths::{ConsistencyPath, InclusionPath};
pub use prove::{EntryProof, GrowthProof, prove, prove_growth};
pub use records::{AUDIT_HEADS, HeadRecord};
pub use sides::{
    AUDIT_SIDE_RECORDS, AUDIT_SUBJECTS, Holder, SideOpening, SideRecord, SideRef, SubjectId,
    SubjectRecord, SubjectVault,
};
pub use signer::{HeadSigner, HeadVerifier, HmacHeads, is_genuine};
pub use tree::{Frontier, TreeHash};
pub use verify::{AuditReport, VerifyOptions, VerifyProgress, verify};
pub use walk::AuditBreak;
