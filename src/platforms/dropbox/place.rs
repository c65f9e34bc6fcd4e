//! Paths here and paths there.

use crate::connector::{FilePath, NameRules};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;

/// Where something is that Dropbox tells of.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum At {
    /// The top folder itself, or one around it.
    Top,
    Here(FilePath),
    /// Below the top folder, under a name that no path can have.
    Nameless(String),
    /// Dropbox does not say, for it is not in the account any more.
    Nowhere,
}

impl Dropbox {
    /// Writes a path as Dropbox takes it.
    pub(super) fn remote(&self, path: &FilePath) -> String {
        format!("{}/{}", self.top.path, self.names().spell(path.as_str()))
    }

    /// Reads a path as Dropbox shows it. Names above the top folder are told apart from those below by their number alone:
    /// they may be shown in another case than they were configured.
    pub(super) fn local(&self, display: Option<&str>) -> At {
        let Some(display) = display else {
            return At::Nowhere;
        };
        let mut rest = display.trim_start_matches('/');
        for _ in 0..self.top.depth {
            match rest.split_once('/') {
                Some((_, below)) => rest = below,
                None => return At::Top,
            }
        }
        if rest.is_empty() {
            return At::Top;
        }
        FilePath::parse(rest).map_or_else(|_| At::Nameless(rest.to_owned()), At::Here)
    }

    pub(super) fn names(&self) -> &NameRules {
        &self.facts.names
    }

    pub(super) fn check_name(&self, operation: &'static str, path: &FilePath) -> Result<()> {
        if self.names().allows_path(path) {
            return Ok(());
        }
        let message = "Dropbox does not take this name";
        Err(Error::new(ErrorKind::InvalidInput, operation, message).with_context("path", path))
    }
}
