//! Bodies of several parts.

use bytes::Bytes;

/// A body of several parts ([RFC 2046](https://www.rfc-editor.org/rfc/rfc2046#section-5.1)), for `multipart/related` and
/// `multipart/form-data`.
///
/// What divides the parts is a digest of them, so that no content can end its own part.
#[derive(Clone, Debug)]
pub struct Multipart {
    kind: &'static str,
    parts: Vec<Part>,
}

/// One part: its headers and its content.
#[derive(Clone, Debug)]
pub struct Part {
    headers: String,
    content: Bytes,
}

impl Part {
    /// Makes a part of `multipart/related`.
    #[must_use]
    pub fn new(media_type: &str, content: impl Into<Bytes>) -> Self {
        Self {
            headers: format!("Content-Type: {}\r\n", plain(media_type)),
            content: content.into(),
        }
    }

    /// Makes a field of a form.
    #[must_use]
    pub fn field(name: &str, content: impl Into<Bytes>) -> Self {
        Self {
            headers: format!(
                "Content-Disposition: form-data; name=\"{}\"\r\n",
                quoted(name)
            ),
            content: content.into(),
        }
    }

    /// Makes a file of a form.
    #[must_use]
    pub fn file(name: &str, file: &str, media_type: &str, content: impl Into<Bytes>) -> Self {
        let (name, file, media_type) = (quoted(name), quoted(file), plain(media_type));
        Self {
            headers: format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {media_type}\r\n"
            ),
            content: content.into(),
        }
    }
}

impl Multipart {
    /// Makes a `multipart/related` of some parts.
    #[must_use]
    pub fn related(parts: impl Into<Vec<Part>>) -> Self {
        let (kind, parts) = ("multipart/related", parts.into());
        Self { kind, parts }
    }

    /// Makes a `multipart/form-data` of some parts.
    #[must_use]
    pub fn form(parts: impl Into<Vec<Part>>) -> Self {
        let (kind, parts) = ("multipart/form-data", parts.into());
        Self { kind, parts }
    }

    /// Returns the media type with the boundary, and the pieces of the body.
    pub(super) fn into_body(self) -> (String, Vec<Bytes>) {
        let mut digest = blake3::Hasher::new();
        for part in &self.parts {
            digest.update(part.headers.as_bytes()).update(&part.content);
        }
        let digest = digest.finalize().to_hex();
        let boundary = digest.get(..40).unwrap_or(&digest);
        let mut pieces = Vec::with_capacity(self.parts.len() * 2 + 1);
        for (number, part) in self.parts.into_iter().enumerate() {
            let before = if number == 0 { "" } else { "\r\n" };
            pieces.push(format!("{before}--{boundary}\r\n{}\r\n", part.headers).into());
            pieces.push(part.content);
        }
        pieces.push(format!("\r\n--{boundary}--\r\n").into());
        (format!("{}; boundary={boundary}", self.kind), pieces)
    }
}

/// A name between quotes, as browsers write it
/// ([HTML](https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data)).
fn quoted(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value that cannot begin another header.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries() {
        let parts = [
            Part::field("a\"b", "1"),
            Part::file("f", "x\r\n.jpg", "image/jpeg", "2"),
        ];
        let (media_type, pieces) = Multipart::form(parts).into_body();
        let boundary = media_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"x%0D%0A.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n2\r\n\
             --{boundary}--\r\n"
        );
        assert_eq!(pieces.concat(), expected.as_bytes());
    }
}
