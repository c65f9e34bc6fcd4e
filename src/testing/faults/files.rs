//! Files that fail on purpose, streams item by item.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::{ErrorKind, Result};

use super::connector::FaultyConnector;
use super::handle::Verdict;
use super::kind::{FaultKind, Operation};
use super::perform::{Gate, injected, perform};
use super::session::FaultySession;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileStore for FaultyConnector {
    fn facts(&self) -> &FileFacts {
        &self.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        match self.inner_files() {
            Ok(files) => through(
                self.gate.clone(),
                Operation::ListPage,
                "".into(),
                files.list(),
            ),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let effect = self.inner_files()?.stat(path);
        self.gate
            .entry(Operation::Stat, path.as_str(), effect)
            .await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let effect = self.inner_files()?.read(path, options);
        let reader = self
            .gate
            .call(Operation::Read, path.as_str(), effect)
            .await?;
        let bytes = through(
            self.gate.clone(),
            Operation::ReadPiece,
            path.as_str().into(),
            reader.bytes,
        );
        Ok(FileReader::new(reader.version, bytes))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let path = request.path.clone();
        let effect = self.inner_files()?.upload(request);
        let inner = self
            .gate
            .call(Operation::Upload, path.as_str(), effect)
            .await?;
        Ok(Box::new(FaultySession::new(
            inner,
            self.gate.clone(),
            path.as_str(),
        )))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let verdict = self.gate.step(Operation::ResumeUpload, "");
        let effect = self.inner_files()?.resume_upload(token);
        if let Verdict::Fault(FaultKind::LostSession, _) = verdict {
            effect.await?.abort().await?;
            return Err(injected(ErrorKind::Expired));
        }
        let inner = perform(verdict, effect).await?;
        Ok(Box::new(FaultySession::new(inner, self.gate.clone(), "")))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let effect = self.inner_files()?.copy(from, version, to, expect);
        self.gate.entry(Operation::Copy, to.as_str(), effect).await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let effect = self.inner_files()?.rename(from, expect, to);
        self.gate
            .call(Operation::Rename, from.as_str(), effect)
            .await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let effect = self.inner_files()?.delete(path, expect);
        self.gate
            .call(Operation::Delete, path.as_str(), effect)
            .await
    }

    async fn persist(&self) -> Result<()> {
        let effect = self.inner_files()?.persist();
        self.gate.call(Operation::Persist, "", effect).await
    }
}

/// What can happen to an item on its way.
trait Item: Sized + Send + 'static {
    /// The item with one bit another, where it has bits to spoil.
    fn spoil(self, word: u64) -> Self;
}

impl Item for ListPage {
    fn spoil(self, _: u64) -> Self {
        self
    }
}

impl Item for Bytes {
    fn spoil(self, word: u64) -> Self {
        flip(&self, word)
    }
}

/// The bytes with one bit flipped.
pub(super) fn flip(bytes: &Bytes, word: u64) -> Bytes {
    let mut bytes = bytes.to_vec();
    let count = u64::try_from(bytes.len()).unwrap_or(1).max(1);
    let index = usize::try_from(word % count).unwrap_or(0);
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 1;
    }
    bytes.into()
}

/// Passes a stream through the gate, item by item, its end included.
fn through<T: Item>(
    gate: Gate,
    operation: Operation,
    subject: Box<str>,
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    stream::unfold(Some(items), move |items| {
        let (gate, subject) = (gate.clone(), subject.clone());
        async move {
            let mut items = items?;
            match gate.step(operation, &subject) {
                Verdict::Fault(FaultKind::TruncatedRead, _) => None,
                Verdict::Fault(FaultKind::BrokenRead | FaultKind::CutListing, _) => {
                    Some((Err(injected(ErrorKind::Unavailable)), None))
                }
                Verdict::Fault(FaultKind::CorruptRead, word) => match items.next().await? {
                    Ok(item) => Some((Ok(item.spoil(word)), Some(items))),
                    Err(error) => Some((Err(error), None)),
                },
                verdict => {
                    let next = async { items.next().await.transpose() };
                    match perform(verdict, next).await {
                        Ok(item) => item.map(|item| (Ok(item), Some(items))),
                        Err(error) => Some((Err(error), None)),
                    }
                }
            }
        }
    })
    .boxed()
}
