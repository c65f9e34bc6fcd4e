//! What the journal is told about keys. Never a key, wrapped or not.

use serde::Serialize;

use crate::engine::crypto::wrap::KekId;
use crate::engine::journal::{Event, EventKind};
use crate::error::Result;
use crate::permission::{Actor, Resource};
use crate::storage::{Batch, JournalName};

/// An epoch has begun: `number`, `kek`.
pub(super) const EPOCH_BEGUN: EventKind = EventKind::new("keys.epoch_begun");
/// Keys of files were wrapped anew: under `epoch`, how many `keys`.
pub(super) const ROTATED: EventKind = EventKind::new("keys.rotated");
/// An epoch's own key was destroyed: `number`, `kek`.
pub(super) const EPOCH_RETIRED: EventKind = EventKind::new("keys.epoch_retired");
/// Keys of the subject, a file, were destroyed: one `version` and `purpose`, or how many `keys`.
pub(super) const DESTROYED: EventKind = EventKind::new("keys.destroyed");
/// Keys of epochs were wrapped under another root: how many `epochs`.
pub(super) const ROOT_CHANGED: EventKind = EventKind::new("keys.root_changed");
/// Keys came back from a bundle: how many `keys`.
pub(super) const IMPORTED: EventKind = EventKind::new("keys.imported");

#[derive(Serialize)]
pub(super) struct OfEpoch {
    pub(super) number: u64,
    pub(super) kek: String,
}

impl OfEpoch {
    pub(super) fn new(number: u64, kek: KekId) -> Self {
        let kek = kek.to_string();
        Self { number, kek }
    }
}

#[derive(Serialize)]
pub(super) struct Rotated {
    pub(super) epoch: u64,
    pub(super) keys: usize,
}

#[derive(Serialize)]
pub(super) struct OfKey<'a> {
    pub(super) version: &'a str,
    pub(super) purpose: &'a str,
}

#[derive(Serialize)]
pub(super) struct Counted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epochs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<usize>,
}

/// Adds an event to the main journal.
pub(super) fn note(
    batch: &mut Batch,
    actor: &Actor,
    kind: EventKind,
    file: Option<&str>,
    data: &impl Serialize,
) -> Result<()> {
    let mut event = Event::new(kind).by(actor.clone()).with_data(data)?;
    if let Some(file) = file {
        event = event.about(Resource::new("file", file));
    }
    batch.append(JournalName::main(), &event)?;
    Ok(())
}
