//! What stands before `s3s-fs` where it differs from S3: it keeps keys as files, so that a key which is also a folder is an
//! internal error to it; it looks and then writes where S3 does both at once; and its listings have no `ETag`. All else goes
//! through untouched, the signature with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::support::{Live, Recorder, Server, serve};

#[derive(Debug)]
struct Front {
    live: Live,
    client: HttpClient,
    /// Held by one write with a condition at a time.
    writing: Mutex<()>,
}

/// A server that behaves as S3 does, and what was asked of it.
#[derive(Debug)]
pub(super) struct S3Server {
    pub(super) server: Server,
    pub(super) asked: Recorder,
    front: Arc<Front>,
}

impl S3Server {
    pub(super) async fn start(live: Live) -> Self {
        let client = HttpClient::new(HttpOptions::default().with_http2(false)).unwrap();
        let front = Arc::new(Front {
            live,
            client,
            writing: Mutex::new(()),
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

    /// Makes a bucket.
    pub(super) fn bucket(&self, name: &str) {
        std::fs::create_dir(self.front.live.root().join(name)).unwrap();
    }

    /// Where the server keeps an object.
    pub(super) fn file(&self, bucket: &str, key: &str) -> PathBuf {
        self.front.live.root().join(bucket).join(key)
    }

    /// Where the server itself is, for those who need nothing in front of it.
    pub(super) fn direct(&self) -> String {
        self.front.live.address()
    }
}

async fn pass(State(front): State<Arc<Front>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let file = front.live.root().join(decode(parts.uri.path()));
    let is_object = parts.uri.path().trim_matches('/').contains('/');
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::DELETE);
    if is_object && reads && file.is_dir() && parts.uri.query().is_none() {
        return refuse(404, "NoSuchKey");
    }
    if is_object && parts.method == Method::PUT && collides(&file) {
        return refuse(409, "XMinioParentIsObject");
    }
    let is_guarded =
        parts.headers.contains_key("if-match") || parts.headers.contains_key("if-none-match");
    let _turn = if is_guarded {
        Some(front.writing.lock().await)
    } else {
        None
    };
    let mut call = HttpRequest::new(
        parts.method.as_str(),
        format!("{}{}", front.live.address(), parts.uri),
    );
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if !body.is_empty() {
        call = call.body("binary/octet-stream", body);
    }
    for (name, value) in &parts.headers {
        call.set_header(name.as_str(), value.to_str().unwrap());
    }
    let answer = front.client.send(call).await.unwrap();
    let mut told = Response::builder().status(answer.status());
    for (name, value) in answer
        .headers()
        .filter(|(name, _)| *name != "transfer-encoding")
    {
        let name = HeaderName::try_from(name).unwrap();
        told = told.header(name, HeaderValue::try_from(value).unwrap());
    }
    let lists = parts
        .uri
        .query()
        .is_some_and(|query| query.contains("list-type=2"));
    if !lists || answer.status() != 200 {
        return told
            .body(Body::from_stream(answer.into_stream(None)))
            .unwrap();
    }
    let page = answer.bytes().await.unwrap();
    let bucket = parts.uri.path().trim_matches('/');
    let page = with_etags(&front.live.root(), bucket, str::from_utf8(&page).unwrap());
    told.headers_mut().unwrap().remove("content-length");
    told.body(Body::from(page)).unwrap()
}

/// A page of a listing with the `ETag`s that the server keeps beside its files.
fn with_etags(root: &Path, bucket: &str, page: &str) -> String {
    let mut pieces = page.split("<Key>");
    let mut whole = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (key, rest) = piece.split_once("</Key>").unwrap();
        let plain = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&apos;", "'"),
            ("&#39;", "'"),
            ("&amp;", "&"),
        ]
        .into_iter()
        .fold(key.to_owned(), |key, (from, to)| key.replace(from, to));
        let [bucket, object] = [bucket, &plain].map(|text| URL_SAFE_NO_PAD.encode(text));
        let file = root.join(format!(".bucket-{bucket}.object-{object}.internal.json"));
        let info: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let etag = info["e_tag"].as_str().unwrap();
        whole.push_str(&format!(
            "<Key>{key}</Key><ETag>&quot;{etag}&quot;</ETag>{rest}"
        ));
    }
    whole
}

/// Whether a key is a folder, or below a file.
fn collides(file: &Path) -> bool {
    file.is_dir() || file.ancestors().skip(1).any(Path::is_file)
}

fn refuse(status: u16, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code></Error>");
    let mut told = Response::new(Body::from(body));
    *told.status_mut() = StatusCode::from_u16(status).unwrap();
    told
}

/// A path of a URL as a path of files.
fn decode(path: &str) -> PathBuf {
    let mut bytes = path.trim_start_matches('/').bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            let digits = str::from_utf8(&digits).unwrap();
            decoded.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).unwrap().into()
}
