//! What the journal is told about accounts. Never a token.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::ConnectorName;
use crate::engine::journal::{Event, EventKind};
use crate::error::Result;
use crate::permission::{Actor, Resource};
use crate::storage::{Batch, JournalName};

/// An account was connected, for the first time or again: `provider`, `scopes`.
pub(super) const CONNECTED: EventKind = EventKind::new("oauth.connected");
/// Its tokens were refreshed: `provider`, the new `generation`, whether the refresh token `rotated`.
pub(super) const REFRESHED: EventKind = EventKind::new("oauth.refreshed");
/// Somebody has to connect it again: `provider`, `reason`, and `until` when it works yet, if that is known.
pub(super) const NEEDS_RECONNECT: EventKind = EventKind::new("oauth.needs_reconnect");
/// It was disconnected: `provider`, whether its tokens were `revoked` there.
pub(super) const DISCONNECTED: EventKind = EventKind::new("oauth.disconnected");

#[derive(Serialize)]
pub(super) struct Connected<'a> {
    pub(super) provider: &'a str,
    pub(super) scopes: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Refreshed<'a> {
    pub(super) provider: &'a str,
    pub(super) generation: u64,
    pub(super) rotated: bool,
}

#[derive(Serialize)]
pub(super) struct NeedsReconnect<'a> {
    pub(super) provider: &'a str,
    pub(super) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
}

#[derive(Serialize)]
pub(super) struct Disconnected<'a> {
    pub(super) provider: &'a str,
    pub(super) revoked: bool,
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
