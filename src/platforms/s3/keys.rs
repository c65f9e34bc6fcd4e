//! Keys of an account, and signatures by them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::StaticCredentialProvider;
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential, AwsCredentialProvider};
use object_store::client::{HttpRequest as StoreRequest, HttpRequestBody};
use reqwest::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use crate::connector::kit::{Credentials, HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Carrier, credential_error, no_retries};

/// From which size in bytes on a body is hashed on a thread of its own.
const LARGE: u64 = 64 << 10;

/// The keys of an account, or who gives them out. Not printed.
///
/// # Example
///
/// ```
/// use garland::platforms::S3Keys;
///
/// let keys = S3Keys::new("AKIAEXAMPLE", "secret")?;
/// assert_eq!(format!("{keys:?}"), "S3Keys(…)");
/// assert!(S3Keys::new("AKIA\nEXAMPLE", "secret").is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct S3Keys(AwsCredentialProvider);

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Keys(…)")
    }
}

impl S3Keys {
    /// Takes an access key: its id and its secret.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: one that is empty, or has other characters than visible ASCII.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Result<Self> {
        Self::of(id.into(), secret.into(), None)
    }

    /// Takes keys that are lent for some hours, with their session token. A host renews them by making the account anew.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn temporary(
        id: impl Into<String>,
        secret: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self> {
        Self::of(id.into(), secret.into(), Some(token.into()))
    }

    /// Takes the keys of the role that a machine at Amazon has, from its
    /// [metadata service](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html);
    /// they are renewed as they run out. Nothing is asked before the first call.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`]: it cannot be set up.
    pub fn of_machine(client: &HttpClient) -> Result<Self> {
        let store = AmazonS3Builder::new()
            .with_bucket_name("none")
            .with_retry(no_retries())
            .with_http_connector(Carrier::new(client.clone()))
            .build()
            .map_err(|cause| {
                let message = "the keys of the machine cannot be asked for";
                Error::new(ErrorKind::Unexpected, "s3_keys.new", message).with_source(cause)
            })?;
        Ok(Self(Arc::clone(store.credentials())))
    }

    fn of(id: String, secret: String, token: Option<String>) -> Result<Self> {
        let is_plain =
            |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if ![Some(&id), Some(&secret), token.as_ref()]
            .into_iter()
            .flatten()
            .all(is_plain)
        {
            let message = "a key is of visible ASCII characters";
            return Err(Error::new(ErrorKind::InvalidInput, "s3_keys.new", message));
        }
        let credential = AwsCredential {
            key_id: id,
            secret_key: secret,
            token,
        };
        Ok(Self(Arc::new(StaticCredentialProvider::new(credential))))
    }

    pub(super) fn provider(&self) -> AwsCredentialProvider {
        Arc::clone(&self.0)
    }
}

/// Signs each call by [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html), the
/// SHA-256 of its body included: what arrives is what was signed, or it is refused.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) keys: S3Keys,
    pub(super) region: String,
}

#[async_trait]
impl Credentials for Signature {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        let digest = digest_of(request.pieces(), request.body_len()).await?;
        let credential = self.keys.0.get_credential().await;
        let credential = credential.map_err(|cause| credential_error("s3.sign", &cause))?;
        let mut draft = StoreRequest::new(HttpRequestBody::empty());
        let unsendable = || {
            let message = "the request cannot be signed";
            Error::new(ErrorKind::InvalidInput, "s3.sign", message)
        };
        *draft.method_mut() = request.method().try_into().map_err(|_| unsendable())?;
        *draft.uri_mut() = request.url().try_into().map_err(|_| unsendable())?;
        for (name, value) in request.headers() {
            let name = HeaderName::try_from(name).map_err(|_| unsendable())?;
            let value = HeaderValue::try_from(value).map_err(|_| unsendable())?;
            draft.headers_mut().append(name, value);
        }
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut draft, Some(&digest))
            .map_err(|_| unsendable())?;
        for (name, value) in draft.headers() {
            let text = value.to_str().map_err(|_| unsendable())?;
            request.set_header(name.as_str(), text);
        }
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}

/// The SHA-256 of a body.
async fn digest_of(pieces: &[Bytes], length: u64) -> Result<[u8; 32]> {
    let digest = |pieces: &[Bytes]| -> [u8; 32] {
        let mut hash = Sha256::new();
        for piece in pieces {
            hash.update(piece);
        }
        hash.finalize().into()
    };
    if length < LARGE {
        return Ok(digest(pieces));
    }
    let pieces = pieces.to_vec();
    let task = spawn_blocking(move || digest(&pieces)).await;
    task.map_err(|cause| {
        let message = "the hash of the body was not computed";
        Error::new(ErrorKind::Unexpected, "s3.sign", message).with_source(cause)
    })
}
