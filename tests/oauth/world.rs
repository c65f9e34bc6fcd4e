//! What the tests stand on.

use std::sync::Arc;

use garland::backends::Memory;
use garland::connector::ConnectorName;
use garland::connector::kit::{
    AccessToken, Credentials as _, HttpClient, HttpOptions, HttpRequest,
};
use garland::crypto::{Entropy, KeyRing, SystemEntropy};
use garland::journal::Event;
use garland::oauth::{
    AuthorizationRequest, Callback, OAuth, OAuthAccount, OAuthOptions, OAuthParts, Provider,
    StartedAuthorization,
};
use garland::storage::{JournalName, StorageBackend, Store};
use garland::{Chance, Clock, Error, ErrorKind, OrganizationId, Result};

use crate::clock::SetClock;
use crate::fake::{Fake, Habit};
use crate::root::Root;

pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/cb";
pub(crate) const SESSION: &str = "browser-7";

/// A studio with one provider.
pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) clock: SetClock,
    pub(crate) backend: Arc<dyn StorageBackend>,
    pub(crate) oauth: OAuth,
}

impl World {
    pub(crate) async fn new(habit: Habit) -> Self {
        Self::with(habit, Arc::new(Memory::new()), OAuthOptions::default()).await
    }

    pub(crate) async fn with(
        habit: Habit,
        backend: Arc<dyn StorageBackend>,
        options: OAuthOptions,
    ) -> Self {
        let fake = Fake::start(habit).await;
        let clock = SetClock::default();
        let oauth = service(&backend, Arc::new(clock.clone()), fake.provider(), options);
        Self {
            fake,
            clock,
            backend,
            oauth,
        }
    }

    /// Another process on the same database.
    pub(crate) fn other(&self) -> OAuth {
        let clock = Arc::new(self.clock.clone());
        service(
            &self.backend,
            clock,
            self.fake.provider(),
            OAuthOptions::default(),
        )
    }

    pub(crate) fn store(&self) -> Store {
        store(&self.backend)
    }

    pub(crate) async fn begin(&self) -> StartedAuthorization {
        let request = AuthorizationRequest::new(name(), "fake", REDIRECT, SESSION);
        self.oauth.begin(request).await.unwrap()
    }

    /// Connects the account.
    pub(crate) async fn connect(&self) -> OAuthAccount {
        let started = self.begin().await;
        let callback = browse(started.url()).await;
        self.oauth.finish(SESSION, &callback).await.unwrap()
    }

    /// The kinds of the events about accounts, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let events = self.all_events().await.into_iter();
        events.map(|event| event.kind.to_string()).collect()
    }

    pub(crate) async fn all_events(&self) -> Vec<Event> {
        let journal = JournalName::main();
        let entries = self.store().read_journal(&journal, 0, 1_000).await.unwrap();
        let events = entries.iter().map(|entry| entry.event.read::<Event>());
        let events = events.map(std::result::Result::unwrap);
        events
            .filter(|event| event.kind.as_str().starts_with("oauth."))
            .collect()
    }
}

pub(crate) fn service(
    backend: &Arc<dyn StorageBackend>,
    clock: Arc<dyn Clock>,
    provider: Provider,
    options: OAuthOptions,
) -> OAuth {
    OAuth::new(parts(backend, clock), [provider], options).unwrap()
}

pub(crate) fn parts(backend: &Arc<dyn StorageBackend>, clock: Arc<dyn Clock>) -> OAuthParts {
    parts_of(store(backend), clock)
}

pub(crate) fn parts_of(store: Store, clock: Arc<dyn Clock>) -> OAuthParts {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let root = Arc::new(Root { binds: true });
    OAuthParts {
        keys: KeyRing::new(
            store.clone(),
            root,
            Arc::clone(&clock),
            Arc::clone(&entropy),
        ),
        store,
        client: HttpClient::new(HttpOptions::default()).unwrap(),
        clock,
        entropy,
        chance: Chance::seeded(6),
    }
}

pub(crate) fn store(backend: &Arc<dyn StorageBackend>) -> Store {
    Store::new(Arc::clone(backend), OrganizationId::default())
}

pub(crate) fn name() -> ConnectorName {
    "archive".parse().unwrap()
}

/// Goes where a browser is sent, and brings what it comes back with.
pub(crate) async fn browse(url: &str) -> Callback {
    Callback::parse(&redirected(url).await).unwrap()
}

pub(crate) async fn redirected(url: &str) -> String {
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    let answer = client.send(HttpRequest::get(url)).await.unwrap();
    assert_eq!(answer.status(), 303, "the provider sends the browser back");
    answer.header("location").unwrap().to_owned()
}

/// A request that an account has signed.
pub(crate) async fn signed(account: &OAuthAccount) -> Result<HttpRequest> {
    let mut request = HttpRequest::get("https://api.example.com/");
    account.sign(&mut request).await?;
    Ok(request)
}

pub(crate) fn text(token: &AccessToken) -> String {
    token.expose().to_owned()
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error
}
