//! A server on loopback that does exactly what a test says, one connection at a time.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use garland::outbound::TargetPolicy;
use garland::outbound::http::{GuardedClient, HttpLimits};

use crate::resolving::Scripted;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these bytes and closes.
    Say(String),
    /// Sends these bytes, and then nothing until the other side closes.
    SayAndWait(String),
    /// Sends these bytes, and then the others again and again until the other side closes.
    SayWithoutEnd(String, String),
}

impl Act {
    /// An answer with a proper length.
    pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Say(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
        ))
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Mutex<Receiver<String>>,
}

impl Server {
    /// Does one act after the other, one for each connection.
    pub(crate) fn start(acts: Vec<Act>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = channel();
        std::thread::spawn(move || {
            for act in acts {
                let (stream, _) = listener.accept().unwrap();
                if let Some(request) = serve(stream, &act) {
                    // A test that has ended does not listen any more.
                    let _ = tell.send(request);
                }
            }
        });
        Arc::new(Self {
            address,
            requests: Mutex::new(requests),
        })
    }

    /// Waits for the next request, head and body.
    pub(crate) fn request(&self) -> String {
        self.requests.lock().unwrap().recv().unwrap()
    }

    /// Whether another request has come that nobody asked for.
    pub(crate) fn has_more(&self) -> bool {
        self.requests.lock().unwrap().try_recv().is_ok()
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }
}

fn serve(mut stream: TcpStream, act: &Act) -> Option<String> {
    let request = read(&mut stream)?;
    let (first, again) = match act {
        Act::Say(first) => (first, None),
        Act::SayAndWait(first) => (first, Some("")),
        Act::SayWithoutEnd(first, again) => (first, Some(again.as_str())),
    };
    let mut sent = stream.write_all(first.as_bytes());
    match again {
        None => _ = stream.shutdown(Shutdown::Write),
        Some("") => {}
        Some(again) => {
            while sent.is_ok() {
                sent = stream.write_all(again.as_bytes());
            }
        }
    }
    // Until the other side closes, however it does.
    let _ = stream.read_to_end(&mut Vec::new());
    Some(request)
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut all, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        all.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let wanted = head.lines().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= wanted.unwrap_or(0) {
                return Some(text);
            }
        }
    }
}

/// A client that may call loopback over HTTP, and finds every name there.
pub(crate) fn client(limits: HttpLimits) -> GuardedClient {
    client_with(&[&["127.0.0.1"]], limits).0
}

pub(crate) fn client_with(
    answers: &[&[&str]],
    limits: HttpLimits,
) -> (GuardedClient, Arc<Scripted>) {
    let resolver = Scripted::new(answers);
    let policy = TargetPolicy::default().danger_allow_loopback_http();
    let own = Arc::<Scripted>::clone(&resolver);
    (GuardedClient::new(policy, own, limits).unwrap(), resolver)
}
