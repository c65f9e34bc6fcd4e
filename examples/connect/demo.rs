//! A provider for the demonstration: it says yes to everybody, but only to who proves that they asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use garland::connector::kit::{BaseUrl, HttpClient, HttpOptions, HttpRequest};
use garland::crypto::pkce::{Challenge, Verifier};
use garland::oauth::Provider;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::Outcome;

type Fields = HashMap<String, String>;

/// What the provider has given: codes with what they were asked by, and the one refresh token that is good.
#[derive(Debug, Default)]
struct Book {
    codes: HashMap<String, Fields>,
    refresh: String,
    number: u32,
}

type Shared = Arc<Mutex<Book>>;

/// The provider and the browser.
#[derive(Debug)]
pub(crate) struct Demo {
    base: BaseUrl,
    client: HttpClient,
    server: JoinHandle<()>,
    browser: Mutex<JoinSet<()>>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Demo {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?).parse()?;
        let routes = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(async || StatusCode::OK))
            .with_state(Shared::default());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("the provider of the demonstration ended: {error}");
            }
        });
        Ok(Self {
            base,
            client: HttpClient::new(HttpOptions::default())?,
            server,
            browser: Mutex::default(),
        })
    }

    pub(crate) fn provider(&self) -> Provider {
        Provider::new("demo", "connect-example", self.base.at("/token"))
            .with_authorization(self.base.at("/authorize"))
            .with_revocation(self.base.at("/revoke"))
            .with_scopes(["files"])
    }

    /// Goes where the browser is sent, and from there to where the provider sends it.
    pub(crate) fn say_yes(&self, url: &str) {
        let (client, url) = (self.client.clone(), url.to_owned());
        let visit = async move {
            let answer = client.send(HttpRequest::get(url)).await?;
            let back = answer.header("location").unwrap_or_default().to_owned();
            client.send(HttpRequest::get(back)).await
        };
        let mut browser = self.browser.lock().unwrap_or_else(PoisonError::into_inner);
        browser.spawn(async move {
            if let Err(error) = visit.await {
                eprintln!("the browser of the demonstration: {error}");
            }
        });
    }
}

async fn authorize(State(book): State<Shared>, Query(asked): Query<Fields>) -> Response {
    let (Some(redirect), Some(state)) = (asked.get("redirect_uri"), asked.get("state")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    book.number += 1;
    let code = format!("code-{}", book.number);
    let back = format!("{redirect}?state={state}&code={code}");
    book.codes.insert(code, asked);
    Redirect::to(&back).into_response()
}

async fn token(State(book): State<Shared>, body: String) -> Response {
    let form = format!("/?{body}").parse().ok();
    let form = form.and_then(|uri| Query::<Fields>::try_from_uri(&uri).ok());
    let Some(Query(form)) = form else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let is_good = match field("grant_type") {
        "authorization_code" => book.codes.remove(field("code")).is_some_and(|asked| {
            let challenge = asked
                .get("code_challenge")
                .map(|text| text.parse::<Challenge>());
            let verifier = Verifier::parse(field("code_verifier"));
            match (challenge, verifier) {
                (Some(Ok(challenge)), Ok(verifier)) => challenge.fits(&verifier),
                _ => false,
            }
        }),
        "refresh_token" => field("refresh_token") == book.refresh,
        _ => false,
    };
    if !is_good {
        let no = Json(json!({"error": "invalid_grant"}));
        return (StatusCode::BAD_REQUEST, no).into_response();
    }
    book.number += 1;
    book.refresh = format!("refresh-{}", book.number);
    let access = format!("access-{}", book.number);
    Json(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": book.refresh,
        "refresh_token_expires_in": 30 * 24 * 3600,
    }))
    .into_response()
}
