//! One check of one file.

use std::io::{Read, Seek};

use crate::error::{Error, ErrorKind, Result};

use super::archive::{docx, hides_archive, zip};
use super::declared::Declared;
use super::delivery::Delivery;
use super::documents::{Prose, csv, pdf, svg, text};
use super::kind::MediaKind;
use super::pictures::{Picture, gif, jpeg, mp4, png, tiff, webp};
use super::policy::UploadPolicy;
use super::sniff::{PREFIX, detect};
use super::verdict::{Finding, Inspection, Reason, Verdict};
use super::window::{Checked, Fault, Window};

/// Checks a file that is all there: name, declared type and content must agree on the allow list, and
/// the content must be whole, within the limits, and of one kind only.
///
/// Reads through a window of 128 KiB, in time that grows with the size of the file and of what an archive
/// may unpack to, and never more. It blocks; [`Uploads`](super::Uploads) runs it beside the runtime.
///
/// # Errors
/// [`ErrorKind::Unavailable`]: the content cannot be read. A file that is refused is no error, but a
/// [`Verdict::Reject`].
///
/// # Example
///
/// ```
/// use std::io::Cursor;
/// use garland::upload::{Declared, Reason, UploadPolicy, Verdict, inspect};
///
/// let policy = UploadPolicy::default();
/// let note = inspect(&policy, &Declared::new("note.txt", "text/plain"), Cursor::new("see you at two"))?;
/// assert_eq!(note.verdict, Verdict::Accept);
///
/// let program = inspect(&policy, &Declared::new("a.jpg", "image/jpeg"), Cursor::new("MZ\x01"))?;
/// assert_eq!(program.verdict, Verdict::Reject(Reason::ContentMismatch));
/// assert_eq!(program.detected, "application/x-msdownload");
/// # Ok::<(), garland::Error>(())
/// ```
pub fn inspect(
    policy: &UploadPolicy,
    declared: &Declared,
    content: impl Read + Seek,
) -> Result<Inspection> {
    examine(policy, declared.kind(policy), content)
}

/// As [`inspect`], for a kind on which name and type agreed, or the reason why they did not.
pub(super) fn examine(
    policy: &UploadPolicy,
    kind: std::result::Result<MediaKind, Reason>,
    content: impl Read + Seek,
) -> Result<Inspection> {
    let unreadable = |cause| {
        Error::new(
            ErrorKind::Unavailable,
            "upload.inspect",
            "the content cannot be read",
        )
        .with_source(cause)
    };
    let mut file = Window::new(content).map_err(unreadable)?;
    let mut inspection = Inspection {
        verdict: Verdict::Accept,
        detected: String::new(),
        size: file.size(),
        picture: None,
        findings: Vec::new(),
        delivery: Delivery::default(),
    };
    match judge(policy, kind, &mut file, &mut inspection) {
        Ok(verdict) => {
            inspection.verdict = verdict;
            // What was walked from end to end is known better than from its beginning.
            if let Ok(kind) = kind
                && !matches!(kind, MediaKind::Text | MediaKind::Csv)
            {
                kind.media_type().clone_into(&mut inspection.detected);
            }
        }
        Err(Fault::Reject(reason)) => {
            inspection.verdict = Verdict::Reject(reason);
            inspection.delivery = Delivery::default();
        }
        Err(Fault::Io(cause)) => return Err(unreadable(cause)),
    }
    Ok(inspection)
}

fn judge<R: Read + Seek>(
    policy: &UploadPolicy,
    kind: std::result::Result<MediaKind, Reason>,
    file: &mut Window<R>,
    inspection: &mut Inspection,
) -> Checked<Verdict> {
    let prefix = file.some(0, PREFIX)?;
    let prefix = prefix.get(..prefix.len().min(PREFIX)).unwrap_or_default();
    inspection.detected = detect(prefix);
    let kind = kind?;
    if prefix.is_empty() {
        return Err(Reason::Empty.into());
    }
    if !kind.can_begin(prefix) {
        return Err(Reason::ContentMismatch.into());
    }
    if inspection.size > policy.max_bytes {
        return Err(Reason::TooLarge.into());
    }
    let whole = Delivery::whole(inspection.size);
    match kind {
        MediaKind::Jpeg => picture(policy, file, inspection, jpeg),
        MediaKind::Png => picture(policy, file, inspection, png),
        MediaKind::Gif => picture(policy, file, inspection, gif),
        MediaKind::Webp => picture(policy, file, inspection, webp),
        MediaKind::Tiff => picture(policy, file, inspection, tiff),
        MediaKind::Mp4 => picture(policy, file, inspection, mp4),
        MediaKind::Pdf => {
            alone(file)?;
            pdf(file, policy.archive.max_unpacked)?;
            inspection.delivery = whole;
            Ok(Verdict::Accept)
        }
        MediaKind::Zip => {
            zip(file, &policy.archive, |_| Ok(()))?;
            inspection.delivery = whole;
            Ok(Verdict::Accept)
        }
        MediaKind::Docx => {
            docx(file, &policy.archive)?;
            inspection.delivery = whole;
            Ok(Verdict::Accept)
        }
        MediaKind::Svg => {
            svg(file)?;
            inspection.delivery = whole;
            Ok(Verdict::AcceptAttachment)
        }
        MediaKind::Text | MediaKind::Csv => {
            prose(kind, file, inspection)?;
            alone(file)?;
            let prose = if kind == MediaKind::Csv {
                csv(file)?
            } else {
                text(file)?
            };
            inspection.delivery = whole;
            Ok(match prose {
                Prose::Plain => Verdict::Accept,
                Prose::Armed => Verdict::AcceptAttachment,
            })
        }
    }
}

/// Text that begins as a document of another kind is that document.
fn prose<R: Read + Seek>(
    kind: MediaKind,
    file: &mut Window<R>,
    inspection: &mut Inspection,
) -> Checked<()> {
    let other = [
        "application/pdf",
        "application/rtf",
        "text/rtf",
        "application/postscript",
        "application/x-httpd-php",
    ];
    if other.contains(&inspection.detected.as_str()) {
        return Err(Reason::ContentMismatch.into());
    }
    let start = file.some(0, PREFIX)?;
    if super::sniff::is_program(start) {
        return Err(Reason::ContentMismatch.into());
    }
    if kind == MediaKind::Csv && inspection.detected == "text/plain" {
        kind.media_type().clone_into(&mut inspection.detected);
    }
    Ok(())
}

fn alone<R: Read + Seek>(file: &mut Window<R>) -> Checked<()> {
    if hides_archive(file)? {
        return Err(Reason::Polyglot.into());
    }
    Ok(())
}

fn picture<R: Read + Seek>(
    policy: &UploadPolicy,
    file: &mut Window<R>,
    inspection: &mut Inspection,
    walk: fn(&mut Window<R>) -> Checked<Picture>,
) -> Checked<Verdict> {
    alone(file)?;
    let picture = walk(file)?;
    inspection.picture = picture.facts;
    if picture
        .facts
        .is_some_and(|facts| facts.pixels() > policy.max_pixels)
    {
        return Err(Reason::TooManyPixels.into());
    }
    inspection.findings = picture.findings;
    inspection.findings.sort();
    inspection.delivery = picture.copy;
    let clean = !inspection.findings.iter().any(|finding| {
        matches!(
            finding,
            Finding::Location | Finding::Trailer | Finding::ActiveText
        )
    });
    Ok(if clean {
        Verdict::Accept
    } else {
        Verdict::AcceptSanitised
    })
}
