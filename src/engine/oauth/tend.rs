//! Looking after accounts before something happens.

use crate::connector::ConnectorName;
use crate::error::{Error, Result};

use super::account::OAuthAccount;
use super::records::{AccountState, ReconnectReason};
use super::service::OAuth;

/// How accounts were found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Tended {
    /// How many accounts there are.
    pub accounts: usize,
    /// Those that somebody has to connect again, and why.
    pub need_reconnect: Vec<(ConnectorName, ReconnectReason)>,
    /// Those that could not be refreshed now, although it was time.
    pub failed: Vec<(ConnectorName, Error)>,
}

impl OAuth {
    /// Looks after every account: refreshes those whose refresh token runs out soon, and puts on record which of them
    /// somebody has to connect again. A host calls it about once an hour; accounts that are in use look after themselves.
    ///
    /// # Errors
    /// Those of the database. What goes wrong with one account stands in [`Tended::failed`].
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn tend(&self) -> Result<Tended> {
        let mut tended = Tended::default();
        let (now, notice) = (self.inner().clock.now(), self.inner().options.notice);
        for (name, record) in self.accounts().await? {
            tended.accounts += 1;
            let mut state = record.state;
            if state == AccountState::Connected && record.is_ending(now, notice) {
                if let Err(error) = self.look_after(&name).await {
                    tended.failed.push((name.clone(), error));
                }
                let again = self.inner().record(&name).await?;
                state = again.map_or(AccountState::Connected, |record| record.value.state);
            }
            if let AccountState::NeedsReconnect(reason) = state {
                tended.need_reconnect.push((name, reason));
            }
        }
        Ok(tended)
    }

    async fn look_after(&self, name: &ConnectorName) -> Result<()> {
        let account: OAuthAccount = self.account(name).await?;
        let refreshed = account.refresh().await;
        // Whether or not that went well, it is time to say so unless there is a newer token.
        account.mark_ending().await?;
        refreshed
    }
}
