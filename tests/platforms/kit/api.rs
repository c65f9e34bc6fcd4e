//! Calls, credentials and refusals.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use garland::connector::kit::{
    AccessToken, Api, Bearer, Credentials, HttpClient, HttpOptions, HttpRequest, Verdict,
};
use garland::{ErrorKind, Result};

use crate::support::{Server, serve};

fn client() -> HttpClient {
    HttpClient::new(HttpOptions::default()).unwrap()
}

async fn platform() -> Server {
    let routes = Router::new()
        .route(
            "/busy",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")]) }),
        )
        .route(
            "/page",
            get(|| async { ([("content-type", "text/html")], "<html>log in</html>") }),
        )
        .route("/odd", get(|| async { r#"{"secret": 1}"# }))
        .route(
            "/away",
            get(|| async { Redirect::temporary("https://elsewhere.example/x") }),
        )
        .route("/who", any(who))
        .route(
            "/quota",
            get(|| async { (StatusCode::FORBIDDEN, "quota of secret@example.com") }),
        );
    serve(routes).await
}

async fn who(headers: HeaderMap) -> Response {
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    match token {
        Some("Bearer new") => "\"welcome\"".into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn kind(api: &Api, server: &Server, path: &str) -> garland::Error {
    let request = HttpRequest::get(server.base("").at(path));
    api.json::<String>("test.call", request).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_becomes_an_error_of_its_kind() {
    let server = platform().await;
    let api = Api::new("test", client()).with_judge(|refusal| {
        let quota = refusal.body().starts_with(b"quota");
        quota.then(|| Verdict::new(ErrorKind::RateLimited).with_reason("quota"))
    });
    let busy = kind(&api, &server, "/busy").await;
    assert_eq!(
        (busy.kind(), busy.retry_after()),
        (ErrorKind::Unavailable, Some(Duration::from_secs(7)))
    );
    let quota = kind(&api, &server, "/quota").await;
    assert_eq!(quota.kind(), ErrorKind::RateLimited);
    assert!(!format!("{quota:?}").contains("secret@"), "{quota:?}");
    for (path, expected) in [
        ("/nothing", ErrorKind::NotFound),
        ("/page", ErrorKind::Unavailable),
        ("/odd", ErrorKind::Unexpected),
        ("/away", ErrorKind::Refused),
        ("/who", ErrorKind::Unauthenticated),
    ] {
        let error = kind(&api, &server, path).await;
        assert_eq!(error.kind(), expected, "{path}: {error:?}");
        assert!(!format!("{error:?}").contains("127.0.0.1"), "{error:?}");
    }
}

/// A token that gets new once.
#[derive(Debug)]
struct Renewed(Mutex<AccessToken>);

#[async_trait]
impl Credentials for Renewed {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        self.0.lock().unwrap().put_on(request);
        Ok(())
    }

    async fn refused(&self, request: &HttpRequest) -> Result<bool> {
        let mut token = self.0.lock().unwrap();
        let was = token.is_on(request);
        *token = AccessToken::new("new");
        Ok(was)
    }
}

#[tokio::test]
async fn credentials_that_were_refused_are_renewed_once() {
    let server = platform().await;
    let call = || HttpRequest::post(server.base("").at("/who")).json(&1);
    let renewed = Renewed(Mutex::new(AccessToken::new("old")));
    let api = Api::new("test", client()).with_credentials(renewed);
    assert_eq!(
        api.json::<String>("test.who", call()).await.unwrap(),
        "welcome"
    );
    let error = api.call("test.who", call().unsigned()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let fixed = Api::new("test", client()).with_credentials(Bearer::new(AccessToken::new("old")));
    let error = fixed.call("test.who", call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}
