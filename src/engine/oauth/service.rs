//! The accounts of one organization.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::TryStreamExt as _;

use crate::clock::{Clock, Timestamp};
use crate::connector::kit::HttpClient;
use crate::connector::{ConnectorName, to_hex};
use crate::engine::crypto::{Entropy, KeyRing, draw};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Chance, Ids, RunId};
use crate::permission::Actor;
use crate::storage::{Batch, Precondition, Query, Store, Versioned};

use super::account::OAuthAccount;
use super::answer;
use super::connection::Connection;
use super::events::{CONNECTED, Connected, DISCONNECTED, Disconnected, note};
use super::options::OAuthOptions;
use super::provider::Provider;
use super::records::{AccountRecord, AccountState, OAUTH_ACCOUNTS, TokenSet, id};
use super::revoke::revoke;
use super::tasks::Tasks;

/// What an [`OAuth`] works with.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "each part is needed, and a host names them all"
)]
pub struct OAuthParts {
    /// Where accounts are kept.
    pub store: Store,
    /// The keys of the same organization, that tokens are sealed with.
    pub keys: KeyRing,
    /// What asks the providers.
    pub client: HttpClient,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where states, verifiers and nonces come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where jitter comes from.
    pub chance: Chance,
}

/// Connects accounts of one organization at platforms, and keeps their tokens fresh. Cheap to clone.
///
/// Of one store there may be any number, in as many processes: one of them at a time refreshes an account, and the others
/// use what it got. What is under way ends with the last clone and the last [`OAuthAccount`]; [`close`](Self::close) waits
/// for it.
#[derive(Clone)]
pub struct OAuth {
    inner: Arc<Inner>,
    tasks: Arc<Tasks>,
    actor: Actor,
}

/// What a service and its accounts share.
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) keys: KeyRing,
    pub(super) client: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) chance: Chance,
    pub(super) options: OAuthOptions,
    /// Names this service in leases.
    pub(super) run: RunId,
    providers: BTreeMap<String, Arc<Provider>>,
    connections: Mutex<BTreeMap<ConnectorName, Weak<Connection>>>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("organization", self.inner.store.organization())
            .field("providers", &self.inner.providers.keys())
            .finish_non_exhaustive()
    }
}

