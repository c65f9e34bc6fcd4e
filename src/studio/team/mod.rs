//! Who belongs to an organization, and to which weddings it works.
//!
//! A [`Directory`] keeps members and weddings as records in the words of `permissions.md`; what somebody may do is
//! worked out from them. Every call asks the permission resolver first, and every change stands in the journal by ids
//! and kinds, never by contents.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use garland::permission::TrustedHost;
//! use garland::storage::{Precondition, Store};
//! use garland::wedding::{Role, UtcOnly};
//! use garland::{OrganizationId, SystemClock, backends::Memory, team::Directory};
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
//! let (resolver, clock) = (Arc::new(TrustedHost::new()), Arc::new(SystemClock::new()));
//! let team = Directory::new(store, resolver, clock, Arc::new(UtcOnly::new()));
//!
//! let ann = json!({"id": "ann", "organizationId": "default", "role": "vendor"});
//! let written = team.put_member(&ann, Precondition::Absent).await?;
//! team.change_role("ann", Role::Photographer, Precondition::At(written.version)).await?;
//! let found = team.member("ann").await?.expect("was put");
//! assert_eq!(found.value["role"], "photographer");
//!
//! let wrong = json!({"id": "bo", "organizationId": "another"});
//! assert!(team.put_member(&wrong, Precondition::Any).await.is_err());
//! # Ok::<(), garland::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod directory;
mod kind;
mod records;
mod statements;

pub(crate) use check::{check_depth, check_id};
pub use directory::Directory;
pub use records::{
    ACCESS_STATEMENTS, Access, MEMBER_CHANGED, MEMBER_REMOVED, STATEMENT_CHANGED,
    STATEMENT_REMOVED, TEAM_MEMBERS, WEDDING_CHANGED, WEDDING_REMOVED, WEDDINGS, Written,
};
