//! What came of a check.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;

/// What a host may do with a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Keep it; name, declared type and content agree.
    Accept,
    /// Keep it, and give out only [`Inspection::delivery`], which leaves something of it out.
    AcceptSanitised,
    /// Keep it, and give it out only to be saved, never to be shown in a page.
    AcceptAttachment,
    /// Do not keep it.
    Reject(Reason),
}

impl Verdict {
    /// Returns the stable code, in snake case: `accept`, `accept_sanitised`, `accept_attachment`, `reject`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptSanitised => "accept_sanitised",
            Self::AcceptAttachment => "accept_attachment",
            Self::Reject(_) => "reject",
        }
    }

    /// Tells whether the file is not to be kept.
    #[must_use]
    pub const fn is_reject(self) -> bool {
        matches!(self, Self::Reject(_))
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $code:literal,)+) => {
        /// Why a file is refused.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Returns the stable code, in snake case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

reasons! {
    /// No bytes.
    Empty = "empty",
    /// More bytes than the policy allows.
    TooLarge = "too_large",
    /// A name that nobody gives a file by accident ([`Hazard::is_hostile`](crate::text::Hazard::is_hostile)).
    UnsafeName = "unsafe_name",
    /// An extension or a media type that is not on the allow list.
    NotAllowed = "not_allowed",
    /// The extension is not one of the declared media type.
    TypeMismatch = "type_mismatch",
    /// The content is of another kind than name and declared type say.
    ContentMismatch = "content_mismatch",
    /// The content ends before it is complete.
    Truncated = "truncated",
    /// The content breaks the rules of its format.
    Malformed = "malformed",
    /// More pixels than the policy allows, frames counted.
    TooManyPixels = "too_many_pixels",
    /// A second file of another kind stands in or behind the first.
    Polyglot = "polyglot",
    /// Scripts, event handlers or actions.
    ActiveContent = "active_content",
    /// A reference to something outside the file.
    ExternalReference = "external_reference",
    /// A document type or an entity is declared.
    Entities = "entities",
    /// Encrypted, so nobody can look inside.
    Encrypted = "encrypted",
    /// An archive with too many entries.
    ArchiveEntries = "archive_entries",
    /// An archive that unpacks to too many bytes.
    ArchiveSize = "archive_size",
    /// An archive that unpacks to too many times its size.
    ArchiveRatio = "archive_ratio",
    /// An archive in an archive.
    ArchiveNested = "archive_nested",
    /// An entry that would be written outside, or under another name than it shows.
    ArchivePath = "archive_path",
    /// An entry that is a link or a device.
    ArchiveLink = "archive_link",
    /// Two entries that would be written to one place.
    ArchiveDuplicate = "archive_duplicate",
    /// Two places in an archive that say different things about an entry, or an entry that is not
    /// what they say.
    ArchiveMismatch = "archive_mismatch",
    /// An entry that is a program.
    ArchiveProgram = "archive_program",
    /// A part of the format that is not read here.
    Unsupported = "unsupported",
    /// Something that the host's scanner knows to be harmful.
    Infected = "infected",
    /// The person or the organization has no room left.
    Quota = "quota",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Something in a file that its delivered copy does not have.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// Where a picture was taken.
    Location,
    /// Bytes behind the end of a picture.
    Trailer,
    /// Markup or a script in a comment, in metadata or behind the end. The original is not given out.
    ActiveText,
}

/// What a picture says about itself, read before anything is decoded.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PictureFacts {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames or pages, at least 1.
    pub frames: u32,
}

impl PictureFacts {
    pub(super) const fn new(width: u32, height: u32, frames: u32) -> Self {
        Self {
            width,
            height,
            frames,
        }
    }

    /// Returns the pixels of all frames.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        let one = u64::from(self.width).saturating_mul(u64::from(self.height));
        one.saturating_mul(u64::from(self.frames))
    }
}

/// All that a check found out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// What may be done with the file.
    pub verdict: Verdict,
    /// The media type that the content looks like, whatever was declared; empty if there is none.
    pub detected: String,
    /// Size in bytes.
    pub size: u64,
    /// For a picture, its size in pixels.
    pub picture: Option<PictureFacts>,
    /// What the delivered copy leaves out, beside ordinary metadata.
    pub findings: Vec<Finding>,
    /// The copy to give out: without metadata, comments and whatever stands behind the end. Empty for
    /// a file that is refused.
    pub delivery: Delivery,
}

impl Inspection {
    /// Tells whether the file as it was handed in may be given out too, and not only the
    /// delivered copy.
    #[must_use]
    pub fn original_is_safe(&self) -> bool {
        !self.verdict.is_reject() && !self.findings.contains(&Finding::ActiveText)
    }
}
