//! An upload that fails on purpose.

use async_trait::async_trait;
use bytes::Bytes;

use crate::connector::{FileEntry, Hashes, UploadSession, UploadToken};
use crate::error::{ErrorKind, Result};

use super::files::flip;
use super::handle::Verdict;
use super::kind::{FaultKind, Operation};
use super::perform::{Gate, injected, perform};

/// An upload session whose calls go through the gate.
#[derive(Debug)]
pub(super) struct FaultySession {
    /// `None` once the session was lost.
    inner: Option<Box<dyn UploadSession>>,
    gate: Gate,
    subject: Box<str>,
}

impl FaultySession {
    pub(super) fn new(inner: Box<dyn UploadSession>, gate: Gate, subject: &str) -> Self {
        Self {
            inner: Some(inner),
            gate,
            subject: subject.into(),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UploadSession for FaultySession {
    fn offset(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.offset())
    }

    fn next_chunk(&self) -> u64 {
        self.inner.as_ref().map_or(1, |inner| inner.next_chunk())
    }

    fn token(&self) -> Option<UploadToken> {
        self.inner.as_ref()?.token()
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let verdict = self.gate.step(Operation::Write, &self.subject);
        if let Verdict::Fault(FaultKind::LostSession, _) = verdict
            && let Some(inner) = self.inner.take()
        {
            inner.abort().await?;
        }
        let Some(inner) = &mut self.inner else {
            return Err(injected(ErrorKind::Expired));
        };
        let chunk = match verdict {
            Verdict::Fault(FaultKind::CorruptWrite, word) => flip(&chunk, word),
            _ => chunk,
        };
        perform(verdict, inner.write(chunk)).await
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        let inner = self.inner.ok_or_else(|| injected(ErrorKind::Expired))?;
        let effect = inner.finish(computed);
        self.gate
            .entry(Operation::Finish, &self.subject, effect)
            .await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let Some(inner) = self.inner else {
            return Ok(());
        };
        self.gate
            .call(Operation::Abort, &self.subject, inner.abort())
            .await
    }
}
