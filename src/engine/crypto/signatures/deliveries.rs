//! What has come before.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Timestamp};
use crate::engine::crypto::expiry::{ends, sweep};
use crate::error::{ErrorKind, Result};
use crate::storage::{Batch, Collection, Precondition, RecordId, Store};

use super::verifier::Verified;

/// The collection of deliveries that were accepted.
pub const WEBHOOK_DELIVERIES: Collection<WebhookRecord> = Collection::new("webhook_deliveries");

/// One accepted delivery. It holds a digest of its id and nothing of its content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct WebhookRecord {
    /// Where it came from, as the host calls it.
    pub source: String,
    /// When it came.
    pub received: Timestamp,
    /// Until when it is remembered.
    pub ends: Timestamp,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Receipt {
    /// It is new, and the batch is committed.
    Fresh,
    /// It came before: answer as if it were new, and do nothing. Nothing was committed.
    Repeated,
    /// The batch is committed, but nobody can tell whether it came before, for the scheme has nothing
    /// to tell it by. What follows must bear being done twice: follow a cursor, do not count.
    Unknown,
}

/// Tells deliveries that came before, and accepts each once: with the writes it causes, or not at all.
///
/// Of many that come at once with the same id exactly one is [`Fresh`](Receipt::Fresh), whatever process
/// they reach, as long as they share the database.
#[derive(Clone, Debug)]
pub struct Deliveries {
    store: Store,
    clock: Arc<dyn Clock>,
    keep: Duration,
}

impl Deliveries {
    /// How long a delivery is remembered unless set otherwise: 3 days, which is longer than the
    /// retries of the platforms that name their deliveries.
    pub const KEEP: Duration = Duration::from_secs(3 * 86_400);

    /// Remembers deliveries in `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            keep: Self::KEEP,
        }
    }

    /// Sets how long a delivery is remembered, after which a platform must not try it again. It is
    /// never shorter than twice the scheme's window.
    #[must_use]
    pub fn with_keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Accepts a delivery of `source` together with what it causes.
    ///
    /// `source` names the subscription, for ids are unique only within one. `batch` holds the writes by
    /// which the delivery will be acted on; that it is remembered is added to it, so that neither happens
    /// without the other. A batch without writes will do where a repetition only is to be told.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`]: a precondition of the batch did not hold; nothing was committed.
    /// - [`ErrorKind::LimitExceeded`]: the batch has no room for one more write.
    /// - Those of the database. The delivery is then not accepted: let the platform try again.
    ///
    /// # Cancel safety
    /// Safe to drop; both are committed or neither.
    pub async fn accept(&self, source: &str, verified: &Verified, batch: Batch) -> Result<Receipt> {
        let keep = self.keep.max(verified.window.saturating_mul(2));
        self.accept_for(keep, source, verified.id.as_deref(), batch)
            .await
    }

    /// As [`accept`](Self::accept), of a delivery that a connector has checked.
    #[cfg(feature = "kit")]
    pub(crate) async fn accept_named(
        &self,
        source: &str,
        name: Option<&str>,
        batch: Batch,
    ) -> Result<Receipt> {
        self.accept_for(self.keep, source, name, batch).await
    }

    async fn accept_for(
        &self,
        keep: Duration,
        source: &str,
        name: Option<&str>,
        mut batch: Batch,
    ) -> Result<Receipt> {
        let Some(name) = name else {
            self.store.commit(batch).await?;
            return Ok(Receipt::Unknown);
        };
        let now = self.clock.now();
        let record = WebhookRecord {
            source: source.to_owned(),
            received: now,
            ends: now.saturating_add(keep),
        };
        let id = record_id(source, name)?;
        let index = vec![ends(record.ends)?];
        let fresh = Precondition::Absent;
        batch.put_with(&WEBHOOK_DELIVERIES, id.clone(), &record, fresh, index)?;
        match self.store.commit(batch).await {
            Ok(_) => Ok(Receipt::Fresh),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                // The conflict may be the caller's own.
                match self.store.get(&WEBHOOK_DELIVERIES, &id).await? {
                    Some(_) => Ok(Receipt::Repeated),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets deliveries whose time is over, at most `limit` of them, and returns how many. To be called
    /// from time to time, again at once while it returns `limit`.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    /// Safe to drop; what was forgotten stays so.
    pub async fn prune(&self, limit: usize) -> Result<usize> {
        let now = self.clock.now();
        let mut forgotten = 0;
        while forgotten < limit {
            let mut batch = Batch::new(now);
            let most = Batch::MAX.min(limit - forgotten);
            let found = sweep(&mut batch, &self.store, &WEBHOOK_DELIVERIES, most, None).await?;
            if found == 0 {
                break;
            }
            match self.store.commit(batch).await {
                Ok(_) => forgotten += found,
                // Somebody else is at it.
                Err(error) if error.kind() == ErrorKind::Conflict => break,
                Err(error) => return Err(error),
            }
        }
        Ok(forgotten)
    }
}

/// Ids come from outside, so the record is named by a digest. The length keeps source and id apart.
fn record_id(source: &str, id: &str) -> Result<RecordId> {
    let mut hasher = blake3::Hasher::new();
    let length = u64::try_from(source.len()).unwrap_or(u64::MAX);
    hasher.update(&length.to_be_bytes());
    hasher.update(source.as_bytes());
    hasher.update(id.as_bytes());
    RecordId::parse(hasher.finalize().to_hex().to_string())
}
