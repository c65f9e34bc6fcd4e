//! Acting on what has come.

use crate::connector::{ChangeHint, NamedConnector};
use crate::error::{ErrorKind, Result};
use crate::storage::{Batch, Precondition};

use super::inbox::WebhookInbox;
use super::records::{HintRecord, WEBHOOK_HINTS, id};

impl WebhookInbox {
    /// Acts once on everything that has come: `work` is given each account with where to look, mostly to sync it. What is
    /// acted on without an error is forgotten, unless more has come meanwhile; everything else stays for the next call.
    /// Returns how many accounts were acted on.
    ///
    /// Several processes may act on one hint; `work` has to bear that, as a sync does.
    ///
    /// # Errors
    /// The first error of `work` or of the database; the accounts after it have not been acted on.
    ///
    /// # Cancel safety
    /// Safe to drop; what was not finished is acted on again.
    pub async fn act<W: Future<Output = Result<()>>>(
        &self,
        mut work: impl FnMut(NamedConnector, Vec<ChangeHint>) -> W,
    ) -> Result<usize> {
        let inner = &*self.inner;
        let mut acted = 0;
        for account in inner.accounts.iter() {
            let id = id(account.name())?;
            let Some(waiting) = inner.store.get(&WEBHOOK_HINTS, &id).await? else {
                continue;
            };
            let hints = HintRecord::hints(&waiting.value);
            work(account.clone(), hints).await?;
            acted += 1;
            let mut batch = Batch::new(inner.clock.now());
            batch.delete(&WEBHOOK_HINTS, id, Precondition::At(waiting.version));
            match inner.store.commit(batch).await {
                // More has come, and waits for the next call.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => drop(other?),
            }
        }
        Ok(acted)
    }
}
