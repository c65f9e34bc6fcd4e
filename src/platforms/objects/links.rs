//! Share links that are signatures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use object_store::signer::Signer;
use reqwest::Method;

use crate::clock::Clock;
use crate::connector::{FilePath, FileStore, LinkOptions, LinkScope, LinkSharing, ShareLink};
use crate::error::{Error, ErrorKind, Result};

use super::bucket::Bucket;
use super::carrier::credential_error;
use super::files::{BucketFiles, missing};

/// The longest that a signed link lasts, by S3 and by Google.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Links that are signed here, without a word to the server: nobody keeps a list of them, and none can be taken back but
/// by withdrawing the key that signed it.
pub(in crate::platforms) struct SignedLinks<B: Bucket> {
    files: Arc<BucketFiles<B>>,
    signer: Box<dyn Signer>,
    clock: Arc<dyn Clock>,
    /// Whether a name with characters that an address cannot have is signed as the server reads it.
    signs_any_name: bool,
}

impl<B: Bucket> fmt::Debug for SignedLinks<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedLinks").finish_non_exhaustive()
    }
}

impl<B: Bucket> SignedLinks<B> {
    pub(in crate::platforms) fn new(
        files: Arc<BucketFiles<B>>,
        signer: Box<dyn Signer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            files,
            signer,
            clock,
            signs_any_name: true,
        }
    }

    /// Says that only names that an address can have as they are can be signed.
    #[cfg(feature = "azure")]
    pub(in crate::platforms) fn for_plain_names(mut self) -> Self {
        self.signs_any_name = false;
        self
    }
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "links.create", message)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Bucket> LinkSharing for SignedLinks<B> {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        if self.files.stat(path).await?.is_none() {
            return Err(missing(path));
        }
        if options.scope != LinkScope::Anyone {
            return Err(unsupported("a signed link is for whoever has it"));
        }
        if options.password.is_some() {
            return Err(unsupported("a signed link has no password"));
        }
        let Some(expires) = options.expires else {
            return Err(unsupported("a signed link ends: say when, within 7 days"));
        };
        let now = self.clock.now();
        // Signatures count in whole seconds.
        let seconds = expires.saturating_since(now).as_secs();
        let lasts = Duration::from_secs(seconds);
        if lasts.is_zero() || lasts > LONGEST {
            let message = "a signed link lasts from a second to 7 days";
            return Err(Error::new(ErrorKind::InvalidInput, "links.create", message)
                .with_context("seconds", seconds));
        }
        let key = self.files.keys.key(path);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let signs = self.signs_any_name || key.bytes().all(is_plain);
        let key = Path::parse(key).ok().filter(|_| signs).ok_or_else(|| {
            let message = "there is no link to a file of such a name";
            unsupported(message).with_context("path", path)
        })?;
        let signed = self.signer.signed_url(Method::GET, &key, lasts).await;
        let url = signed.map_err(|cause| credential_error("links.create", &cause))?;
        Ok(ShareLink::new("signed", url.as_str(), path.clone())
            .with_expires(now.saturating_add(lasts)))
    }

    /// Nobody keeps a list of signed links.
    async fn links(&self, _: &FilePath) -> Result<Vec<ShareLink>> {
        Ok(Vec::new())
    }

    async fn revoke_link(&self, _: &str) -> Result<()> {
        let message = "a signed link ends by itself, or with the key that signed it";
        Err(Error::new(ErrorKind::Unsupported, "links.revoke", message))
    }
}
