//! One connection of a client, and what becomes of each of its calls.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::sleep;

use crate::clock::Timestamp;

use super::decision::{Decision, Decisions};
use super::fault::HttpFault;
use super::framing::Framing;
use super::head::{Answer, Request};
use super::reply::HttpReply;
use super::tee::Tee;
use super::wire::{Incoming, Passed, Spoil};

/// The largest answer that is kept to come again, in bytes.
const LARGEST_KEPT: usize = 1 << 20;

/// Whether a connection may be used for another call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Call,
    Close,
    Reset,
}

/// A client's connection.
pub(super) struct Connection {
    incoming: Incoming,
    out: OwnedWriteHalf,
    upstream: Arc<str>,
    decisions: Arc<Decisions>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, upstream: Arc<str>, decisions: Arc<Decisions>) -> Self {
        let (read, out) = stream.into_split();
        Self {
            incoming: Incoming::new(read),
            out,
            upstream,
            decisions,
        }
    }

    /// Carries calls until either side goes away. What breaks here, the client sees as a broken connection.
    pub(super) async fn run(mut self) {
        loop {
            let next = match self.incoming.head(Request::parse).await {
                Ok(Some(request)) => self.call(&request).await,
                Ok(None) => Ok(Next::Close),
                Err(error) => Err(error),
            };
            match next {
                Ok(Next::Call) => {}
                Ok(Next::Close) => {
                    // The client may be gone already; then there is nothing to close.
                    let _ = self.out.shutdown().await;
                    return;
                }
                Ok(Next::Reset) | Err(_) => {
                    reset(self.incoming.socket());
                    return;
                }
            }
        }
    }

    async fn call(&mut self, request: &Request) -> io::Result<Next> {
        let decision = self.decisions.decide(&request.method, &request.target);
        match &decision.fault {
            Some(fault @ HttpFault::ResetBefore) => {
                self.decisions.struck(decision.number, fault);
                Ok(Next::Reset)
            }
            Some(fault @ HttpFault::HangBefore) => {
                self.decisions.struck(decision.number, fault);
                self.incoming.gone().await;
                Ok(Next::Close)
            }
            Some(fault @ HttpFault::Answer(reply)) => {
                self.decisions.struck(decision.number, fault);
                let closes = request.waits();
                if !closes {
                    let (mut sink, framing) = (tokio::io::sink(), request.framing()?);
                    self.incoming
                        .pass(&mut sink, framing, Spoil::default())
                        .await?;
                }
                self.reply(request, &decision, reply, closes).await
            }
            _ => self.exchange(request, &decision).await,
        }
    }

    /// Answers by itself.
    async fn reply(
        &mut self,
        request: &Request,
        decision: &Decision,
        reply: &HttpReply,
        closes: bool,
    ) -> io::Result<Next> {
        let bytes = reply.to_bytes(request.is_head(), closes);
        self.decisions.told(decision.number, reply.status());
        self.out.write_all(&bytes).await?;
        Ok(if closes { Next::Close } else { Next::Call })
    }

    /// Has the platform answer, over a connection for this call alone.
    async fn exchange(&mut self, request: &Request, decision: &Decision) -> io::Result<Next> {
        let stream = TcpStream::connect(&*self.upstream).await?;
        stream.set_nodelay(true)?;
        let (read, mut up) = stream.into_split();
        let mut down = Incoming::new(read);
        up.write_all(&request.head.to_bytes()).await?;
        let mut framing = request.framing()?;
        if let Some(fault @ HttpFault::ResetInRequest(most)) = &decision.fault
            && framing != Framing::EMPTY
            && !request.waits()
        {
            let most = Some(short_of(*most, framing));
            let spoil = Spoil { most, flip: None };
            if !self.incoming.pass(&mut up, framing, spoil).await?.whole {
                self.decisions.struck(decision.number, fault);
                reset(down.socket());
                return Ok(Next::Reset);
            }
            // It was shorter than that, which its head did not tell, and is there by now.
            framing = Framing::EMPTY;
        }
        let flip = match &decision.fault {
            Some(HttpFault::FlipRequest(at)) => Some(*at),
            _ => None,
        };
        let Self {
            incoming,
            out,
            decisions,
            ..
        } = self;
        let mut answering = Answering {
            request,
            decision,
            decisions,
            out,
        };
        let spoil = Spoil { most: None, flip };
        let sending = incoming.pass(&mut up, framing, spoil);
        let (sent, next) = join(sending, answering.run(&mut down)).await;
        let (sent, next) = (sent?, next?);
        if let Some(fault) = decision.fault.as_ref().filter(|_| sent.flipped) {
            decisions.struck(decision.number, fault);
        }
        match (next, &decision.fault) {
            (After::Hang, _) => {
                incoming.gone().await;
                Ok(Next::Close)
            }
            (After::Reply, Some(HttpFault::Lost(reply))) => {
                self.reply(request, decision, reply, false).await
            }
            (After::Next(next), _) => Ok(next),
            (After::Reply, _) => Ok(Next::Close),
        }
    }
}

