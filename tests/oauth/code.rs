//! Authorization code, PKCE, state, nonce, issuer.

use std::time::Duration;

use garland::ErrorKind;
use garland::connector::kit::HttpRequest;
use garland::oauth::{AccountState, AuthorizationRequest, Callback, Provider};

use crate::clock::START;
use crate::fake::{Bad, Habit};
use crate::world::{REDIRECT, SESSION, World, browse, name, redirected, refused, signed, text};

#[tokio::test]
async fn an_account_is_connected_and_signs() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let request = signed(&account).await.unwrap();
    let token = account.token().await.unwrap();
    assert!(token.is_on(&request));
    assert!(text(&token).starts_with("access-"));
    let record = account.record().await.unwrap();
    assert_eq!(record.provider, "fake");
    assert_eq!(record.state, AccountState::Connected);
    assert_eq!(
        record.expires,
        Some(START.saturating_add(Duration::from_secs(3600)))
    );
    assert_eq!(
        (record.generation, record.scopes),
        (1, vec!["files".to_owned()])
    );
    assert_eq!(world.events().await, ["oauth.connected"]);
    // Another process opens what this one sealed.
    let there = world.other().account(&name()).await.unwrap();
    assert_eq!(text(&there.token().await.unwrap()), text(&token));
    assert_eq!(world.fake.refreshes(), 0);
}

#[tokio::test]
async fn the_address_asks_for_what_is_right_and_shows_no_verifier() {
    let world = World::new(Habit::Strict).await;
    let started = world.begin().await;
    let url = started.url();
    for part in [
        "response_type=code",
        "client_id=app",
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb",
        "code_challenge_method=S256",
        "scope=files",
    ] {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains("nonce"), "nobody asked who it is");
    let callback = browse(url).await;
    world.oauth.finish(SESSION, &callback).await.unwrap();
    let verifier = world.fake.book().forms[0]["code_verifier"].clone();
    assert!(!url.contains(&verifier));
    let again = world.begin().await;
    assert_ne!(again.state(), started.state());
}

#[tokio::test]
async fn a_state_is_good_once() {
    let world = World::new(Habit::Strict).await;
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    world.oauth.finish(SESSION, &callback).await.unwrap();
    refused(
        world.oauth.finish(SESSION, &callback).await,
        ErrorKind::Refused,
    );
    // A second answer with a good code does not help.
    let again = browse(started.url()).await;
    refused(
        world.oauth.finish(SESSION, &again).await,
        ErrorKind::Refused,
    );
    assert_eq!(world.fake.book().forms.len(), 1, "nothing was asked for it");
}

