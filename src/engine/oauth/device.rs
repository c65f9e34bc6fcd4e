//! Connecting an account from a machine without a browser ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

use crate::clock::Timestamp;
use crate::connector::ConnectorName;
use crate::error::{Error, ErrorKind, Result};

use super::account::OAuthAccount;
use super::answer::Failure;
use super::endpoint::{Asking, ask, tokens};
use super::provider::ClientAuthentication;
use super::secret::Secret;
use super::service::OAuth;

/// The pause between two questions where the provider names none (RFC 8628, 3.2).
const INTERVAL: u64 = 5;

/// What each `slow_down` adds, for good (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// The longest pause, whatever the provider says or however often it cannot be reached.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest life of a code that is believed, in seconds: a day.
const LIFE: u64 = 24 * 3600;

/// An authorization that a person gives on another machine. Printed without its codes.
pub struct DeviceAuthorization {
    account: ConnectorName,
    provider: String,
    scopes: Vec<String>,
    device_code: Secret,
    user_code: String,
    address: String,
    whole_address: Option<String>,
    until: Timestamp,
    interval: Duration,
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl DeviceAuthorization {
    /// Returns the code that the person types in at [`address`](Self::address).
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns where the person goes.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns an address with the code in it, such as for a QR code, if the provider has one.
    #[must_use]
    pub fn whole_address(&self) -> Option<&str> {
        self.whole_address.as_deref()
    }

    /// Returns until when the person has time.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Returns how long the next question waits.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }
}

#[derive(Deserialize)]
struct Started {
    device_code: Secret,
    user_code: String,
    // Google used another name before the standard had one.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

impl OAuth {
    /// Begins to connect an account from a machine without a browser: shows a person where to go and what to type.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no provider of this id.
    /// - [`ErrorKind::Unsupported`]: it has no device flow.
    /// - Those of the provider, as of [`finish_device`](Self::finish_device).
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn begin_device(
        &self,
        account: ConnectorName,
        provider: &str,
    ) -> Result<DeviceAuthorization> {
        let inner = self.inner();
        let provider = inner.provider(provider)?;
        let endpoint = provider.device.as_deref().ok_or_else(|| {
            let message = "this provider has no device flow";
            Error::new(ErrorKind::Unsupported, "oauth.begin_device", message)
                .with_context("provider", &provider.id)
        })?;
        let scope = provider.scopes.join(" ");
        let at = Asking {
            operation: "oauth.begin_device",
            now: inner.clock.now(),
            patience: inner.options.patience(),
        };
        // Here a client says who it is in the body, whether or not it proves it as well (RFC 8628, 3.1).
        let mut form = vec![("scope", scope.as_str())];
        if matches!(provider.authentication, ClientAuthentication::Basic(_)) {
            form.push(("client_id", &provider.client_id));
        }
        let started: Started = ask(&inner.client, &provider, endpoint, &form, &at)
            .await
            .map_err(Failure::into_error)?;
        let life = Duration::from_secs(started.expires_in.min(LIFE));
        let interval = Duration::from_secs(started.interval.unwrap_or(INTERVAL));
        Ok(DeviceAuthorization {
            account,
            provider: provider.id.clone(),
            scopes: provider.scopes.clone(),
            device_code: started.device_code,
            user_code: started.user_code,
            address: started.verification_uri,
            whole_address: started.verification_uri_complete,
            until: at.now.saturating_add(life),
            interval: interval.clamp(Duration::from_secs(1), LONGEST),
        })
    }

    /// Asks the provider until the person has said yes or no, as often as it allows, and keeps the account.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the person said no.
    /// - [`ErrorKind::Expired`]: the time is over; begin again.
    /// - [`ErrorKind::Unexpected`]: the provider answers in another form than the standard's.
    /// - Those of the keys and the database. A provider that cannot be reached is asked again, less often.
    ///
    /// # Cancel safety
    /// Drop it to cancel. It may be called again with the same authorization, and goes on; only where it was dropped
    /// between the provider's yes and the end, the authorization is spent.
    pub async fn finish_device(&self, device: &mut DeviceAuthorization) -> Result<OAuthAccount> {
        let inner = self.inner();
        let provider = inner.provider(&device.provider)?;
        loop {
            if inner.clock.now().saturating_add(device.interval) > device.until {
                return Err(over());
            }
            sleep(device.interval).await;
            let at = Asking {
                operation: "oauth.finish_device",
                now: inner.clock.now(),
                patience: inner.options.patience(),
            };
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device.device_code.expose()),
            ];
            let failure = match tokens(&inner.client, &provider, &form, &at).await {
                Ok(answer) => {
                    let (account, scopes) = (&device.account, &device.scopes);
                    self.keep(account, &provider, scopes, &answer, at.now)
                        .await?;
                    return self.account(account).await;
                }
                Err(failure) => failure,
            };
            if failure.is("authorization_pending") {
                continue;
            }
            if failure.is("slow_down") {
                device.interval = device.interval.saturating_add(SLOWER).min(LONGEST);
                continue;
            }
            if failure.kind().is_retryable() {
                // Source: RFC 8628, 3.5: on a timeout the pauses grow, as by doubling.
                device.interval = device.interval.saturating_mul(2).min(LONGEST);
                continue;
            }
            return Err(failure.into_error());
        }
    }
}

fn over() -> Error {
    let message = "nobody has said yes in time; begin again";
    Error::new(ErrorKind::Expired, "oauth.finish_device", message)
}
