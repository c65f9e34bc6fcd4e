//! Paths of an account as keys of its bucket.

use crate::connector::{FilePath, NameRules};
use crate::error::{Error, ErrorKind, Result};

/// The longest key in bytes of UTF-8: of [S3], [Google] and, in characters, [Azure].
///
/// [S3]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
/// [Google]: https://cloud.google.com/storage/docs/objects#naming
/// [Azure]: https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
const LONGEST: usize = 1024;

/// Where an account begins in its bucket.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::platforms) struct Keys {
    /// Empty, or with a slash at its end.
    prefix: Box<str>,
}

impl Keys {
    /// An account of everything below `prefix`, or of the whole bucket.
    pub(in crate::platforms) fn new(prefix: Option<&FilePath>) -> Self {
        let prefix = prefix.map(|prefix| format!("{prefix}/"));
        Self {
            prefix: prefix.unwrap_or_default().into(),
        }
    }

    /// What every key of the account begins with.
    pub(in crate::platforms) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of a path.
    pub(in crate::platforms) fn key(&self, path: &FilePath) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The key of a path that is to be written.
    pub(super) fn writable(&self, path: &FilePath, names: &NameRules) -> Result<String> {
        let refused = |message: &str| {
            Error::new(ErrorKind::InvalidInput, "files.write", message).with_context("path", path)
        };
        if !path.components().all(|name| names.allows(name)) {
            return Err(refused("the bucket does not take such a name"));
        }
        let key = self.key(path);
        if key.len() > LONGEST {
            return Err(refused("the path is longer than a key can be"));
        }
        Ok(key)
    }

    /// The path of a key, as text that may be no path; `None` for a key of another account.
    pub(super) fn below<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&*self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_folder() {
        let (top, below): (FilePath, FilePath) =
            ("studio".parse().unwrap(), "day/a".parse().unwrap());
        let keys = Keys::new(Some(&top));
        assert_eq!(keys.key(&below), "studio/day/a");
        assert_eq!(keys.below("studio/day/a"), Some("day/a"));
        assert_eq!(keys.below("studios/a"), None);
        assert_eq!(Keys::new(None).key(&below), "day/a");
    }

    #[test]
    fn a_key_that_is_too_long_is_refused() {
        let path: FilePath = format!("{}/b", "a".repeat(255)).parse().unwrap();
        let deep = FilePath::parse(vec![path.as_str(); 4].join("/")).unwrap();
        let error = Keys::default().writable(&deep, &NameRules::default());
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
