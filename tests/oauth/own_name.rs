//! Programs in their own name.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use garland::ErrorKind;
use garland::connector::kit::{Credentials as _, HttpClient, HttpOptions, HttpRequest};
use garland::oauth::{ClientAuthentication, ClientCredentials, ServiceAccount, ServiceAccountKey};

use crate::clock::SetClock;
use crate::fake::{Bad, Fake, Habit};
use crate::world::{refused, text};

const KEY: &str = include_str!("data/service_account.json");

/// What OpenSSL signs of the same claims: RS256 leaves nothing to chance.
const ASSERTION: &str = include_str!("data/assertion.txt");

fn client() -> HttpClient {
    HttpClient::new(HttpOptions::default()).unwrap()
}

#[tokio::test]
async fn a_client_proves_itself_and_keeps_its_token_while_it_is_good() {
    let fake = Fake::start(Habit::Strict).await;
    let clock = SetClock::default();
    let secret = "a secret with: odd/signs";
    let basic = ClientAuthentication::Basic(secret.into());
    let provider = fake
        .provider()
        .with_authentication(basic)
        .with_parameter("box_subject_id", "7");
    let own = ClientCredentials::new(provider, client(), Arc::new(clock.clone())).unwrap();
    let all = futures_util::future::join_all((0..10).map(|_| own.token())).await;
    let token = text(all[0].as_ref().unwrap());
    assert!(all.iter().all(|one| text(one.as_ref().unwrap()) == token));
    {
        let book = fake.book();
        assert_eq!(book.forms.len(), 1, "one asks for all");
        assert_eq!(book.forms[0]["grant_type"], "client_credentials");
        assert_eq!(
            (&*book.forms[0]["scope"], &*book.forms[0]["box_subject_id"]),
            ("files", "7")
        );
        assert!(!book.forms[0].contains_key("client_secret"));
        let login = book.headers[0]["authorization"].to_str().unwrap();
        let login = STANDARD
            .decode(login.strip_prefix("Basic ").unwrap())
            .unwrap();
        // Source: RFC 6749, 2.3.1: each half is form-encoded first.
        assert_eq!(login, b"app:a+secret+with%3A+odd%2Fsigns");
    }
    clock.forward(Duration::from_secs(3600 - 121));
    assert_eq!(text(&own.token().await.unwrap()), token);
    clock.forward(Duration::from_secs(1));
    let mut request = HttpRequest::get("https://api.example.com/");
    own.sign(&mut request).await.unwrap();
    assert!(own.refused(&request).await.unwrap());
    let next = own.token().await.unwrap();
    assert!(!next.is_on(&request));
    assert_eq!(fake.book().forms.len(), 3);
}

#[tokio::test]
async fn the_secret_goes_in_the_body_where_a_provider_wants_it_there() {
    let fake = Fake::start(Habit::Strict).await;
    let post = ClientAuthentication::Post("s3cret".into());
    let provider = fake.provider().with_authentication(post);
    let own = ClientCredentials::new(provider, client(), Arc::new(SetClock::default())).unwrap();
    own.token().await.unwrap();
    let book = fake.book();
    assert_eq!(
        (
            &*book.forms[0]["client_id"],
            &*book.forms[0]["client_secret"]
        ),
        ("app", "s3cret")
    );
    assert!(!book.headers[0].contains_key("authorization"));
    let nobody = ClientCredentials::new(fake.provider(), client(), Arc::new(SetClock::default()));
    refused(nobody, ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_service_account_signs_as_openssl_does() {
    let fake = Fake::start(Habit::Strict).await;
    let token_uri = fake.provider().token;
    let scopes = ["https://www.googleapis.com/auth/drive"];
    let set = SetClock::default();
    let clock = Arc::new(set.clone());
    // Its file names the audience; the fake stands in for it at another address.
    let key = ServiceAccountKey::parse(KEY.as_bytes()).unwrap();
    assert_eq!(key.email(), "robot@garland-tests.iam.gserviceaccount.test");
    let key = key.with_token_endpoint(token_uri);
    let account = ServiceAccount::acting_for(key, scopes, "anna@example.com", client(), clock);
    account.token().await.unwrap();
    account.token().await.unwrap();
    let form = fake.book().forms[0].clone();
    assert_eq!(fake.book().forms.len(), 1);
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert_eq!(form["assertion"], ASSERTION.trim());
    assert!(!form.contains_key("client_id"));

    let no = serde_json::json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
    fake.book().bad.push_back(Bad::Says(400, no));
    set.forward(Duration::from_secs(3600));
    refused(account.token().await, ErrorKind::Unauthenticated);
}

#[test]
fn another_file_is_no_key() {
    let good: serde_json::Value = serde_json::from_str(KEY).unwrap();
    let changed = |field: &str, value: &str| {
        let mut file = good.clone();
        file[field] = value.into();
        file.to_string()
    };
    let pem = good["private_key"].as_str().unwrap();
    let marker = &pem[40..80];
    for file in [
        String::new(),
        "{}".into(),
        changed("type", "authorized_user"),
        changed("token_uri", "http://example.com/token"),
        changed("private_key", "secret"),
        changed(
            "private_key",
            &pem.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
        ),
        changed("private_key", &pem.replacen("MII", "AAA", 1)),
        format!("{{\"private_key\": {}, \"type\": 7}}", good["private_key"]),
    ] {
        let error = refused(
            ServiceAccountKey::parse(file.as_bytes()),
            ErrorKind::InvalidInput,
        );
        assert!(!format!("{error:?}").contains(marker), "{error:?}");
    }
    let key = ServiceAccountKey::parse(KEY.as_bytes()).unwrap();
    assert!(!format!("{key:?}").contains(marker));
}
