//! What to do when the answer is somewhere else.

use crate::error::{Error, ErrorKind, Result};

use super::policy::{Target, TargetPolicy};

/// How many redirects are followed. By default none: the answer that names another place is the answer.
///
/// Only reading is ever redirected (`GET`): a body that was meant for one place is not sent to another.
///
/// # Example
///
/// ```
/// use garland::outbound::{RedirectPolicy, TargetPolicy};
///
/// let (targets, follow) = (TargetPolicy::default(), RedirectPolicy::at_most(3));
/// let here = targets.check("https://files.example.com/a")?;
/// let there = follow.next(&targets, &here, 302, Some("/b"), 0)?;
/// assert_eq!(there.map(|target| target.as_str().to_owned()).as_deref(), Some("https://files.example.com/b"));
/// assert!(follow.next(&targets, &here, 302, Some("https://169.254.169.254/"), 0).is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RedirectPolicy {
    most: u8,
}

impl RedirectPolicy {
    /// Follows no redirect.
    #[must_use]
    pub const fn none() -> Self {
        Self { most: 0 }
    }

    /// Follows up to `most` redirects, one after the other.
    #[must_use]
    pub const fn at_most(most: u8) -> Self {
        Self { most }
    }

    /// Returns where to go on after an answer of `status` with the header `Location`, the `followed`
    /// redirects before it being done; `None` if the answer is the answer. Pure.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`]: the other place may not be called.
    /// - [`ErrorKind::LimitExceeded`]: too many redirects.
    /// - [`ErrorKind::Corrupt`]: there is no other place, or it cannot be read.
    pub fn next(
        &self,
        targets: &TargetPolicy,
        here: &Target,
        status: u16,
        location: Option<&str>,
        followed: u8,
    ) -> Result<Option<Target>> {
        if self.most == 0 || !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        if followed >= self.most {
            let many = "there are too many redirects";
            return Err(Error::new(ErrorKind::LimitExceeded, "redirect.next", many)
                .with_context("most", self.most));
        }
        let there = location.and_then(|location| here.join(location));
        let Some(there) = there else {
            let lost = "a redirect leads nowhere";
            return Err(Error::new(ErrorKind::Corrupt, "redirect.next", lost));
        };
        targets.check(&there).map(Some)
    }
}
