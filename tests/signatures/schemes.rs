//! Each platform's way, with signatures made by another implementation or published by the platform.

use garland::connector::WebhookDelivery;
use garland::crypto::signatures::Scheme;

use crate::{BODY, KEY, OTHER, SENT, URL, delivery, verify};

const HEX: &str = "3308d0984c838c57ad123f1a5cfaf4f8806a8fd2ad714a85f896be64be827e82";
const BASE64: &str = "MwjQmEyDjFetEj8aXPr0+IBqj9KtcUqF+Ja+ZL6CfoI=";

#[test]
fn w1_the_body_alone() {
    let hex = |prefix: &str| format!("{prefix}{HEX}");
    let base64 = |prefix: &str| format!("{prefix}{BASE64}");
    for (scheme, header, value) in [
        (Scheme::HUB_SHA256, "X-Hub-Signature-256", hex("sha256=")),
        (Scheme::DROPBOX, "X-Dropbox-Signature", hex("")),
        (
            Scheme::BACKBLAZE,
            "X-Bz-Event-Notification-Signature",
            hex("v1="),
        ),
        (Scheme::SHOPIFY, "X-Shopify-Hmac-SHA256", base64("")),
        (Scheme::X, "x-twitter-webhooks-signature", base64("sha256=")),
    ] {
        let good = delivery(&[(header, &value)]);
        let verified = verify(scheme, &[KEY], &good, 0).unwrap();
        assert_eq!((verified.id, verified.sent), (None, None), "{header}");
        assert!(verify(scheme, &[OTHER], &good, 0).is_err(), "{header}");

        let mut longer = good.clone();
        longer.body = format!("{BODY} ").into();
        assert!(verify(scheme, &[KEY], &longer, 0).is_err(), "{header}");
        for wrong in [
            value.to_uppercase(),
            format!(" {value}"),
            format!("{value},{value}"),
            value[..value.len() - 1].to_owned(),
            String::new(),
        ] {
            let bad = delivery(&[(header, &wrong)]);
            assert!(
                verify(scheme, &[KEY], &bad, 0).is_err(),
                "{header}: {wrong}"
            );
        }
    }
}

