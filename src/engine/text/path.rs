//! Paths that somebody hands in.

use crate::connector::FilePath;
use crate::error::{Error, ErrorKind, Result};

use super::hazards::{Hazard, is_reserved, of_character};

/// Checks a relative path that came from outside: of an archive's entry, of a folder that a browser sends.
///
/// Stricter than [`FilePath::parse`], because nobody knows yet which program will read it: it must
/// mean the same on every system, and still mean the same to a program that decodes it once more. So
/// it has no backslash, no colon, no control or invisible character, nothing that looks like a
/// separator, no component of dots, with two of them first, or of a device's name, and nothing that is left over from an
/// encoding (`%2e`, `%u2215`, `0x2f`).
///
/// # Errors
/// [`ErrorKind::InvalidInput`]: any of these, or not a [`FilePath`].
///
/// # Example
///
/// ```
/// use garland::text::relative_path;
///
/// assert_eq!(relative_path("day one/IMG_0001.jpg")?.name(), "IMG_0001.jpg");
/// for hostile in ["../up", "/etc/passwd", "..\\up", "C:evil", "%2e%2e%2fup", "a/./b", "a/.../b"] {
///     assert!(relative_path(hostile).is_err(), "{hostile}");
/// }
/// # Ok::<(), garland::Error>(())
/// ```
pub fn relative_path(text: &str) -> Result<FilePath> {
    let refused = |message: &'static str| {
        Error::new(ErrorKind::InvalidInput, "relative_path.parse", message)
            .with_context("bytes", text.len())
    };
    if text.len() > MAX_PATH {
        return Err(refused("a path has at most 1,024 bytes"));
    }
    let path = FilePath::parse(text)?;
    if has_leftover_encoding(text) {
        return Err(refused("a path cannot hold what is left of an encoding"));
    }
    for component in path.components() {
        if component.len() > MAX_COMPONENT {
            return Err(refused("a component of a path has at most 255 bytes"));
        }
        let dots =
            component.starts_with("..") || component.contains("..2f") || component.contains("..5c");
        if dots || component.trim_end_matches(['.', ' ']).is_empty() {
            return Err(refused(
                "a component of a path cannot be of dots or begin with two",
            ));
        }
        if component.starts_with('~') {
            return Err(refused("a path cannot begin at somebody's home"));
        }
        if is_reserved(component) {
            return Err(refused(Hazard::Reserved.message()));
        }
        let hazards = component.chars().filter_map(|one| of_character(one, None));
        if let Some(hazard) = hazards.min()
            && (hazard.is_hostile() || component.contains(['*', '?', '"', '<', '>', '|']))
        {
            return Err(refused(hazard.message()));
        }
    }
    Ok(path)
}

const MAX_PATH: usize = 1_024;
const MAX_COMPONENT: usize = 255;

/// Whether a program that decodes the text would see another text, or the text has the marks of one
/// that was decoded wrongly.
fn has_leftover_encoding(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        let next = |by: usize| bytes.get(at + by).copied().unwrap_or_default();
        match byte {
            b'%' => next(1).is_ascii_alphanumeric() || next(1) == b'%',
            // `0x2e`, `0x2f` and `0x5c`, as hexadecimal that some servers take.
            b'0' => {
                next(1).eq_ignore_ascii_case(&b'x')
                    && matches!(
                        (next(2), next(3) | 0x20),
                        (b'2', b'e' | b'f') | (b'5', b'c')
                    )
            }
            b'&' => next(1) == b'#' || text.get(at..).is_some_and(is_entity),
            _ => false,
        }
    })
}

fn is_entity(text: &str) -> bool {
    let name = text.get(1..).unwrap_or_default();
    let end = name.find(|one: char| !one.is_ascii_alphanumeric());
    end.is_some_and(|end| end > 0 && name.get(end..=end) == Some(";"))
}
