//! Giving tokens back.

use crate::error::ErrorKind;

use super::answer::Failure;
use super::endpoint::{Asking, ask_empty};
use super::provider::Provider;
use super::records::TokenSet;
use super::service::Inner;

/// Revokes a refresh token, and with it what came of it; without one the access token
/// ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). Tells whether the provider says that it is done.
pub(super) async fn revoke(inner: &Inner, provider: &Provider, tokens: &TokenSet) -> bool {
    let Some(url) = provider.revocation.as_deref() else {
        return false;
    };
    let at = Asking {
        operation: "oauth.revoke",
        now: inner.clock.now(),
        patience: inner.options.patience(),
    };
    let (token, hint) = match &tokens.refresh {
        Some(refresh) => (refresh, "refresh_token"),
        None => (&tokens.access, "access_token"),
    };
    let form = [("token", token.expose()), ("token_type_hint", hint)];
    let revoked: Result<(), Failure> = ask_empty(&inner.client, provider, url, &form, &at).await;
    match revoked {
        Ok(()) => true,
        // One that is not known there any more is as good as revoked.
        Err(failure) => failure.is("invalid_token") || failure.kind() == ErrorKind::Unauthenticated,
    }
}