#[test]
fn w2_a_signed_time_and_the_body() {
    let slack_body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
        channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
        command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F\
        T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let slack = WebhookDelivery::new("POST", URL, slack_body)
        .with_header("X-Slack-Request-Timestamp", "1531420618")
        .with_header(
            "X-Slack-Signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        );
    let frame_io = delivery(&[
        ("X-Frameio-Request-Timestamp", "1700000000"),
        (
            "X-Frameio-Signature",
            "v0=af85b7acea7bdaf6e77fe2f3c58be725a66f9f1cfe12239d00ce53f657a43299",
        ),
    ]);
    let tiktok = delivery(&[(
        "TikTok-Signature",
        "t=1700000000,s=9b8faa484176a4e9b7367c0d5338266d095e78ff69988c2f0bbc3e41d9130ea0",
    )]);
    let hubspot = delivery(&[
        ("X-HubSpot-Request-Timestamp", "1700000000123"),
        (
            "X-HubSpot-Signature-v3",
            "iQNxDCIuSDrLj6pTJPexSg0xWoeG+vokmswGYhbjt3U=",
        ),
    ]);
    for (scheme, secret, good, sent, window) in [
        (
            Scheme::SLACK,
            "8f742231b10e8888abcd99yyyzzz85a5",
            slack,
            1_531_420_618,
            300,
        ),
        (Scheme::FRAME_IO, KEY, frame_io, SENT, 300),
        (Scheme::TIKTOK, KEY, tiktok, SENT, 300),
        (Scheme::HUBSPOT, KEY, hubspot, SENT, 300),
    ] {
        let verified = verify(scheme, &[secret], &good, sent).unwrap();
        assert!(verified.id.is_some() && verified.id_is_signed, "{scheme:?}");
        assert!(verify(scheme, &[secret], &good, sent + window).is_ok());
        assert!(
            verify(scheme, &[secret], &good, sent + window + 1)
                .unwrap_err()
                .contains("too old")
        );
        assert!(verify(scheme, &[secret], &good, sent - window + 1).is_ok());
        let early = verify(scheme, &[secret], &good, sent - window - 1).unwrap_err();
        assert!(early.contains("future"), "{early}");
        for (number, (name, value)) in good.headers.iter().enumerate() {
            let mut bad = good.clone();
            let later = value
                .replacen("17000", "17001", 1)
                .replacen("1531420618", "1531420619", 1);
            bad.headers[number].1.clone_from(&later);
            if later != *value {
                assert!(verify(scheme, &[secret], &bad, sent).is_err(), "{name}");
            }
        }
    }
}

#[test]
fn w2_box_signs_with_two_keys() {
    let stamp = ("BOX-DELIVERY-TIMESTAMP", "2023-11-14T14:13:20-08:00");
    let first = (
        "BOX-SIGNATURE-PRIMARY",
        "jRUlAwz4iMn7RfKEQ3fIj1nxoSshkVsBwyE/0ioWUX4=",
    );
    let second = (
        "BOX-SIGNATURE-SECONDARY",
        "fBooCxp9bn7blLdU2/c97YFwbPY4zrRE4o7E9c/VLMQ=",
    );
    let both = delivery(&[stamp, first, second]);
    for (secrets, right) in [
        (&[KEY, OTHER][..], 0),
        (&[OTHER][..], 0),
        (&["not this key", OTHER][..], 1),
    ] {
        let verified = verify(Scheme::BOX, secrets, &both, SENT).unwrap();
        assert_eq!(
            (verified.secret, verified.sent),
            (right, Some(crate::at(SENT)))
        );
    }
    assert!(verify(Scheme::BOX, &[OTHER], &delivery(&[stamp, first]), SENT).is_err());
    assert!(verify(Scheme::BOX, &[KEY], &delivery(&[first, second]), SENT).is_err());
    assert!(verify(Scheme::BOX, &[KEY], &both, SENT + 600).is_ok());
    assert!(verify(Scheme::BOX, &[KEY], &both, SENT + 601).is_err());
}

#[test]
fn w1_address_and_fields() {
    let form = |body: &'static str, signature: &str| {
        WebhookDelivery::new("POST", URL, body)
            .with_header(
                "Content-Type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .with_header("X-Twilio-Signature", signature)
    };
    let right = "3J+3iVptRf5rJaa8ShBU4apJ4lU=";
    let body = "To=%2B18005551212&Body=caf%C3%A9+%26+more&From=%2B14158675309&Empty=";
    let good = form(body, right);
    assert!(verify(Scheme::TWILIO, &[KEY], &good, 0).is_ok());
    let mut mandrill = good.clone();
    mandrill.headers[1].0 = "X-Mandrill-Signature".to_owned();
    assert!(verify(Scheme::MANDRILL, &[KEY], &mandrill, 0).is_ok());

    let mut elsewhere = good;
    elsewhere.url = URL.replace("https", "http");
    assert!(verify(Scheme::TWILIO, &[KEY], &elsewhere, 0).is_err());
    for bad in [
        "To=%2B18005551212&Body=caf%C3%A9+%26+more&From=%2B14158675309&Empty=&Empty=",
        "To=%2B18005551212&Body=caf%C3%A9+%26+more&From=%2B14158675309&Empty=%",
        "To=%2B18005551212&Body=caf%C3%A9+%26+more&From=%2B14158675309&Empty=%+4",
        "To=%2B18005551212&Body=caf%C3%A9+%26+more&From=%2B14158675309&Empty=1",
    ] {
        assert!(
            verify(Scheme::TWILIO, &[KEY], &form(bad, right), 0).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn w1_a_body_that_the_address_does_not_cover_is_refused() {
    let other = |url: &str, body: &'static str, signature: &str| {
        WebhookDelivery::new("POST", url, body)
            .with_header("Content-Type", "application/json")
            .with_header("X-Twilio-Signature", signature)
    };
    let alone = "AuDiHnouAErJHdcN500kxjYu6a0=";
    assert!(verify(Scheme::TWILIO, &[KEY], &other(URL, "", alone), 0).is_ok());
    assert!(verify(Scheme::TWILIO, &[KEY], &other(URL, BODY, alone), 0).is_err());
    let digest = "27ebfe91a318dc07829eec267640f3751e9a3cdc12079c47803ad76b3404b82e";
    let url = format!("{URL}&bodySHA256={digest}");
    let covered = "pmdnIgh8j2hKTLaFyQY10ZJRtOw=";
    assert!(verify(Scheme::TWILIO, &[KEY], &other(&url, BODY, covered), 0).is_ok());
    assert!(verify(Scheme::TWILIO, &[KEY], &other(&url, "{}", covered), 0).is_err());
}

#[test]
fn c6_a_token_comes_back_whole_or_not_at_all() {
    let token = "a token of 32 characters, drawn!";
    let google = |value: &str| delivery(&[("X-Goog-Channel-Token", value)]);
    assert!(verify(Scheme::GOOGLE_CHANNEL, &[token], &google(token), 0).is_ok());
    for wrong in [
        "",
        &token[1..],
        &token[..31],
        &format!("{token} "),
        &token.to_uppercase(),
    ] {
        assert!(
            verify(Scheme::GOOGLE_CHANNEL, &[token], &google(wrong), 0).is_err(),
            "{wrong}"
        );
    }
    assert!(verify(Scheme::GOOGLE_CHANNEL, &[token], &delivery(&[]), 0).is_err());

    let graph = |body: String| WebhookDelivery::new("POST", URL, body);
    let one = |state: &str| format!(r#"{{"clientState":"{state}","resource":"me/drive/root"}}"#);
    let all = |states: &[&str]| {
        let states: Vec<String> = states.iter().map(|state| one(state)).collect();
        graph(format!(r#"{{"value":[{}]}}"#, states.join(",")))
    };
    let scheme = Scheme::MICROSOFT_GRAPH;
    assert!(verify(scheme, &[token], &all(&[token]), 0).is_ok());
    assert!(verify(scheme, &[token], &all(&[token, token]), 0).is_ok());
    assert_eq!(
        verify(scheme, &["0123456789abcdef", token], &all(&[token]), 0)
            .unwrap()
            .secret,
        1
    );
    assert!(verify(scheme, &[token], &all(&[token, "another"]), 0).is_err());
    assert!(verify(scheme, &[token], &all(&[]), 0).is_err());
    for body in [
        "",
        "{}",
        r#"{"value":[{}]}"#,
        r#"{"value":[{"clientState":null}]}"#,
    ] {
        assert!(
            verify(scheme, &[token], &graph(body.to_owned()), 0).is_err(),
            "{body}"
        );
    }
}

#[test]
fn w1_what_is_doubled_is_refused() {
    let good = ("X-Hub-Signature-256", format!("sha256={HEX}"));
    let twice = delivery(&[(good.0, &good.1), ("x-hub-signature-256", &good.1)]);
    assert!(
        verify(Scheme::HUB_SHA256, &[KEY], &twice, 0)
            .unwrap_err()
            .contains("twice")
    );
    let named = delivery(&[
        (good.0, &good.1),
        ("X-GitHub-Delivery", "72d3162e-cc78-11e3"),
    ]);
    let verified = verify(Scheme::HUB_SHA256, &[KEY], &named, 0).unwrap();
    assert_eq!(verified.id.as_deref(), Some("72d3162e-cc78-11e3"));
    assert!(!verified.id_is_signed);

    let right = "9b8faa484176a4e9b7367c0d5338266d095e78ff69988c2f0bbc3e41d9130ea0";
    for value in [
        format!("t=1700000000,t=1700000000,s={right}"),
        format!("t=1700000000,s={right},"),
        format!("s={right}"),
        "t=1700000000".to_owned(),
        format!("t=1700000000{}", format!(",s={right}").repeat(17)),
    ] {
        let bad = delivery(&[("TikTok-Signature", &value)]);
        assert!(
            verify(Scheme::TIKTOK, &[KEY], &bad, SENT).is_err(),
            "{value}"
        );
    }
    let several = format!("x=y,t=1700000000, s=nothing,s={right}");
    let good = delivery(&[("TikTok-Signature", &several)]);
    assert!(verify(Scheme::TIKTOK, &[KEY], &good, SENT).is_ok());
}
