//! Sessions over real sockets, with a server on this machine that is as bad as servers are.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use garland::resilience::AccountName;
use garland::resilience::pool::{Priority, SessionFactory, SessionOptions, SessionPool};
use garland::{Chance, Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Duration;

use crate::world::clock;

/// A client of the server: greeted when it connects, and answered when it asks.
#[derive(Debug)]
struct Client(Arc<Mutex<SocketAddr>>);

fn failed(cause: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "client.ask",
        "the server does not answer",
    )
    .with_source(cause)
}

async fn ask(stream: &mut TcpStream) -> Result<u8> {
    stream.write_all(b"?").await.map_err(failed)?;
    stream.read_u8().await.map_err(failed)
}

#[async_trait]
impl SessionFactory for Client {
    type Session = TcpStream;

    async fn connect(&self) -> Result<TcpStream> {
        let address = *self.0.lock().unwrap();
        let mut stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.read_u8().await.map_err(failed)?;
        Ok(stream)
    }

    async fn validate(&self, stream: &mut TcpStream) -> Result<()> {
        ask(stream).await.map(drop)
    }
}

/// A server: greets, answers every question, and closes whatever is open when its age changes.
struct Server {
    address: SocketAddr,
    age: watch::Sender<u32>,
    open: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (age, aged) = watch::channel(0);
        let (open, accepted) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (opened, counted) = (Arc::clone(&open), Arc::clone(&accepted));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                opened.fetch_add(1, Ordering::SeqCst);
                let (mut aged, opened) = (aged.clone(), Arc::clone(&opened));
                aged.mark_unchanged();
                sessions.spawn(async move {
                    let serve = async {
                        stream.write_all(b"!").await?;
                        loop {
                            let question = stream.read_u8().await?;
                            stream.write_all(&[question]).await?;
                        }
                    };
                    tokio::select! {
                        ended = serve => drop::<std::io::Result<()>>(ended),
                        _ = aged.changed() => {}
                    }
                    drop(stream);
                    opened.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            age,
            open,
            accepted,
            _tasks: tasks,
        }
    }

    /// Closes every session from the server's side.
    async fn close_all(&self) {
        self.age.send_modify(|age| *age += 1);
        self.until_open(0).await;
    }

    async fn until_open(&self, count: usize) {
        while self.open.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn pool(
    address: SocketAddr,
    options: SessionOptions,
) -> (SessionPool<Client>, Arc<Mutex<SocketAddr>>) {
    let address = Arc::new(Mutex::new(address));
    let client = Client(Arc::clone(&address));
    let account = AccountName::new("echo", "lab");
    (
        SessionPool::new(account, client, options, clock(), Chance::seeded(5)),
        address,
    )
}

#[tokio::test]
async fn what_the_server_closed_while_it_lay_idle_is_not_lent() {
    let server = Server::start().await;
    let options = SessionOptions::default().with_validate_after(Duration::ZERO);
    let (pool, _) = pool(server.address, options);
    let mut sessions = vec![];
    for _ in 0..3 {
        let mut session = pool.get(Priority::NORMAL).await.unwrap();
        assert_eq!(ask(&mut session).await.unwrap(), b'?');
        sessions.push(session);
    }
    for session in sessions {
        session.release();
    }
    let mut lent = pool.get(Priority::NORMAL).await.unwrap();
    assert_eq!(ask(&mut lent).await.unwrap(), b'?');
    lent.release();
    assert_eq!(server.accepted(), 3, "one of the three again");

    server.close_all().await;
    let mut lent = pool.get(Priority::NORMAL).await.unwrap();
    assert_eq!(ask(&mut lent).await.unwrap(), b'?');
    assert_eq!(server.accepted(), 4);
    let stats = pool.stats();
    assert_eq!((stats.closed.invalid, stats.open), (3, 1));

    // Closed in the middle of a call: its user sees it, and nobody after him.
    server.close_all().await;
    assert_eq!(
        ask(&mut lent).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    drop(lent);
    let mut lent = pool.get(Priority::NORMAL).await.unwrap();
    assert_eq!(ask(&mut lent).await.unwrap(), b'?');
    lent.release();
    pool.close().await;
    server.until_open(0).await;
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test]
async fn a_server_that_refuses_costs_no_turn() {
    let server = Server::start().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = nobody.local_addr().unwrap();
    drop(nobody);
    let (pool, address) = pool(dead, SessionOptions::default().with_max(1));
    for _ in 0..20 {
        let error = pool.get(Priority::NORMAL).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    *address.lock().unwrap() = server.address;
    let mut session = pool.get(Priority::NORMAL).await.unwrap();
    assert_eq!(ask(&mut session).await.unwrap(), b'?');
    assert_eq!(pool.stats().connect_failed, 20);
}

/// On paused time: whoever waits for a server that never speaks is through at once.
#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_no_turn() {
    // The system accepts for it, and nobody ever greets.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (pool, _) = pool(
        mute.local_addr().unwrap(),
        SessionOptions::default().with_max(1),
    );
    for _ in 0..20 {
        let error = pool.get(Priority::NORMAL).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(pool.stats().open, 0);
    }
}
