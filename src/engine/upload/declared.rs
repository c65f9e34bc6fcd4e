//! What a person says a file is.

use crate::text::{DisplayName, Hazard, is_program_name};

use super::kind::MediaKind;
use super::policy::UploadPolicy;
use super::verdict::Reason;

/// What a person, or their browser, says a file is. Nothing of it is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Declared {
    /// The file's name, as it was sent.
    pub name: String,
    /// The media type, as it was sent.
    pub media_type: String,
}

impl Declared {
    /// Takes what was sent.
    #[must_use]
    pub fn new(name: impl Into<String>, media_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            media_type: media_type.into(),
        }
    }

    /// Finds the kind on which name and type agree, before there is any content.
    ///
    /// # Errors
    /// The reason to refuse the file.
    pub fn kind(&self, policy: &UploadPolicy) -> Result<MediaKind, Reason> {
        let hazard = DisplayName::hazard(&self.name);
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension);
        let kind = extension
            .and_then(MediaKind::of_extension)
            .filter(|kind| policy.kinds.contains(kind))
            .ok_or(Reason::NotAllowed)?;
        // A hazard that is only renamed may stand before one that is not.
        if hazard.is_some_and(Hazard::is_hostile) || is_program_name(&self.name) {
            return Err(Reason::UnsafeName);
        }
        if !kind.is_declared_by(&self.media_type) {
            return Err(Reason::TypeMismatch);
        }
        Ok(kind)
    }
}
