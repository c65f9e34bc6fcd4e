//! What stands before the emulator where it differs from Google: it looks at no condition, cannot end an upload, tells of one
//! byte where none has come, and reads the newest for a generation that is gone. All else goes through untouched.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::support::{Live, Recorder, Server, serve};

#[derive(Debug)]
struct Front {
    live: Live,
    client: HttpClient,
    /// Held by one call at a time: what is looked at stays until the call is done.
    turn: Mutex<()>,
}

/// A server that keeps conditions as Google does, and what was asked of it.
#[derive(Debug)]
pub(super) struct GcsServer {
    pub(super) server: Server,
    pub(super) asked: Recorder,
    front: Arc<Front>,
}

impl GcsServer {
    /// Starts it with a bucket `studio`.
    pub(super) async fn start(live: Live) -> Self {
        let client = HttpClient::new(HttpOptions::default().with_http2(false)).unwrap();
        let make = HttpRequest::post(format!("{}/storage/v1/b?project=test", live.address()));
        let make = make.json(&serde_json::json!({ "name": "studio" }));
        assert_eq!(client.send(make).await.unwrap().status(), 200);
        let front = Arc::new(Front {
            live,
            client,
            turn: Mutex::new(()),
        });
        let asked = Recorder::default();
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&front));
        let server = serve(asked.around(routes)).await;
        Self {
            server,
            asked,
            front,
        }
    }

    /// Where the emulator itself is.
    pub(super) fn direct(&self) -> String {
        self.front.live.address()
    }
}

async fn pass(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.to_string();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value.to_owned())
    };
    let _turn = front.turn.lock().await;
    if parts.method == "DELETE" && path.starts_with("/upload/") {
        return answer(499, "");
    }
    let mut names = path.split("/o/").skip(1);
    let first = names
        .next()
        .map(|name| name.split("/rewriteTo/").next().unwrap());
    let target_name = names
        .next()
        .or(first)
        .map(str::to_owned)
        .or_else(|| value("name"));
    let conditions = [
        ("ifGenerationMatch", target_name),
        ("ifSourceGenerationMatch", first.map(str::to_owned)),
        ("generation", first.map(str::to_owned)),
    ];
    for (condition, name) in conditions {
        let Some((wanted, name)) = value(condition).zip(name) else {
            continue;
        };
        if front.generation(&name).await != wanted {
            let status = if condition == "generation" { 404 } else { 412 };
            return answer(status, "conditionNotMet");
        }
    }
    let mut call = HttpRequest::new(
        parts.method.as_str(),
        format!("{}{target}", front.live.address()),
    );
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if !body.is_empty() {
        call = call.body("application/octet-stream", body);
    }
    for (name, value) in &parts.headers {
        call.set_header(name.as_str(), value.to_str().unwrap());
    }
    let told = front.client.send(call).await.unwrap();
    let mut response = Response::builder().status(told.status());
    for (name, value) in told
        .headers()
        .filter(|(name, _)| *name != "transfer-encoding")
        .filter(|told| *told != ("range", "bytes=0-0"))
    {
        let name = HeaderName::try_from(name).unwrap();
        response = response.header(name, HeaderValue::try_from(value).unwrap());
    }
    response
        .body(Body::from_stream(told.into_stream(None)))
        .unwrap()
}

impl Front {
    /// The generation of an object by its encoded name, 0 if there is none.
    async fn generation(&self, name: &str) -> String {
        let url = format!("{}/storage/v1/b/studio/o/{name}", self.live.address());
        let told = self.client.send(HttpRequest::get(url)).await.unwrap();
        if told.status() == 404 {
            return "0".to_owned();
        }
        let told: Value = told.json().await.unwrap();
        told["generation"].as_str().unwrap().to_owned()
    }
}

fn answer(status: u16, reason: &str) -> Response {
    let body = serde_json::json!({ "error": { "code": status, "errors": [{ "reason": reason }] } });
    let mut told = Response::new(Body::from(body.to_string()));
    *told.status_mut() = StatusCode::from_u16(status).unwrap();
    told
}
