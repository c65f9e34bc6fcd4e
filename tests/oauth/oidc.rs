//! Against `oidc-provider`, which is certified by the foundation behind `OpenID`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use garland::backends::Sqlite;
use garland::connector::kit::{Credentials as _, HttpAnswer, HttpClient, HttpOptions, HttpRequest};
use garland::oauth::{
    AccountState, AuthorizationRequest, Callback, ClientAuthentication, ClientCredentials, OAuth,
    OAuthAccount, OAuthOptions, Provider, ReconnectReason,
};
use garland::storage::StorageBackend;
use garland::{Clock, ErrorKind, Result, SystemClock};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::world::{REDIRECT, SESSION, name, parts, refused, text};

struct Server {
    issuer: String,
    _process: Child,
}

/// Starts the provider; `None`, said plainly, where it is not installed and not required.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says there whether servers are required"
)]
async fn server() -> Option<Server> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = root.join(".srv/npm/node_modules");
    if !modules.join("oidc-provider").exists() {
        let required = std::env::var("GARLAND_SERVERS").is_ok_and(|value| value == "required");
        assert!(
            !required,
            "{} has no oidc-provider: run scripts/servers",
            modules.display()
        );
        println!("skipped: no oidc-provider in .srv/npm; scripts/servers sets it up");
        return None;
    }
    let mut process = Command::new("node")
        .arg(root.join("tests/oauth/oidc.mjs"))
        .arg(&modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = loop {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the provider starts");
        if let Ok(port) = line.parse::<u16>() {
            break port;
        }
    };
    // What it says later is of no interest, and must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let issuer = format!("http://127.0.0.1:{port}");
    Some(Server {
        issuer,
        _process: process,
    })
}

impl Server {
    fn provider(&self) -> Provider {
        let at = |path: &str| format!("{}{path}", self.issuer);
        Provider::new("oidc", "app", at("/token"))
            .with_authorization(at("/auth"))
            .with_device(at("/device/auth"))
            .with_revocation(at("/token/revocation"))
            .with_issuer(&self.issuer, true)
            .with_scopes(["openid", "offline_access"])
            .with_parameter("prompt", "consent")
    }

    fn service(&self, backend: &Arc<dyn StorageBackend>) -> OAuth {
        let clock = Arc::new(SystemClock::new());
        OAuth::new(
            parts(backend, clock),
            [self.provider()],
            OAuthOptions::default(),
        )
        .unwrap()
    }
}

/// A person with a browser: cookies, redirects, and the provider's own pages, where they say yes.
struct Person {
    client: HttpClient,
    issuer: String,
    cookies: BTreeMap<String, String>,
}

impl Person {
    fn new(server: &Server) -> Self {
        Self {
            client: HttpClient::new(HttpOptions::default()).unwrap(),
            issuer: server.issuer.clone(),
            cookies: BTreeMap::new(),
        }
    }

    async fn send(&mut self, request: HttpRequest) -> HttpAnswer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let answer = self
            .client
            .send(request.header("cookie", cookies.join("; ")))
            .await
            .unwrap();
        let set: Vec<(String, String)> = answer
            .headers()
            .filter(|(name, _)| *name == "set-cookie")
            .filter_map(|(_, cookie)| cookie.split(';').next()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.cookies.extend(set);
        answer
    }

    /// Goes where they are sent, says yes to everything, and returns where that ends.
    async fn agree(&mut self, url: &str) -> String {
        let mut request = HttpRequest::get(url);
        for _ in 0..16 {
            let answer = self.send(request).await;
            if let Some(to) = answer.header("location") {
                if to.starts_with(REDIRECT) {
                    return to.to_owned();
                }
                request = HttpRequest::get(self.whole(to));
                continue;
            }
            let page = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
            let Some(action) = between(&page, "action=\"", "\"") else {
                return page;
            };
            let mut fields = vec![("login", "alice"), ("password", "x")];
            for name in ["prompt", "xsrf", "user_code", "confirm"] {
                let field = between(&page, &format!("name=\"{name}\" value=\""), "\"");
                fields.extend(field.map(|value| (name, value)));
            }
            request = HttpRequest::post(self.whole(action)).form(fields);
        }
        panic!("the provider sends in circles");
    }

