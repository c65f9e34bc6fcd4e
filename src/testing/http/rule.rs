//! Which calls go wrong.

use super::fault::HttpFault;

/// A fault and the calls that it befalls: by default every one, for ever.
///
/// # Example
///
/// ```
/// use garland::testing::http::{HttpFault, HttpRule};
///
/// // The answer to the third part is lost, once.
/// let rule = HttpRule::new(HttpFault::ResetAfter).method("PUT").target_with("partNumber=").nth(3).times(1);
/// # drop(rule);
/// ```
#[derive(Clone, Debug)]
pub struct HttpRule {
    pub(super) fault: HttpFault,
    pub(super) method: Option<Box<str>>,
    pub(super) part: Option<Box<str>>,
    pub(super) without: Option<Box<str>>,
    pub(super) nth: u64,
    pub(super) times: u64,
    pub(super) rate: f64,
}

impl HttpRule {
    /// Lets this befall every call.
    #[must_use]
    pub fn new(fault: HttpFault) -> Self {
        Self {
            fault,
            method: None,
            part: None,
            without: None,
            nth: 1,
            times: u64::MAX,
            rate: 1.0,
        }
    }

    /// Befalls calls of this method only.
    #[must_use]
    pub fn method(mut self, method: impl Into<Box<str>>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Befalls calls only whose path and query, as sent, have this in them.
    #[must_use]
    pub fn target_with(mut self, part: impl Into<Box<str>>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// Befalls calls only whose path and query, as sent, do not have this in them.
    #[must_use]
    pub fn target_without(mut self, part: impl Into<Box<str>>) -> Self {
        self.without = Some(part.into());
        self
    }

    /// Begins with this one, from 1, of the calls that are meant. Default 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Ends after so many of the calls that are meant, from [`nth`](Self::nth) on. Default never.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Befalls this share, 0 to 1, of the calls that are meant, by the proxy's seed. Default 1.
    #[must_use]
    pub fn at_rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    pub(super) fn means(&self, method: &str, target: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method)
            && self
                .part
                .as_deref()
                .is_none_or(|part| target.contains(part))
            && self
                .without
                .as_deref()
                .is_none_or(|part| !target.contains(part))
    }
}
