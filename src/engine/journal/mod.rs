//! The record of everything that happened, in order, and the tools around it.
//!
//! A change and its [`Event`] are committed together, so the main journal of an organization is
//! complete: audit, live clients, webhooks and notifications all read it, each from its own place
//! by a [`Subscription`]. Every entry is tied to those before it by its hash: [`verify`] finds any
//! change, removal or swap, [`export`] writes it down for others.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use garland::{OrganizationId, Timestamp, backends::Memory, journal};
//! use garland::storage::{Batch, JournalName, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! const OPENED: journal::EventKind = journal::EventKind::new("gallery.opened");
//!
//! let store = Store::new(Arc::new(Memory::new()), OrganizationId::default());
//! let mut batch = Batch::new(Timestamp::from_millis(0));
//! batch.append(JournalName::main(), &journal::Event::new(OPENED))?;
//! store.commit(batch).await?;
//!
//! let options = journal::SubscriptionOptions::default();
//! let mut entries = journal::Subscription::new(store.clone(), JournalName::main(), 0, options);
//! let entry = entries.next().await?;
//! assert_eq!(entry.event.read::<journal::Event>()?.kind, OPENED);
//! assert!(journal::verify(&store, &JournalName::main(), &[]).await?.is_intact());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod event;
mod export;
#[cfg(feature = "crypto")]
mod lines;
mod subscription;
mod verify;

pub use chain::{Break, Chain};
pub use event::{Event, EventKind};
pub use export::export;
#[cfg(feature = "crypto")]
pub(crate) use lines::Lines;
pub use subscription::{Subscription, SubscriptionOptions};
pub use verify::{Verification, verify};
