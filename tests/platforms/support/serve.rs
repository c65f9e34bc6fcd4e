//! Serving a fake on loopback.

use axum::Router;
use garland::connector::kit::BaseUrl;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: String,
    task: JoinHandle<()>,
}

impl Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where an API on this server begins.
    pub(crate) fn base(&self, prefix: &str) -> BaseUrl {
        format!("{}{prefix}", self.address).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves routes on a free port.
pub(crate) async fn serve(routes: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Server { address, task }
}
