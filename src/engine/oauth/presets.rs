//! Providers that many have accounts at.

use std::time::Duration;

use super::provider::Provider;

/// Box forgets a refresh token that nobody used for 60 days.
const BOX_REFRESH: Duration = Duration::from_secs(60 * 24 * 3600);

impl Provider {
    /// [Google](https://developers.google.com/identity/protocols/oauth2/native-app): `access_type=offline`, and
    /// `prompt=consent` because a refresh token comes with a consent only. A program under test loses its refresh tokens
    /// after seven days; Google says so in `refresh_token_expires_in`. Scope: the whole of Drive.
    ///
    /// Google wants the client's secret from desktop programs too, though it is none there: give it by
    /// [`with_authentication`](Self::with_authentication).
    #[must_use]
    pub fn google(client_id: impl Into<String>) -> Self {
        Self::new("google", client_id, "https://oauth2.googleapis.com/token")
            .with_authorization("https://accounts.google.com/o/oauth2/v2/auth")
            .with_device("https://oauth2.googleapis.com/device/code")
            .with_revocation("https://oauth2.googleapis.com/revoke")
            .with_issuer("https://accounts.google.com", false)
            .with_scopes(["https://www.googleapis.com/auth/drive"])
            .with_parameter("access_type", "offline")
            .with_parameter("prompt", "consent")
    }

    /// [Dropbox](https://developers.dropbox.com/oauth-guide): `token_access_type=offline`. Scopes are those of the app
    /// unless some are named. Refresh tokens stay as they are. Dropbox has no revocation endpoint of the standard's form.
    #[must_use]
    pub fn dropbox(client_id: impl Into<String>) -> Self {
        let token = "https://api.dropboxapi.com/oauth2/token";
        Self::new("dropbox", client_id, token)
            .with_authorization("https://www.dropbox.com/oauth2/authorize")
            .with_parameter("token_access_type", "offline")
    }

    /// [Microsoft](https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow) for OneDrive and
    /// SharePoint. `tenant` is `common`, `organizations`, `consumers`, or the id or domain of one. Refresh tokens change
    /// with each use. There is no revocation endpoint.
    #[must_use]
    pub fn microsoft(tenant: &str, client_id: impl Into<String>) -> Self {
        let base = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0");
        Self::new("microsoft", client_id, format!("{base}/token"))
            .with_authorization(format!("{base}/authorize"))
            .with_device(format!("{base}/devicecode"))
            .with_scopes(["Files.ReadWrite.All", "offline_access"])
    }

    /// [Box](https://developer.box.com/guides/authentication/oauth2/): a refresh token is good once, for 60 days. Box
    /// takes the client's secret in the body.
    #[must_use]
    pub fn box_(client_id: impl Into<String>) -> Self {
        Self::new("box", client_id, "https://api.box.com/oauth2/token")
            .with_authorization("https://account.box.com/api/oauth2/authorize")
            .with_revocation("https://api.box.com/oauth2/revoke")
            .with_refresh_life(BOX_REFRESH)
    }

    /// [pCloud](https://docs.pcloud.com/methods/oauth_2.0/authorize.html) in its American region; for the European one set
    /// [`Provider::token`] to the same path at `https://eapi.pcloud.com`. Tokens last until they are taken back, and
    /// there are no others to refresh them. pCloud takes the client's secret in the body, and ignores PKCE.
    #[must_use]
    pub fn pcloud(client_id: impl Into<String>) -> Self {
        Self::new("pcloud", client_id, "https://api.pcloud.com/oauth2_token")
            .with_authorization("https://my.pcloud.com/oauth2/authorize")
    }
}
