//! Answers in XML.

use roxmltree::{Document, Node};

use crate::error::{Error, ErrorKind, Result};

/// Reads an answer: `read` gets its outermost element, and returns `None` if what must be there is not.
///
/// The fault does not tell what was there: answers may hold secrets.
pub(in crate::platforms) fn read_xml<T>(
    body: &[u8],
    read: impl FnOnce(Node<'_, '_>) -> Option<T>,
) -> Result<T> {
    let broken = |kind, message: &str| Error::new(kind, "xml.read", message);
    let text = str::from_utf8(body).map_err(|cause| {
        broken(ErrorKind::Unavailable, "the platform's answer is not UTF-8").with_source(cause)
    })?;
    // Azure begins with a mark of byte order, S3 with spaces that keep a long call alive.
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let document = Document::parse(text)
        .map_err(|_| broken(ErrorKind::Unavailable, "the platform's answer is no XML"))?;
    read(document.root_element()).ok_or_else(|| {
        let message = "the platform answered in another form than documented";
        broken(ErrorKind::Unexpected, message)
    })
}

/// The text of the first child of this name, empty where the child is; whatever its namespace.
pub(in crate::platforms) fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node
        .children()
        .find(|child| child.tag_name().name() == name)?;
    Some(child.text().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_xml_may_pass_and_another_form_is_a_fault() {
        let read = |body: &str| read_xml(body.as_bytes(), |root| text_of(root, "a").map(str::len));
        assert_eq!(read(" \n<r xmlns='x'><a>12</a></r>").unwrap(), 2);
        assert_eq!(
            read("<html><a>").unwrap_err().kind(),
            ErrorKind::Unavailable
        );
        assert_eq!(read("<r/>").unwrap_err().kind(), ErrorKind::Unexpected);
    }
}
