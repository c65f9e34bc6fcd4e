//! What people handed in, as a source of personal data.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::engine::upload::{UploadRecord, Uploads};
use crate::error::Result;
use crate::permission::Actor;
use crate::storage::Json;

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

    async fn erase(&self, subject: &Subject) -> Result<u64> {
        let remove = |erased: u64, record: UploadRecord| async move {
            self.0.remove(record.id).await?;
            Ok(erased.saturating_add(1))
        };
        self.of(subject).try_fold(0, remove).await
    }
}
