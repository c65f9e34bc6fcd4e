//! Changes of sections, delivered to a server as signed webhooks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use garland::backends::Memory;
use garland::connector::WebhookDelivery;
use garland::crypto::signatures::{Scheme, SigningSecret, WebhookSigner, WebhookVerifier};
use garland::outbound::http::{HttpLimits, WebhookSender};
use garland::permission::TrustedHost;
use garland::section::{
    Partner, PartnerEnd, PartnerOptions, PartnerSecrets, Partners, PolicyOptions, SectionService,
    StoredPolicy, WebhookTransport,
};
use garland::storage::{Precondition, Store};
use garland::wedding::UtcOnly;
use garland::{Chance, Clock, Error, ErrorKind, OrganizationId, Result, SystemClock};
use serde_json::{Value, json};

use crate::server::{Act, Server, client};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Has one secret and no other.
#[derive(Debug)]
struct Safe;

#[async_trait]
impl PartnerSecrets for Safe {
    async fn signer(&self, _: &OrganizationId, secret: &str) -> Result<WebhookSigner> {
        if secret == "crm-key" {
            return Ok(WebhookSigner::new(SigningSecret::parse(SECRET)?));
        }
        let message = "there is no such secret";
        Err(Error::new(ErrorKind::NotFound, "safe.signer", message))
    }
}

fn studio() -> (SectionService, Partners) {
    let backend = Arc::new(Memory::new());
    let store = Store::new(Arc::<Memory>::clone(&backend), OrganizationId::default());
    let (clock, trusted) = (Arc::new(SystemClock::new()), Arc::new(TrustedHost::new()));
    let zones = Arc::new(UtcOnly::new());
    let policy = StoredPolicy::new(
        backend,
        zones,
        Arc::<SystemClock>::clone(&clock),
        PolicyOptions::default(),
    );
    let sender = WebhookSender::new(
        client(HttpLimits::default()),
        Arc::<SystemClock>::clone(&clock),
    );
    let transport = Arc::new(WebhookTransport::new(sender, Arc::new(Safe)));
    let options = PartnerOptions::default().with_base(Duration::from_millis(1));
    let sections = SectionService::new(
        store.clone(),
        policy.clone(),
        Arc::<TrustedHost>::clone(&trusted),
        Arc::<SystemClock>::clone(&clock),
        Chance::seeded(1),
    );
    let chance = Chance::seeded(2);
    let partners = Partners::new(store, policy, trusted, transport, clock, chance, options);
    (sections, partners)
}

async fn put(partners: &Partners, url: &str, secret: &str) {
    let partner = Partner::new(url, secret).with_settings(json!({"syncLayout": true}));
    partners
        .put("crm", &partner, Precondition::Any)
        .await
        .unwrap();
}

fn placed(position: u16) -> Value {
    json!({"id": "b", "organizationId": "default", "sectionType": "budget", "layout": {"position": position}})
}

#[tokio::test]
async fn w3_every_change_arrives_signed_and_in_order_at_a_server_that_stumbles() {
    let ok = || Act::answer("200 OK", "", "");
    let busy = || Act::answer("503 Busy", "", "");
    // Fails, takes; breaks off and takes; takes; is told that it wants no more.
    let acts = vec![
        busy(),
        busy(),
        ok(),
        Act::Say(String::new()),
        ok(),
        ok(),
        Act::answer("410 Gone", "", ""),
    ];
    let server = Server::start(acts);
    let url = server.url("crm.example.com", "/hook");
    let (sections, partners) = studio();
    put(&partners, &url, "crm-key").await;
    let mut version = sections.create(&placed(1)).await.unwrap().version;
    for position in 2..=4 {
        let changes = json!({"layout": {"position": position}});
        let patched = sections.patch("b", None, &changes, version).await.unwrap();
        version = patched.version;
    }
    assert_eq!(partners.deliver("crm").await.unwrap(), PartnerEnd::Stopped);

    let mut heard = Vec::new();
    for _ in 0..7 {
        let request = server.request();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let delivery = lines.fold(
            WebhookDelivery::new("POST", &url, body.to_owned()),
            |all, (name, value)| all.with_header(name, value),
        );
        let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &[SECRET.into()]).unwrap();
        let verified = verifier
            .verify(&delivery, SystemClock::new().now())
            .unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let position = body["changes"]["layout"]["position"].as_u64().unwrap();
        heard.push((position, verified.id.unwrap()));
    }
    let positions: Vec<_> = heard.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, [1, 1, 1, 2, 2, 3, 4]);
    // One id for each message, whatever it took.
    let mut ids: Vec<_> = heard.iter().map(|(_, id)| id.clone()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[3] == ids[4]);
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(!server.has_more());
}

#[tokio::test]
async fn s1_a_partner_inside_the_network_or_without_a_secret_is_stopped_and_nothing_is_sent() {
    let server = Server::start(vec![Act::answer("200 OK", "", "")]);
    let inside = server.url("crm.example.com", "/hook");
    for (url, secret, why) in [
        ("https://169.254.169.254/latest/", "crm-key", "refused"),
        ("http://10.0.0.1/", "crm-key", "refused"),
        (inside.as_str(), "another-key", "there is no such secret"),
    ] {
        let (sections, partners) = studio();
        put(&partners, url, secret).await;
        sections.create(&placed(1)).await.unwrap();
        assert_eq!(partners.deliver("crm").await.unwrap(), PartnerEnd::Stopped);
        let (_, place) = partners.get("crm").await.unwrap().unwrap();
        let stopped = place.stopped.unwrap();
        assert!(stopped.contains(why), "{url}: {stopped}");
    }
    assert!(!server.has_more());
}