impl OAuth {
    /// Binds accounts in a store to their providers. Nothing is read yet.
    ///
    /// # Errors
    /// - As [`Provider::check`].
    /// - [`ErrorKind::AlreadyExists`]: two providers of one id.
    pub fn new(
        parts: OAuthParts,
        providers: impl IntoIterator<Item = Provider>,
        options: OAuthOptions,
    ) -> Result<Self> {
        let mut by_id = BTreeMap::new();
        for provider in providers {
            provider.check()?;
            let id = provider.id.clone();
            if by_id.insert(id.clone(), Arc::new(provider)).is_some() {
                let message = "two providers have one id";
                return Err(Error::new(ErrorKind::AlreadyExists, "oauth.new", message)
                    .with_context("provider", id));
            }
        }
        let ids = Ids::new(Arc::clone(&parts.clock), parts.chance.clone());
        let inner = Inner {
            store: parts.store,
            keys: parts.keys,
            client: parts.client,
            clock: parts.clock,
            entropy: parts.entropy,
            chance: parts.chance,
            options,
            run: RunId::generate(&ids),
            providers: by_id,
            connections: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            tasks: Arc::default(),
            actor: Actor::default(),
        })
    }

    /// Names who acts, for the journal. Default: the host. Of clones, each has its own. Refreshes are always the host's.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Returns a connected account, for a connector's credentials. Those of one name share their tokens.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is none of this name, or its provider is not known here.
    /// - [`ErrorKind::Corrupt`]: its tokens cannot be opened.
    /// - Those of the keys and the database.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn account(&self, name: &ConnectorName) -> Result<OAuthAccount> {
        let record = self.inner.record(name).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "oauth.account",
                "no account of this name is connected",
            )
            .with_context("account", name)
        })?;
        let provider = self.inner.provider(&record.value.provider)?;
        let connection = self.inner.connection(name, provider);
        connection.take(&record).await?;
        Ok(OAuthAccount::new(connection, Arc::clone(&self.tasks)))
    }

    /// Returns what is recorded of every account, ordered by name.
    ///
    /// # Errors
    /// Those of the database.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn accounts(&self) -> Result<Vec<(ConnectorName, AccountRecord)>> {
        let query = Query::all(OAUTH_ACCOUNTS.name().clone());
        let records = self.inner.store.all(&OAUTH_ACCOUNTS, query);
        let named = |record: Versioned<AccountRecord>| async move {
            let name: ConnectorName = record.id.as_str().parse()?;
            Ok((name, record.value))
        };
        records.and_then(named).try_collect().await
    }

    /// Forgets an account, and gives its tokens back if the provider takes them: returns whether it did.
    ///
    /// The key of the tokens is destroyed, so that nobody reads them in a backup. Where the provider cannot be reached the
    /// account is forgotten all the same; its owner can end the access at the provider.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is none of this name.
    /// - Those of the database.
    ///
    /// # Cancel safety
    /// After a drop the tokens may be revoked and the account still be there: call again.
    pub async fn disconnect(&self, name: &ConnectorName) -> Result<bool> {
        let mut revoked = None;
        loop {
            let record = self.inner.record(name).await?.ok_or_else(|| {
                let message = "no account of this name is connected";
                Error::new(ErrorKind::NotFound, "oauth.disconnect", message)
                    .with_context("account", name)
            })?;
            let account = &record.value;
            let edition = account.edition();
            let revoked = match &revoked {
                Some((of, done)) if *of == edition => *done,
                _ => {
                    let done = self.inner.revoke_all(account).await;
                    revoked = Some((edition, done));
                    done
                }
            };
            let mut batch = Batch::new(self.inner.clock.now());
            let at = Precondition::At(record.version);
            batch.delete(&OAUTH_ACCOUNTS, record.id.clone(), at);
            let keys = self.inner.keys.clone().acting_as(self.actor.clone());
            keys.destroy(&mut batch, &account.key())?;
            let provider = &account.provider;
            let data = Disconnected { provider, revoked };
            note(&mut batch, &self.actor, DISCONNECTED, name, &data)?;
            match self.inner.store.commit(batch).await {
                // Refreshed meanwhile: there are other tokens to revoke.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    done?;
                    if let Some(connection) = self.inner.live(name) {
                        connection.forget();
                    }
                    return Ok(revoked);
                }
            }
        }
    }

    /// Waits until no refresh is under way, and what one got is stored.
    ///
    /// # Errors
    /// The fault that keeps tokens from being stored: they are in memory only, and lost with it.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn close(&self) -> Result<()> {
        for connection in self.inner.all_live() {
            connection.hurry();
        }
        self.tasks.idle().await;
        for connection in self.inner.all_live() {
            connection.save_left().await?;
        }
        Ok(())
    }

    /// Keeps new tokens of an account, in the place of any that were there.
    pub(super) async fn keep(
        &self,
        name: &ConnectorName,
        provider: &Provider,
        scopes: &[String],
        answer: &answer::Tokens,
        now: Timestamp,
    ) -> Result<()> {
        let inner = &self.inner;
        let tokens = TokenSet::of(answer, None);
        loop {
            let found = inner.record(name).await?;
            let generation = found.as_ref().map_or(0, |found| found.value.generation);
            let mut record = AccountRecord {
                provider: provider.id.clone(),
                scopes: scopes.to_vec(),
                state: AccountState::Connected,
                connected: now,
                refreshed: now,
                expires: None,
                refresh_given: now,
                refresh_ends: None,
                generation: generation.saturating_add(1),
                holder: to_hex(&draw::<16>(&*inner.entropy)?),
                sealed: String::new(),
            };
            record.settle(answer, provider, now, inner.options.notice);
            // It was connected just now; that it will not last is said in good time.
            record.state = AccountState::Connected;
            let mut batch = Batch::new(now);
            let keys = inner.keys.clone().acting_as(self.actor.clone());
            let key = keys.create(&mut batch, &record.key()).await?;
            let organization = inner.store.organization();
            record.seal(key, organization, &tokens, &*inner.entropy)?;
            let precondition = match &found {
                Some(found) => {
                    keys.destroy(&mut batch, &found.value.key())?;
                    Precondition::At(found.version)
                }
                None => Precondition::Absent,
            };
            batch.put_with(
                &OAUTH_ACCOUNTS,
                id(name)?,
                &record,
                precondition,
                Vec::new(),
            )?;
            let data = Connected {
                provider: &record.provider,
                scopes: &record.scopes,
            };
            note(&mut batch, &self.actor, CONNECTED, name, &data)?;
            match inner.store.commit(batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                kept => return kept.map(drop),
            }
        }
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Inner {
    pub(super) fn provider(&self, id: &str) -> Result<Arc<Provider>> {
        self.providers.get(id).cloned().ok_or_else(|| {
            let message = "no provider of this id was given";
            Error::new(ErrorKind::NotFound, "oauth.provider", message).with_context("provider", id)
        })
    }

    pub(super) async fn record(
        &self,
        name: &ConnectorName,
    ) -> Result<Option<Versioned<AccountRecord>>> {
        self.store.get(&OAUTH_ACCOUNTS, &id(name)?).await
    }

    /// Gives back the tokens of an account; tells whether the provider has them all.
    async fn revoke_all(&self, account: &AccountRecord) -> bool {
        let Ok(provider) = self.provider(&account.provider) else {
            return false;
        };
        let organization = self.store.organization();
        match account.open(&self.keys, organization).await {
            Ok(tokens) => revoke(self, &provider, &tokens).await,
            // What nobody can read cannot be given back, and need not keep an account from being forgotten.
            Err(_) => false,
        }
    }

    /// The one connection of this name.
    pub(super) fn connection(
        self: &Arc<Self>,
        name: &ConnectorName,
        provider: Arc<Provider>,
    ) -> Arc<Connection> {
        let mut connections = self.connections();
        if let Some(live) = connections.get(name).and_then(Weak::upgrade)
            && live.provider().id == provider.id
        {
            return live;
        }
        connections.retain(|_, connection| connection.strong_count() > 0);
        let connection = Arc::new(Connection::new(Arc::clone(self), name.clone(), provider));
        connections.insert(name.clone(), Arc::downgrade(&connection));
        connection
    }

    fn live(&self, name: &ConnectorName) -> Option<Arc<Connection>> {
        self.connections().get(name).and_then(Weak::upgrade)
    }

    fn all_live(&self) -> Vec<Arc<Connection>> {
        self.connections()
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<ConnectorName, Weak<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
