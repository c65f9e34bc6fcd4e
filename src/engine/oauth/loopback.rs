//! Where a browser comes back to on a person's own machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::engine::crypto::same;
use crate::error::{Error, ErrorKind, Result};

use super::callback::Callback;

/// Where the browser comes back to.
const PATH: &str = "/callback";

/// The longest head of a request, in bytes.
const HEAD: usize = 16 << 10;

/// How long a connection may take to ask.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many connections are listened to at once: browsers open some that they do not use.
const AT_ONCE: usize = 16;

/// Takes the answer to one authorization on this machine, for desktop programs
/// ([RFC 8252, 7.3](https://www.rfc-editor.org/rfc/rfc8252#section-7.3)).
///
/// It listens on `127.0.0.1` only, on a port that nobody knows before, and takes one answer: the first with the right
/// state. Everything else gets a short page that says so.
///
/// # Example
///
/// ```
/// use garland::oauth::Loopback;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let loopback = Loopback::bind().await?;
/// assert!(loopback.redirect().starts_with("http://127.0.0.1:"));
/// // `oauth.begin` with this redirect, the browser opened, and then:
/// # let patience = std::time::Duration::from_millis(1);
/// let answer = loopback.answer("the state", patience).await;
/// assert_eq!(answer.unwrap_err().kind(), garland::ErrorKind::Timeout);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect: String,
}

impl Loopback {
    /// Listens on a free port, as providers allow for registered redirects of `http://127.0.0.1`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: this machine lets nobody listen.
    pub async fn bind() -> Result<Self> {
        Self::bind_port(0).await
    }

    /// Listens on one port, for a provider that wants the redirect to be the registered one to the port.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: somebody else listens there.
    pub async fn bind_port(port: u16) -> Result<Self> {
        let failed = |cause: std::io::Error| {
            let message = "no port of this machine can be listened on";
            Error::new(ErrorKind::Unavailable, "loopback.bind", message)
                .with_context("port", port)
                .with_source(cause)
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let redirect = format!("http://127.0.0.1:{port}{PATH}");
        Ok(Self { listener, redirect })
    }

    /// Returns the redirect address for [`AuthorizationRequest`](super::AuthorizationRequest).
    #[must_use]
    pub fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Waits for the answer with this state, for `patience` at most, and shows the person a page.
    ///
    /// # Errors
    /// - [`ErrorKind::Timeout`]: nobody came.
    /// - [`ErrorKind::Unavailable`]: the port was lost.
    ///
    /// # Cancel safety
    /// Drop it to cancel: the port is closed.
    pub async fn answer(self, state: &str, patience: Duration) -> Result<Callback> {
        let waited = timeout(patience, self.wait(state)).await;
        waited.unwrap_or_else(|_| {
            let message = "nobody came back from the browser in time";
            Err(Error::new(ErrorKind::Timeout, "loopback.answer", message))
        })
    }

    async fn wait(&self, state: &str) -> Result<Callback> {
        let mut talks = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(answer) = talks.next() => {
                    if let Some(callback) = answer {
                        return Ok(callback);
                    }
                }
                accepted = self.listener.accept(), if talks.len() < AT_ONCE => {
                    let (stream, _) = accepted.map_err(|cause| {
                        let message = "the port is not there any more";
                        Error::new(ErrorKind::Unavailable, "loopback.answer", message)
                            .with_source(cause)
                    })?;
                    talks.push(async move {
                        // A connection that breaks off or says nothing is no answer.
                        timeout(PATIENCE, talk(stream, state)).await.ok().flatten()
                    });
                }
            }
        }
    }
}

/// Reads one request and answers it; returns what it brought if that is the answer.
async fn talk(mut stream: TcpStream, state: &str) -> Option<Callback> {
    let target = read_target(&mut stream).await?;
    let callback = callback_of(&target);
    let ours = callback.filter(|callback| {
        let own = callback.state().unwrap_or_default();
        same(own.as_bytes(), state.as_bytes())
    });
    let page = match &ours {
        Some(callback) if callback.is_refusal() => page("400 Bad Request", REFUSED),
        Some(_) => page("200 OK", TAKEN),
        None if target == "/favicon.ico" => page("404 Not Found", UNKNOWN),
        None => page("400 Bad Request", UNKNOWN),
    };
    // Whether or not the page arrives, the answer has.
    let written = stream.write_all(page.as_bytes()).await;
    if written.is_ok() {
        let _closed = stream.shutdown().await;
    }
    ours
}

/// Reads the head of a request, and returns what a `GET` asks for.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    loop {
        let mut piece = [0; 2048];
        let length = stream.read(&mut piece).await.ok()?;
        head.extend_from_slice(piece.get(..length)?);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let is_whole = request.parse(&head).ok()?.is_complete();
        if is_whole {
            let path = request.path.filter(|_| request.method == Some("GET"));
            return Some(path.unwrap_or_default().to_owned());
        }
        if length == 0 || head.len() > HEAD {
            return None;
        }
    }
}

fn callback_of(target: &str) -> Option<Callback> {
    let (path, query) = target.split_once('?')?;
    (path == PATH)
        .then(|| Callback::parse(query).ok())
        .flatten()
}

const TAKEN: &str = "<h1>Thank you</h1><p>You can close this page and go back to the program.</p>";
const REFUSED: &str = "<h1>Not connected</h1><p>The account was not connected. Go back to the program to try again.</p>";
const UNKNOWN: &str = "<h1>Nothing here</h1><p>This page is not the one that was waited for.</p>";

/// A page that shows nothing of what was asked for, loads nothing and is kept nowhere.
fn page(status: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Garland</title>\
         <meta name=\"viewport\" content=\"width=device-width\">{text}</html>"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
