//! What proves who asks.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::StaticCredentialProvider;
use object_store::azure::{
    AzureAccessKey, AzureAuthorizer, AzureCredential, AzureCredentialProvider,
    MicrosoftAzureBuilder, split_sas,
};
use object_store::client::{HttpRequest as StoreRequest, HttpRequestBody};
use reqwest::header::{HeaderName, HeaderValue};

use crate::connector::kit::{Credentials, HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Carrier, credential_error, no_retries};

/// What an account of Azure asks with. Not printed.
///
/// # Example
///
/// ```
/// use garland::platforms::AzureCredentials;
///
/// let key = AzureCredentials::key("c2VjcmV0")?;
/// assert_eq!(format!("{key:?}"), "AzureCredentials(…)");
/// assert!(AzureCredentials::key("no base64!").is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct AzureCredentials {
    provider: AzureCredentialProvider,
    /// A shared access signature cannot sign another.
    signs_links: bool,
}

impl fmt::Debug for AzureCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AzureCredentials(…)")
    }
}

impl AzureCredentials {
    /// Takes a key of the storage account, in base64.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is no base64.
    pub fn key(key: &str) -> Result<Self> {
        let key = AzureAccessKey::try_new(key).map_err(|_| invalid("a key is in base64"))?;
        Ok(Self::of(AzureCredential::AccessKey(key)))
    }

    /// Takes a shared access signature: the query of the URL that it came with.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is no query.
    pub fn sas(query: &str) -> Result<Self> {
        let pairs = split_sas(query).map_err(|_| invalid("a signature is a query"))?;
        Ok(Self::of(AzureCredential::SASToken(pairs)))
    }

    /// Takes an application of Entra ID; tokens are fetched as they run out. Nothing is asked before the first call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: they cannot be a tenant and an application.
    pub fn application(
        client: &HttpClient,
        tenant: &str,
        id: &str,
        secret: impl Into<String>,
    ) -> Result<Self> {
        let builder =
            MicrosoftAzureBuilder::new().with_client_secret_authorization(id, secret, tenant);
        Self::asked(builder, client)
    }

    /// Takes the identity of the machine at Azure, from its metadata service.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it cannot be set up.
    pub fn of_machine(client: &HttpClient) -> Result<Self> {
        Self::asked(MicrosoftAzureBuilder::new(), client)
    }

    fn asked(builder: MicrosoftAzureBuilder, client: &HttpClient) -> Result<Self> {
        let store = builder
            .with_account("none")
            .with_container_name("none")
            .with_retry(no_retries())
            .with_http_connector(Carrier::new(client.clone()))
            .build()
            .map_err(|_| invalid("these credentials cannot be asked for"))?;
        Ok(Self {
            provider: Arc::clone(store.credentials()),
            signs_links: true,
        })
    }

    fn of(credential: AzureCredential) -> Self {
        Self {
            signs_links: !matches!(credential, AzureCredential::SASToken(_)),
            provider: Arc::new(StaticCredentialProvider::new(credential)),
        }
    }

    pub(super) fn provider(&self) -> AzureCredentialProvider {
        Arc::clone(&self.provider)
    }

    pub(super) fn signs_links(&self) -> bool {
        self.signs_links
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "azure_credentials.new", message)
}

/// Adds a signature by the account's key, a token, or a shared access signature, which has to go into the address.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) credentials: AzureCredentials,
    pub(super) account: String,
}

#[async_trait]
impl Credentials for Proof {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        let unsendable = || {
            let message = "the request cannot be signed";
            Error::new(ErrorKind::InvalidInput, "azure.sign", message)
        };
        let credential = self.credentials.provider.get_credential().await;
        let credential = credential.map_err(|cause| credential_error("azure.sign", &cause))?;
        let mut draft = StoreRequest::new(HttpRequestBody::empty());
        *draft.method_mut() = request.method().try_into().map_err(|_| unsendable())?;
        *draft.uri_mut() = request.url().try_into().map_err(|_| unsendable())?;
        // The length is a part of what is signed.
        let length = request.body_len().to_string();
        for (name, value) in request.headers().chain([("content-length", &*length)]) {
            let name = HeaderName::try_from(name).map_err(|_| unsendable())?;
            let value = HeaderValue::try_from(value).map_err(|_| unsendable())?;
            draft.headers_mut().insert(name, value);
        }
        AzureAuthorizer::new(&credential, &self.account)
            .try_authorize(&mut draft)
            .map_err(|_| unsendable())?;
        for (name, value) in draft.headers() {
            let text = value.to_str().map_err(|_| unsendable())?;
            if *name != "content-length" {
                request.set_header(name.as_str(), text);
            }
        }
        if let AzureCredential::SASToken(pairs) = &*credential {
            let signed = pairs.iter().fold(request.clone(), |signed, (name, value)| {
                signed.query(name, value)
            });
            *request = signed;
            // The source of a copy is read by whoever has its address.
            if let Some(source) = request.header_value("x-ms-copy-source") {
                let source = pairs
                    .iter()
                    .fold(HttpRequest::get(source), |source, (name, value)| {
                        source.query(name, value)
                    });
                request.set_header("x-ms-copy-source", source.url());
            }
        }
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}
