//! Files that people hand in.

use std::io::Cursor;

use garland::upload::{Declared, UploadCheck, UploadPolicy, Verdict, inspect};
use serde_json::Value;

use super::primitives::text;
use crate::runner::folder;

/// `uploads.json`: the verdict of the whole check; and the check of the stream refuses nothing that the
/// whole check takes.
pub(crate) fn uploads(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (file, wanted) = (text(&entry, "file")?, text(&entry, "verdict")?);
    let declared = Declared::new(
        text(&entry, "declared_name")?,
        text(&entry, "declared_type")?,
    );
    let path = folder().join("security").join(file);
    let content = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if entry["bytes"].as_u64() != Some(content.len() as u64) {
        return Err(format!("{file}: not the size that the list says"));
    }
    let policy = UploadPolicy::default();
    let found =
        inspect(&policy, &declared, Cursor::new(&content)).map_err(|error| error.to_string())?;
    if found.verdict.code() != wanted {
        return Err(format!(
            "{file}: wanted {wanted}, {}, got {found:?}",
            entry["reason"]
        ));
    }
    let detected = text(&entry, "detected_type")?;
    if !found.verdict.is_reject() && detected != found.detected {
        return Err(format!(
            "{file}: looks like {:?}, not {detected}",
            found.detected
        ));
    }
    let streamed = UploadCheck::new(&policy, &declared).and_then(|mut check| {
        content.chunks(7).try_for_each(|piece| check.feed(piece))?;
        check.finish()
    });
    match (found.verdict, streamed) {
        (Verdict::Reject(_), _) | (_, Ok(())) => {}
        (_, Err(reason)) => return Err(format!("{file}: refused while it streamed: {reason}")),
    }
    let mut copy = Vec::new();
    let written = found.delivery.write(&mut Cursor::new(&content), &mut copy);
    written.map_err(|error| format!("{file}: {error}"))?;
    match found.verdict {
        Verdict::Reject(_) if !copy.is_empty() => Err(format!("{file}: refused, and delivered")),
        Verdict::Reject(_) => Ok(()),
        Verdict::AcceptSanitised => cleaned(&policy, &declared, &copy, file),
        _ => Ok(()),
    }
}

/// A cleaned copy needs no more cleaning.
fn cleaned(
    policy: &UploadPolicy,
    declared: &Declared,
    copy: &[u8],
    file: &str,
) -> Result<(), String> {
    let again = inspect(policy, declared, Cursor::new(copy)).map_err(|error| error.to_string())?;
    if again.verdict == Verdict::Accept {
        return Ok(());
    }
    Err(format!("{file}: the cleaned copy got {again:?}"))
}
