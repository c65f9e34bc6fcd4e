//! A provider of the tests' own: what RFC 6749, 7636, 8628 and 9207 say, with the habits of real ones and bad days.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use garland::connector::kit::BaseUrl;
use garland::crypto::pkce::{Challenge, Verifier};
use garland::oauth::Provider;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) type Fields = BTreeMap<String, String>;

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Habit {
    /// It stays, and no other is sent, as with Google and Dropbox.
    Stays,
    /// Another is sent and the old one is good for a while, as with Microsoft.
    Forgiving,
    /// Another is sent, and whoever uses the old one again ends everything, as with Box and by RFC 9700.
    #[default]
    Strict,
}

/// A bad moment of the token endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Bad {
    /// It does nothing and answers so.
    Says(u16, Value),
    /// It does what it is asked, and nobody hears of it.
    LostAnswer,
    /// A page for people, as a gateway sends it.
    Page,
    /// It does what it is asked, and answers when it is told to.
    Waits(Arc<Notify>),
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) habit: Habit,
    pub(crate) bad: VecDeque<Bad>,
    /// Lifetimes in seconds.
    pub(crate) expires_in: Option<u64>,
    pub(crate) refresh_expires_in: Option<u64>,
    /// What is left of the refresh token, said with every answer that brings no other.
    pub(crate) remaining: Option<u64>,
    pub(crate) gives_refresh: bool,
    pub(crate) issuer: Option<String>,
    pub(crate) refuses: Option<String>,
    pub(crate) nonce: Option<String>,
    /// Every form that the token endpoint was sent.
    pub(crate) forms: Vec<Fields>,
    pub(crate) headers: Vec<HeaderMap>,
    pub(crate) given: Vec<String>,
    codes: BTreeMap<String, Fields>,
    /// Refresh tokens, and the family each belongs to.
    refresh: BTreeMap<String, u64>,
    spent: BTreeMap<String, u64>,
    ended: BTreeSet<u64>,
    pub(crate) revoked: Vec<String>,
    /// What the next questions of a device are answered: codes of errors, and at the end tokens.
    pub(crate) device: VecDeque<&'static str>,
    pub(crate) device_interval: Option<u64>,
    number: u64,
}

impl Book {
    fn next(&mut self, what: &str) -> String {
        self.number += 1;
        let text = format!("{what}-{}-secret", self.number);
        self.given.push(text.clone());
        text
    }

    fn tokens(&mut self, family: u64, refresh: Option<String>) -> Value {
        let mut answer = json!({"access_token": self.next("access"), "token_type": "Bearer"});
        if let Some(seconds) = self.expires_in {
            answer["expires_in"] = seconds.into();
        }
        if let Some(seconds) = self.remaining.filter(|_| refresh.is_none()) {
            answer["refresh_token_expires_in"] = seconds.into();
        }
        if let Some(token) = refresh {
            self.refresh.insert(token.clone(), family);
            answer["refresh_token"] = token.into();
            if let Some(seconds) = self.refresh_expires_in {
                answer["refresh_token_expires_in"] = seconds.into();
            }
        }
        answer
    }

    fn begin(&mut self, nonce: Option<&str>) -> Value {
        self.number += 1;
        let family = self.number;
        let refresh = self.gives_refresh.then(|| self.next("refresh"));
        let mut answer = self.tokens(family, refresh);
        if let Some(nonce) = nonce {
            answer["id_token"] = id_token(self.nonce.as_deref().unwrap_or(nonce)).into();
        }
        answer
    }

    fn answer(&mut self, form: &Fields) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        match field("grant_type") {
            "authorization_code" => {
                let asked = self.codes.remove(field("code")).ok_or("invalid_grant")?;
                if asked["redirect_uri"] != field("redirect_uri") {
                    return Err("invalid_grant");
                }
                let challenge = Challenge::parse("S256", &asked["code_challenge"]).unwrap();
                let verifier = Verifier::parse(field("code_verifier"));
                if !verifier.is_ok_and(|verifier| challenge.fits(&verifier)) {
                    return Err("invalid_grant");
                }
                Ok(self.begin(asked.get("nonce").map(String::as_str)))
            }
            "refresh_token" => {
                let token = field("refresh_token").to_owned();
                if let Some(family) = self.spent.get(&token) {
                    self.ended.insert(*family);
                    return Err("invalid_grant");
                }
                let family = *self.refresh.get(&token).ok_or("invalid_grant")?;
                if self.ended.contains(&family) {
                    return Err("invalid_grant");
                }
                let refresh = (self.habit != Habit::Stays).then(|| self.next("refresh"));
                if self.habit == Habit::Strict {
                    self.refresh.remove(&token);
                    self.spent.insert(token, family);
                }
                Ok(self.tokens(family, refresh))
            }
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.pop_front() {
                Some("") | None => Ok(self.begin(None)),
                Some(error) => Err(error),
            },
            "client_credentials" | "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                Ok(self.tokens(0, None))
            }
            _ => Err("unsupported_grant_type"),
        }
    }

    /// Ends every consent, as an owner can.
    pub(crate) fn end_all(&mut self) {
        self.refresh.clear();
    }
}