/// What is to be done once the platform has answered.
enum After {
    Next(Next),
    Reply,
    Hang,
}

/// An answer on its way to the client.
struct Answering<'a> {
    request: &'a Request,
    decision: &'a Decision,
    decisions: &'a Decisions,
    out: &'a mut OwnedWriteHalf,
}

impl Answering<'_> {
    async fn run(&mut self, down: &mut Incoming) -> io::Result<After> {
        let mut answer = loop {
            let Some(answer) = down.head(Answer::parse).await? else {
                return Ok(After::Next(Next::Reset));
            };
            if !answer.is_interim() {
                break answer;
            }
            self.out.write_all(&answer.head.to_bytes()).await?;
        };
        let framing = answer.framing(self.request)?;
        let Some(fault) = &self.decision.fault else {
            return self.whole(down, &answer, framing, Spoil::default()).await;
        };
        match fault {
            HttpFault::Lost(_) | HttpFault::HangAfter | HttpFault::ResetAfter => {
                let mut sink = tokio::io::sink();
                down.pass(&mut sink, framing, Spoil::default()).await?;
                self.struck(fault);
                Ok(match fault {
                    HttpFault::HangAfter => After::Hang,
                    HttpFault::ResetAfter => After::Next(Next::Reset),
                    _ => After::Reply,
                })
            }
            HttpFault::Repeat => self.again(down, framing).await,
            HttpFault::CutAnswer(most) => {
                self.cut(down, &answer, framing, *most, Next::Close).await
            }
            HttpFault::ResetInAnswer(most) => {
                self.cut(down, &answer, framing, *most, Next::Reset).await
            }
            HttpFault::FlipAnswer(at) => {
                let flip = Some(*at);
                self.whole(down, &answer, framing, Spoil { most: None, flip })
                    .await
            }
            HttpFault::WrongLength(by) => {
                let length = match framing {
                    Framing::Length(length) if length > 0 => length,
                    _ => return self.whole(down, &answer, framing, Spoil::default()).await,
                };
                self.struck(fault);
                let wrong = length.saturating_add_signed(*by).to_string();
                answer.head.set("content-length", wrong);
                self.whole(down, &answer, framing, Spoil::default()).await?;
                Ok(After::Next(Next::Close))
            }
            HttpFault::Date(moment) => {
                if let Some(date) = http_date(*moment) {
                    self.struck(fault);
                    answer.head.set("date", date);
                }
                self.whole(down, &answer, framing, Spoil::default()).await
            }
            HttpFault::Trickle(every) => {
                self.struck(fault);
                self.trickle(down, &answer, framing, *every).await
            }
            _ => self.whole(down, &answer, framing, Spoil::default()).await,
        }
    }

    fn struck(&self, fault: &HttpFault) {
        self.decisions.struck(self.decision.number, fault);
    }

    /// Passes the whole answer on, its body with a bit changed if that is asked for.
    async fn whole(
        &mut self,
        down: &mut Incoming,
        answer: &Answer,
        framing: Framing,
        spoil: Spoil,
    ) -> io::Result<After> {
        self.decisions.told(self.decision.number, answer.status);
        let head = answer.head.to_bytes();
        let passed = if self.decision.is_watched() {
            let mut tee = Tee::new(&mut *self.out, LARGEST_KEPT);
            tee.write_all(&head).await?;
            let passed = down.pass(&mut tee, framing, spoil).await?;
            let copy = tee.into_copy();
            if let Some(copy) = copy.filter(|_| framing != Framing::UntilClosed) {
                self.decisions.keep(self.decision, &Bytes::from(copy));
            }
            passed
        } else {
            self.out.write_all(&head).await?;
            down.pass(self.out, framing, spoil).await?
        };
        if let Some(fault) = self.decision.fault.as_ref().filter(|_| passed.flipped) {
            self.struck(fault);
        }
        Ok(After::Next(self.next(answer, framing)))
    }

    /// Passes a part of the body on, then ends the connection.
    async fn cut(
        &mut self,
        down: &mut Incoming,
        answer: &Answer,
        framing: Framing,
        most: u64,
        end: Next,
    ) -> io::Result<After> {
        self.decisions.told(self.decision.number, answer.status);
        self.out.write_all(&answer.head.to_bytes()).await?;
        let most = Some(short_of(most, framing));
        let spoil = Spoil { most, flip: None };
        let Passed { whole, .. } = down.pass(self.out, framing, spoil).await?;
        if whole {
            return Ok(After::Next(self.next(answer, framing)));
        }
        if let Some(fault) = &self.decision.fault {
            self.struck(fault);
        }
        Ok(After::Next(end))
    }

    /// Throws the answer away and gives the one of before.
    async fn again(&mut self, down: &mut Incoming, framing: Framing) -> io::Result<After> {
        let mut sink = tokio::io::sink();
        down.pass(&mut sink, framing, Spoil::default()).await?;
        let before = self.decision.again.clone().unwrap_or_default();
        if let Some((answer, _)) = Answer::parse(&before)? {
            self.decisions.told(self.decision.number, answer.status);
        }
        self.out.write_all(&before).await?;
        self.struck(&HttpFault::Repeat);
        Ok(After::Next(Next::Call))
    }

    async fn trickle(
        &mut self,
        down: &mut Incoming,
        answer: &Answer,
        framing: Framing,
        every: Duration,
    ) -> io::Result<After> {
        self.decisions.told(self.decision.number, answer.status);
        // What waits to be trickled is a page at most; a body that is longer waits at the platform.
        let (mut near, mut far) = tokio::io::simplex(LARGEST_KEPT);
        let out = &mut *self.out;
        let reading = async {
            far.write_all(&answer.head.to_bytes()).await?;
            let passed = down.pass(&mut far, framing, Spoil::default()).await;
            far.shutdown().await?;
            passed
        };
        // Drops its end when the client has gone, so that the other does not wait for it.
        let writing = async move {
            while let Ok(byte) = near.read_u8().await {
                out.write_all(&[byte]).await?;
                sleep(every).await;
            }
            io::Result::Ok(())
        };
        let (read, written) = join(reading, writing).await;
        read?;
        written?;
        Ok(After::Next(self.next(answer, framing)))
    }

    /// Whether the client may use its connection again.
    fn next(&self, answer: &Answer, framing: Framing) -> Next {
        let closes = framing == Framing::UntilClosed
            || answer.head.has("connection", "close")
            || self.request.head.has("connection", "close")
            || answer.status == 101;
        if closes { Next::Close } else { Next::Call }
    }
}

/// So many bytes, or one less than there are.
fn short_of(most: u64, framing: Framing) -> u64 {
    match framing {
        Framing::Length(length) => most.min(length.saturating_sub(1)),
        _ => most,
    }
}

/// Lets the connection end with a reset; if it is broken already, it cannot, and need not.
fn reset(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}

fn http_date(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&moment)
        .ok()
}
