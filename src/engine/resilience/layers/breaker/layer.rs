//! The layer that asks a breaker of its own for each kind of call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};

use super::super::base::{BREAKER, ResilienceEventKind, Scope, is_own, refused};
use super::super::seam::{Around, Call, CallKind, ConnectorLayer, Wrapped};
use super::circuit::{BreakerOptions, BreakerState, Circuit, Era, Outcome, Turn};

/// Refuses calls of a kind that has been failing, for a while, and then tries a few.
///
/// There is one breaker for each [`CallKind`] of an account. Failures are
/// [`ErrorKind::Unavailable`] and [`ErrorKind::Timeout`]; every other answer of the platform, a no
/// included, shows that it is there, and [`ErrorKind::RateLimited`] shows nothing. While a breaker is
/// open, calls fail at once with [`ErrorKind::Unavailable`] and tell how long. One lost connection is one
/// failure, however many calls it carried.
///
/// Pieces of a file count only when they fail, so that the many of one file do not hide that no other
/// can be opened; they are never refused.
///
/// # Cancel safety
/// A call that is dropped says nothing, and gives its place in a trial to the next. That it has hung is for
/// [`Timeout`](super::super::Timeout) to say, which knows when it was sent.
#[derive(Clone, Debug)]
pub struct Breaker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    scope: Scope,
    circuits: Vec<(CallKind, Mutex<Circuit>)>,
}

impl Breaker {
    /// Makes the layer of one account, with all breakers closed.
    #[must_use]
    pub fn new(scope: Scope, options: BreakerOptions) -> Self {
        let circuit = |kind| (kind, Mutex::new(Circuit::new(options)));
        Self(Arc::new(Shared {
            scope,
            circuits: CallKind::ALL.map(circuit).into(),
        }))
    }

    /// Returns where the breaker of a kind stands. One that has been open for long enough shows as
    /// open until somebody calls.
    #[must_use]
    pub fn state(&self, kind: CallKind) -> BreakerState {
        let circuit = self.circuit(kind);
        circuit.map_or(BreakerState::Closed, |circuit| circuit.state())
    }

    fn circuit(&self, kind: CallKind) -> Option<MutexGuard<'_, Circuit>> {
        let mut circuits = self.0.circuits.iter();
        let (_, circuit) = circuits.find(|(own, _)| *own == kind)?;
        Some(circuit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The standing of a breaker, to tell later what came of a request that goes out now.
    pub(in super::super) fn era(&self, kind: CallKind) -> Option<Era> {
        let now = self.0.scope.now();
        self.circuit(kind).map(|circuit| circuit.era(now))
    }

    /// Takes in that a request that went out in `era` has hung until somebody gave up.
    pub(in super::super) fn given_up(&self, kind: CallKind, era: Era) {
        let (now, unit) = (self.0.scope.now(), self.0.scope.unit());
        let turn = self
            .circuit(kind)
            .and_then(|mut circuit| circuit.record(now, era, Outcome::Hung, unit));
        self.tell(kind, turn);
    }

    fn admit(&self, call: &Call) -> Result<Ticket<'_>> {
        let kind = call.kind();
        let (now, unit) = (self.0.scope.now(), self.0.scope.unit());
        let admitted = self
            .circuit(kind)
            .map(|mut circuit| circuit.admit(now, unit));
        let Some((verdict, turn)) = admitted else {
            return Ok(Ticket {
                breaker: self,
                kind,
                era: None,
            });
        };
        self.tell(kind, turn);
        match verdict {
            Ok(era) => Ok(Ticket {
                breaker: self,
                kind,
                era: Some(era),
            }),
            Err(wait) => Err(refused(
                &self.0.scope,
                call,
                ErrorKind::Unavailable,
                BREAKER,
                "calls of this kind have been failing",
                Some(wait),
            )),
        }
    }

    fn tell(&self, kind: CallKind, turn: Option<Turn>) {
        let Some(turn) = turn else {
            return;
        };
        self.0.scope.tell(match turn {
            Turn::Opened(wait) => ResilienceEventKind::BreakerOpened { kind, wait },
            Turn::Probing => ResilienceEventKind::BreakerProbing { kind },
            Turn::Closed => ResilienceEventKind::BreakerClosed { kind },
        });
    }
}

/// A call that was let through; says [`Outcome::Unknown`] if it is dropped.
struct Ticket<'a> {
    breaker: &'a Breaker,
    kind: CallKind,
    era: Option<Era>,
}

impl Ticket<'_> {
    fn settle(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    fn say(&mut self, outcome: Outcome) {
        let Some(era) = self.era.take() else {
            return;
        };
        let (now, unit) = (self.breaker.0.scope.now(), self.breaker.0.scope.unit());
        let turn = self
            .breaker
            .circuit(self.kind)
            .and_then(|mut circuit| circuit.record(now, era, outcome, unit));
        self.breaker.tell(self.kind, turn);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.say(Outcome::Unknown);
    }
}

impl ConnectorLayer for Breaker {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Breaker {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if !call.is_request() {
            let sent = self.0.scope.now();
            let answer = make().await;
            let outcome = outcome(answer.as_ref().err());
            if matches!(outcome, Outcome::Failed | Outcome::Hung) {
                let (now, unit) = (self.0.scope.now(), self.0.scope.unit());
                let turn = self
                    .circuit(call.kind())
                    .and_then(|mut circuit| circuit.failed_later(now, sent, outcome, unit));
                self.tell(call.kind(), turn);
            }
            return answer;
        }
        let ticket = self.admit(call)?;
        let answer = make().await;
        ticket.settle(outcome(answer.as_ref().err()));
        answer
    }
}

fn outcome(error: Option<&Error>) -> Outcome {
    let Some(error) = error else {
        return Outcome::Answered;
    };
    if is_own(error) {
        return Outcome::Unknown;
    }
    match error.kind() {
        ErrorKind::Unavailable => Outcome::Failed,
        ErrorKind::Timeout => Outcome::Hung,
        ErrorKind::RateLimited | ErrorKind::Cancelled | ErrorKind::Unexpected => Outcome::Unknown,
        _ => Outcome::Answered,
    }
}
