//! Carries out what was decided about a call.

use std::time::Duration;

use crate::connector::{FileEntry, Hashes};
use crate::error::{Error, ErrorKind, Result};

use super::handle::{Faults, Verdict};
use super::kind::{FaultKind, Moment, Operation};

/// A wrapped thing's view of the handle: it knows by which name it is told apart in the log.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    faults: Faults,
    label: Box<str>,
}

impl Gate {
    pub(super) fn new(faults: Faults, label: impl Into<Box<str>>) -> Self {
        Self {
            faults,
            label: label.into(),
        }
    }

    pub(super) fn step(&self, operation: Operation, subject: &str) -> Verdict {
        self.faults.step(&self.label, operation, subject)
    }

    /// Makes a call that needs no special care.
    pub(super) async fn call<T>(
        &self,
        operation: Operation,
        subject: &str,
        effect: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        perform(self.step(operation, subject), effect).await
    }

    /// Makes a call whose answer is an entry that may lie about its hashes.
    pub(super) async fn entry<T: Lie>(
        &self,
        operation: Operation,
        subject: &str,
        effect: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let verdict = self.step(operation, subject);
        if let Verdict::Fault(FaultKind::LyingHash, _) = verdict {
            return effect.await.map(Lie::lie);
        }
        perform(verdict, effect).await
    }
}

/// Makes a call as was decided. A kind that means nothing here lets it pass.
pub(super) async fn perform<T>(
    verdict: Verdict,
    effect: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    match verdict {
        Verdict::Fail(Moment::Before, error) => Err(error),
        Verdict::Fail(Moment::After, error) => {
            // Whatever came of it, nobody hears of it.
            let _unheard = effect.await;
            Err(error)
        }
        Verdict::Fault(FaultKind::Error(kind), _) => Err(injected(kind)),
        Verdict::Fault(FaultKind::LostAnswer(kind), _) => {
            effect.await?;
            Err(injected(kind))
        }
        Verdict::Fault(FaultKind::Hang(moment), _) => {
            if moment == Moment::After {
                effect.await?;
            }
            std::future::pending().await
        }
        Verdict::Pass | Verdict::Fault(..) => effect.await,
    }
}

pub(super) fn injected(kind: ErrorKind) -> Error {
    let error = Error::new(kind, "faults.inject", "injected fault");
    if kind == ErrorKind::RateLimited {
        return error.with_retry_after(Duration::from_secs(1));
    }
    error
}

/// An answer that can name hashes that are not those of the content.
pub(super) trait Lie {
    fn lie(self) -> Self;
}

impl Lie for FileEntry {
    fn lie(mut self) -> Self {
        let hashes = self.version.hashes.iter();
        self.version.hashes = hashes.fold(Hashes::new(), |lies, (algorithm, digest)| {
            let flipped: Vec<u8> = digest.iter().map(|byte| !byte).collect();
            lies.with(algorithm, &flipped)
        });
        self
    }
}

impl<T: Lie> Lie for Option<T> {
    fn lie(self) -> Self {
        self.map(Lie::lie)
    }
}
