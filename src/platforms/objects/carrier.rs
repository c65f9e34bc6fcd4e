//! How `object_store` reaches those who give out credentials: over the same client as everything else.

use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{
    HttpClient as StoreClient, HttpConnector, HttpError, HttpErrorKind,
    HttpRequest as StoreRequest, HttpResponse as StoreResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, RetryConfig};
use reqwest::header::{HeaderName, HeaderValue};

use crate::connector::kit::{HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind};

/// Carries the calls of `object_store` over garland's client.
#[derive(Clone, Debug)]
pub(in crate::platforms) struct Carrier(HttpClient);

impl Carrier {
    pub(in crate::platforms) fn new(client: HttpClient) -> Self {
        Self(client)
    }
}

impl HttpConnector for Carrier {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<StoreClient> {
        Ok(StoreClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Carrier {
    async fn call(&self, request: StoreRequest) -> Result<StoreResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let mut own = HttpRequest::new(parts.method.as_str(), parts.uri.to_string());
        if let Some(bytes) = body.as_bytes() {
            own = own.body("application/octet-stream", bytes.clone());
        } else if !body.is_empty() {
            let message = "only a body in one piece can be carried";
            let error = Error::new(ErrorKind::Unexpected, "credentials.call", message);
            return Err(HttpError::new(HttpErrorKind::Unknown, error));
        }
        for (name, value) in &parts.headers {
            let text = value.to_str();
            let text = text.map_err(|cause| HttpError::new(HttpErrorKind::Unknown, cause))?;
            own.set_header(name.as_str(), text);
        }
        let answer = self.0.send(own).await.map_err(failed)?;
        let status = answer.status();
        let headers: Vec<_> = answer
            .headers()
            .filter_map(|(name, value)| {
                Some((
                    HeaderName::try_from(name).ok()?,
                    HeaderValue::try_from(value).ok()?,
                ))
            })
            .collect();
        let body = answer.bytes().await.map_err(failed)?;
        let mut told = StoreResponse::new(HttpResponseBody::from(body));
        *told.status_mut() = status
            .try_into()
            .map_err(|cause| HttpError::new(HttpErrorKind::Decode, cause))?;
        told.headers_mut().extend(headers);
        Ok(told)
    }
}

fn failed(error: Error) -> HttpError {
    let kind = match error.kind() {
        ErrorKind::Timeout => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error)
}

/// Nothing is repeated beneath a connector: the layers of resilience do that.
pub(in crate::platforms) fn no_retries() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        retry_timeout: Duration::ZERO,
        ..RetryConfig::default()
    }
}

/// Says why there are no credentials. The cause is left out but for its kind: it names addresses and holds answers.
pub(in crate::platforms) fn credential_error(
    operation: &'static str,
    cause: &object_store::Error,
) -> Error {
    let (kind, message) = match cause {
        object_store::Error::Unauthenticated { .. }
        | object_store::Error::PermissionDenied { .. }
        | object_store::Error::NotFound { .. } => (
            ErrorKind::Unauthenticated,
            "no credentials are given out; connect the account again",
        ),
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
            (ErrorKind::Unsupported, "these credentials cannot do it")
        }
        _ => (
            ErrorKind::Unavailable,
            "those who give out credentials did not answer",
        ),
    };
    Error::new(kind, operation, message)
}
