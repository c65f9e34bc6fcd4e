//! Shows that the record of what happened was not bent, cut or swapped for another.
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