#[tokio::test]
async fn of_two_that_bring_one_state_at_once_one_wins() {
    let world = World::new(Habit::Strict).await;
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    let (here, there) = (world.oauth.clone(), world.other());
    let (one, other) = tokio::join!(
        here.finish(SESSION, &callback),
        there.finish(SESSION, &callback)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(world.fake.book().forms.len(), 1);
}

#[tokio::test]
async fn an_answer_belongs_to_the_session_that_asked() {
    let world = World::new(Habit::Strict).await;
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    for session in ["browser-8", "", "browser-77"] {
        refused(
            world.oauth.finish(session, &callback).await,
            ErrorKind::Refused,
        );
    }
    // A stranger has not spoilt it.
    world.oauth.finish(SESSION, &callback).await.unwrap();
}

#[tokio::test]
async fn unknown_and_missing_states_are_refused() {
    let world = World::new(Habit::Strict).await;
    for query in [
        "code=x",
        "code=x&state=",
        "code=x&state=made-up",
        "state=%00",
    ] {
        let callback = Callback::parse(query).unwrap();
        refused(
            world.oauth.finish(SESSION, &callback).await,
            ErrorKind::Refused,
        );
    }
    refused(Callback::parse("state=a&state=a"), ErrorKind::InvalidInput);
    refused(
        Callback::parse("code=a&state=a&code=b"),
        ErrorKind::InvalidInput,
    );
}

#[tokio::test]
async fn an_authorization_ends_by_itself() {
    let world = World::new(Habit::Strict).await;
    let started = world.begin().await;
    let callback = browse(started.url()).await;
    world.clock.forward(Duration::from_secs(600));
    refused(
        world.oauth.finish(SESSION, &callback).await,
        ErrorKind::Expired,
    );
    refused(
        world.oauth.finish(SESSION, &callback).await,
        ErrorKind::Refused,
    );
}

#[tokio::test]
async fn a_code_of_another_authorization_fails_by_pkce() {
    let world = World::new(Habit::Strict).await;
    let (mine, theirs) = (world.begin().await, world.begin().await);
    let code = redirected(theirs.url()).await;
    let code = code.split_once("code=").unwrap().1;
    let mixed = format!("state={}&code={code}", mine.state());
    let callback = Callback::parse(&mixed).unwrap();
    let error = refused(
        world.oauth.finish(SESSION, &callback).await,
        ErrorKind::Unauthenticated,
    );
    assert!(error.to_string().contains("invalid_grant"), "{error}");
}

#[tokio::test]
async fn the_issuer_is_compared() {
    let mut world = World::new(Habit::Strict).await;
    let provider = world
        .fake
        .provider()
        .with_issuer("https://issuer.test", true);
    world.oauth = crate::world::service(
        &world.backend,
        std::sync::Arc::new(world.clock.clone()),
        provider,
        garland::oauth::OAuthOptions::default(),
    );
    for (issuer, is_good) in [
        (Some("https://issuer.test"), true),
        (Some("https://issuer.test/"), false),
        (Some("https://evil.test"), false),
        (None, false),
    ] {
        world.fake.book().issuer = issuer.map(str::to_owned);
        let started = world.begin().await;
        let callback = browse(started.url()).await;
        let before = world.fake.book().forms.len();
        let done = world.oauth.finish(SESSION, &callback).await;
        assert_eq!(done.is_ok(), is_good, "{issuer:?} {done:?}");
        if !is_good {
            refused(done, ErrorKind::Refused);
            assert_eq!(
                world.fake.book().forms.len(),
                before,
                "the code went nowhere"
            );
        }
    }
}

#[tokio::test]
async fn the_nonce_is_of_this_authorization() {
    let world = World::new(Habit::Strict).await;
    let request = || {
        AuthorizationRequest::new(name(), "fake", REDIRECT, SESSION)
            .with_scopes(["openid", "files"])
    };
    let started = world.oauth.begin(request()).await.unwrap();
    assert!(started.url().contains("nonce="));
    let callback = browse(started.url()).await;
    world.oauth.finish(SESSION, &callback).await.unwrap();

    let replayed = started.url().split_once("nonce=").unwrap().1.to_owned();
    world.fake.book().nonce = Some(replayed);
    let started = world.oauth.begin(request()).await.unwrap();
    let callback = browse(started.url()).await;
    refused(
        world.oauth.finish(SESSION, &callback).await,
        ErrorKind::Refused,
    );
}

#[tokio::test]
async fn what_the_provider_says_has_a_kind() {
    let world = World::new(Habit::Strict).await;
    for (code, kind) in [
        ("access_denied", ErrorKind::Denied),
        ("temporarily_unavailable", ErrorKind::Unavailable),
        ("server_error", ErrorKind::Unavailable),
        ("invalid_scope", ErrorKind::InvalidInput),
        ("unauthorized_client", ErrorKind::Denied),
        ("login_required", ErrorKind::Unauthenticated),
        ("something else entirely", ErrorKind::Denied),
    ] {
        world.fake.book().refuses = Some(code.to_owned());
        let started = world.begin().await;
        let callback = browse(started.url()).await;
        assert!(callback.is_refusal());
        let error = refused(world.oauth.finish(SESSION, &callback).await, kind);
        assert_eq!(
            error.to_string().contains(code),
            !code.contains(' '),
            "{error}"
        );
    }
    world.fake.book().refuses = None;
    for (bad, kind) in [
        (Bad::Page, ErrorKind::Unavailable),
        (Bad::LostAnswer, ErrorKind::Unavailable),
        (
            Bad::Says(503, serde_json::json!({})),
            ErrorKind::Unavailable,
        ),
        (
            Bad::Says(429, serde_json::json!({})),
            ErrorKind::RateLimited,
        ),
        (
            Bad::Says(401, serde_json::json!({"error": "invalid_client"})),
            ErrorKind::Denied,
        ),
        (
            Bad::Says(200, serde_json::json!({"token": 1})),
            ErrorKind::Unexpected,
        ),
        (
            Bad::Says(200, serde_json::json!({"error": "bad_verification_code"})),
            ErrorKind::InvalidInput,
        ),
        (
            Bad::Says(200, serde_json::json!({"result": 2012})),
            ErrorKind::Unauthenticated,
        ),
        (Bad::Says(302, serde_json::json!({})), ErrorKind::Refused),
    ] {
        world.fake.book().bad.push_back(bad.clone());
        let started = world.begin().await;
        let callback = browse(started.url()).await;
        println!("{bad:?}");
        refused(world.oauth.finish(SESSION, &callback).await, kind);
    }
    assert_eq!(world.oauth.accounts().await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_cannot_be_is_not_begun() {
    let world = World::new(Habit::Strict).await;
    let asked = |provider: &str, redirect: &str, session: &str| {
        world.oauth.begin(AuthorizationRequest::new(
            name(),
            provider,
            redirect,
            session,
        ))
    };
    refused(asked("other", REDIRECT, SESSION).await, ErrorKind::NotFound);
    refused(
        asked("fake", "nowhere", SESSION).await,
        ErrorKind::InvalidInput,
    );
    refused(
        asked("fake", "http://example.com/cb", SESSION).await,
        ErrorKind::InvalidInput,
    );
    refused(
        asked("fake", "https://example.com/cb#x", SESSION).await,
        ErrorKind::InvalidInput,
    );
    refused(asked("fake", REDIRECT, "").await, ErrorKind::InvalidInput);
    asked("fake", "com.example.app:/cb", SESSION).await.unwrap();
}

#[test]
fn presets_fit() {
    let presets = [
        Provider::google("id"),
        Provider::dropbox("id"),
        Provider::microsoft("common", "id"),
        Provider::box_("id"),
        Provider::pcloud("id"),
    ];
    for preset in presets {
        preset.check().unwrap();
        let moved = preset
            .clone()
            .with_base(&"http://127.0.0.1:1".parse().unwrap());
        moved.check().unwrap();
        assert!(
            moved.token.starts_with("http://127.0.0.1:1/"),
            "{}",
            moved.token
        );
        let odd = preset.with_parameter("state", "x");
        refused(odd.check(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn disconnecting_gives_the_tokens_back_and_destroys_their_key() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    let other = world.other().account(&name()).await.unwrap();
    assert!(world.oauth.disconnect(&name()).await.unwrap());
    let revoked = world.fake.book().revoked.clone();
    assert_eq!(revoked.len(), 1);
    assert!(revoked[0].starts_with("refresh-"), "{revoked:?}");
    refused(account.token().await, ErrorKind::Unauthenticated);
    refused(world.oauth.account(&name()).await, ErrorKind::NotFound);
    refused(world.oauth.disconnect(&name()).await, ErrorKind::NotFound);
    assert_eq!(
        world.events().await,
        ["oauth.connected", "oauth.disconnected"]
    );
    // Another process has a token in memory, and finds out when it runs out or is refused.
    assert!(other.token().await.is_ok());
    world.clock.forward(Duration::from_secs(3600));
    refused(other.token().await, ErrorKind::Unauthenticated);
    // It can be connected again.
    let account = world.connect().await;
    let request: HttpRequest = signed(&account).await.unwrap();
    assert!(other.token().await.unwrap().is_on(&request));
}