fn id_token(nonce: &str) -> String {
    use base64::Engine as _;
    let claims = json!({"iss": "https://issuer.test", "aud": "app", "exp": 4_000_000_000_u64, "nonce": nonce});
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"RS256"}"#),
        encode(&claims.to_string()),
        encode("x")
    )
}

/// The provider, on a port of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Fake {
    book: Arc<Mutex<Book>>,
    base: BaseUrl,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start(habit: Habit) -> Self {
        let book = Arc::new(Mutex::new(Book {
            habit,
            expires_in: Some(3600),
            gives_refresh: true,
            ..Book::default()
        }));
        let routes = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/device", post(device))
            .route("/revoke", post(revoke))
            .with_state(Arc::clone(&book));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            book,
            base: base.parse().unwrap(),
            task,
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// What hosts know of it.
    pub(crate) fn provider(&self) -> Provider {
        Provider::new("fake", "app", self.base.at("/token"))
            .with_authorization(self.base.at("/authorize"))
            .with_device(self.base.at("/device"))
            .with_revocation(self.base.at("/revoke"))
            .with_scopes(["files"])
    }

    /// How many refreshes it was asked for.
    pub(crate) fn refreshes(&self) -> usize {
        let book = self.book();
        let refreshes = book.forms.iter();
        refreshes
            .filter(|form| form["grant_type"] == "refresh_token")
            .count()
    }
}

/// Reads a form, which is written as a query is.
fn fields(body: &str) -> Fields {
    let address = format!("/?{body}").parse().unwrap();
    Query::try_from_uri(&address).unwrap().0
}

type Shared = State<Arc<Mutex<Book>>>;

async fn authorize(State(book): Shared, Query(asked): Query<Fields>) -> Response {
    let mut book = book.lock().unwrap();
    let mut back = vec![("state", asked["state"].clone())];
    if let Some(issuer) = &book.issuer {
        back.push(("iss", issuer.clone()));
    }
    match &book.refuses {
        Some(error) => back.push(("error", error.clone())),
        None => {
            let code = book.next("code");
            back.push(("code", code.clone()));
            book.codes.insert(code, asked.clone());
        }
    }
    let query: Vec<String> = back
        .iter()
        .map(|(name, value)| format!("{name}={}", garland::connector::kit::encode_segment(value)))
        .collect();
    Redirect::to(&format!("{}?{}", asked["redirect_uri"], query.join("&"))).into_response()
}

async fn token(State(book): Shared, headers: HeaderMap, body: String) -> Response {
    let form = fields(&body);
    let (bad, answer) = {
        let mut book = book.lock().unwrap();
        book.forms.push(form.clone());
        book.headers.push(headers);
        let bad = book.bad.pop_front();
        match bad {
            Some(Bad::Says(status, body)) => {
                let status = StatusCode::from_u16(status).unwrap();
                return (status, Json(body)).into_response();
            }
            Some(Bad::Page) => {
                let html = [(header::CONTENT_TYPE, "text/html")];
                return (html, "<html>Please log in to the hotel's network</html>").into_response();
            }
            _ => (bad, book.answer(&form)),
        }
    };
    match bad {
        Some(Bad::LostAnswer) => {
            // As much of an answer as a broken connection brings.
            return ([(header::CONTENT_TYPE, "application/json")], "{\"acc").into_response();
        }
        Some(Bad::Waits(until)) => until.notified().await,
        _ => {}
    }
    match answer {
        Ok(tokens) => Json(tokens).into_response(),
        Err(error) => {
            let told = json!({"error": error, "error_description": "it is about refresh-1-secret"});
            (StatusCode::BAD_REQUEST, Json(told)).into_response()
        }
    }
}

async fn device(State(book): Shared, body: String) -> Response {
    let mut book = book.lock().unwrap();
    book.forms.push(fields(&body));
    let mut answer = json!({
        "device_code": book.next("device"),
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://example.com/device",
        "expires_in": 600,
    });
    if let Some(interval) = book.device_interval {
        answer["interval"] = interval.into();
    }
    Json(answer).into_response()
}

async fn revoke(State(book): Shared, body: String) -> Response {
    let mut book = book.lock().unwrap();
    let token = fields(&body)["token"].clone();
    book.refresh.remove(&token);
    book.revoked.push(token);
    StatusCode::OK.into_response()
}
