//! What others say: Google's own client of the fake, and Google's description of what the connector sends.

use garland::connector::{
    Expect, IdempotencyKey, LinkOptions, LinkScope, PlatformConnector, SubscriptionRequest,
    UploadRequest, WebhookSecret,
};

use super::fake::TOKEN;
use super::setup::{Setup, content, list, path, put, read, upload};
use crate::support::{Recorded, python};

#[tokio::test]
async fn the_client_of_google_takes_the_fake_for_drive() {
    let setup = Setup::new().await;
    let server = setup.server.address();
    python("google_drive/vendor.py", &[server, TOKEN]).await;
}
