//! What the journal is told about webhooks. Never a secret, never an address.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::ConnectorName;
use crate::engine::journal::{Event, EventKind};
use crate::error::Result;
use crate::permission::{Actor, Resource};
use crate::storage::{Batch, JournalName};

/// A platform sends from now on: until when.
pub(super) const SUBSCRIBED: EventKind = EventKind::new("webhooks.subscribed");
/// A subscription was renewed: until when.
pub(super) const RENEWED: EventKind = EventKind::new("webhooks.renewed");
/// A platform sends no more.
pub(super) const UNSUBSCRIBED: EventKind = EventKind::new("webhooks.unsubscribed");
/// Something was told about an account, or it is time to look: how many hints, and whether a platform told them.
pub(super) const HINTED: EventKind = EventKind::new("webhooks.hinted");

#[derive(Serialize)]
pub(super) struct Until {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
}

#[derive(Serialize)]
pub(super) struct Hinted {
    pub(super) hints: usize,
    pub(super) by_platform: bool,
}

/// Adds an event about an account to the main journal.
pub(super) fn note(
    batch: &mut Batch,
    actor: &Actor,
    kind: EventKind,
    account: &ConnectorName,
    data: &impl Serialize,
) -> Result<()> {
    let event = Event::new(kind)
        .by(actor.clone())
        .about(Resource::new("account", account.as_str()))
        .with_data(data)?;
    batch.append(JournalName::main(), &event)?;
    Ok(())
}
