//! What comes back through the browser.

use std::fmt;

use url::form_urlencoded;

use crate::error::{Error, ErrorKind, Result};

use super::secret::Secret;

/// The longest query that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// The answer to an authorization, as the browser brings it to the redirect address. Printed without its values.
///
/// # Example
///
/// ```
/// use garland::oauth::Callback;
///
/// let callback = Callback::parse("https://studio.example/cb?state=af0ifjsldkj&code=SplxlOBeZQQYbYS6WxSbIA")?;
/// assert_eq!(callback.state(), Some("af0ifjsldkj"));
/// assert!(Callback::parse("state=1&state=2").is_err(), "nothing may come twice");
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct Callback {
    pub(super) state: Option<Secret>,
    pub(super) code: Option<Secret>,
    pub(super) issuer: Option<String>,
    pub(super) error: Option<String>,
}

impl Callback {
    /// Reads the address that the browser was sent to, or its query alone.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: a parameter comes twice, or it is too long.
    pub fn parse(address: &str) -> Result<Self> {
        let fault = |message: &str| Error::new(ErrorKind::InvalidInput, "oauth.callback", message);
        if address.len() > LONGEST {
            return Err(fault("an answer to an authorization has at most 16 KiB"));
        }
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let (mut state, mut code, mut issuer, mut error) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "iss" => &mut issuer,
                "error" => &mut error,
                _ => continue,
            };
            // Source: RFC 6749, 3.1: parameters must not be included more than once.
            if place.replace(value.into_owned()).is_some() {
                return Err(fault("a parameter comes twice"));
            }
        }
        Ok(Self {
            state: state.map(Secret::new),
            code: code.map(Secret::new),
            issuer,
            error,
        })
    }

    /// Returns the state, by which a host finds who asked.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_ref().map(Secret::expose)
    }

    /// Tells whether the provider said no.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.error.is_some()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("is_refusal", &self.is_refusal())
            .finish_non_exhaustive()
    }
}
