//! What a host keeps about people outside the collections.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::error::Result;
use crate::storage::Json;

use super::check::HoldCheck;
use super::subject::Subject;

/// Something that holds personal data outside the collections: files on connectors and their keys,
/// thumbnails, a search index, a cache, an outside service.
#[async_trait]
pub trait PersonalSource: fmt::Debug + Send + Sync + 'static {
    /// Names it in plans, exports and proofs. No personal data.
    fn name(&self) -> &str;

    /// Counts what is there about a person. Zero after an erasure: that is how it is verified.
    ///
    /// # Errors
    /// Why it cannot tell.
    async fn count(&self, subject: &Subject) -> Result<u64>;

    /// Gives what is there about a person.
    fn export(&self, subject: &Subject) -> BoxStream<'static, Result<Json>>;

    /// Removes what is there about a person, and returns how much it was. Works again after it was
    /// stopped anywhere.
    ///
    /// Before this is called there is no hold on the person, nor on anything of theirs that is
    /// [elsewhere](super::OnErasure::Elsewhere). For one that comes meanwhile ask `holds` before each thing
    /// is removed, and stop when it refuses.
    ///
    /// # Errors
    /// Why it is not done. The erasure stays unfinished, and is taken up again later.
    async fn erase(&self, subject: &Subject, holds: &mut HoldCheck) -> Result<u64>;
}
