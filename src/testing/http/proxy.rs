//! The proxy.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::connector::kit::BaseUrl;
use crate::error::{Error, ErrorKind, Result};

use super::connection::Connection;
use super::decision::{Decisions, HttpCall};
use super::head::Request;
use super::reply::HttpReply;
use super::rule::HttpRule;
use super::wire::Incoming;

/// How many connections are carried at a time.
const MOST_CONNECTIONS: usize = 1_024;

/// Stands before a platform on loopback, passes calls on, and spoils those that a rule befalls. Ends when it is dropped,
/// with every connection through it.
///
/// # Example
///
/// ```
/// use garland::ErrorKind;
/// use garland::connector::kit::{Api, HttpClient, HttpOptions, HttpRequest};
/// use garland::testing::http::{FaultProxy, HttpFault, HttpRule};
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let platform = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let address = format!("http://{}", platform.local_addr()?);
/// # tokio::spawn(async move {
/// #     while let Ok((mut stream, _)) = platform.accept().await {
/// #         let _ = stream.read(&mut [0; 4096]).await;
/// #         let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
/// #     }
/// # });
/// let proxy = FaultProxy::to(&address).await?;
/// proxy.add_rule(HttpRule::new(HttpFault::status(503)).nth(2).times(1));
///
/// let api = Api::new("example", HttpClient::new(HttpOptions::default())?);
/// let files = proxy.base("/v1")?.at("/files");
/// let call = || api.call("example.call", HttpRequest::get(&files));
/// assert!(call().await.is_ok());
/// assert_eq!(call().await.unwrap_err().kind(), ErrorKind::Unavailable);
/// assert!(call().await.is_ok());
/// assert_eq!((proxy.count(), proxy.injected()), (3, 1));
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    address: String,
    elsewhere: String,
    seed: u64,
    decisions: Arc<Decisions>,
    tasks: [JoinHandle<()>; 2],
}

impl FaultProxy {
    /// Stands before `upstream`, as in `http://127.0.0.1:8080`, on a free port. Its seed is 0.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: not an address with `http://`, a host and a port, and nothing behind them.
    /// - [`ErrorKind::Unavailable`]: no port is free.
    ///
    /// # Cancel safety
    /// Safe to drop; no port is held then.
    pub async fn to(upstream: &str) -> Result<Self> {
        Self::seeded(upstream, 0).await
    }

    /// As [`to`](Self::to), with a seed for rules that befall a share of the calls; a test prints it.
    ///
    /// # Errors
    /// As [`to`](Self::to).
    ///
    /// # Cancel safety
    /// As [`to`](Self::to).
    pub async fn seeded(upstream: &str, seed: u64) -> Result<Self> {
        let host = upstream
            .strip_prefix("http://")
            .map(|host| host.trim_end_matches('/'));
        let host = host.filter(|host| host.contains(':') && !host.contains(['/', '@', '?', '#']));
        let host: Arc<str> = host.map(Arc::from).ok_or_else(|| {
            let message = "this is not an address such as http://127.0.0.1:8080";
            Error::new(ErrorKind::InvalidInput, "fault_proxy.to", message)
                .with_context("upstream", upstream)
        })?;
        let decisions = Arc::new(Decisions::new(seed));
        let (front, address) = listen().await.map_err(unavailable)?;
        let (away, elsewhere) = listen().await.map_err(unavailable)?;
        let (counts, strays) = (Arc::clone(&decisions), Arc::clone(&decisions));
        let carry =
            move |stream| Connection::new(stream, Arc::clone(&host), Arc::clone(&counts)).run();
        let stray = move |stream| strayed(stream, Arc::clone(&strays));
        Ok(Self {
            address,
            elsewhere,
            seed,
            decisions,
            tasks: [
                tokio::spawn(accept(front, carry)),
                tokio::spawn(accept(away, stray)),
            ],
        })
    }

    /// Returns where it stands: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns where an API behind it begins; `prefix` is empty or begins with `/`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: not a path.
    pub fn base(&self, prefix: &str) -> Result<BaseUrl> {
        format!("{}{prefix}", self.address).parse()
    }

    /// Returns another host's address, for redirects that nobody must follow; [`strayed`](Self::strayed) tells who did.
    #[must_use]
    pub fn elsewhere(&self) -> &str {
        &self.elsewhere
    }

    /// Returns how many calls came to [`elsewhere`](Self::elsewhere).
    #[must_use]
    pub fn strayed(&self) -> u64 {
        self.decisions.strayed()
    }

    /// Returns the seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Adds a rule. Of those that apply to a call, the one added first wins.
    pub fn add_rule(&self, rule: HttpRule) {
        self.decisions.add(rule);
    }

    /// Throws all rules away. Counting goes on.
    pub fn heal(&self) {
        self.decisions.heal();
    }

    /// Returns how many calls came.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.decisions.count()
    }

    /// Returns how many calls a fault has struck.
    #[must_use]
    pub fn injected(&self) -> u64 {
        self.decisions.injected()
    }

    /// Returns the last 10,000 calls, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<HttpCall> {
        self.decisions.calls()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("seed", &self.seed)
            .field("count", &self.count())
            .field("injected", &self.injected())
            .finish_non_exhaustive()
    }
}

async fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    Ok((listener, address))
}

/// Serves connections until it is dropped, with those it has.
async fn accept<F>(listener: TcpListener, mut serve: impl FnMut(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= MOST_CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                // A socket without Nagle is only faster.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream));
            }
            // It went away before it was taken, or this machine has no more sockets for now.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Counts a call to where nobody should come.
async fn strayed(stream: TcpStream, decisions: Arc<Decisions>) {
    use tokio::io::AsyncWriteExt as _;

    let (read, mut out) = stream.into_split();
    if let Ok(Some(_)) = Incoming::new(read).head(Request::parse).await {
        decisions.stray();
        // Whether the answer arrives is all the same.
        let _ = out
            .write_all(&HttpReply::html().to_bytes(false, true))
            .await;
    }
}

fn unavailable(cause: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "fault_proxy.to", "no port is free").with_source(cause)
}
