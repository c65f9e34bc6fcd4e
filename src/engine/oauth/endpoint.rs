//! Asking an endpoint.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::timeout;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::connector::kit::{HttpClient, HttpRequest};
use crate::error::{Error, ErrorKind, Result};

use super::answer::{Failure, Tokens, read};
use super::provider::{ClientAuthentication, Provider};

/// Posts a form to an endpoint of a provider as its client, and reads what it answers, within `patience`.
pub(super) async fn ask<T: DeserializeOwned>(
    client: &HttpClient,
    provider: &Provider,
    url: &str,
    form: &[(&str, &str)],
    at: &Asking,
) -> Result<T, Failure> {
    let request = request(provider, url, form)?;
    let exchange = async {
        let answer = client.send(request).await?;
        read(answer, at.operation, at.now).await
    };
    let answered = timeout(at.patience, exchange).await;
    let answered = answered.unwrap_or_else(|_| Err(late(at).into()));
    answered.map_err(|failure| failure.with_provider(&provider.id))
}

/// Asks the token endpoint for tokens.
pub(super) async fn tokens(
    client: &HttpClient,
    provider: &Provider,
    form: &[(&str, &str)],
    at: &Asking,
) -> Result<Tokens, Failure> {
    let tokens: Tokens = ask(client, provider, &provider.token, form, at).await?;
    Ok(tokens.check(at.operation)?)
}

/// As [`ask`], of an endpoint whose good answers say nothing.
pub(super) async fn ask_empty(
    client: &HttpClient,
    provider: &Provider,
    url: &str,
    form: &[(&str, &str)],
    at: &Asking,
) -> Result<(), Failure> {
    let request = request(provider, url, form)?;
    let exchange = async {
        let answer = client.send(request).await?;
        if (200..300).contains(&answer.status()) {
            return Ok(());
        }
        read::<IgnoredAny>(answer, at.operation, at.now)
            .await
            .map(drop)
    };
    let answered = timeout(at.patience, exchange).await;
    answered.unwrap_or_else(|_| Err(late(at).into()))
}

/// When and for what an endpoint is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) operation: &'static str,
    pub(super) now: Timestamp,
    pub(super) patience: Duration,
}

fn late(at: &Asking) -> Error {
    let message = "the provider did not answer in time";
    Error::new(ErrorKind::Timeout, at.operation, message)
}

fn request(provider: &Provider, url: &str, form: &[(&str, &str)]) -> Result<HttpRequest> {
    let mut request = HttpRequest::post(url).header("accept", "application/json");
    let mut fields = form.to_vec();
    match &provider.authentication {
        // A service account says who it is in its assertion.
        ClientAuthentication::None if provider.client_id.is_empty() => {}
        ClientAuthentication::None => fields.push(("client_id", &provider.client_id)),
        ClientAuthentication::Basic(secret) => {
            let encoded = |text: &[u8]| byte_serialize(text).collect::<String>();
            let secret = Zeroizing::new(encoded(secret.expose()));
            let id = encoded(provider.client_id.as_bytes());
            let login = Zeroizing::new(format!("{id}:{}", *secret));
            let login = format!("Basic {}", STANDARD.encode(login.as_bytes()));
            request.set_header("authorization", login);
        }
        ClientAuthentication::Post(secret) => {
            let secret = std::str::from_utf8(secret.expose()).map_err(|_| {
                let message = "a client's secret is text";
                Error::new(ErrorKind::InvalidInput, "oauth.ask", message)
            })?;
            fields.push(("client_id", &provider.client_id));
            fields.push(("client_secret", secret));
        }
    }
    Ok(request.form(fields))
}
