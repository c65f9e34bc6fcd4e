//! Service accounts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder};

use crate::connector::kit::{AccessToken, Credentials, HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Carrier, credential_error, no_retries};

/// A service account, by its key or as that of the machine. Not printed.
#[derive(Clone)]
pub struct ServiceAccount {
    key: Option<String>,
    provider: GcpCredentialProvider,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceAccount(…)")
    }
}

impl ServiceAccount {
    /// Takes a key as Google gives it out, in JSON. Tokens are made of it as they run out, without a call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is no such key.
    pub fn by_key(client: &HttpClient, json: impl Into<String>) -> Result<Self> {
        Self::of(client, Some(json.into()))
    }

    /// Takes the service account of a machine at Google, from its metadata service. Nothing is asked before the first call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it cannot be set up.
    pub fn of_machine(client: &HttpClient) -> Result<Self> {
        Self::of(client, None)
    }

    fn of(client: &HttpClient, key: Option<String>) -> Result<Self> {
        let store = builder("none", key.as_deref(), client).build();
        // What is wrong with it would show what is in it.
        let store = store.map_err(|_| {
            let message = "this is not the key of a service account";
            Error::new(ErrorKind::InvalidInput, "service_account.new", message)
        })?;
        Ok(Self {
            key,
            provider: Arc::clone(store.credentials()),
        })
    }

    /// What signs links: only a key can.
    pub(super) fn signer(
        &self,
        bucket: &str,
        endpoint: &str,
        client: &HttpClient,
    ) -> Option<Box<dyn object_store::signer::Signer>> {
        let key = self.key.as_deref()?;
        let store = builder(bucket, Some(key), client)
            .with_base_url(endpoint)
            .build();
        Some(Box::new(store.ok()?))
    }
}

fn builder(bucket: &str, key: Option<&str>, client: &HttpClient) -> GoogleCloudStorageBuilder {
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(no_retries())
        .with_http_connector(Carrier::new(client.clone()));
    match key {
        Some(key) => builder.with_service_account_key(key),
        None => builder,
    }
}

#[async_trait]
impl Credentials for ServiceAccount {
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        let credential = self.provider.get_credential().await;
        let credential = credential.map_err(|cause| credential_error("gcs.sign", &cause))?;
        AccessToken::new(&*credential.bearer).put_on(request);
        Ok(())
    }

    async fn refused(&self, _: &HttpRequest) -> Result<bool> {
        Ok(false)
    }
}
