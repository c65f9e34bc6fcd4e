//! A Nextcloud that keeps to its documentation: files over WebDAV, chunked uploads of both versions, share links over OCS.
//!
//! Written from the [developer manual](https://docs.nextcloud.com/server/latest/developer_manual/client_apis/), RFC 4918 and
//! what sabre/dav does.

mod dav;
mod shares;
mod tree;
mod uploads;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;

use crate::support::{Recorder, Server, serve};

use tree::Tree;

pub(super) const USER: &str = "ada";
pub(super) const PASSWORD: &str = "app-password";

/// What goes wrong with the next request that fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It is refused with a status before it does anything.
    Refuse(u16),
    /// It is done, and the answer is lost on a gateway.
    LoseAnswer,
    /// A page for people comes instead.
    Html,
    /// The answer is cut off.
    Cut,
}

/// An upload in chunks.
#[derive(Debug, Default)]
pub(super) struct Upload {
    /// Where the file is to be, which version 2 says from the beginning.
    pub(super) destination: Option<String>,
    pub(super) parts: BTreeMap<String, Bytes>,
}

#[derive(Debug)]
pub(super) struct Share {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) expiration: Option<String>,
    pub(super) password: bool,
}

#[derive(Debug, Default)]
pub(super) struct Cloud {
    pub(super) tree: Tree,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) shares: Vec<Share>,
    pub(super) next_share: u64,
    /// How many bytes fit in; all if there is no number.
    pub(super) quota: Option<usize>,
    /// Method and a part of the path each fault waits for.
    faults: VecDeque<(&'static str, &'static str, Fault)>,
}

/// The server; a clone is the same.
#[derive(Clone)]
pub(super) struct Fake {
    cloud: Arc<Mutex<Cloud>>,
    pub(super) recorder: Recorder,
    pub(super) server: Arc<Server>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let cloud: Arc<Mutex<Cloud>> = Arc::default();
        let recorder = Recorder::default();
        let routes = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&cloud));
        let server = serve(recorder.around(routes)).await;
        Self {
            cloud,
            recorder,
            server: Arc::new(server),
        }
    }

    pub(super) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next request of this method whose path holds `part` go wrong.
    pub(super) fn fail(&self, method: &'static str, part: &'static str, fault: Fault) {
        self.cloud().faults.push_back((method, part, fault));
    }
}

/// An answer in the making.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// A refusal as sabre/dav writes it.
    pub(super) fn exception(status: u16, class: &str) -> Self {
        let body = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>{class}</s:exception><s:message>A sentence with a secret in it</s:message></d:error>"#
        );
        Self::new(status).body("application/xml; charset=utf-8", body)
    }
}

/// A request as the parts see it.
pub(super) struct Asked {
    pub(super) method: String,
    /// The path as sent.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path of the destination, decoded, below the files of the user.
    pub(super) fn destination(&self) -> Option<String> {
        let to = self.header("destination")?;
        let path = to
            .split_once("://")
            .map_or(to, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        Some(decode(path.strip_prefix(dav::PREFIX)?))
    }
}

/// A decoded path without slashes at its ends.
pub(super) fn decode(path: &str) -> String {
    let text = percent_encoding::percent_decode_str(path).decode_utf8();
    text.unwrap().trim_matches('/').to_owned()
}

async fn handle(State(cloud): State<Arc<Mutex<Cloud>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap_or_default(),
    };
    let promised = asked
        .header("content-length")
        .and_then(|text| text.parse().ok());
    if promised.is_some_and(|length: usize| length != asked.body.len()) {
        // Whoever sent it broke off.
        return respond(
            Answer::exception(400, r"Sabre\DAV\Exception\BadRequest"),
            None,
        );
    }
    let mut cloud = cloud.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = cloud.fault(&asked);
    let answer = match fault {
        Some(Fault::Refuse(423)) => {
            Answer::exception(423, r"OCA\DAV\Connector\Sabre\Exception\FileLocked")
        }
        Some(Fault::Refuse(status)) => Answer::exception(status, r"Sabre\DAV\Exception\Other"),
        _ => cloud.answer(&asked),
    };
    match fault {
        Some(Fault::LoseAnswer) => respond(Answer::new(502), None),
        Some(Fault::Html) => respond(
            Answer::new(200).body("text/html", "<html><body>Sign in, please</body></html>"),
            None,
        ),
        Some(Fault::Cut) => {
            let half = answer.body.len() / 2;
            respond(answer, Some(half))
        }
        _ => respond(answer, None),
    }
}

/// With `cut`, the body ends early though all of it was promised.
fn respond(answer: Answer, cut: Option<usize>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let Some(half) = cut else {
        return response.body(Body::from(answer.body)).unwrap();
    };
    let pieces = [
        Ok(answer.body.slice(..half)),
        Err(std::io::Error::other("cut off")),
    ];
    let response = response.header("content-length", answer.body.len());
    response
        .body(Body::from_stream(futures_util::stream::iter(pieces)))
        .unwrap()
}

impl Cloud {
    fn fault(&mut self, asked: &Asked) -> Option<Fault> {
        let fits = |(method, part, _): &(&str, &str, Fault)| {
            asked.method == *method && asked.path.contains(part)
        };
        let at = self.faults.iter().position(fits)?;
        self.faults.remove(at).map(|(_, _, fault)| fault)
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
        if asked.header("authorization") != Some(&format!("Basic {login}")) {
            return Answer::exception(401, r"Sabre\DAV\Exception\NotAuthenticated");
        }
        if let Some(path) = asked.path.strip_prefix(dav::PREFIX) {
            return self.files(asked, &decode(path));
        }
        if let Some(path) = asked.path.strip_prefix(uploads::PREFIX) {
            return self.chunks(asked, &decode(path));
        }
        if let Some(rest) = asked.path.strip_prefix(shares::PREFIX) {
            return self.sharing(asked, rest.trim_start_matches('/'));
        }
        Answer::exception(404, r"Sabre\DAV\Exception\NotFound")
    }
}