    fn whole(&self, address: &str) -> String {
        if address.starts_with('/') {
            format!("{}{address}", self.issuer)
        } else {
            address.to_owned()
        }
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

async fn connect(server: &Server, oauth: &OAuth) -> OAuthAccount {
    let request = AuthorizationRequest::new(name(), "oidc", REDIRECT, SESSION);
    let started = oauth.begin(request).await.unwrap();
    let back = Person::new(server).agree(started.url()).await;
    let callback = Callback::parse(&back).unwrap();
    oauth.finish(SESSION, &callback).await.unwrap()
}

async fn database(folder: &Path) -> Arc<dyn StorageBackend> {
    Arc::new(Sqlite::open(folder.join("studio.db")).await.unwrap())
}

/// Uses a refresh token behind the account's back, as a thief does.
async fn replay(server: &Server, account: &OAuthAccount, token: &str) -> Result<HttpAnswer> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "app"),
    ];
    let client = HttpClient::new(HttpOptions::default())?;
    println!("a thief has a token of {}", account.name());
    client
        .send(HttpRequest::post(server.provider().token).form(form))
        .await
}

#[tokio::test]
async fn a_whole_life_of_an_account() {
    let Some(server) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let oauth = server.service(&database);
    let account = connect(&server, &oauth).await;
    let first = account.token().await.unwrap();
    account.refresh().await.unwrap();
    assert_ne!(
        text(&account.token().await.unwrap()),
        text(&first),
        "a refresh rotates"
    );
    let mut request = HttpRequest::get(format!("{}/me", server.issuer));
    account.sign(&mut request).await.unwrap();
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    assert_eq!(
        client.send(request).await.unwrap().status(),
        200,
        "the provider takes it"
    );
    assert!(
        oauth.disconnect(&name()).await.unwrap(),
        "it is revoked there"
    );
    refused(account.token().await, ErrorKind::Unauthenticated);
    let again = connect(&server, &oauth).await;
    again.refresh().await.unwrap();
}

#[tokio::test]
async fn wrong_proofs_are_refused_there() {
    let Some(server) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let oauth = server.service(&database);
    let begin = async || {
        let request = AuthorizationRequest::new(name(), "oidc", REDIRECT, SESSION);
        oauth.begin(request).await.unwrap()
    };
    // The code of one authorization under the state of another: the verifier does not fit.
    let (mine, theirs) = (begin().await, begin().await);
    let back = Person::new(&server).agree(theirs.url()).await;
    let (head, _) = back.split_once("state=").unwrap();
    let tail = between(&back, "state=", "&").map_or("", |state| {
        back.split_once(state).map_or("", |(_, tail)| tail)
    });
    let mixed = Callback::parse(&format!("{head}state={}{tail}", mine.state())).unwrap();
    refused(
        oauth.finish(SESSION, &mixed).await,
        ErrorKind::Unauthenticated,
    );
    // Without a challenge it gives no code at all.
    let bare = begin().await;
    let url: String = bare
        .url()
        .replace("code_challenge=", "x=")
        .replace("code_challenge_method=", "y=");
    let back = Person::new(&server).agree(&url).await;
    let callback = Callback::parse(&back).unwrap();
    assert!(callback.is_refusal(), "{back}");
    refused(
        oauth.finish(SESSION, &callback).await,
        ErrorKind::InvalidInput,
    );
    // One that says no.
    let denied = begin().await;
    let iss = garland::connector::kit::encode_segment(&server.issuer).into_owned();
    let query = format!("error=access_denied&state={}&iss={iss}", denied.state());
    let callback = Callback::parse(&query).unwrap();
    refused(oauth.finish(SESSION, &callback).await, ErrorKind::Denied);
    refused(oauth.finish(SESSION, &callback).await, ErrorKind::Refused);
}

