//! Where an API begins.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::connector::path::FilePath;
use crate::error::{Error, ErrorKind, Result};

/// What stays as it is in a path: the unreserved characters of [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where an API begins: scheme, host, port and the path before every call, such as `https://graph.microsoft.com/v1.0`.
///
/// Every host of a platform is one of these in the configuration of its connector, so that a test, a proxy or another
/// region can stand in its place.
///
/// # Example
///
/// ```
/// use garland::connector::kit::BaseUrl;
///
/// let base: BaseUrl = "https://graph.microsoft.com/v1.0/".parse()?;
/// assert_eq!(base.at("/me/drive"), "https://graph.microsoft.com/v1.0/me/drive");
/// assert!("ftp://example.com".parse::<BaseUrl>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct BaseUrl {
    text: Box<str>,
    url: Url,
}

impl BaseUrl {
    /// Returns the address of a call: `path` begins with `/` and is percent-encoded already.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Returns the address as text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the path before every call; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Tells whether another address is of this scheme, host and port.
    #[must_use]
    pub fn is_origin_of(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|other| other.origin() == self.url.origin())
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid =
            |message: &str| Error::new(ErrorKind::InvalidInput, "base_url.parse", message);
        let url = Url::parse(text)
            .map_err(|cause| invalid("this is not an address").with_source(cause))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid(
                "an address of an API is of http or https, and has a host",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "an address of an API holds no user and no password",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("an address of an API has no query and no fragment"));
        }
        let text = url.as_str().trim_end_matches('/').into();
        Ok(Self { text, url })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Percent-encodes a text as one segment of a path or one value of a query: only `A–Z a–z 0–9 - . _ ~` stay.
///
/// A segment that is `.` or `..` stays so and would mean another folder; a [`FilePath`] has none.
#[must_use]
pub fn encode_segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

/// Percent-encodes a path, component by component.
///
/// # Example
///
/// ```
/// use garland::connector::kit::encode_path;
///
/// let path = "first look/50%.jpg".parse()?;
/// assert_eq!(encode_path(&path), "first%20look/50%25.jpg");
/// # Ok::<(), garland::Error>(())
/// ```
#[must_use]
pub fn encode_path(path: &FilePath) -> String {
    let mut text = String::with_capacity(path.as_str().len());
    for (number, component) in path.components().enumerate() {
        if number > 0 {
            text.push('/');
        }
        text.push_str(&encode_segment(component));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_an_api_is_plain() {
        for text in [
            "",
            "x",
            "ftp://a",
            "https://a@b",
            "https://a:b@c",
            "https://a?b",
            "https://a#b",
            "file:///a",
            "https://",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
        let base: BaseUrl = "http://127.0.0.1:80/x/".parse().unwrap();
        assert_eq!(base.as_str(), "http://127.0.0.1/x");
        assert_eq!(base.path(), "/x");
        assert!(
            base.is_origin_of("http://127.0.0.1/y") && !base.is_origin_of("https://127.0.0.1/")
        );
    }
}
