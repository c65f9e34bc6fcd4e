//! The kinds of files that can be checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of file that garland knows how to check.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaKind {
    /// `image/jpeg`: jpg, jpeg.
    Jpeg,
    /// `image/png`: png.
    Png,
    /// `image/gif`: gif.
    Gif,
    /// `image/webp`: webp.
    Webp,
    /// `image/tiff`: tif, tiff.
    Tiff,
    /// `application/pdf`: pdf. One that holds other files is refused, electronic invoices that carry
    /// their data as an attachment among them.
    Pdf,
    /// `video/mp4`: mp4, m4v.
    Mp4,
    /// `text/plain`: txt.
    Text,
    /// `text/csv`: csv.
    Csv,
    /// `application/zip`: zip.
    Zip,
    /// A Word document without macros: docx.
    Docx,
    /// `image/svg+xml`: svg.
    Svg,
}

impl MediaKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Tiff,
        Self::Pdf,
        Self::Mp4,
        Self::Text,
        Self::Csv,
        Self::Zip,
        Self::Docx,
        Self::Svg,
    ];

    /// Returns the media type, as [registered](https://www.iana.org/assignments/media-types/).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Pdf => "application/pdf",
            Self::Mp4 => "video/mp4",
            Self::Text => "text/plain",
            Self::Csv => "text/csv",
            Self::Zip => "application/zip",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Svg => "image/svg+xml",
        }
    }

    /// Returns the extensions, in lower case, the usual one first.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Gif => &["gif"],
            Self::Webp => &["webp"],
            Self::Tiff => &["tif", "tiff"],
            Self::Pdf => &["pdf"],
            Self::Mp4 => &["mp4", "m4v"],
            Self::Text => &["txt"],
            Self::Csv => &["csv"],
            Self::Zip => &["zip"],
            Self::Docx => &["docx"],
            Self::Svg => &["svg"],
        }
    }

    /// Finds the kind of an extension, in any case.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        let lower = extension.to_ascii_lowercase();
        let mut kinds = Self::ALL.iter().copied();
        kinds.find(|kind| kind.extensions().contains(&lower.as_str()))
    }

    /// Tells whether a declared media type names this kind: in any case, with any parameters, and under
    /// the old names that browsers still send.
    #[must_use]
    pub fn is_declared_by(self, media_type: &str) -> bool {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let aliases: &[&str] = match self {
            Self::Jpeg => &["image/jpg", "image/pjpeg"],
            Self::Png => &["image/x-png"],
            Self::Mp4 => &["video/x-m4v"],
            Self::Zip => &["application/x-zip-compressed", "application/x-zip"],
            Self::Csv => &["application/csv", "application/vnd.ms-excel"],
            _ => &[],
        };
        essence.eq_ignore_ascii_case(self.media_type())
            || aliases
                .iter()
                .any(|alias| essence.eq_ignore_ascii_case(alias))
    }

    /// Tells whether browsers may show it in a page: pictures of pixels, and films.
    #[must_use]
    pub const fn is_inline(self) -> bool {
        matches!(
            self,
            Self::Jpeg | Self::Png | Self::Gif | Self::Webp | Self::Mp4
        )
    }

    /// Tells whether content that begins like this can be of this kind. Short beginnings may go on well.
    pub(super) fn can_begin(self, prefix: &[u8]) -> bool {
        let starts = |magic: &[u8]| {
            let length = magic.len().min(prefix.len());
            prefix.get(..length) == magic.get(..length)
        };
        let at = |from: usize, magic: &[u8]| {
            let rest = prefix.get(from.min(prefix.len())..).unwrap_or_default();
            let length = magic.len().min(rest.len());
            rest.get(..length) == magic.get(..length)
        };
        match self {
            Self::Jpeg => starts(b"\xff\xd8\xff"),
            Self::Png => starts(b"\x89PNG\r\n\x1a\n"),
            Self::Gif => starts(b"GIF87a") || starts(b"GIF89a"),
            Self::Webp => starts(b"RIFF") && at(8, b"WEBP"),
            Self::Tiff => starts(b"II*\0") || starts(b"MM\0*"),
            Self::Pdf => starts(b"%PDF-"),
            Self::Mp4 => at(4, b"ftyp"),
            Self::Zip => starts(b"PK\x03\x04") || starts(b"PK\x05\x06"),
            Self::Docx => starts(b"PK\x03\x04"),
            // Text has no signature; what it may not begin with is found by what it holds.
            Self::Text | Self::Csv | Self::Svg => true,
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}