/// A thief has used the old refresh token: the provider ends everything, and the account says so.
#[tokio::test]
async fn a_replay_ends_the_account_and_it_says_so() {
    let Some(server) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let recorder = Arc::new(std::sync::Mutex::new(Vec::new()));
    let proxy = Watched::start(&server, Arc::clone(&recorder)).await;
    let provider = server.provider().with_token(proxy.address());
    let clock = Arc::new(SystemClock::new());
    let oauth = OAuth::new(parts(&database, clock), [provider], OAuthOptions::default()).unwrap();
    let account = connect(&server, &oauth).await;
    account.refresh().await.unwrap();
    let old = recorder.lock().unwrap().last().cloned().unwrap();
    let old = between(&format!("{old}&"), "refresh_token=", "&")
        .unwrap()
        .to_owned();
    let answer = replay(&server, &account, &old).await.unwrap();
    assert_eq!(answer.status(), 400);
    refused(account.refresh().await, ErrorKind::Unauthenticated);
    let record = account.record().await.unwrap();
    assert_eq!(
        record.state,
        AccountState::NeedsReconnect(ReconnectReason::Refused)
    );
}

/// Two services over one database, one provider that forgives nothing, a hundred rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_race_a_hundred_times_and_lose_nothing() {
    let Some(server) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let (here, there) = (server.service(&database), server.service(&database));
    let one = connect(&server, &here).await;
    let other = there.account(&name()).await.unwrap();
    for round in 0..100 {
        let (a, b) = tokio::join!(one.refresh(), other.refresh());
        assert!(a.is_ok() && b.is_ok(), "round {round}: {a:?} {b:?}");
    }
    let record = one.record().await.unwrap();
    assert_eq!(record.state, AccountState::Connected);
    println!("{} refreshes in 200 wishes", record.generation - 1);
    assert!(
        (100..=200).contains(&(record.generation - 1)),
        "{}",
        record.generation
    );
    other.refresh().await.unwrap();
}

#[tokio::test]
async fn a_program_has_a_name_of_its_own() {
    let Some(server) = server().await else { return };
    let basic = ClientAuthentication::Basic("robot secret/1".into());
    let provider = Provider::new("oidc", "robot", format!("{}/token", server.issuer));
    let client = || HttpClient::new(HttpOptions::default()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let good = provider.clone().with_authentication(basic);
    let own = ClientCredentials::new(good, client(), Arc::clone(&clock)).unwrap();
    own.token().await.unwrap();
    let wrong = ClientAuthentication::Basic("robot secret/2".into());
    let bad = provider.with_authentication(wrong);
    let bad = ClientCredentials::new(bad, client(), clock).unwrap();
    refused(bad.token().await, ErrorKind::Denied);
}

#[tokio::test]
async fn an_account_is_connected_by_a_device() {
    let Some(server) = server().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let oauth = server.service(&database);
    let mut device = oauth.begin_device(name(), "oidc").await.unwrap();
    let url = device.whole_address().unwrap().to_owned();
    let page = Person::new(&server).agree(&url).await;
    assert!(
        page.contains("Sign-in Success") || page.contains("Continue"),
        "{page}"
    );
    let account = oauth.finish_device(&mut device).await.unwrap();
    account.refresh().await.unwrap();
}

/// Stands before the token endpoint and writes down what is asked.
struct Watched {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    async fn start(server: &Server, book: Arc<std::sync::Mutex<Vec<String>>>) -> Self {
        use axum::routing::post;
        let target = server.provider().token;
        let client = HttpClient::new(HttpOptions::default()).unwrap();
        let pass = move |body: String| async move {
            book.lock().unwrap().push(body.clone());
            let form = "application/x-www-form-urlencoded";
            let answer = client
                .send(HttpRequest::post(target).body(form, body))
                .await
                .unwrap();
            let status = axum::http::StatusCode::from_u16(answer.status()).unwrap();
            let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
            (status, json, answer.bytes().await.unwrap())
        };
        let routes = axum::Router::new().route("/token", post(pass));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/token", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, task }
    }

    fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}
