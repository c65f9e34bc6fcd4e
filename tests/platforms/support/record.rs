//! Recording what a connector sends, to hold it against the vendor's description.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};

/// How much of a body is kept, in bytes; the content of files is not looked into.
const MOST: usize = 64 << 10;

/// A request as it came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, cut to 64 KiB.
    pub(crate) body: Bytes,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Keeps the requests that went through it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl Recorder {
    /// Puts itself before some routes.
    pub(crate) fn around(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), record))
    }

    fn keep(&self, request: Recorded) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(request);
    }

    /// What came in so far, in order.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many requests came in.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        // It broke off under way, and no server acts on that.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let headers = parts.headers.iter();
    let recorded = Recorded {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), value.into_owned())
            })
            .collect(),
        body: body.slice(..body.len().min(MOST)),
    };
    recorder.keep(recorded);
    next.run(Request::from_parts(parts, Body::from(body))).await
}
