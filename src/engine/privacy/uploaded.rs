//! What people handed in, as a source of personal data.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::engine::upload::{UPLOADS, UploadRecord, Uploads};
use crate::error::Result;
use crate::permission::Actor;
use crate::storage::{Json, RecordId};

use super::check::HoldCheck;
use super::source::PersonalSource;
use super::subject::Subject;

/// The files that a person handed in, for [`Privacy::with_source`](super::Privacy::with_source):
/// at an erasure their bytes go, with their records.
#[derive(Clone, Debug)]
pub struct UploadedFiles(Uploads);

impl UploadedFiles {
    /// Looks in `uploads`.
    #[must_use]
    pub const fn new(uploads: Uploads) -> Self {
        Self(uploads)
    }

    fn of(&self, subject: &Subject) -> BoxStream<'static, Result<UploadRecord>> {
        let subject = subject.clone();
        let theirs =
            move |record: &UploadRecord| matches!(&record.by, Actor::User(id) if subject.is(id));
        self.0
            .all()
            .map_ok(|found| found.value)
            .try_filter(move |record| futures_util::future::ready(theirs(record)))
            .boxed()
    }
}

#[async_trait]
impl PersonalSource for UploadedFiles {
    fn name(&self) -> &str {
        "uploaded_files"
    }

    async fn count(&self, subject: &Subject) -> Result<u64> {
        let count = |count: u64, _| async move { Ok(count.saturating_add(1)) };
        self.of(subject).try_fold(0, count).await
    }

    /// Gives nothing: the records are exported with their collection, and a file is read by its id
    /// from [`Uploads::read`].
    fn export(&self, _: &Subject) -> BoxStream<'static, Result<Json>> {
        stream::empty().boxed()
    }

    /// Asks for holds before each file. One that is placed after that, and before the file is gone, does
    /// not stop the removal of this file any more.
    async fn erase(&self, subject: &Subject, holds: &mut HoldCheck) -> Result<u64> {
        let mut erased = 0_u64;
        let mut theirs = self.of(subject);
        while let Some(upload) = theirs.try_next().await? {
            let id = RecordId::parse(upload.id.to_string())?;
            holds.record(UPLOADS.name(), &id).await?;
            self.0.remove(upload.id).await?;
            erased = erased.saturating_add(1);
        }
        Ok(erased)
    }
}
