//! Questions that platforms ask first.

use garland::connector::WebhookDelivery;
use garland::crypto::SecretBytes;
use garland::crypto::signatures::Handshake;

fn answer(handshake: Handshake, method: &str, query: &str, token: Option<&str>) -> Option<String> {
    let url = format!("https://studio.example/hooks/7{query}");
    let request = WebhookDelivery::new(method, url, "");
    let token = token.map(SecretBytes::from);
    let reply = handshake.answer(&request, token.as_ref())?;
    assert_eq!((reply.status, reply.media_type), (200, "text/plain"));
    Some(String::from_utf8(reply.body.to_vec()).unwrap())
}

#[test]
fn w1_a_challenge_is_echoed_as_it_was_meant() {
    let dropbox = |method: &str, query: &str| answer(Handshake::Dropbox, method, query, None);
    assert_eq!(dropbox("GET", "?challenge=abc").as_deref(), Some("abc"));
    assert_eq!(dropbox("POST", "?challenge=abc"), None);
    assert_eq!(dropbox("GET", "?challenge=a&challenge=b"), None);
    assert_eq!(dropbox("GET", "?challenge=%3Cscript%3E"), None);
    assert_eq!(dropbox("GET", "?challenge=a%0D%0Ab"), None);
    assert_eq!(dropbox("GET", "?challenge=%ff"), None);
    assert_eq!(
        dropbox("GET", &format!("?challenge={}", "a".repeat(1_025))),
        None
    );
    assert_eq!(dropbox("GET", ""), None);

    let graph = |query| answer(Handshake::MicrosoftGraph, "POST", query, None);
    let told = graph("?x=1&validationToken=Validation%3A+Testing%20client");
    assert_eq!(told.as_deref(), Some("Validation: Testing client"));
    assert_eq!(graph("?validation=1"), None);
}

#[test]
fn w1_meta_must_name_our_token() {
    let token = Some("the token we made up");
    let query =
        "?hub.mode=subscribe&hub.verify_token=the+token+we+made+up&hub.challenge=1158201444";
    let meta = |query: &str, token| answer(Handshake::Meta, "GET", query, token);
    assert_eq!(meta(query, token).as_deref(), Some("1158201444"));
    assert_eq!(meta(query, None), None);
    assert_eq!(meta(query, Some("")), None);
    assert_eq!(meta(query, Some("another")), None);
    assert_eq!(
        meta(&query.replace("subscribe", "unsubscribe"), token),
        None
    );
    assert_eq!(meta(&query.replace("hub.mode", "mode"), token), None);
    let empty = "?hub.mode=subscribe&hub.verify_token=&hub.challenge=1";
    assert_eq!(meta(empty, None), None);
}
